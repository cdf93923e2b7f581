package client

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"net/http"
	"net/url"
	"strconv"

	"github.com/jeton-io/jeton/api"
)

// pages goes through a listing, one page after the other, as the loop asks for them. The first error ends it.
//
// A listing is not one moment's picture: what is made or deleted meanwhile may or may not be in it; nothing that was
// there all along is left out or comes twice.
func pages[T any](ctx context.Context, c *Client, q request) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		q, seen := q, map[string]bool{}
		for {
			page, _, err := send[api.List[T]](ctx, c, q)
			if err != nil {
				yield(none, err)
				return
			}
			for _, item := range page.Items {
				if !yield(item, nil) {
					return
				}
			}
			if page.Next == "" {
				return
			}
			if seen[page.Next] { // else a faulty server would keep us for ever
				yield(none, fmt.Errorf("%s: %w: a page leads back to a former one", q.doing, ErrNotJeton))
				return
			}
			seen[page.Next] = true
			q.query = maps.Clone(q.query) // the caller may go through the listing again
			q.query.Set("cursor", page.Next)
		}
	}
}

// pageSize is how many items a request for a page asks for: the most that Jeton gives at a time.
const pageSize = 200

// list is the request for a listing, in pages of the given size.
func list(doing, path string, size int) request {
	return request{
		doing: doing, method: http.MethodGet, path: []string{path},
		query: url.Values{"limit": {strconv.Itoa(size)}},
	}
}
