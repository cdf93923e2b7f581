package mail

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	netmail "net/mail"
	"net/textproto"

	gomail "github.com/wneessen/go-mail"

	"github.com/jeton-io/jeton/internal/secret"
)

// submit hands a letter to the server. The error names no address: a server's own words may repeat one, so of its answer the code alone is
// told.
func (p *Post) submit(ctx context.Context, l *Letter) error {
	to, err := recipient(l.To)
	if err != nil {
		return err
	}
	m, err := p.write(l, to)
	if err != nil {
		return err
	}
	client, err := p.client()
	if err != nil {
		return fmt.Errorf("preparing to talk to the mail server: %w", err)
	}
	return plain(client.DialAndSendWithContext(ctx, m))
}

// write makes the message of a letter (RFC 5322). Whoever gets it is asked for no answer by a program (RFC 3834).
func (p *Post) write(l *Letter, to *netmail.Address) (*gomail.Msg, error) {
	id, err := secret.Random(22, p.cfg.Random)
	if err != nil {
		return nil, err
	}
	m := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	m.FromMailAddress(p.from)
	m.ToMailAddress(to)
	m.Subject(oneLine(l.Subject))
	m.SetMessageIDWithValue(id.Reveal() + "@" + p.domain())
	m.SetDateWithValue(p.cfg.Now())
	m.SetGenHeader("Auto-Submitted", "auto-generated")
	m.SetBodyString(gomail.TypeTextPlain, l.Body)
	return m, nil
}

// client prepares a connection, of which each letter has one: they are few.
func (p *Post) client() (*gomail.Client, error) {
	s := &p.cfg.Server
	options := []gomail.Option{
		gomail.WithPort(s.Port), gomail.WithTimeout(patience), gomail.WithHELO(p.cfg.Hello), gomail.WithoutNoop(),
		gomail.WithTLSConfig(&tls.Config{MinVersion: tls.VersionTLS12, ServerName: s.Host, RootCAs: p.cfg.Roots}),
	}
	switch {
	case s.Plain:
		options = append(options, gomail.WithTLSPolicy(gomail.NoTLS))
	case s.Implicit:
		options = append(options, gomail.WithSSL())
	default:
		options = append(options, gomail.WithTLSPolicy(gomail.TLSMandatory))
	}
	if s.User != "" {
		how := gomail.SMTPAuthAutoDiscover
		if s.Plain { // which no mechanism takes by itself
			how = gomail.SMTPAuthPlainNoEnc
		}
		options = append(options, gomail.WithSMTPAuth(how), gomail.WithUsername(s.User), gomail.WithPassword(s.Password.Reveal()))
	}
	return gomail.NewClient(s.Host, options...)
}

// plain returns what an operator may know of an error. It is errRefused where the server's answer to the letter is for good, which a code of
// 500 and more says (RFC 5321, section 4.2.1). To the greeting or the log-in it is not: an operator can mend that meanwhile.
func plain(err error) error {
	if err == nil {
		return nil
	}
	if sent, ok := errors.AsType[*gomail.SendError](err); ok {
		if code := sent.ErrorCode(); code != 0 {
			err = fmt.Errorf("%s: the mail server answers %d", sent.Reason, code)
		} else {
			err = fmt.Errorf("%s: no answer of the mail server", sent.Reason)
		}
		if sent.ErrorCode() >= 500 && !sent.IsTemp() {
			return fmt.Errorf("%w: %w", err, errRefused)
		}
		return err
	}
	if answer, ok := errors.AsType[*textproto.Error](err); ok {
		return fmt.Errorf("talking to the mail server: it answers %d", answer.Code)
	}
	return fmt.Errorf("talking to the mail server: %w", err)
}
