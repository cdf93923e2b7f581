// Package account keeps users: people and service accounts, their names, roles, passwords and whether they are blocked.
//
// A name has one canonical form at every door (see Key), so that no two users' names differ by case or width alone and
// no spelling goes round a limit. A password is checked by Argon2id in a bounded number of slots; a name that nobody has
// costs the same work as a wrong password. Blocking takes effect at once and everywhere, through the change feed.
//
// The package refuses guesses beyond a bound (see guesses), names that could be read as something else (an ID, a Basic
// pair, a path), passwords that are too short or too long, stale changes, and any change that would leave nobody able to
// administer Jeton.
package account

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/singleflight"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/secret"
)

// Kind says whether a user is a person or a program.
type Kind string

// The kinds of user.
const (
	Person  Kind = "person"
	Service Kind = "service"
)

// State says whether a user's credentials are honoured.
type State string

// The states of a user.
const (
	Active    State = "active"
	Blocked   State = "blocked"   // by an administrator
	Suspended State = "suspended" // by a restore, until an administrator has looked: what was taken from the user since isn't known
)

// User is an account.
type User struct {
	ID          uuid.UUID
	Kind        Kind
	Username    string
	Email       string // may be empty
	DisplayName string // may be empty
	Roles       []string
	State       State
	HasPassword bool
	HasFactor   bool  // a second factor: see package factor, which alone changes that
	Version     int64 // raised by each change
	External    External
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

// Admin reports whether the user administers Jeton.
func (u *User) Admin() bool { return slices.Contains(u.Roles, authority.AdminRole) }

// External is how the application that has made a user by its tokens describes it. Nothing in Jeton goes by it. It is written
// once, with the user.
type External struct {
	Profile, ID, Ref, Data string // 1,024 characters each at most
	Flags                  int64
}

// Credentials is what the store keeps of a user's password.
type Credentials struct {
	UserID  uuid.UUID
	Hash    string // a PHC string, empty where the user has no password
	Blocked bool   // the user is blocked or suspended, whatever the password
}

// Record is a user as it is stored, beside the canonical forms by which it is found.
type Record struct {
	User
	UsernameKey string
	EmailKey    string // empty where there is no e-mail
}

// Store keeps users. Every change is durable when its method returns without error, and writes its audit event and, if
// it can alter a verdict already given, its row of the change feed in the same transaction. The event's At is the time of
// the change: the one stored with the record, wherever that keeps one.
type Store interface {
	// CreateUser adds a user; an empty hash means no password. It returns ErrConflict, wrapped in a FieldError that
	// names the field, where a living user has the name or the e-mail.
	CreateUser(ctx context.Context, r Record, hash string, ev audit.Event) error
	// User returns a living user, or ErrNotFound.
	User(ctx context.Context, id uuid.UUID) (User, error)
	// UserByName returns the living user whose name has the canonical form key, or ErrNotFound. A verdict waits for it.
	UserByName(ctx context.Context, key string) (User, error)
	// UserByEmail returns the living user whose e-mail has the canonical form key, or ErrNotFound. A verdict waits for it.
	UserByEmail(ctx context.Context, key string) (User, error)
	// UsersNamed returns the names of those of the users that live.
	UsersNamed(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]string, error)
	// Users lists living users, in the order that the query names. Its Find is the beginning of a canonical name or e-mail; of those
	// with whom only the e-mail begins so, it finds EmailMatches, the first in the order of e-mails.
	Users(ctx context.Context, q Query) ([]User, error)
	// PasswordByName returns what is kept of the password of the living user whose name or e-mail has the canonical form key, or
	// ErrNotFound. There is one at most: a name with @ is nobody else's e-mail.
	PasswordByName(ctx context.Context, key string) (Credentials, error)
	// UpdateUser writes the user if its version is still r.Version, and raises that. It ends the sessions of one who was blocked
	// and is no longer, and the session tokens that were got by platforms which, with the roles that the user has now, may not
	// speak for it. Else it returns ErrStale, or ErrNotFound, or a conflict as CreateUser does, or ErrLastAdmin where no active
	// administrator with a password would be left.
	UpdateUser(ctx context.Context, r Record, ev audit.Event) error
	// DeleteUser leaves a tombstone: the name is free again, the ID and its credentials are dead for good. It returns
	// ErrNotFound or ErrLastAdmin.
	DeleteUser(ctx context.Context, id uuid.UUID, ev audit.Event) error
	// ChangePassword replaces the hash of a password if it is still the old one, and ends the user's browser sessions but
	// the actor's own, and its session tokens unless they are to be kept, in the same transaction. It returns ErrStale where the
	// hash isn't the old one, or ErrNotFound. Links that were sent to the user end, too, as they do where a password is reset, a user
	// isn't active any more, or is deleted.
	ChangePassword(ctx context.Context, id uuid.UUID, r Rehash, ev audit.Event) error
	// ResetPassword sets a password whatever it was, and revokes the user's personal token and ends its session tokens, and its
	// browser sessions but the actor's own, in the same transaction. It returns ErrNotFound.
	ResetPassword(ctx context.Context, id uuid.UUID, hash string, ev audit.Event) error
	// ChoosePassword does what ResetPassword does, and notes that the link of that ID was used, in the same transaction. It returns
	// ErrNotFound where the user has no such link that is good.
	ChoosePassword(ctx context.Context, id, link uuid.UUID, hash string, ev audit.Event) error
	// UpgradePassword replaces the hash by one of the same password, if it is still the old one. It is no change that
	// anyone can see: no event, no version.
	UpgradePassword(ctx context.Context, id uuid.UUID, old, hash string) error
	// PasswordKnownFrom reports whether the right password of a user came from an address since the given time. There need
	// not be such a user.
	PasswordKnownFrom(ctx context.Context, userID uuid.UUID, address string, since time.Time) (bool, error)
	// NotePasswordFrom notes that it came from there, and forgets the user's addresses of longest ago beyond that many. It is
	// nobody's act: there is no event. It returns ErrNotFound where the user doesn't live. A reset of the password and the
	// user's deletion forget all its addresses.
	NotePasswordFrom(ctx context.Context, userID uuid.UUID, address string, at time.Time, most int) error
	// PrunePasswordAddresses forgets addresses from which no right password came since the given time.
	PrunePasswordAddresses(ctx context.Context, before time.Time) (int64, error)
	// AnyUser reports whether a user was ever made.
	AnyUser(ctx context.Context) (bool, error)
}

