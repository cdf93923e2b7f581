package policy

import (
	"fmt"
	"strings"

	"github.com/google/uuid"
)

// AudienceKind tells what an Audience names.
type AudienceKind string

// The zero kind is none of these, and Compile refuses it.
const (
	// AudienceUser names one user.
	AudienceUser AudienceKind = "user"
	// AudienceRole names a role, and with it whoever has it.
	AudienceRole AudienceKind = "role"
	// AudienceSelf names a variable of the path, which must be the caller's ID.
	AudienceSelf AudienceKind = "self"
)

// Audience is one entry of the list of those who may call an operation. Values
// can be compared with ==.
type Audience struct {
	Kind AudienceKind
	// UserID is the user's, for AudienceUser. IDs and not names are kept, so
	// that a user who gets a deleted one's name inherits nothing.
	UserID uuid.UUID
	// Name is the role's, or for AudienceSelf the variable's.
	Name string
}

// UserAudience admits one user.
func UserAudience(id uuid.UUID) Audience { return Audience{Kind: AudienceUser, UserID: id} }

// RoleAudience admits everyone who has a role of exactly this name.
func RoleAudience(name string) Audience { return Audience{Kind: AudienceRole, Name: name} }

// SelfAudience admits the user whose ID stands in the path where the pattern
// has the variable {variable}. Only the canonical text of the ID (RFC 9562:
// lower case, with hyphens) counts: an API that compares IDs as text would take
// an upper-case one for another user's.
func SelfAudience(variable string) Audience { return Audience{Kind: AudienceSelf, Name: variable} }

// ParseAudience reads what String writes: user:ID, role:NAME or self:{VARIABLE}.
func ParseAudience(text string) (Audience, error) {
	kind, value, _ := strings.Cut(text, ":")
	switch AudienceKind(kind) {
	case AudienceUser:
		id, err := uuid.Parse(value)
		if err == nil && id != uuid.Nil && id.String() == value {
			return UserAudience(id), nil
		}
	case AudienceRole:
		if isRoleName(value) {
			return RoleAudience(value), nil
		}
	case AudienceSelf:
		name, open := strings.CutPrefix(value, "{")
		name, closed := strings.CutSuffix(name, "}")
		if open && closed && isVariableName(name) {
			return SelfAudience(name), nil
		}
	}
	return Audience{}, fmt.Errorf("audience %q is none of user:ID, role:NAME and self:{VARIABLE}", text)
}

// String writes the form in which the audience can be stored.
func (a Audience) String() string {
	switch a.Kind {
	case AudienceUser:
		return "user:" + a.UserID.String()
	case AudienceSelf:
		return "self:{" + a.Name + "}"
	default:
		return string(a.Kind) + ":" + a.Name
	}
}

// problem says why a can't belong to an operation with the pattern p, and is
// empty where it can.
func (a Audience) problem(p pattern) string {
	switch a.Kind {
	case AudienceUser:
		if a.UserID == uuid.Nil {
			return "the user has no ID"
		}
	case AudienceRole:
		if !isRoleName(a.Name) {
			return "a role's name consists of letters, digits, '.', '_' and '-'"
		}
	case AudienceSelf:
		if _, ok := p.variable(a.Name); !ok {
			return fmt.Sprintf("the pattern has no variable {%s}: name one of its own", a.Name)
		}
	default:
		return "it is none of user:ID, role:NAME and self:{VARIABLE}"
	}
	return ""
}

func isRoleName(name string) bool {
	for i := range len(name) {
		if c := name[i]; !isAlphanumeric(c) && c != '.' && c != '_' && c != '-' {
			return false
		}
	}
	return name != ""
}
