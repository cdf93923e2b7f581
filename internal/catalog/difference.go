package catalog

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/policy"
	"github.com/jeton-io/jeton/internal/secret"
)

// fact is one thing that the operations of a service say of a pattern. Users are compared by ID: to rename one changes
// nothing, while a name made anew is another's.
type fact struct {
	pattern string
	user    uuid.UUID // one of its audience, or zero
	word    string    // what else is said: role:NAME, self:{VARIABLE}, nobody, or scope:NAME
}

// nobody is said of an operation with an empty audience. It must not look like no operation in the audit log: that one
// is closed, and without it the service's default, which may admit everybody, decides.
const nobody = "nobody"

// difference returns the detail of an audit event: how many operations there are now, and which facts were added and
// removed, with users by the names they have now. A user who is gone is told by ID. A long list is cut, as in every
// event: the log says that much was changed at once, and no longer all of it.
func (c *Catalog) difference(ctx context.Context, former, ops []policy.Operation) ([]string, error) {
	before, after := facts(former), facts(ops)
	added, removed := without(after, before), without(before, after)
	var ids []uuid.UUID
	for _, list := range [][]fact{added, removed} {
		for _, f := range list {
			if f.user != uuid.Nil {
				ids = append(ids, f.user)
			}
		}
	}
	names, err := c.cfg.Users.Names(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("naming an audience: %w", err)
	}
	detail := []string{"operations", strconv.Itoa(len(ops))}
	if len(added) > 0 {
		detail = append(detail, "added", text(added, names))
	}
	if len(removed) > 0 {
		detail = append(detail, "removed", text(removed, names))
	}
	return detail, nil
}

// facts returns who may call what, and by which scope a token reaches it that is narrowed, in the order of the operations.
// The order itself is no fact. A scope is the one free text here, in which a secret that was pasted by mistake must not come
// to the audit log.
func facts(ops []policy.Operation) []fact {
	var all []fact
	for _, op := range ops {
		if len(op.Audience) == 0 {
			all = append(all, fact{pattern: op.Pattern, word: nobody})
		}
		if op.Scope != "" {
			all = append(all, fact{pattern: op.Pattern, word: "scope:" + secret.Redact(op.Scope)})
		}
		for _, a := range op.Audience {
			if a.Kind == policy.AudienceUser {
				all = append(all, fact{pattern: op.Pattern, user: a.UserID})
			} else {
				all = append(all, fact{pattern: op.Pattern, word: a.String()})
			}
		}
	}
	return all
}

// without returns those of the facts that are not among the others, each once.
func without(all, others []fact) []fact {
	known := make(map[fact]bool, len(others))
	for _, f := range others {
		known[f] = true
	}
	var rest []fact
	for _, f := range all {
		if !known[f] {
			known[f] = true
			rest = append(rest, f)
		}
	}
	return rest
}

// text writes facts for people. No name can pass for a further pair after a comma: a pattern has a slash, a name none.
func text(all []fact, names map[uuid.UUID]string) string {
	pairs := make([]string, len(all))
	for i, f := range all {
		word := f.word
		if f.user != uuid.Nil {
			word = policy.UserAudience(f.user).String()
			if name, lives := names[f.user]; lives {
				word = "user:" + name
			}
		}
		pairs[i] = f.pattern + " " + word
	}
	return strings.Join(pairs, ", ")
}
