package factor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/factor/passkey"
	"github.com/jeton-io/jeton/internal/secret"
)

const (
	maxPasskeys = 20
	// maxPasskeyName is in characters.
	maxPasskeyName = 64
	// maxAnswer bounds a passkey's answer, in bytes: a new one's is some thousand long.
	maxAnswer = 16 * 1024
)

// ErrNoPasskeys says that this server can have no passkeys, for its public URL.
var ErrNoPasskeys = errors.New("this server's public URL is neither https nor localhost, or names no host: browsers allow no passkeys there")

// BeginPasskey begins to give a user who is logged in a passkey. The options are the JSON with which a page calls
// navigator.credentials.create: {"publicKey": …}, its bytes in base64url, as PublicKeyCredential.parseCreationOptionsFromJSON takes what
// stands there. The ticket comes back with the answer, within ten minutes. It returns ErrNoPasskeys.
func (f *Factors) BeginPasskey(ctx context.Context, owner *authority.Principal) (options []byte, sealed secret.Text, err error) {
	if !f.Passkeys() {
		return nil, "", ErrNoPasskeys
	}
	r, err := f.records(ctx, owner.ID)
	if err != nil {
		return nil, "", err
	}
	t := ticket{UserID: owner.ID, Mark: r.mark()}
	if t.Challenge, err = f.challenge(); err != nil {
		return nil, "", err
	}
	if options, err = f.site.Creation(r.owner(owner.ID), t.Challenge); err != nil {
		return nil, "", err
	}
	sealed, err = f.issue(forPasskey, t)
	return options, sealed, err
}

// owner is the user as a passkey knows it.
func (r *Records) owner(id uuid.UUID) *passkey.Owner {
	o := &passkey.Owner{ID: id[:], Name: r.Username, DisplayName: r.DisplayName}
	if o.DisplayName == "" {
		o.DisplayName = r.Username
	}
	for i := range r.Passkeys {
		o.Passkeys = append(o.Passkeys, r.Passkeys[i].Key)
	}
	return o
}

// AddPasskey gives a user the passkey that its browser has made, under a name of the user's choice, by the JSON of the browser's answer.
// It returns 16 recovery codes where this is the user's first factor, else none. Errors are a *authority.FieldError of name, of passkey
// where the answer is no good, and of ticket as AddAuthenticator's; ErrConflict where somebody has that passkey already, or the user has
// 20; ErrNotFound where the user was deleted; ErrNoPasskeys.
func (f *Factors) AddPasskey(ctx context.Context, owner *authority.Principal, n NewPasskey, actor audit.Actor) ([]secret.Text, error) {
	if !f.Passkeys() {
		return nil, ErrNoPasskeys
	}
	name, err := checkName(n.Name)
	if err != nil {
		return nil, err
	}
	t, err := f.openOwn(forPasskey, n.Ticket, owner)
	if err != nil {
		return nil, err
	}
	r, err := f.records(ctx, owner.ID)
	if err != nil {
		return nil, err
	}
	if r.mark() != t.Mark {
		return nil, errOver()
	}
	if len(n.Answer) > maxAnswer {
		return nil, errNoPasskey()
	}
	made, err := f.site.Created(r.owner(owner.ID), t.Challenge, n.Answer.Reveal())
	if errors.Is(err, passkey.ErrAnswer) {
		return nil, fmt.Errorf("%w (%w)", errNoPasskey(), err)
	}
	if err != nil {
		return nil, fmt.Errorf("looking at a new passkey: %w", err)
	}
	codes, stored, err := f.newCodes()
	if err != nil {
		return nil, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("making the ID of a passkey: %w", err)
	}
	now := f.cfg.Now().UTC().Truncate(time.Microsecond)
	p := StoredPasskey{Passkey: Passkey{ID: id, Name: name, CreatedAt: now}, Key: made, UserID: owner.ID}
	first, err := f.cfg.Store.AddPasskey(ctx, p, stored, maxPasskeys, f.event(audit.PasskeyAdd, &owner.User, actor, "passkey", name))
	return givenTo(first, codes, f.changed(ctx, "adding a passkey", err))
}

// NewPasskey is what comes back from a browser that was asked for a new passkey.
type NewPasskey struct {
	Ticket secret.Text // of BeginPasskey
	Name   string      // as its owner calls it; "Passkey" where empty
	Answer secret.Text // the JSON of PublicKeyCredential.toJSON
}

func errNoPasskey() error {
	return authority.Field("passkey", "is not what was asked for", "Try again, in the same browser.")
}

// checkName returns the name of a passkey without the spaces around it.
func checkName(name string) (string, error) {
	name = strings.TrimSpace(name)
	switch {
	case name == "":
		return "Passkey", nil
	case utf8.RuneCountInString(name) > maxPasskeyName:
		return "", authority.Field("name", "is longer than 64 characters", "Choose a shorter one.")
	case !utf8.ValidString(name) || strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }):
		return "", authority.Field("name", "has characters that can't be shown", "Use letters, digits and spaces.")
	}
	return name, nil
}

// RemovePasskey does away with a passkey of a user. It returns ErrNotFound where the user has none of that ID.
func (f *Factors) RemovePasskey(ctx context.Context, owner *authority.User, id uuid.UUID, actor audit.Actor) error {
	r, err := f.records(ctx, owner.ID)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(r.Passkeys, func(p StoredPasskey) bool { return p.ID == id })
	if i < 0 {
		return fmt.Errorf("removing a passkey: %w", authority.ErrNotFound)
	}
	ev := f.event(audit.PasskeyRemove, owner, actor, "passkey", r.Passkeys[i].Name)
	return f.changed(ctx, "removing a passkey", f.cfg.Store.RemovePasskey(ctx, owner.ID, id, ev))
}
