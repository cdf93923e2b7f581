package policy

import (
	"encoding/hex"
	"slices"
	"strings"

	"github.com/google/uuid"
)

// admission is an operation's audience in the form that is quick to ask.
type admission struct {
	users map[uuid.UUID]struct{}
	roles []string // each once, in order
	self  []position
}

// newAdmission takes audiences whose problem has been found empty.
func newAdmission(audience []Audience, p pattern) admission {
	a := admission{users: map[uuid.UUID]struct{}{}}
	for _, entry := range audience {
		switch entry.Kind {
		case AudienceUser:
			a.users[entry.UserID] = struct{}{}
		case AudienceRole:
			a.roles = append(a.roles, entry.Name)
		case AudienceSelf:
			at, _ := p.variable(entry.Name)
			a.self = append(a.self, at)
		}
	}
	slices.Sort(a.roles)
	a.roles = slices.Compact(a.roles)
	return a
}

// names reports whether a role is among those of the audience.
func (a *admission) names(role string) bool {
	if len(a.roles) <= fewAtMost {
		return slices.Contains(a.roles, role)
	}
	_, ok := slices.BinarySearch(a.roles, role)
	return ok
}

// includes reports whether sub belongs to the audience, when path (below the
// service's prefix) is what the operation's pattern matched.
func (a *admission) includes(sub *Subject, path string) bool {
	for _, role := range sub.Roles {
		if a.names(role) {
			return true
		}
	}
	if _, ok := a.users[sub.UserID]; ok {
		return true
	}
	for _, at := range a.self {
		if isCanonicalID(at.in(path), sub.UserID) {
			return true
		}
	}
	return false
}

// isCanonicalID compares without the allocation that id.String() costs. The
// text is the raw one: a UUID has unreserved characters only, whose encoded
// spellings CheckPath has refused, so decoding could make nothing equal.
func isCanonicalID(raw string, id uuid.UUID) bool {
	var text [36]byte
	hex.Encode(text[0:8], id[0:4])
	hex.Encode(text[9:13], id[4:6])
	hex.Encode(text[14:18], id[6:8])
	hex.Encode(text[19:23], id[8:10])
	hex.Encode(text[24:36], id[10:16])
	text[8], text[13], text[18], text[23] = '-', '-', '-', '-'
	return raw == string(text[:])
}

// position is where a variable's value stands in a path that its pattern
// matches: so many slashes from the start, to the next slash or to the end.
type position struct {
	slashes int
	rest    bool
}

// in cuts the variable's raw value out of path. Values are cut when they are
// asked for, rather than captured while matching, so that matching needs no
// memory and patterns no limit on their variables.
func (at position) in(path string) string {
	for range at.slashes {
		path = path[strings.IndexByte(path, '/')+1:]
	}
	if i := strings.IndexByte(path, '/'); i >= 0 && !at.rest {
		return path[:i]
	}
	return path
}
