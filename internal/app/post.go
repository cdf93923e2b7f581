package app

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/link"
	"github.com/jeton-io/jeton/internal/mail"
	"github.com/jeton-io/jeton/internal/words"
)

// wirePost makes what sends mail, where a server is named.
func (n *node) wirePost(o *Options) (err error) {
	c := &o.Config
	spoken, ok := words.For(c.Language)
	if !ok {
		spoken, _ = words.For("en")
	}
	n.letters = mail.Desk{Words: spoken, URL: n.url}
	if c.SMTP.Host == "" {
		return nil
	}
	hello := "localhost"
	if u, err := url.Parse(n.url); err == nil && u.Hostname() != "" {
		hello = u.Hostname()
	}
	n.post, err = mail.New(mail.Config{
		Server: mail.Server{
			Host: c.SMTP.Host, Port: c.SMTP.Port, Implicit: c.SMTP.Implicit, Plain: c.SMTP.Plain, User: c.SMTP.User, Password: c.SMTPPassword,
		},
		From: c.MailFrom, Hello: hello, Now: o.Now, Random: o.Random, After: time.After, Told: n.tellOfMail,
	})
	if err != nil {
		return fmt.Errorf("preparing to send mail: %w", err)
	}
	return nil
}

// tellOfMail tells the operator of a mail that was not sent, and of nobody's address.
func (n *node) tellOfMail(err error, last bool) {
	ctx := context.Background()
	if errors.Is(err, mail.ErrNoRoom) {
		n.logger.ErrorContext(ctx, "no room for mails: further ones are given up until the mail server takes those that wait",
			"fix", "See that the mail server at --smtp-url answers; the lines before say what it did. Who got no link asks for one again.")
		return
	}
	if last {
		n.logger.ErrorContext(ctx, "a mail was not sent, and is not tried again", "error", err)
		return
	}
	n.logger.WarnContext(ctx, "a mail was not sent yet, and is tried again later", "error", err)
}

// lastMails is for how long mails are sent that wait when Jeton stops: the server is to take them meanwhile, and not to be waited for.
const lastMails = 5 * time.Second

// finishPost sends the mails that wait, and tells of those that are lost.
func (n *node) finishPost(ctx context.Context) {
	if n.post == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, lastMails)
	defer cancel()
	if lost := n.post.Finish(ctx); lost > 0 {
		n.logger.WarnContext(ctx, "mails are lost that waited for the mail server", "count", lost,
			"fix", "Who got no link asks for one again; the audit log tells what was done to accounts.")
	}
}

// sendLink returns what mails links, or nil where Jeton sends no mail.
func (n *node) sendLink() func(link.Mail) bool {
	if n.post == nil {
		return nil
	}
	return func(m link.Mail) bool {
		write := n.letters.Invitation
		if m.Purpose == link.Login {
			write = n.letters.Login
		}
		letter := write(personOf(&m.To), m.URL, m.ExpiresAt)
		letter.Lost = m.Lost
		return n.post.Send(letter)
	}
}

func personOf(u *account.User) mail.Person { return mail.Person{Name: u.Username, Email: u.Email} }
