package desk

import (
	"crypto/rand"

	"github.com/jeton-io/jeton/internal/console"
	"github.com/jeton-io/jeton/internal/link"
	"github.com/jeton-io/jeton/internal/secret"
)

// Mails keeps what is mailed.
type Mails struct {
	Sent chan link.Mail // as it comes; has room for a hundred
}

func (m *Mails) send(mail link.Mail) bool {
	m.Sent <- mail
	return true
}

// Take returns what was mailed since it was asked last.
func (m *Mails) Take() (sent []link.Mail) {
	for len(m.Sent) > 0 {
		sent = append(sent, <-m.Sent)
	}
	return sent
}

// wireLinks makes the way in of links.
func (d *Desk) wireLinks(o *Options) (err error) {
	d.Mails = &Mails{make(chan link.Mail, 100)}
	cfg := link.Config{Store: d.Store, Accounts: d.Accounts, Keyring: d.Keyring, Now: d.Now, Random: rand.Reader, URL: linkURL}
	if o.Mails {
		cfg.Send = d.Mails.send
	}
	d.Links, err = link.New(cfg)
	return err
}

// linkURL is the address of a link's page on a desk.
func linkURL(p link.Purpose, text secret.Text) secret.Text {
	return secret.Text(Issuer + console.LinkPath(p) + text.Reveal())
}
