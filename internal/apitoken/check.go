package apitoken

import (
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/policy"
)

// The bounds of what is asked for.
const (
	maxDays   = 36_500 // a century
	maxScopes = 100
	day       = 24 * time.Hour
)

// Key returns the canonical form of a token's name: no two living tokens have one.
func Key(name string) string { return account.Key(name) }

// check holds a new or changed token to the rules and brings it into its one form. Had are the scopes that it had before.
func (t *Tokens) check(r *Record, user account.User, maker *authority.Principal, had []string) error {
	if err := checkName(r.Name); err != nil {
		return err
	}
	r.NameKey = Key(r.Name)
	if err := t.checkScopes(r.Limits.Scopes, had); err != nil {
		return err
	}
	r.Limits.Scopes = sorted(r.Limits.Scopes)
	if r.Limits.HasScope(authority.AdminScope) && !slices.Contains(had, authority.AdminScope) && !mayAdminister(maker, user) {
		return authority.Field("scopes", "may hold "+authority.AdminScope+" for yourself or a service account alone", "Make the token for a service account.")
	}
	if err := authority.CheckFrom(r.Limits.From); err != nil {
		return err
	}
	return authority.CheckRate(r.Limits.Rate)
}

// checkName refuses a name that could be taken for an ID, beside what no record may be called.
func checkName(name string) error {
	if uuid.Validate(name) == nil {
		return authority.Field("name", "has the form of an ID", "Say what the token is for.")
	}
	return account.CheckLabel(name, "Say what the token is for.")
}

// checkScopes refuses a scope that no operation has, which is a slip of the pen, unless the token had it before.
func (t *Tokens) checkScopes(scopes, had []string) error {
	if len(scopes) > maxScopes {
		return authority.Field("scopes", "are more than "+strconv.Itoa(maxScopes), "")
	}
	for i, scope := range scopes {
		name := "scopes[" + strconv.Itoa(i) + "]"
		switch {
		case !policy.IsScope(scope):
			return authority.Field(name, `is empty, or holds a space, " or \`, "Give scopes one by one.")
		case scope != authority.AdminScope && !slices.Contains(had, scope) && !t.cfg.Policy().HasScope(scope):
			return authority.Field(name, "is the scope of no operation", "Give an operation that scope first, or leave it out.")
		}
	}
	return nil
}

// expiry returns when a new token ends: zero for never. It ends on a whole second, as its text tells it.
func (t *Tokens) expiry(d Draft, kind account.Kind, now time.Time) (time.Time, error) {
	longest := t.cfg.MaxLife[kind]
	bounded := longest > 0
	switch {
	case d.Never && d.Days != 0:
		return time.Time{}, authority.Field("never_expires", "stands beside expires_in_days", "Give one of them.")
	case d.Never && bounded:
		return time.Time{}, authority.Field("never_expires", "is not allowed for this kind of user", "Give expires_in_days, "+daysOf(longest)+" at most.")
	case d.Never:
		return time.Time{}, nil
	case d.Days < 1 || d.Days > maxDays:
		return time.Time{}, authority.Field("expires_in_days", "is not 1 to "+strconv.Itoa(maxDays), "Give 30, or never_expires.")
	case bounded && time.Duration(d.Days)*day > longest:
		return time.Time{}, authority.Field("expires_in_days", "is more than the longest life for this kind of user", "Give "+daysOf(longest)+" at most.")
	}
	return now.Add(time.Duration(d.Days) * day).Truncate(time.Second), nil
}

func daysOf(d time.Duration) string { return strconv.Itoa(int(d / day)) }
