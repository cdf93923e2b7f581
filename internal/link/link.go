// Package link keeps links that are sent to a person: an invitation, by which its user chooses a password, and a link that logs in.
//
//	invitation   for 7 days      a user that was made without a password, or has forgotten it
//	login        for 15 minutes  who asks for it at the log-in, where Jeton can send mail
//
//	link   user, purpose │ ID │ pepper, digest │ created, expires, used, ended
//
// A link bears a secret that is good once. A user has one of each purpose at most, by the schema: another takes the place of the
// former. Both end when the user's password changes, is reset or chosen, when the user gets another e-mail, is blocked or deleted, and when
// the database is put back as it was.
//
// To look at a link uses nothing up, for programs that look into mail follow every link. It is used up by the change for which it is
// there, in the same transaction; of fifty at once, one gets through.
//
// A link proves that who has it reads the user's mail, or was handed it by an administrator, and nothing more: a second factor is still
// asked for. The package refuses links that were used, have ended or have come to their time, and never says to callers which.
package link

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/keyring"
	"github.com/jeton-io/jeton/internal/secret"
)

// Purpose is what a link is for.
type Purpose string

// The purposes.
const (
	Invitation Purpose = "invitation" // its user chooses a password
	Login      Purpose = "login"      // its user logs in
)

// Lasts returns how long a link of the purpose is good.
func (p Purpose) Lasts() time.Duration {
	if p == Invitation {
		return 7 * 24 * time.Hour
	}
	return 15 * time.Minute
}

// Link is what is known of a link. Its secret is not.
type Link struct {
	ID        uuid.UUID
	UserID    uuid.UUID
	Purpose   Purpose
	CreatedAt time.Time
	ExpiresAt time.Time
	UsedAt    time.Time // zero while it wasn't
	EndedAt   time.Time // when a change of its user ended it; zero while none did
}

// Store keeps links. A change is durable when its method returns without error. The event's At is the time of the change. None of them
// enters the feed: nobody remembers what a link proves.
type Store interface {
	// PutLink keeps the link of a living user in the place of any former one of the same purpose, with its event. It returns
	// ErrNotFound where the user doesn't live or isn't active, and ErrActorChanged where the actor has changed.
	PutLink(ctx context.Context, l Link, d keyring.Digest, ev audit.Event) error
	// LinkByDigest returns the link, used or ended or not, that is stored under one of the digests, or ErrNotFound. A verdict
	// waits for it.
	LinkByDigest(ctx context.Context, digests []keyring.Digest) (Link, error)
	// LinkOf returns the last link of a user for a purpose, used or ended or not, or ErrNotFound.
	LinkOf(ctx context.Context, userID uuid.UUID, p Purpose) (Link, error)
	// UseLink notes that a link was used, with its event. It returns ErrNotFound where there is none of that ID that is good.
	UseLink(ctx context.Context, id uuid.UUID, ev audit.Event) error
	// PruneLinks deletes the links that had expired before the given time.
	PruneLinks(ctx context.Context, before time.Time) (int64, error)
}

// Mail is a link on its way to its user's e-mail.
type Mail struct {
	To        account.User
	Purpose   Purpose
	URL       secret.Text
	ExpiresAt time.Time
	Lost      func() // is to be called where the mail is given up after it was taken
}

// Config is what Links need. Every field is required but Send.
type Config struct {
	Store    Store
	Accounts *account.Accounts
	Keyring  *keyring.Keyring
	Now      func() time.Time
	Random   io.Reader
	// URL returns the address of the page that takes a link's secret.
	URL func(p Purpose, secret secret.Text) secret.Text
	// Send hands a mail to whoever sends it in the background, and reports whether it took it. Where it is nil, nothing is mailed,
	// and nobody is given a link that logs in.
	Send func(m Mail) bool
}

// Links issues, proves and uses links. Make one with New.
type Links struct {
	cfg      Config
	requests *requests
}

// New returns Links, or an error where the configuration lacks something.
func New(cfg Config) (*Links, error) {
	if cfg.Store == nil || cfg.Accounts == nil || cfg.Keyring == nil || cfg.Now == nil || cfg.Random == nil || cfg.URL == nil {
		return nil, errors.New("link: Store, Accounts, Keyring, Now, Random and URL are required")
	}
	return &Links{cfg: cfg, requests: newRequests(cfg.Now)}, nil
}

// Mails reports whether links are mailed.
func (l *Links) Mails() bool { return l.cfg.Send != nil }

// Invited is an invitation that was made just now.
type Invited struct {
	URL       secret.Text // shown once
	ExpiresAt time.Time
	Mailed    bool // it is on its way to the user's e-mail
}