// Rehash is the hash that takes the place of another when a user chooses a new password.
type Rehash struct {
	Old, New   string
	KeepTokens bool // the user's session tokens go on
}

// Config is what Accounts need. Every field is required but KeepSessionTokens, PasswordChanged and Exhausted.
type Config struct {
	Store Store
	// Applied returns once this process has heard of every change committed so far.
	Applied func(ctx context.Context) error
	Now     func() time.Time
	Random  io.Reader
	// PasswordSlots is how many passwords are hashed at a time; 0 means half the cores, one at least.
	PasswordSlots int
	// KeepSessionTokens has a user's session tokens outlive a new password that the user chooses.
	KeepSessionTokens bool
	// PasswordChanged, where given, hears of each user whose password was replaced.
	PasswordChanged func(id uuid.UUID)
	// Exhausted, where given, hears of each user at whose password no more guesses are looked at for now, from an address
	// where the right one may be remembered. Whoever remembers it must forget it: as long as a right guess is let in there
	// and a wrong one isn't, guessing goes on.
	Exhausted func(id uuid.UUID)
}

// Accounts manages users and proves passwords. Make one with New.
type Accounts struct {
	cfg      Config
	hasher   *hasher
	guesses  *guesses
	checks   singleflight.Group // of passwords, under way
	upgrades singleflight.Group // of imported hashes, likewise
	changes  changes
}

// New returns Accounts, or an error where the configuration lacks something.
func New(cfg Config) (*Accounts, error) {
	if cfg.Store == nil || cfg.Applied == nil || cfg.Now == nil || cfg.Random == nil || cfg.PasswordSlots < 0 {
		return nil, errors.New("account: Store, Applied, Now and Random are required, and PasswordSlots is not negative")
	}
	h, err := newHasher(cfg.PasswordSlots, cfg.Random)
	if err != nil {
		return nil, err
	}
	return &Accounts{cfg: cfg, hasher: h, guesses: newGuesses(cfg.Now)}, nil
}

