package console

import (
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/jose"
	"github.com/jeton-io/jeton/internal/keyring"
	"github.com/jeton-io/jeton/internal/words"
)

// Signing keys are those with which Jeton signs, one active for each kind of token. What they may do and when they go is said in
// package keyring.

func (s *server) keyRoutes() {
	const keys = keysPath
	s.serve("GET "+keys, admins, s.listKeys)
	s.serve("POST "+keys+"/rotate", admins, s.rotateKey, "purpose", "algorithm")
	s.serve("GET "+keys+"/rotate", admins, to(keys))
	s.serve("GET "+keys+"/{kid}", admins, s.showKey)
	s.serve("POST "+keys+"/{kid}/revoke", admins, s.revokeKey)
	s.serve("GET "+keys+"/{kid}/revoke", admins, s.toKey)
}

// The notices of this area.
const (
	keyRotated notice = "key-rotated"
	keyRevoked notice = "key-revoked"
)

func keyNotices() map[notice]words.Text {
	return map[notice]words.Text{
		keyRotated: words.Say("Key rotated. New tokens are signed with the new one; those of the former go on working."),
		keyRevoked: words.Say("Key revoked. Every token that it has signed is refused from now on."),
	}
}

// keyRow is a signing key of the list.
type keyRow struct{ keyring.SigningKey }

// For says what a key signs.
func (k keyRow) For() words.Text { return purposeWords(k.Purpose) }

// StateWords says in a word what a key may still do.
func (k keyRow) StateWords() words.Text {
	switch k.State() {
	case keyring.KeyActive:
		return words.Say("Active")
	case keyring.KeyRetired:
		return words.Say("Retired")
	default:
		return words.Say("Revoked")
	}
}

// Active reports whether a key signs.
func (k keyRow) Active() bool { return k.State() == keyring.KeyActive }

// Revoked reports whether a key is refused.
func (k keyRow) Revoked() bool { return k.State() == keyring.KeyRevoked }

// Until returns when a key has signed its last token, zero while it signs.
func (k keyRow) Until() time.Time {
	if k.RetiredAt.IsZero() {
		return k.RevokedAt
	}
	return k.RetiredAt
}

// purposeWords says what keys of a purpose sign.
func purposeWords(p keyring.Purpose) words.Text {
	switch p {
	case keyring.ForAPITokens:
		return words.Say("Web Service Tokens")
	case keyring.ForAccessTokens:
		return words.Say("Access tokens")
	case keyring.ForIdentity:
		return words.Say("Identity tokens")
	default:
		return words.Say("%s", string(p)) // a later version's
	}
}

// purposeRow is what keys are for, with the one that signs just now.
type purposeRow struct {
	Purpose    keyring.Purpose
	Active     keyRow // with no ID where there is none yet
	Algorithms []jose.Algorithm
	Problem    words.Text
}

// For says what keys of the purpose sign.
func (p purposeRow) For() words.Text { return purposeWords(p.Purpose) }

// Choice reports whether there is an algorithm to choose.
func (p purposeRow) Choice() bool { return len(p.Algorithms) > 1 }

// keysView is the list.
type keysView struct {
	listed
	Purposes []purposeRow
	Rows     []keyRow
	Filter   keyFilter
}

// keyFilter is which keys are asked for, as the form has it.
type keyFilter struct {
	Sought  string
	Purpose keyring.Purpose
	State   keyring.KeyState
}

// leavesOut reports whether a key isn't asked for.
func (f keyFilter) leavesOut(k keyring.SigningKey) bool {
	return !holds(f.Sought, k.ID) || f.Purpose != "" && k.Purpose != f.Purpose || f.State != "" && k.State() != f.State
}

func (s *server) listKeys(c *call) error { return c.renderKeys(http.StatusOK, "", words.Text{}) }

