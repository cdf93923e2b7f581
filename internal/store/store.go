// Package store says what a store is: all that the packages inside ask of one, in one name, for those who open one.
//
// What each method promises stands with the package that needs it. The package holds no more than the list; the stores are
// below it, and storetest holds each to it.
package store

import (
	"context"
	"time"

	"github.com/jeton-io/jeton/internal/accesstoken"
	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/apitoken"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/catalog"
	"github.com/jeton-io/jeton/internal/clientauth"
	"github.com/jeton-io/jeton/internal/factor"
	"github.com/jeton-io/jeton/internal/feed"
	"github.com/jeton-io/jeton/internal/keyring"
	"github.com/jeton-io/jeton/internal/link"
	"github.com/jeton-io/jeton/internal/personal"
	"github.com/jeton-io/jeton/internal/platform"
	"github.com/jeton-io/jeton/internal/project"
	"github.com/jeton-io/jeton/internal/session"
)

// Store keeps Jeton's records. It is safe for concurrent use.
//
// A method that changes something does so in one transaction, which is on the disk when it returns without an error. Beside
// what each of them says, they may return authority.ErrUnavailable where the database can't be asked, authority.ErrStorageFull
// where there is no room for a change, and feed.ErrClosed where a change comes to a database that was closed for good.
type Store interface {
	account.Store
	personal.Store
	apitoken.Store
	accesstoken.Store
	clientauth.Store
	session.Store
	session.TokenStore
	factor.Store
	link.Store
	platform.Store
	project.Store
	keyring.Store
	catalog.Store
	feed.Store
	audit.Store

	// PruneChanges deletes the changes before a time, oldest first and without leaving a gap, and returns how many.
	PruneChanges(ctx context.Context, before time.Time) (int64, error)
	// Horizon returns up to which time records may be deleted for their age; the zero time where that was never kept.
	Horizon(ctx context.Context) (time.Time, error)
	// KeepHorizon keeps that time, where it is later than the one kept: of several nodes at once, the latest stays.
	KeepHorizon(ctx context.Context, at time.Time) error
	// NoteIssuer keeps the public URL under which tokens are signed from now on, and returns the former one, empty where
	// there was none.
	NoteIssuer(ctx context.Context, url string) (former string, err error)
	// Told returns up to where somebody of that name has told people what concerns them; 0 where it never did.
	Told(ctx context.Context, name string) (int64, error)
	// KeepTold moves that on from where it was, and reports whether it was there still: of several nodes at once, one moves it. What is
	// told after it was moved is told once at most.
	KeepTold(ctx context.Context, name string, from, to int64) (bool, error)
	// Position returns how far the database has come, and which it is: the same each time it is opened.
	Position(ctx context.Context) (feed.Position, error)
	// Close finishes the writes that were accepted and refuses others.
	Close() error
}
