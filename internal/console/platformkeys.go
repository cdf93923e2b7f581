package console

import (
	"errors"
	"net/http"
	"strings"

	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/jose"
	"github.com/jeton-io/jeton/internal/platform"
	"github.com/jeton-io/jeton/internal/secret"
	"github.com/jeton-io/jeton/internal/words"
)

// keyFields are those of a platform's key, as a form has them. The source says which of the others counts.
func keyFields() []string {
	return []string{"source", "public_key", "jwks_uri", "secret", "kid"}
}

// The sources of a key.
const (
	sourcePublicKey = "public_key"
	sourceJWKS      = "jwks_uri"
	sourceSecret    = "secret"
	sourceMade      = "made"
)

// keyDraft returns the key of a form. What stands in the field of a source that wasn't chosen doesn't count: without a style sheet it
// may be seen, and with one it isn't.
func (c *call) keyDraft() platform.KeyDraft {
	d := platform.KeyDraft{Algorithm: jose.Algorithm(c.form["algorithm"]), KeyID: c.form["kid"]}
	switch c.form["source"] {
	case sourcePublicKey:
		d.PublicKey = c.form["public_key"]
	case sourceJWKS:
		d.JWKSURI = c.form["jwks_uri"]
	case sourceSecret:
		d.Secret = secret.Text(c.form["secret"])
	}
	return d
}

// demandKey notes what the form lacks of a key that it says it has. Without that, a key would be made in the place of one that somebody
// forgot to paste.
func (c *call) demandKey(f *form) {
	switch source := c.form["source"]; source {
	case sourceMade:
	case sourcePublicKey, sourceJWKS, sourceSecret:
		if strings.TrimSpace(c.form[source]) == "" {
			f.Problems.add(source, words.Say("Fill this in, or choose another way."))
		}
	default:
		f.Problems.add("source", words.Say("Choose one."))
	}
}

// madeView is the one page that shows what was made for a platform.
type madeView struct {
	Platform   platform.Platform
	PrivateKey string
	Secret     string
}

// showMade shows what was made, this once; where nothing was, it leads to the platform's page.
func (c *call) showMade(p platform.Platform, made platform.Made, done notice) error {
	if made.PrivateKey == "" && made.Secret == "" {
		return c.done(platformPath(p.ID), done)
	}
	title := words.Say("The platform's key has been made")
	return c.renderAdmin(http.StatusOK, "platform-made.html", platformsPath, title, madeView{p, made.PrivateKey.Reveal(), made.Secret.Reveal()})
}

func (s *server) newPlatformKey(c *call) error {
	p, err := c.platform()
	if err != nil {
		return err
	}
	return c.renderPlatformForm(http.StatusOK, platformFormView{Keyed: true, Platform: p.Platform, Form: form{Values: map[string]string{
		"algorithm": string(p.Algorithm), "source": sourcePublicKey,
	}}})
}

func (s *server) addPlatformKey(c *call) error {
	p, err := s.cfg.Platforms.Find(c.r.Context(), c.r.PathValue("id"))
	if err != nil {
		return err
	}
	v := platformFormView{Keyed: true, Platform: p, Form: c.refilled()}
	if c.demandKey(&v.Form); v.Form.Problems.First() != "" {
		return c.renderPlatformForm(http.StatusUnprocessableEntity, v)
	}
	made, err := s.cfg.Platforms.AddKey(c.r.Context(), p.ID.String(), c.keyDraft(), c.actor())
	if err != nil {
		return c.explainPlatform(v, err)
	}
	return c.showMade(p, made, platformKeyAdded)
}

func (s *server) platformKeyAgain(c *call) error {
	p, err := c.platform()
	if err != nil {
		return err
	}
	return c.renderPlatformForm(http.StatusForbidden, platformFormView{Keyed: true, Platform: p.Platform, Form: c.refilled()})
}

// deletePlatformKey ends a key. One that is gone meanwhile is as deleted as it can be.
func (s *server) deletePlatformKey(c *call) error {
	p, err := s.cfg.Platforms.Find(c.r.Context(), c.r.PathValue("id"))
	if err != nil {
		return err
	}
	id, err := parseID(c.r.PathValue("key"))
	if err != nil {
		return err
	}
	if err := s.cfg.Platforms.DeleteKey(c.r.Context(), p.ID.String(), id, c.actor()); err != nil && !errors.Is(err, authority.ErrNotFound) {
		return err
	}
	return c.done(platformPath(p.ID), platformKeyDeleted)
}
