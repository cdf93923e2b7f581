package account

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/authority"
)

// Order says by what users are listed.
type Order string

// The orders of users.
const (
	ByName Order = "name"    // canonical
	ByAge  Order = "created" // the oldest first, as IDs tell it
)

// Query selects users.
type Query struct {
	Find       string // whose names or e-mails begin so, in any spelling of it, or the one of this ID
	Order      Order  // ByName where empty
	Descending bool   // the other way round
	After      Place  // from the one after this place; zero for the first
	Limit      int
}

// Place is where a user stands in an order. Who is made or deleted between two pages shifts none.
type Place struct {
	Name string    // canonical; by name
	ID   uuid.UUID // by age
}

// EmailMatches is how many users a search may find by their e-mails alone, the first in the order of these: so many are sorted by their
// names, and no page takes longer for there being more. Who searches for a longer text finds the others.
const EmailMatches = 500

// complete fills in the order, and refuses one in which a store could only find what is asked for by looking at every user.
func (q *Query) complete() error {
	if q.Order == "" {
		q.Order = ByName
	}
	if q.Find != "" && q.Order != ByName {
		return authority.Field("sort", "goes by name where names are searched", "Leave it out.")
	}
	return nil
}

// Resume has a query go on from a position that Position returned for the same query. It returns ErrNotFound for any other text.
func (q *Query) Resume(position string) (err error) {
	switch {
	case position == "":
	case q.Order == ByAge:
		if q.After.ID, err = uuid.Parse(position); err != nil || q.After.ID == uuid.Nil {
			return authority.ErrNotFound
		}
	default:
		q.After.Name = position
	}
	return nil
}

// Position returns where a user stands in the order of a query, as a text.
func (q *Query) Position(u User) string {
	if q.Order == ByAge {
		return u.ID.String()
	}
	return Key(u.Username)
}

// List returns living users. The error is a *authority.FieldError for an order that doesn't go with what is searched.
func (a *Accounts) List(ctx context.Context, q Query) ([]User, error) {
	if err := q.complete(); err != nil {
		return nil, err
	}
	if id, err := uuid.Parse(q.Find); err == nil {
		u, err := a.cfg.Store.User(ctx, id)
		if errors.Is(err, authority.ErrNotFound) || err == nil && (q.After != Place{} || q.Limit < 1) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		return []User{u}, nil
	}
	q.Find = Key(q.Find)
	return a.cfg.Store.Users(ctx, q)
}
