package project

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/authority"
)

// maxUserName is the length of the longest name that a user has, in characters.
const maxUserName = 128

// lookUp looks up who calls: one user, by name, whoever it is and whether or not what was said before is any good. Where a token names
// nobody who could be looked up, it is the project's service account, which is there to be found, as most users are.
func (e *examination) lookUp(ctx context.Context) error {
	name, named := e.naming().chosen.fields.Get(fieldUser)
	good := true
	for _, t := range e.tokens {
		good = good && t.opened()
	}
	e.caller = caller{name: name, named: named}
	own := !good || !named || name == "" || utf8.RuneCountInString(name) > maxUserName
	if own {
		name = accountName(e.project.Number)
	}
	e.work.lookedUp.Add(1)
	u, err := e.cfg.Users.FindByName(ctx, name)
	if own && good && !named && u.ID != e.project.ServiceAccount { // somebody has given it another name, and may have given this one away
		u, err = e.cfg.Users.User(ctx, e.project.ServiceAccount)
	}
	switch {
	case errors.Is(err, authority.ErrNotFound):
		return nil
	case err != nil:
		return fmt.Errorf("finding the user of a sealed token: %w", err)
	case !own || good && !named:
		e.caller.User = u
	}
	return nil
}

// naming is the token that says for whom the application calls: the user token, where there is one.
func (e *examination) naming() *token { return e.tokens[len(e.tokens)-1] }

// judgeUser holds who calls to being let in anywhere. A name counts as it is written, but for the case of ASCII letters. Jeton finds
// users by a canonical form, under which letters of full width, ligatures and many more are their plain ones. Here it must not do:
// whoever gets the application to know him as ａnn would be let in as ann.
func (e *examination) judgeUser(context.Context) (fault, error) {
	if f := e.naming().chosen.faults[nameCheck]; f.Reason != "" {
		return f, nil
	}
	u, known := &e.caller.User, e.caller.ID != uuid.Nil
	switch {
	case !known && !e.caller.named:
		return e.fault(authority.ReasonUserDeleted, "Make the project anew: its service account was deleted.", "The tokens name no user, and the project's service account is gone."), nil
	case known && e.caller.named && !account.SameSpelling(u.Username, e.caller.name):
		f := e.fault(authority.ReasonUnknownUser, "Have the application send the name as it is in Jeton.", "UserName is another spelling of %s: it is %s.",
			strconv.QuoteToASCII(u.Username), strconv.QuoteToASCII(e.caller.name))
		e.caller.User = account.User{}
		return f, nil
	case !known:
		return e.unknownUser(), nil
	case e.caller.named && u.Kind != account.Person:
		return e.fault(authority.ReasonNotSpokenFor, "Name a person. For itself, the application sends a security token without UserName.", "The user %s is a service account, for which no application speaks.", shown(u.Username)), nil
	case u.State == account.Blocked:
		return e.fault(authority.ReasonBlocked, "Unblock the user, if it may call.", "It is the user %s, who is blocked.", shown(u.Username)), nil
	case u.State != account.Active:
		return e.fault(authority.ReasonSuspended, "Unblock the user, if it may call.", "It is the user %s, who is suspended since the database was restored.", shown(u.Username)), nil
	case e.limits().WithoutAdmin && u.Admin():
		e.trace.Note("It is the user %s, an administrator, who is let in without that role: the tokens can be forged.", shown(u.Username))
	default:
		e.trace.Note("It is the user %s.", shown(u.Username))
	}
	return fault{}, nil
}

// unknownUser refuses a name that nobody has, unless the project makes its users. None is made of a name that isn't its own canonical
// form: whoever gets the application to know him as ａnn, before ann comes, would have her name, keep her out, and get the roles that an
// administrator gives her by it. Nor is one made of the name of a project's account: it would keep a project that is yet to come from being
// made.
func (e *examination) unknownUser() fault {
	name := e.caller.name
	if !e.project.CreateUsers {
		return e.fault(authority.ReasonUnknownUser, "Make the user, or let the project make its users (create_users).", "No user has the name %s.", shown(name))
	}
	draft, err := e.newUser()
	if err == nil {
		err = draft.Check()
	}
	switch {
	case err != nil:
		return e.fault(authority.ReasonUnknownUser, "Have the application send what a user can be made of.", "No user has the name %s, and none can be made of it: %v.", shown(name), err)
	case !account.SameSpelling(name, account.Key(name)):
		return e.fault(authority.ReasonUnknownUser, "Make the user, if the name is meant.", "No user has the name %s. None is made of it: it is another spelling of %s, whose name it would take.", shown(name), strconv.QuoteToASCII(account.Key(name)))
	case isAccountName(account.Key(name)):
		return e.fault(authority.ReasonUnknownUser, "Have the application send another name.", "No user has the name %s. None is made of it: it is that of a project's account.", shown(name))
	}
	e.caller.User = account.User{Kind: account.Person, Roles: draft.Roles}
	e.trace.Note("No user has the name %s. One is made of it.", shown(name))
	return fault{}
}

// newUser is what a user is made of whom only the application knows. The error is a *authority.FieldError.
func (e *examination) newUser() (account.Draft, error) {
	fields := e.naming().chosen.fields
	get := func(name string) string {
		value, _ := fields.Get(name)
		return value
	}
	draft := account.Draft{
		Username: e.caller.name, Email: get("Email"), DisplayName: get("Display"), Roles: e.project.NewUserRoles,
		External: account.External{Profile: get("Profile"), ID: get("ExtId"), Ref: get("ExtRef"), Data: get("ExtData")},
	}
	if flags := get("ExtFlags"); flags != "" {
		n, err := strconv.ParseInt(flags, 10, 64)
		if err != nil {
			return draft, authority.Field("ExtFlags", "is no whole number", "")
		}
		draft.External.Flags = n
	}
	return draft, nil
}