// renderKeys answers with the list, and with what was wrong with a rotation if something was. As in /v1 this process hears of every
// change first, lest an administrator take a key for active that was revoked at another node.
func (c *call) renderKeys(status int, p keyring.Purpose, problem words.Text) error {
	after, err := c.after()
	if err != nil {
		return err
	}
	asked := c.r.URL.Query()
	v := keysView{
		listed: listed{Path: keysPath}, Filter: keyFilter{Purpose: keyring.Purpose(asked.Get("signs")), State: keyring.KeyState(asked.Get("state"))},
	}
	if v.Filter.Sought, err = c.sought(); err != nil {
		return err
	}
	v.Filtered = v.Filter != keyFilter{}
	if err := c.s.cfg.Feed.Hear(c.r.Context()); err != nil {
		return err
	}
	all := c.s.cfg.Keys.SigningKeys()
	v.Purposes = purposeRows(all)
	for n := range v.Purposes {
		if v.Purposes[n].Purpose == p {
			v.Purposes[n].Problem = problem
		}
	}
	if after != "" {
		all = all[slices.IndexFunc(all, func(k keyring.SigningKey) bool { return k.ID == after })+1:]
	}
	all, v.Pages, err = pageOf(c, slices.DeleteFunc(all, v.Filter.leavesOut), func(k keyring.SigningKey) string { return k.ID })
	if err != nil {
		return err
	}
	for _, k := range all {
		v.Rows = append(v.Rows, keyRow{k})
	}
	return c.renderAdmin(status, "keys.html", keysPath, words.Say("Signing keys"), v)
}

func purposeRows(all []keyring.SigningKey) []purposeRow {
	var rows []purposeRow
	for _, p := range keyring.Purposes() {
		row := purposeRow{Purpose: p, Algorithms: p.Algorithms()}
		for _, k := range all {
			if k.Purpose == p && k.State() == keyring.KeyActive {
				row.Active = keyRow{k}
			}
		}
		rows = append(rows, row)
	}
	return rows
}

// rotateKey makes a new active key. No token dies of it. Where another node has rotated the same key meanwhile, the page says that
// something has changed: there is a new key, which may be of another algorithm.
func (s *server) rotateKey(c *call) error {
	p := keyring.Purpose(c.form["purpose"])
	_, err := s.cfg.Keys.RotateSigningKey(c.r.Context(), p, jose.Algorithm(c.form["algorithm"]), c.actor())
	if wrong, ok := errors.AsType[*authority.FieldError](err); ok && wrong.Field == "algorithm" {
		return c.renderKeys(http.StatusUnprocessableEntity, p, words.Say("Choose one of the algorithms."))
	}
	if err != nil {
		return err
	}
	return c.done(keysPath, keyRotated)
}

func (s *server) showKey(c *call) error {
	k, err := c.key()
	if err != nil {
		return err
	}
	return c.renderAdmin(http.StatusOK, "key.html", keysPath, words.Say("Signing key"), k)
}

// key returns the signing key that the path names, also a revoked one.
func (c *call) key() (keyRow, error) {
	if err := c.s.cfg.Feed.Hear(c.r.Context()); err != nil {
		return keyRow{}, err
	}
	all := c.s.cfg.Keys.SigningKeys()
	n := slices.IndexFunc(all, func(k keyring.SigningKey) bool { return k.ID == c.r.PathValue("kid") })
	if n < 0 {
		return keyRow{}, authority.ErrNotFound
	}
	return keyRow{all[n]}, nil
}

// revokeKey refuses every token of a key from now on. One that was revoked meanwhile is as revoked as it can be.
func (s *server) revokeKey(c *call) error {
	k, err := c.key()
	if err != nil {
		return err
	}
	if err := s.cfg.Keys.RevokeSigningKey(c.r.Context(), k.ID, c.actor()); err != nil && !errors.Is(err, authority.ErrNotFound) {
		return err
	}
	return c.done(keysPath, keyRevoked)
}

func (s *server) toKey(c *call) error {
	k, err := c.key()
	if err != nil {
		return err
	}
	return c.redirect(keysPath + "/" + k.ID)
}
