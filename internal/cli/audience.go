package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/client"
)

// find returns the index of the operation with exactly this pattern, or -1. Another spelling that matches the same calls
// is another operation here; Jeton then says that the two conflict.
func find(ops []api.Operation, pattern string) int {
	return slices.IndexFunc(ops, func(op api.Operation) bool { return op.Pattern == pattern })
}

// allow returns the operations with the audience added to one of them, which is made if it isn't there, and whether that
// is a change. What it has beside, as its scope, stays.
func allow(ops []api.Operation, pattern string, words []string) ([]api.Operation, bool) {
	i := find(ops, pattern)
	if i < 0 {
		return append(ops, api.Operation{Pattern: pattern, Audience: words}), true
	}
	changed := false
	for _, w := range words {
		if !slices.Contains(ops[i].Audience, w) {
			ops[i].Audience, changed = append(ops[i].Audience, w), true
		}
	}
	return ops, changed
}

// disallow returns the operations with the audience taken off one of them, or, where no audience is given, without that
// operation, and whether that is a change. An operation that lost all its audience stays: without it, a broader one or
// the service's default might let the calls in that were just forbidden.
func disallow(ops []api.Operation, pattern string, words []string) ([]api.Operation, bool) {
	i := find(ops, pattern)
	if i < 0 {
		return ops, false
	}
	if len(words) == 0 {
		return slices.Delete(ops, i, i+1), true
	}
	before := len(ops[i].Audience)
	ops[i].Audience = slices.DeleteFunc(ops[i].Audience, func(w string) bool { return slices.Contains(words, w) })
	return ops, len(ops[i].Audience) < before
}

// noAudience says which word is no AUDIENCE: by itself, or by its place where it may be a secret that was pasted there.
// Often it is half of a pattern that lacks its quotes.
func noAudience(i int, word string) error {
	name := quoted(word)
	switch {
	case strings.HasPrefix(word, "/"):
		name = fmt.Sprintf("%q", clean(word))
	case name == "":
		name = fmt.Sprintf("number %d", i+1)
	}
	return &usageError{
		text: "the AUDIENCE " + name + " is none of user:NAME, role:NAME and self:{VARIABLE}",
		fix:  "A PATTERN with its method is one word, in quotes: 'GET /reports/{id}'.",
	}
}

// audience returns the words of an audience, each once, with users by the names that they have: an ID or another
// spelling of a name would not be found among the words that are there, and a disallow would leave it in force.
func audience(ctx context.Context, c *client.Client, given []string) ([]string, error) {
	words := []string{}
	for i, word := range given {
		kind, name, ok := strings.Cut(word, ":")
		if !ok || !slices.Contains([]string{"user", "role", "self"}, kind) {
			return nil, noAudience(i, word)
		}
		if kind == "user" {
			u, _, err := c.User(ctx, name)
			switch {
			case errors.Is(err, client.ErrNotFound):
				return nil, noUser(err, name)
			case err != nil:
				return nil, fmt.Errorf("looking for a user of the audience: %w", err)
			}
			word = "user:" + u.Username
		}
		if !slices.Contains(words, word) {
			words = append(words, word)
		}
	}
	return words, nil
}
