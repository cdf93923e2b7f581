package httpapi

import (
	"encoding/base64"
	"errors"
	"strings"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/web"
)

// answer is an answer with a body and nothing else to say.
type answer[T any] struct{ Body T }

// done is an answer without a body: 204.
type done struct{}

// pageInput selects a page of a listing. The limit bounds what one request reads and holds in memory, so it has a bound
// itself.
type pageInput struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"How many items at most."`
	Cursor string `query:"cursor" doc:"The next of the page before; absent for the first."`
}

// A cursor names the listing that it belongs to and the position of the last item that was shown:
//
//	base64url(users alice)   base64url(services reports)   base64url(events 4711)
//
// It is opaque to clients, so that what a position is may change; it is no secret and no proof of anything. Whoever makes
// one up begins somewhere else in a listing that is open to him anyway. A position and no page number: items that come or
// go in front of it shift nothing.

// cursorAt returns the cursor of a position.
func cursorAt(listing, position string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(listing + " " + position))
}

// positionOf returns the position of a cursor, empty where there is no cursor. One of another listing is refused, because
// its position would mean something else here.
func positionOf(listing, cursor string) (string, error) {
	if cursor == "" {
		return "", nil
	}
	text, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	position, ok := strings.CutPrefix(string(text), listing+" ")
	if err != nil || !ok || !web.Storable(position) {
		return "", errCursor()
	}
	return position, nil
}

// sorted returns the name of a listing in an order: a position of one order means something else in another.
func sorted(listing, sort string) string {
	if sort == "" {
		return listing
	}
	return listing + "/" + sort
}

// resume has a query go on from a cursor, if there is one.
func resume(listing, cursor string, from func(position string) error) error {
	position, err := positionOf(listing, cursor)
	if err != nil {
		return err
	}
	if err := from(position); errors.Is(err, authority.ErrNotFound) {
		return errCursor()
	} else if err != nil {
		return err
	}
	return nil
}

func errCursor() error {
	return &authority.FieldError{Field: "cursor", Problem: "is none that this listing has given", Fix: "Begin the listing anew."}
}

// pageOf makes a page of records, of which one more than its limit was asked for: it is there if there is a next page.
// The cursor function returns that of a record.
func pageOf[R, T any](records []R, limit int, wire func(R) T, cursor func(R) string) *answer[api.List[T]] {
	page := api.List[T]{Items: make([]T, 0, limit)}
	if len(records) > limit {
		records = records[:limit]
		page.Next = cursor(records[limit-1])
	}
	for _, r := range records {
		page.Items = append(page.Items, wire(r))
	}
	return &answer[api.List[T]]{Body: page}
}
