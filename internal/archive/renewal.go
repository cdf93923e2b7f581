package archive

import (
	"strings"
	"time"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/feed"
)

// Why a database is closed while this package is at work: stored in it, told to whoever tries to use it, and known again when
// the work goes on. A token, drawn when it began, says that both sides speak of the same work: see Why.
const (
	// Loading is said of a database that records are being loaded into.
	Loading = "records are being loaded into it, and not all are there yet"
	// Moving is said of a database whose records are being moved: it can be opened again.
	Moving = "its records are being moved to another database"
	// Moved is said of it once the other may be in use.
	Moved = "its records were moved to another database"
)

// Why returns a reason with its token.
func Why(reason, token string) string { return reason + " (" + token + ")" }

// Token returns the token of a reason that a database gives, if it gives that one.
func Token(closed, reason string) (token string, ok bool) {
	rest, is := strings.CutPrefix(closed, reason+" (")
	token, ends := strings.CutSuffix(rest, ")")
	return token, is && ends
}

// Told returns a reason that a database gives for being closed, with what to do about it.
func Told(closed string) string {
	for reason, fix := range map[string]string{
		Loading: "repeat the restore or the move that loads them, and start servers once it has ended",
		Moving:  "repeat \"jeton move\" until it has ended, or give it up with --abandon",
		Moved:   "start servers with --database of the other one",
	} {
		if _, is := Token(closed, reason); is {
			return closed + ": " + fix
		}
	}
	return closed
}

// Renewal says what a database that was put back must give up before it may be used again: since the moment it is of, users
// may have been blocked and tokens revoked.
//
// It doesn't defend against what no journal has: an assertion that was used since can be used once more until it ends. Nor does
// Suspend take away what can't be had anew without whoever uses it: the secrets and keys of a client whose user is let in again,
// those of a platform that is enabled again, the keys of a token set that is turned on again, roles and operations as they were, the signing keys of API tokens. They count as they
// did, and the person who lets users in is told to look.
type Renewal struct {
	At time.Time
	// Epoch is the highest one known; the database gets a higher one than that and than its own. Nodes that knew the database
	// before it was put back then forget all they know of it, and follow.
	Epoch int64
	// Known is up to where it is known what was taken away since. A node that knows more doesn't follow.
	Known feed.Position
	// Suspend says that it isn't known what was taken away since: every user is suspended, every session ended, of browsers and of
	// programs, every personal token and every signing key of access tokens revoked, every recovery code void, every API token, every
	// platform and every token set disabled.
	Suspend bool
	// Changes are those that were made since, where they are known: no record is among them twice. What was deleted or revoked
	// then, is so again. What was changed otherwise isn't known in any other state than the one of before, which may have
	// allowed more: a personal token is revoked, an API token, a platform or all token sets of a project disabled, a user or service
	// suspended, and the recovery codes of that user are void.
	Changes []feed.Change
	// Event returns the event of all this.
	Event func(Outcome) audit.Event
}

// Reach returns what the database says of how much was known: everything, where nobody is left who could pass for not knowing.
func (r *Renewal) Reach() feed.Position {
	if r.Suspend {
		return feed.Everything()
	}
	return r.Known
}

// Outcome is what a renewal has done. Of each kind it counts what was changed by it.
type Outcome struct {
	Position   feed.Position // from here on
	Deleted    int64         // users, services, platforms and projects
	Suspended  int64         // users
	Tokens     int64         // personal tokens revoked, API tokens deleted or disabled, secrets and keys of clients and platforms and token sets deleted
	Sessions   int64         // of browsers, and session tokens, ended
	Keys       int64         // signing keys revoked
	Services   []string      // names of those that were changed since, and are suspended
	Platforms  []string      // codes of those that were changed since, or may have been, and are disabled
	Projects   []string      // numbers of those that were changed since, or may have been, and whose token sets are all disabled
	Unknown    int64         // records changed since that aren't there, as they were made since
	Administer bool          // whether there is an administrator who can log in
}