// Draft is what a new user is made of.
type Draft struct {
	Kind        Kind // Person where empty
	Username    string
	Email       string
	DisplayName string
	Roles       []string
	State       State // Active where empty
	External    External
	Password    secret.Text // optional, instead of PasswordHash
	// PasswordHash is a hash made elsewhere: Argon2id, bcrypt or PBKDF2, as a PHC or modular-crypt string. bcrypt can't
	// tell passwords apart after 72 bytes, so whoever has a longer one is refused until it is reset.
	PasswordHash string
}

// Check returns what is wrong with the names and roles of a draft, as Create would: a *authority.FieldError.
func (d Draft) Check() error {
	u := User{Kind: d.Kind, Username: d.Username, Email: d.Email, DisplayName: d.DisplayName, Roles: d.Roles, State: d.State, External: d.External}
	_, err := record(u.complete())
	return err
}

// complete returns a new user with what may be left out.
func (u User) complete() User {
	u.Kind, u.State = cmp.Or(u.Kind, Person), cmp.Or(u.State, Active)
	return u
}

// Create makes a user. It waits for no change feed: nobody remembers that a user is not there. Errors are a *authority.FieldError for what is wrong with the draft (wrapping ErrConflict for a
// name that is taken), authority.ErrBusy where no password slot was free, or a store's.
func (a *Accounts) Create(ctx context.Context, d Draft, actor audit.Actor) (User, error) {
	now := a.cfg.Now().UTC().Truncate(time.Microsecond) // as it is stored, so that a later read returns the same
	u := User{
		ID: uuid.Must(uuid.NewV7()), Kind: d.Kind, Username: d.Username, Email: d.Email, DisplayName: d.DisplayName,
		Roles: d.Roles, State: d.State, External: d.External, Version: 1, CreatedAt: now, UpdatedAt: now,
	}
	r, err := record(u.complete())
	if err != nil {
		return User{}, err
	}
	hash, err := a.draftHash(ctx, d)
	if err != nil {
		return User{}, err
	}
	r.HasPassword = hash != ""
	ev := audit.New(audit.UserCreate, actor, target(r.User), now, "kind", string(r.Kind), "roles", strings.Join(r.Roles, ","))
	if err := a.cfg.Store.CreateUser(ctx, r, hash, ev); err != nil {
		return User{}, fmt.Errorf("creating user: %w", err)
	}
	return r.User, nil
}

// draftHash returns the hash that a draft comes to, or none. Of a password and a hash that stand side by side, neither is
// taken for the one that was meant.
func (a *Accounts) draftHash(ctx context.Context, d Draft) (string, error) {
	switch {
	case d.Password != "" && d.PasswordHash != "":
		return "", &authority.FieldError{Field: "password_hash", Problem: "stands beside password", Fix: "Give one of them."}
	case d.PasswordHash != "":
		return importable(d.PasswordHash)
	case d.Password != "":
		return a.newHash(ctx, "password", d.Password)
	}
	return "", nil
}

// newHash checks a new password for the field that it came in and hashes it.
func (a *Accounts) newHash(ctx context.Context, field string, password secret.Text) (string, error) {
	if err := checkPassword(field, password); err != nil {
		return "", err
	}
	return a.hasher.hash(ctx, password)
}

func target(u User) audit.Target { return audit.Target{Kind: "user", ID: u.ID, Name: u.Username} }

// User returns a user by ID. The error is ErrNotFound or a store's.
func (a *Accounts) User(ctx context.Context, id uuid.UUID) (User, error) {
	return a.cfg.Store.User(ctx, id)
}

// Find returns a user by ID or by name, in any spelling of it. An ID is nobody's name: names of that form are refused,
// or a user could stand in for another by choosing the other's ID. The error is ErrNotFound or a store's.
func (a *Accounts) Find(ctx context.Context, idOrName string) (User, error) {
	if id, err := uuid.Parse(idOrName); err == nil {
		return a.cfg.Store.User(ctx, id)
	}
	return a.cfg.Store.UserByName(ctx, Key(idOrName))
}

// FindByName returns the living user of that name, in any spelling of it. An ID is none, and an e-mail only where it is the name.
// The error is ErrNotFound or a store's.
func (a *Accounts) FindByName(ctx context.Context, name string) (User, error) {
	return a.cfg.Store.UserByName(ctx, Key(name))
}

// FindByEmail returns the living user whose e-mail that is, in any spelling of it. The error is ErrNotFound or a store's.
func (a *Accounts) FindByEmail(ctx context.Context, email string) (User, error) {
	key := Key(email)
	if key == "" {
		return User{}, authority.ErrNotFound
	}
	return a.cfg.Store.UserByEmail(ctx, key)
}

