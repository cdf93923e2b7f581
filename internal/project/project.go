// Package project is the way in of sealed tokens: an application that shares a key with Jeton says, in the query of a call, which
// application it is and, if it likes, for which user it calls.
//
//	project    ID, number │ name, security context, app keys, addresses, how long a token counts │ service account │ deleted
//	token set  ID │ project, name │ how its tokens are encrypted, key under the master key │ active, used once, deleted
//
//	security token ─▶ open by one of the project's active sets ─▶ context, app key, GenDT ┐
//	user token     ─▶ likewise ─▶ GenDT, if it has one ─▶ user ───────────────────────────┴▶ used before? ─▶ proof
//
// With a security token alone the caller is the project's own service account. With a user token it is the person named in it,
// within the project's services. What a token says counts as far as its set can be believed: where tokens can be forged, an
// administrator is let in without that role (see sealed.Settings.Forgeable).
//
// The package refuses whatever is wrong with a token in one way and after the same work: as many decryptions, readings of fields
// and look-ups of a user, whether a padding, a time or a name was wrong. It doesn't defend the users of a project from that
// project's application.
package project

import (
	"context"
	"net/netip"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/sealed"
)

// DefaultNumber is the number of the project that a call means which names none.
const DefaultNumber = 1000

// MaxSets is how many token sets of a project may live at once: each active one is one more to try a token by.
const MaxSets = 8

// Project is an application, or several, that seal tokens alike.
type Project struct {
	ID              uuid.UUID // the number may be another's once this one is deleted; the ID never
	Number          int       // 1 to 2,147,483,647
	Name            string
	SecurityContext string // what a token's Context must be; empty for anything
	ContextRequired bool   // whether a token must have one
	TokenRequired   bool   // whether a user token alone must be a good security token, too
	AppKeys         []byte // under the master key; nothing where there are none, and any will do
	AppKeyCount     int
	AllowedIPs      []netip.Prefix // from which tokens count; none for all
	MaxAge          time.Duration  // how long a token counts from its GenDT, in whole seconds
	CreateUsers     bool           // whether an unknown user name makes a user
	NewUserRoles    []string       // whose roles are these; sorted, never admin
	ServiceAccount  uuid.UUID      // who calls with a security token alone
	Version         int64          // raised by each change
	CreatedAt       time.Time
	UpdatedAt       time.Time
	DeletedAt       time.Time // zero while it lives
}

// TokenSet is how an application seals its tokens.
type TokenSet struct {
	ID        uuid.UUID
	ProjectID uuid.UUID
	Name      string
	Active    bool
	sealed.Settings
	Key        []byte // the text of the key, under the master key; nothing once it is deleted
	OneTime    bool   // whether each token counts once
	Version    int64  // raised by each change
	CreatedAt  time.Time
	UpdatedAt  time.Time
	LastUsedAt time.Time // zero where it was never used; kept to the minute
	LastUsedIP string
	DeletedAt  time.Time // zero while it lives
}

// Entry is a project with its living token sets, in the order in which they were made.
type Entry struct {
	Project
	Sets []TokenSet
}

// OwnAccount is the service account that is made with a project, which has no password, and the event that tells of it.
type OwnAccount struct {
	account.Record
	Event audit.Event
}

// Store keeps projects and their token sets. A change is durable when its method returns without error. The event's At is the
// time of the change. Where a change is said to end what the project's tokens began, it ends the browser sessions that were begun
// by these, with the project's row of the feed, in the same transaction.
type Store interface {
	UsedTokens
	// AddProject adds a project and the service account that is its own, each with its event. A node hears of it by the project's row
	// of the feed. It returns ErrConflict, wrapped in a FieldError that names the field (number, name; for
	// the account's name: number), where a living one has it.
	AddProject(ctx context.Context, p Project, nameKey string, own OwnAccount, ev audit.Event) error
	// Projects lists living projects in the order of their numbers, from the one after the given one.
	Projects(ctx context.Context, after, limit int) ([]Project, error)
	// Project returns the living project of a number with its living sets, or ErrNotFound.
	Project(ctx context.Context, number int) (Entry, error)
	// AllProjects returns every living project with its living sets, as of one moment.
	AllProjects(ctx context.Context) ([]Entry, error)
	// UpdateProject writes a living project if its version is still the given one, and raises that. It ends what the project's
	// tokens began. Number, service account and creation are not its to change. Else ErrStale, ErrNotFound, or a conflict as
	// AddProject has it.
	UpdateProject(ctx context.Context, p Project, nameKey string, ev audit.Event) error
	// DeleteProject leaves a tombstone: number and name are free again. Its sets are deleted, and their keys and its app keys
	// forgotten, its service account is deleted, as DeleteUser does it, with an event and a row of the feed of its own unless somebody
	// has deleted it before, and what its tokens began is ended. Services that had it have none. It returns ErrNotFound.
	DeleteProject(ctx context.Context, id uuid.UUID, ev, ownEv audit.Event) error
	// AddTokenSet adds a set to a living project. A node hears of it by the project's row of the feed, but nothing is ended. It
	// returns ErrNotFound where the project doesn't live, ErrConflict for the field token_sets where MaxSets live, and for the
	// field name where a living set of the project has it.
	AddTokenSet(ctx context.Context, s TokenSet, nameKey string, ev audit.Event) error
	// UpdateTokenSet writes a living set of a project if its version is still the given one, and raises that. It ends what the
	// project's tokens began. Else ErrStale, ErrNotFound or a conflict of the field name.
	UpdateTokenSet(ctx context.Context, s TokenSet, nameKey string, ev audit.Event) error
	// DeleteTokenSet leaves a tombstone without a key, and ends what the project's tokens began. It returns ErrNotFound.
	DeleteTokenSet(ctx context.Context, projectID, id uuid.UUID, ev audit.Event) error
	// NoteTokenSet keeps that somebody used a living set by hand. Nothing is changed but the audit log. It returns ErrNotFound where
	// the set doesn't live.
	NoteTokenSet(ctx context.Context, id uuid.UUID, ev audit.Event) error
	// TouchTokenSets stores when sets were last used, where that is later than what is stored.
	TouchTokenSets(ctx context.Context, used []authority.Use) error
}

// UsedTokens keeps which tokens were used, of those that count once.
type UsedTokens interface {
	// UseAssertion keeps that a token was used, until it has ended. It returns ErrConflict where it was used before: of any
	// number at once, on any number of nodes, one succeeds.
	UseAssertion(ctx context.Context, digest [32]byte, until time.Time) error
	// AssertionUsed reports whether a token was used, for whoever asks why it is refused. Nothing may be built on its answer:
	// another may use it a moment later.
	AssertionUsed(ctx context.Context, digest [32]byte) (bool, error)
}

// Users are the users whom tokens name.
type Users interface {
	// User returns the living user of an ID, or ErrNotFound.
	User(ctx context.Context, id uuid.UUID) (account.User, error)
	// FindByName returns the living user of that name, which is no ID and no e-mail but where that is the name; or ErrNotFound.
	FindByName(ctx context.Context, name string) (account.User, error)
	// Create makes a user, or returns a *authority.FieldError, beside ErrConflict where a name or an e-mail is taken.
	Create(ctx context.Context, d account.Draft, actor audit.Actor) (account.User, error)
}
