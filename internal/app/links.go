package app

import (
	"context"

	"github.com/jeton-io/jeton/internal/console"
	"github.com/jeton-io/jeton/internal/link"
	"github.com/jeton-io/jeton/internal/secret"
)

// wireLinks makes the way in of links that are sent to people, and what mails them.
func (n *node) wireLinks(o *Options) (err error) {
	if err := n.wirePost(o); err != nil {
		return err
	}
	n.links, err = link.New(link.Config{
		Store: n.store, Accounts: n.accounts, Keyring: n.keys, Now: o.Now, Random: o.Random, URL: n.linkURL, Send: n.sendLink(),
	})
	return err
}

// linkURL returns the address of the console's page that takes a link's secret.
func (n *node) linkURL(p link.Purpose, text secret.Text) secret.Text {
	return secret.Text(n.url + console.LinkPath(p) + text.Reveal())
}

// tellOfLinks returns what tells the operator that a link that somebody asked for was not made.
func (n *node) tellOfLinks(ctx context.Context) func(error) {
	return func(err error) { n.logger.WarnContext(ctx, "a link that logs in was not made", "error", err) }
}
