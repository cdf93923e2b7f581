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
	// Refusal is why it would be refused at this moment, though it can be read, for what it says or for its set; empty where it wouldn't.
	// A user token is judged as one beside a good security token. Whether there is the user isn't looked at.
	Refusal authority.Reason
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
	on, err := p.screen(ctx, &at)
	if err != nil {
		return SealedText{}, err
	}
	set := on.set
	if len(plaintext) > sealed.MaxText {
		return SealedText{}, authority.Field("plaintext", "is longer than 8 KiB", "A token has a few fields.")
	}
	text := []byte(plaintext.Reveal())
	token, err := on.cipher.Seal(p.cfg.Random, text, on.bound)
	if err != nil && (set.Padding == sealed.Zeros || set.Padding == sealed.NoPadding) {
		return SealedText{}, authority.Field("plaintext", "can't be sealed by this token set: "+err.Error(), "Choose another padding for the set, or fill the text up.")
	}
	if err != nil {
		return SealedText{}, fmt.Errorf("sealing a text: %w", err)
	}
	shown, err := p.shownText(on, text, token)
	if err != nil {
		return SealedText{}, err
	}
	return p.noted(ctx, shown, audit.New(audit.TokenSetEncrypt, actor, set.target(), p.now(), at.detail(&shown)...))
}

// Unseal decrypts a token, which is as it stands in a URL, or before it was URL encoded. It is for administrators alone: to whoever else
// could ask, the difference between its answers would be the key to every token. The audit log tells who has opened one, and whom it
// names. Errors are a *authority.FieldError (token, parameter), ErrNotFound, or a store's.
func (p *Projects) Unseal(ctx context.Context, at Screen, token secret.Text, actor audit.Actor) (SealedText, error) {
	on, err := p.screen(ctx, &at)
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
	text, sound := on.cipher.Open(raw, on.bound)
	if sound != 1 {
		return SealedText{}, authority.Field("token", "doesn't open by this token set", "Compare key, mode, padding, IV and key derivation with those of the application; with GCM, the project and the parameter, too.")
	}
	shown, err := p.shownText(on, text, raw)
	if err != nil {
		return SealedText{}, err
	}
	return p.noted(ctx, shown, audit.New(audit.TokenSetDecrypt, actor, on.set.target(), p.now(), at.detail(&shown)...))
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

// bench is what a screen works with.
type bench struct {
	project   Entry
	set       TokenSet
	cipher    *sealed.Cipher
	bound     string // to what a token is bound
	parameter string
}

// screen returns what a screen works with. It fills in the parameter.
func (p *Projects) screen(ctx context.Context, at *Screen) (bench, error) {
	names := p.cfg.Parameters
	if at.Parameter == "" {
		at.Parameter = names.Security
	}
	if at.Parameter != names.Security && at.Parameter != names.User {
		return bench{}, authority.Field("parameter", "is neither "+names.Security+" nor "+names.User, "")
	}
	e, s, err := p.findSet(ctx, at.Number, at.Set)
	if err != nil {
		return bench{}, err
	}
	cipher, err := p.cipherNow(ctx, e.ID, &s)
	return bench{e, s, cipher, sealed.Bound(at.Number, at.Parameter), at.Parameter}, err
}

// cipherNow returns the cipher of a token set as it is now in the database: that which the calls have, where it is the same.
func (p *Projects) cipherNow(ctx context.Context, projectID uuid.UUID, s *TokenSet) (*sealed.Cipher, error) {
	if known := p.compiled.Load().byID[projectID].set(s.ID, s.Version); known != nil {
		p.prepare(known)
		return known.await(ctx)
	}
	return p.cipherOf(s)
}

// shownText shows a token in the steps of its making, what would be read of it, and why it would be refused.
func (p *Projects) shownText(on bench, text, token []byte) (SealedText, error) {
	shown := SealedText{Plaintext: string(text)}
	shown.Base64, shown.URL = sealed.Encode(token)
	fields, err := sealed.ParseFields(text)
	if err != nil {
		shown.Problem = err.Error()
		return shown, nil
	}
	for _, f := range fields {
		shown.Fields = append(shown.Fields, Field(f))
	}
	shown.Refusal, err = p.judge(on, fields)
	return shown, err
}

// judge says why what a token says would be refused now, by the checks of the examination.
func (p *Projects) judge(on bench, fields sealed.Fields) (authority.Reason, error) {
	if !on.set.Active {
		return authority.ReasonBadSeal, nil
	}
	e := examination{Projects: p, now: p.cfg.Now(), project: p.compile(&on.project, nil)}
	keys, err := e.project.appKeys()
	if err != nil {
		return "", err
	}
	t := &token{parameter: on.parameter, dated: true, vouched: vouchedAll}
	if on.parameter == p.cfg.Parameters.User {
		t = &token{parameter: on.parameter, named: true}
	}
	r := &reading{fields: fields}
	for _, f := range []fault{e.timesOf(t, r), e.contextOf(t, r), e.appKeyOf(t, r, keys), e.nameOf(t, r)} {
		if f.Reason != "" {
			return f.Reason, nil
		}
	}
	return "", nil
}
