package config

import (
	"net"
	"net/mail"
	"net/url"
	"slices"
	"strconv"
)

// SMTP is the mail server through which Jeton sends. The zero SMTP is none.
type SMTP struct {
	Host     string
	Port     int
	User     string // empty where there is nothing to log in with
	Implicit bool   // TLS begins with the connection, as at smtps://
	Plain    bool   // no TLS: the server is on this machine
}

// languages are those that Jeton speaks: the same as package words', which a test compares.
func languages() []string { return []string{"en", "fr", "de"} }

// mail reads how Jeton sends mail, and in which language.
func (r *reader) mail(c *Config, env map[string]string) {
	if c.Language = r.k.String("language"); !slices.Contains(languages(), c.Language) {
		r.fault("language", "is none of en, fr, de")
	}
	c.SMTPPassword, c.MailFrom = r.secret("smtp-password", env), r.k.String("mail-from")
	given := r.k.String("smtp-url") != ""
	if given {
		c.SMTP = r.smtp("smtp-url")
	}
	switch {
	case given && c.MailFrom == "":
		r.fault("mail-from", "is required with smtp-url: name the address that mails are from")
	case c.MailFrom != "" && !given:
		r.fault("smtp-url", "is required with mail-from: name the mail server")
	case c.SMTPPassword != "" && !given:
		r.fault("smtp-url", "is required with smtp-password: name the mail server")
	}
	if _, err := mail.ParseAddress(c.MailFrom); c.MailFrom != "" && err != nil {
		r.fault("mail-from", "is no address, as jeton@example.com or 'Jeton <jeton@example.com>'")
	}
	if c.SMTP.Host != "" && (c.SMTP.User != "") != (c.SMTPPassword != "") {
		r.fault("smtp-password", "and a user in smtp-url go together: give both or neither")
	}
}

// smtp reads the address of a mail server. Without TLS a password, and links that log in, would cross the network in the clear: only to
// this machine itself is that spoken.
func (r *reader) smtp(name string) (s SMTP) {
	u, err := url.Parse(r.k.String(name))
	if err != nil || u.Scheme != "smtp" && u.Scheme != "smtps" || u.Hostname() == "" || u.Path != "" || u.RawQuery != "" || u.Fragment != "" {
		r.fault(name, "is not of the form smtp://user@host:587 or smtps://user@host:465")
		return s
	}
	if _, has := u.User.Password(); has {
		r.fault(name, "holds a password, which others can read there; give it as smtp-password-file or JETON_SMTP_PASSWORD")
	}
	s = SMTP{Host: u.Hostname(), User: u.User.Username(), Implicit: u.Scheme == "smtps"}
	s.Plain = !s.Implicit && loopbackHost(s.Host)
	switch port := u.Port(); {
	case port != "":
		if s.Port, err = strconv.Atoi(port); err != nil || s.Port < 1 || s.Port > 65535 {
			r.fault(name, "has a port that is none of 1 to 65535")
		}
	case s.Implicit:
		s.Port = 465
	case s.Plain:
		s.Port = 25
	default:
		s.Port = 587
	}
	return s
}

// String returns the address of the server, without what is a secret.
func (s SMTP) String() string {
	if s.Host == "" {
		return ""
	}
	u := url.URL{Scheme: "smtp", Host: net.JoinHostPort(s.Host, strconv.Itoa(s.Port))}
	if s.Implicit {
		u.Scheme = "smtps"
	}
	if s.User != "" {
		u.User = url.User(s.User)
	}
	return u.String()
}
