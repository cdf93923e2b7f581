package project

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/sealed"
	"github.com/jeton-io/jeton/internal/secret"
)

// SealedText is a token in the three steps of its making.
type SealedText struct {
	Plaintext string
	Base64    string  // encrypted and Base64 encoded
	URL       string  // that, URL encoded: what stands in a URL
	Fields    []Field // what the plaintext says, where it can be read
	Problem   string  // what is wrong with the plaintext, so that it would be refused; empty where nothing is
}

// Field is a field of a token.
type Field struct{ Name, Value string }

// Screen says by which living token set, active or not, something is sealed or opened by hand, and as what.
type Screen struct {
	Number    int
	Set       uuid.UUID
	Parameter string // under which the token comes, or would; that of the security token where it is empty
}

// Seal encrypts a text, as the application would. It is sealed as it is, good or not. Whoever seals can call as anybody whom the
// project speaks for: so the audit log tells who did, and whom the text names. Errors are a *authority.FieldError (plaintext,
// parameter), ErrNotFound, or a store's.
func (p *Projects) Seal(ctx context.Context, at Screen, plaintext secret.Text, actor audit.Actor) (SealedText, error) {
	set, cipher, bound, err := p.screen(ctx, &at)
	if err != nil {
		return SealedText{}, err
	}
	if len(plaintext) > sealed.MaxText {
		return SealedText{}, authority.Field("plaintext", "is longer than 8 KiB", "A token has a few fields.")
	}
	text := []byte(plaintext.Reveal())
	token, err := cipher.Seal(p.cfg.Random, text, bound)
	if err != nil && (set.Padding == sealed.Zeros || set.Padding == sealed.NoPadding) {
		return SealedText{}, authority.Field("plaintext", "can't be sealed by this token set: "+err.Error(), "Choose another padding for the set, or fill the text up.")
	}
	if err != nil {
		return SealedText{}, fmt.Errorf("sealing a text: %w", err)
	}
	shown := shownText(text, token)
	return p.noted(ctx, shown, audit.New(audit.TokenSetEncrypt, actor, set.target(), p.now(), at.detail(&shown)...))
}

// Unseal decrypts a token, which is as it stands in a URL, or before it was URL encoded. It is for administrators alone: to whoever else
// could ask, the difference between its answers would be the key to every token. The audit log tells who has opened one, and whom it
// names. Errors are a *authority.FieldError (token, parameter), ErrNotFound, or a store's.
func (p *Projects) Unseal(ctx context.Context, at Screen, token secret.Text, actor audit.Actor) (SealedText, error) {
	set, cipher, bound, err := p.screen(ctx, &at)
	if err != nil {
		return SealedText{}, err
	}
	if len(token) > 2*sealed.MaxText {
		return SealedText{}, authority.Field("token", "is longer than 16 KiB", "Give one token, without the parameter's name.")
	}
	raw, ok := sealed.DecodeQuery(token.Reveal())
	if !ok {
		return SealedText{}, authority.Field("token", "isn't Base64, URL encoded or not", "Give it as it stands in the URL, without the parameter's name.")
	}
	text, sound := cipher.Open(raw, bound)
	if sound != 1 {
		return SealedText{}, authority.Field("token", "doesn't open by this token set", "Compare key, mode, padding, IV and key derivation with those of the application; with GCM, the project and the parameter, too.")
	}
	shown := shownText(text, raw)
	return p.noted(ctx, shown, audit.New(audit.TokenSetDecrypt, actor, set.target(), p.now(), at.detail(&shown)...))
}

// noted has the audit log tell of a use by hand, and returns what it shows. Where that can't be kept, nothing is shown.
func (p *Projects) noted(ctx context.Context, shown SealedText, ev audit.Event) (SealedText, error) {
	if err := p.cfg.Store.NoteTokenSet(ctx, ev.Target.ID, ev); err != nil {
		return SealedText{}, fmt.Errorf("noting a use of a token set: %w", err)
	}
	return shown, nil
}

// detail is what the audit log tells of a use by hand, as pairs of a field and its value.
func (s *Screen) detail(shown *SealedText) []string {
	user := ""
	for _, f := range shown.Fields {
		if strings.EqualFold(f.Name, fieldUser) {
			user = secret.Excerpt(f.Value)
		}
	}
	return []string{"project", strconv.Itoa(s.Number), "parameter", s.Parameter, "user", user}
}

// screen returns the token set with its cipher, and to what a token is bound. It fills in the parameter.
func (p *Projects) screen(ctx context.Context, at *Screen) (TokenSet, *sealed.Cipher, string, error) {
	names := p.cfg.Parameters
	if at.Parameter == "" {
		at.Parameter = names.Security
	}
	if at.Parameter != names.Security && at.Parameter != names.User {
		return TokenSet{}, nil, "", authority.Field("parameter", "is neither "+names.Security+" nor "+names.User, "")
	}
	e, s, err := p.findSet(ctx, at.Number, at.Set)
	if err != nil {
		return TokenSet{}, nil, "", err
	}
	cipher, err := p.cipherNow(ctx, e.ID, &s)
	return s, cipher, sealed.Bound(at.Number, at.Parameter), err
}

// cipherNow returns the cipher of a token set as it is now in the database: that which the calls have, where it is the same.
func (p *Projects) cipherNow(ctx context.Context, projectID uuid.UUID, s *TokenSet) (*sealed.Cipher, error) {
	if known := p.compiled.Load().byID[projectID].set(s.ID, s.Version); known != nil {
		p.prepare(known)
		return known.await(ctx)
	}
	return p.cipherOf(s)
}

// shownText shows a token in the steps of its making, and what would be read of it.
func shownText(text, token []byte) SealedText {
	shown := SealedText{Plaintext: string(text)}
	shown.Base64, shown.URL = sealed.Encode(token)
	fields, err := sealed.ParseFields(text)
	if err != nil {
		shown.Problem = err.Error()
	}
	for _, f := range fields {
		shown.Fields = append(shown.Fields, Field(f))
	}
	return shown
}
