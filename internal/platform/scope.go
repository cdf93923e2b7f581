package platform

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/authority"
)

// maxSpeaksFor bounds the words of a scope. A platform that speaks for more speaks for a role.
const maxSpeaksFor = 1000

// everybody is the word for a scope that has all users.
const everybody = "all"

// scope turns words into a scope: "all" alone, or "role:NAME" and "user:NAME". Users stand in it by ID, so that a name that is
// deleted and made anew inherits nothing.
func (p *Platforms) scope(ctx context.Context, words []string) (Scope, error) {
	switch {
	case words == nil, len(words) == 1 && words[0] == everybody:
		return Scope{All: true}, nil
	case len(words) == 0:
		return Scope{}, authority.Field("speaks_for", "names nobody", "Disable the platform to have it speak for nobody.")
	case len(words) > maxSpeaksFor:
		return Scope{}, authority.Field("speaks_for", "has more than "+strconv.Itoa(maxSpeaksFor)+" words", "Give the users a role.")
	}
	var s Scope
	for i, word := range words {
		if err := p.widen(ctx, &s, "speaks_for["+strconv.Itoa(i)+"]", word); err != nil {
			return Scope{}, err
		}
	}
	slices.Sort(s.Roles)
	s.Roles = slices.Compact(s.Roles)
	slices.SortFunc(s.Users, func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) })
	s.Users = slices.Compact(s.Users)
	return s, nil
}

// widen adds to a scope what one word names. A role need not be anybody's yet; a user must be there, since what is kept of one is
// the ID. The field of an error says which word it was, and doesn't repeat it.
func (p *Platforms) widen(ctx context.Context, s *Scope, field, word string) error {
	if role, ok := strings.CutPrefix(word, roleWord); ok && account.ValidRole(role) {
		s.Roles = append(s.Roles, role)
		return nil
	}
	name, ok := strings.CutPrefix(word, userWord)
	switch {
	case word == everybody:
		return authority.Field(field, "stands beside others", `Give ["all"], or leave it out.`)
	case !ok || name == "":
		return authority.Field(field, "is none of all, role:NAME and user:NAME", "")
	}
	u, err := p.cfg.Users.Find(ctx, name)
	switch {
	case errors.Is(err, authority.ErrNotFound):
		return authority.Field(field, "names a user who doesn't exist", "Make the user first, or name a role.")
	case err != nil:
		return fmt.Errorf("finding a user for whom a platform speaks: %w", err)
	case u.Kind != account.Person:
		return authority.Field(field, "names a service account", "Name people: no platform speaks for a service account.")
	}
	s.Users = append(s.Users, u.ID)
	return nil
}

// SpeaksFor returns the scope of a platform in people's words: what it was given, with today's names. Users deleted since are left
// out, so that nobody takes somebody of the same name for one of them; where only such were in it, it is empty.
func (p *Platforms) SpeaksFor(ctx context.Context, of Platform) ([]string, error) {
	if of.SpeaksFor.All {
		return []string{everybody}, nil
	}
	words := make([]string, 0, len(of.SpeaksFor.Roles)+len(of.SpeaksFor.Users))
	for _, role := range of.SpeaksFor.Roles {
		words = append(words, roleWord+role)
	}
	if len(of.SpeaksFor.Users) == 0 {
		return words, nil
	}
	names, err := p.cfg.Users.Names(ctx, of.SpeaksFor.Users)
	if err != nil {
		return nil, fmt.Errorf("naming those for whom a platform speaks: %w", err)
	}
	for _, id := range of.SpeaksFor.Users {
		if name, lives := names[id]; lives {
			words = append(words, userWord+name)
		}
	}
	return words, nil
}

// has reports whether a user is within the scope, with the roles that it has at this moment. Where it loses the role by which it was
// within, the store ends what was got by that, in the transaction of the change (see account.Store).
func (s *Scope) has(u *account.User) bool {
	return s.All || slices.Contains(s.Users, u.ID) || s.hasRole(u.Roles)
}

// hasRole reports whether whoever has these roles is within the scope.
func (s *Scope) hasRole(roles []string) bool {
	return s.All || slices.ContainsFunc(roles, func(r string) bool { return slices.Contains(s.Roles, r) })
}

// within reports whether a scope has nobody whom another hasn't. It is asked of the words: whoever stands in one by name and in the
// other by a role isn't found, and loses a session at worst.
func (s *Scope) within(other *Scope) bool {
	if s.All || other.All {
		return other.All
	}
	return !slices.ContainsFunc(s.Roles, func(r string) bool { return !slices.Contains(other.Roles, r) }) &&
		!slices.ContainsFunc(s.Users, func(id uuid.UUID) bool { return !slices.Contains(other.Users, id) })
}
