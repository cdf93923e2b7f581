package platform

import (
	"fmt"
	"strings"

	"github.com/google/uuid"
)

// What stands before a name in the text of a scope.
const (
	roleWord = "role:"
	userWord = "user:"
)

// String returns the scope as it is stored, and as the audit log tells of it: "all", or the words of its roles and users, divided by
// commas, which no role has in its name. Users are told by ID: a name can be another's later. Of nobody it is empty.
func (s Scope) String() string {
	if s.All {
		return everybody
	}
	words := make([]string, 0, len(s.Roles)+len(s.Users))
	for _, role := range s.Roles {
		words = append(words, roleWord+role)
	}
	for _, id := range s.Users {
		words = append(words, userWord+id.String())
	}
	return strings.Join(words, ",")
}

// ParseScope returns the scope whose String it is given: that of a row, which nobody but Jeton has written. What can't be read is an error, and never a scope that somebody might go by.
func ParseScope(text string) (s Scope, err error) {
	if text == "" {
		return s, nil
	}
	for word := range strings.SplitSeq(text, ",") {
		role, isRole := strings.CutPrefix(word, roleWord)
		user, isUser := strings.CutPrefix(word, userWord)
		switch {
		case word == everybody:
			s.All = true
		case isRole:
			s.Roles = append(s.Roles, role)
		case isUser:
			id, err := uuid.Parse(user)
			if err != nil {
				return Scope{}, fmt.Errorf("reading for whom a platform speaks: %w", err)
			}
			s.Users = append(s.Users, id)
		default:
			return Scope{}, fmt.Errorf("reading for whom a platform speaks: no such word: %q", word)
		}
	}
	return s, nil
}
