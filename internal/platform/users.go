package platform

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/authority"
)

// findUser finds the user of the e-mail, and holds that one to being let in anywhere. A name that reads like the e-mail is none.
//
// The e-mail counts as it is written, but for the case of ASCII letters. Jeton finds users by a canonical form, under which letters
// of full width, ligatures and many more are their plain ones. Here it must not do: whoever gets a platform to know him as
// ａnn@example.com, by an address that is another's nowhere else, would be logged in as ann@example.com.
func (e *examination) findUser(ctx context.Context) (fault, error) {
	u, err := e.cfg.Users.FindByEmail(ctx, e.email)
	if errors.Is(err, authority.ErrNotFound) {
		return e.unknownUser(ctx)
	}
	if err != nil {
		return fault{}, fmt.Errorf("finding the user of an assertion: %w", err)
	}
	if !account.SameSpelling(u.Email, e.email) {
		found := "The e-mail is another spelling of that of " + shown(u.Username) + ": it is " + strconv.QuoteToASCII(e.email) + ", and not " + strconv.QuoteToASCII(u.Email) + "."
		return failed(authority.ReasonUnknownUser, found, "Have the platform send the e-mail as it is in Jeton."), nil
	}
	e.user = u
	found := "It is the user " + shown(u.Username)
	switch u.State {
	case account.Blocked:
		return failed(authority.ReasonBlocked, found+", who is blocked.", "Unblock the user, if it may log in."), nil
	case account.Suspended:
		return failed(authority.ReasonSuspended, found+", who is suspended since the database was restored.", "Unblock the user, if it may log in."), nil
	default:
		e.trace.Note("%s.", found)
		return fault{}, nil
	}
}

// unknownUser refuses an e-mail that nobody has, unless the platform makes its users.
func (e *examination) unknownUser(ctx context.Context) (fault, error) {
	f := failed(authority.ReasonUnknownUser, "No user has the e-mail "+shown(e.email)+".", "Make the user, or let the platform make its users (create_users).")
	if e.platform.CreateUsers {
		draft := e.newUser()
		err := draft.Check()
		switch {
		case err != nil:
			f.Found += " None can be made of it: " + err.Error() + "."
			f.Fix = "Have the platform send an e-mail."
			return f, nil
		case !isPlain(e.email):
			f.Found += " None is made of it: it is another spelling of " + strconv.QuoteToASCII(account.Key(e.email)) + ", whose name it would take."
			f.Fix = "Make the user, if the address is meant."
			return f, nil
		}
		e.user = account.User{Kind: account.Person, Roles: draft.Roles}
		e.trace.Note("No user has the e-mail %s. One is made of it.", shown(e.email))
		return fault{}, nil
	}
	if e.trace != nil { // it costs a look-up, which only an administrator's question is worth
		switch _, err := e.cfg.Users.Find(ctx, e.email); {
		case err == nil:
			f.Found += " It is a user's name or ID, which doesn't count."
			f.Fix = "Have the platform send the user's e-mail."
		case !errors.Is(err, authority.ErrNotFound):
			return fault{}, fmt.Errorf("finding a user by name: %w", err)
		}
	}
	return f, nil
}

// isPlain reports whether an e-mail is its own canonical form, but for the case of ASCII letters. A user is made of no other: whoever
// gets a platform to know him as ａnn@example.com, before ann@example.com comes, would have her name. He would keep her out, and get the
// roles that an administrator gives her by it.
func isPlain(email string) bool { return account.SameSpelling(email, account.Key(email)) }

// judgeScope holds the platform to speaking for the users for whom it may. It goes by the roles that the user has now, so that one who
// was given a role a moment ago is within, and one who administers since a moment isn't.
func (e *examination) judgeScope(context.Context) (fault, error) {
	u, p := &e.user, &e.platform
	f := fault{Reason: authority.ReasonNotSpokenFor}
	switch {
	case u.Kind != account.Person:
		f.Found, f.Fix = "The user is a service account, for which no platform speaks.", "Give the program a token of its own."
	case u.Admin() && !p.Administrators:
		f.Found, f.Fix = "The user is an administrator, and the platform doesn't speak for these.", "Have the administrator log in by password, or allow it (administrators)."
	case !p.SpeaksFor.has(u):
		f.Found, f.Fix = "The platform doesn't speak for the user: neither for a role of it, nor for it by name.", "Give the user such a role, or widen speaks_for."
	default:
		e.trace.Note("The platform speaks for the user.")
		return fault{}, nil
	}
	return f, nil
}
