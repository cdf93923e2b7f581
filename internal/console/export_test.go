package console

import (
	"maps"
	"net/http"
	"slices"

	"github.com/jeton-io/jeton/internal/words"
)

// Served returns the patterns of what a console serves, sorted.
func Served(h http.Handler) []string {
	s, ok := h.(*server)
	if !ok {
		return nil
	}
	return slices.Sorted(slices.Values(s.served))
}

// SaidPlainly returns what the inside says of fields for which the console has a sentence of its own.
func SaidPlainly() []string { return slices.Sorted(maps.Keys(plainSentences(words.Text{}))) }