// Names returns the names of those of the given users that live.
func (a *Accounts) Names(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]string, error) {
	return a.cfg.Store.UsersNamed(ctx, ids)
}

// Patch is a change of a user; nil fields stay as they are.
type Patch struct {
	Username    *string
	Email       *string
	DisplayName *string
	Roles       *[]string
	State       *State
	Password    *secret.Text // an administrator's reset: ends the user's personal token and browser sessions
}

// Update changes a user, if its version is the given one (0 for any). A new password is a change and an event of its own,
// stored after the other fields: where only that fails, those stand changed, and to try again does no harm. Errors are as those of Create, and ErrNotFound,
// ErrStale, ErrLastAdmin.
func (a *Accounts) Update(ctx context.Context, id uuid.UUID, version int64, p Patch, actor audit.Actor) (User, error) {
	u, err := a.cfg.Store.User(ctx, id)
	if err != nil {
		return User{}, err
	}
	// The store compares the version again when it writes; asked here, it also holds for a patch that writes nothing.
	if version != 0 && u.Version != version {
		return User{}, authority.ErrStale
	}
	hash := ""
	if p.Password != nil { // hashed first: what can fail for lack of room comes before anything is changed
		if hash, err = a.newHash(ctx, "password", *p.Password); err != nil {
			return User{}, err
		}
	}
	if changed := apply(&u, p); len(changed) > 0 {
		if err := a.write(ctx, &u, changed, actor); err != nil {
			return User{}, err
		}
	}
	if hash != "" {
		if err := a.resetPassword(ctx, u, hash, actor); err != nil {
			return User{}, err
		}
		u.HasPassword = true
	}
	return u, a.cfg.Applied(ctx)
}

// write checks and stores a changed user.
func (a *Accounts) write(ctx context.Context, u *User, changed []string, actor audit.Actor) error {
	u.UpdatedAt = a.cfg.Now().UTC().Truncate(time.Microsecond)
	r, err := record(*u)
	if err != nil {
		return err
	}
	ev := audit.New(audit.UserUpdate, actor, target(r.User), u.UpdatedAt, changed...)
	if err := a.cfg.Store.UpdateUser(ctx, r, ev); err != nil {
		return fmt.Errorf("updating user: %w", err)
	}
	*u = r.User
	u.Version++
	return nil
}

// FormerEmail is the name by which the event of a user's change tells of the e-mail that the user had, where there was one: whose
// address it is must hear that it no longer is the user's.
const FormerEmail = "former_email"

// apply changes u and returns what changed, as pairs of a field's name and its new value.
func apply(u *User, p Patch) (changed []string) {
	former := u.Email
	set := func(field string, to *string, value *string) {
		if value != nil && *value != *to {
			*to = *value
			changed = append(changed, field, *value)
		}
	}
	set("username", &u.Username, p.Username)
	set("email", &u.Email, p.Email)
	set("display_name", &u.DisplayName, p.DisplayName)
	set("state", (*string)(&u.State), (*string)(p.State))
	if p.Roles != nil && !slices.Equal(*p.Roles, u.Roles) {
		u.Roles = *p.Roles
		changed = append(changed, "roles", strings.Join(u.Roles, ","))
	}
	if former != "" && u.Email != former {
		changed = append(changed, FormerEmail, former)
	}
	return changed
}

// Delete ends a user for good: all its credentials are dead, and one made later under its name inherits nothing. The
// error is ErrNotFound, ErrLastAdmin or a store's.
func (a *Accounts) Delete(ctx context.Context, id uuid.UUID, actor audit.Actor) error {
	u, err := a.cfg.Store.User(ctx, id)
	if err != nil {
		return err
	}
	ev := audit.New(audit.UserDelete, actor, target(u), a.cfg.Now())
	if err := a.cfg.Store.DeleteUser(ctx, id, ev); err != nil {
		return fmt.Errorf("deleting user: %w", err)
	}
	return a.cfg.Applied(ctx)
}

// UserID returns the ID of the living user of that ID or name, or ErrNotFound.
func (a *Accounts) UserID(ctx context.Context, idOrName string) (uuid.UUID, error) {
	u, err := a.Find(ctx, idOrName)
	return u.ID, err
}
