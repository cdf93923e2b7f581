package console

import (
	"net/http"
	"slices"
)

// Served returns the patterns of what a console serves, sorted.
func Served(h http.Handler) []string {
	s, ok := h.(*server)
	if !ok {
		return nil
	}
	return slices.Sorted(slices.Values(s.served))
}