// Invite makes an invitation for a person, and mails it where that can be. The former one is good no more. It returns ErrNotFound where
// there is no such user, and a *authority.FieldError of "user", wrapping ErrConflict, where the user is a program's or isn't active.
func (l *Links) Invite(ctx context.Context, userID uuid.UUID, actor audit.Actor) (Invited, error) {
	u, err := l.cfg.Accounts.User(ctx, userID)
	if err != nil {
		return Invited{}, err
	}
	if why := notInvitable(&u); why != nil {
		return Invited{}, fmt.Errorf("%w: %w", authority.ErrConflict, why)
	}
	address, made, err := l.make(ctx, &u, Invitation, actor)
	if errors.Is(err, authority.ErrNotFound) { // blocked or deleted in this moment
		return Invited{}, authority.ErrActorChanged
	}
	if err != nil {
		return Invited{}, err
	}
	return Invited{URL: address, ExpiresAt: made.ExpiresAt, Mailed: l.mail(&u, &made, address)}, nil
}

// notInvitable says why a user can't be invited, or nothing.
func notInvitable(u *account.User) error {
	switch {
	case u.Kind != account.Person:
		return authority.Field("user", "is a service account, which has no password", "Give its program a token or a client secret.")
	case u.State != account.Active:
		return authority.Field("user", "is not active", "Unblock the user first.")
	}
	return nil
}

// make makes a link, and returns the address of its page.
func (l *Links) make(ctx context.Context, u *account.User, p Purpose, actor audit.Actor) (address secret.Text, made Link, err error) {
	text, err := secret.Make(secret.Link, l.cfg.Random)
	if err != nil {
		return "", made, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return "", made, fmt.Errorf("making the ID of a link: %w", err)
	}
	now := l.cfg.Now().UTC().Truncate(time.Microsecond)
	made = Link{ID: id, UserID: u.ID, Purpose: p, CreatedAt: now, ExpiresAt: now.Add(p.Lasts())}
	ev := audit.New(audit.LinkCreate, actor, target(u.ID, u.Username), now, "purpose", string(p))
	if err := l.cfg.Store.PutLink(ctx, made, l.cfg.Keyring.Digest(text), ev); err != nil {
		return "", made, fmt.Errorf("storing a link: %w", err)
	}
	return l.cfg.URL(p, text), made, nil
}

// mail hands a link to whoever sends it, if anybody does and there is where to.
func (l *Links) mail(u *account.User, made *Link, address secret.Text) bool {
	lost := func() { l.requests.lose(made) }
	return l.cfg.Send != nil && u.Email != "" && l.cfg.Send(Mail{*u, made.Purpose, address, made.ExpiresAt, lost})
}

// Use notes that the link by which its owner came was used to log in. It returns a *authority.Refusal where another was faster.
func (l *Links) Use(ctx context.Context, owner *authority.Principal, actor audit.Actor) error {
	ev := audit.New(audit.LinkUse, actor, target(owner.ID, owner.Username), l.cfg.Now(), "purpose", string(Login))
	return usedUp(owner, l.cfg.Store.UseLink(ctx, owner.CredentialID, ev))
}

// ChoosePassword sets the password that its owner, who came by an invitation, has chosen, and uses the invitation up in the same
// transaction. All the user's sessions end, and its personal token: who was invited anew may have lost more than a password. Errors are a
// FieldError of "new", a *authority.Refusal where another was faster, and ErrBusy.
func (l *Links) ChoosePassword(ctx context.Context, owner *authority.Principal, password secret.Text, actor audit.Actor) error {
	ev := audit.New(audit.LinkUse, actor, target(owner.ID, owner.Username), l.cfg.Now(), "purpose", string(Invitation))
	return usedUp(owner, l.cfg.Accounts.ChoosePassword(ctx, owner.ID, owner.CredentialID, password, ev))
}

// usedUp turns the error of a link that isn't good any more into a refusal.
func usedUp(owner *authority.Principal, err error) error {
	if errors.Is(err, authority.ErrNotFound) {
		return &authority.Refusal{Reason: authority.ReasonReplayed, ID: owner.CredentialID, UserID: owner.ID}
	}
	if err != nil {
		return fmt.Errorf("using a link: %w", err)
	}
	return nil
}

// target is the user: of a link, nobody knows more than whose it is.
func target(id uuid.UUID, username string) audit.Target {
	return audit.Target{Kind: "user", ID: id, Name: username}
}

// kept is for how long after its end a link's record is kept, for the audit log to know a late one by.
const kept = 7 * 24 * time.Hour

// Prune deletes the records of links that at some time had expired long ago, and returns how many there were.
func (l *Links) Prune(ctx context.Context, now time.Time) (int64, error) {
	return l.cfg.Store.PruneLinks(ctx, now.Add(-kept))
}
