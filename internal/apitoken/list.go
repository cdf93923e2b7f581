package apitoken

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/authority"
)

// Order says by what tokens are listed. There is none by when they were last used: that is written for each token that is in use, once
// a minute, and an index of it would be, too.
type Order string

// The orders of tokens.
const (
	ByName Order = "name"    // canonical
	ByAge  Order = "created" // the oldest first, as IDs tell it
	ByEnd  Order = "expires" // the soonest first, those that never end last
)

// Query selects tokens. Filters that are given must all be met.
type Query struct {
	Find           string    // whose names begin so, in any spelling of it, or the one of this ID
	UserID         uuid.UUID // of this user; zero for all
	Enabled        *bool     // nil for both
	EndingFrom     time.Time // that end at this time or later; zero for all
	ExpiringBefore time.Time // that end before; zero for all, those without an end too
	Order          Order     // where empty: by end if that is asked for, else by name
	Descending     bool      // the other way round
	After          Place     // from the one after this place; zero for the first
	Limit          int
}

// Place is where a token stands in an order. What is made or deleted between two pages shifts none.
type Place struct {
	Name string    // canonical; by name
	ID   uuid.UUID // by anything else
	End  time.Time // by end; zero for never
}

// IsZero reports whether a place is none.
func (p Place) IsZero() bool { return p == Place{} }

func (q *Query) timed() bool { return !q.EndingFrom.IsZero() || !q.ExpiringBefore.IsZero() }

// complete fills in the order, and refuses one in which a store could only find what is asked for by looking at every token.
func (q *Query) complete() error {
	if q.Order == "" {
		q.Order = ByName
		if q.timed() {
			q.Order = ByEnd
		}
	}
	switch {
	case q.timed() && q.Order != ByEnd:
		return authority.Field("sort", "goes by expires where tokens that end are asked for", "Leave it out.")
	case !q.timed() && q.Find != "" && q.Order != ByName:
		return authority.Field("sort", "goes by name where names are searched", "Leave it out.")
	}
	return nil
}

// Resume has a query go on from a position that Position returned for the same query. It returns ErrNotFound for any other text.
func (q *Query) Resume(position string) (err error) {
	if position == "" {
		return nil
	}
	if err := q.complete(); err != nil {
		return err
	}
	if q.Order == ByName {
		q.After.Name = position
		return nil
	}
	end, id, timed := strings.Cut(position, ".")
	if timed != (q.Order == ByEnd) {
		return authority.ErrNotFound
	}
	if timed && end != "" {
		micros, err := strconv.ParseInt(end, 10, 64)
		if err != nil {
			return authority.ErrNotFound
		}
		q.After.End = time.UnixMicro(micros).UTC()
	}
	if !timed {
		id = position
	}
	if q.After.ID, err = uuid.Parse(id); err != nil || q.After.ID == uuid.Nil {
		return authority.ErrNotFound
	}
	return nil
}

// Position returns where a token stands in the order of a query, as a text.
func (q *Query) Position(t Token) string {
	if err := q.complete(); err != nil || q.Order == ByName {
		return Key(t.Name)
	}
	if q.Order == ByAge {
		return t.ID.String()
	}
	if t.ExpiresAt.IsZero() {
		return "." + t.ID.String()
	}
	return strconv.FormatInt(t.ExpiresAt.UnixMicro(), 10) + "." + t.ID.String()
}

// List returns living tokens. The error is a *authority.FieldError for an order that doesn't go with what is searched.
func (t *Tokens) List(ctx context.Context, q Query) ([]Token, error) {
	if err := q.complete(); err != nil {
		return nil, err
	}
	if id, err := uuid.Parse(q.Find); err == nil {
		return t.one(ctx, id, q)
	}
	q.Find = Key(q.Find)
	return t.cfg.Store.APITokens(ctx, q)
}

// one returns the token of an ID as a list, if it is one that a query selects.
func (t *Tokens) one(ctx context.Context, id uuid.UUID, q Query) ([]Token, error) {
	token, err := t.cfg.Store.APIToken(ctx, id)
	if errors.Is(err, authority.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	ends := token.ExpiresAt
	switch {
	case q.UserID != uuid.Nil && token.UserID != q.UserID, q.Enabled != nil && token.Enabled != *q.Enabled,
		!q.EndingFrom.IsZero() && !ends.IsZero() && ends.Before(q.EndingFrom),
		!q.ExpiringBefore.IsZero() && (ends.IsZero() || !ends.Before(q.ExpiringBefore)),
		!q.After.IsZero(), q.Limit < 1:
		return nil, nil
	}
	return []Token{token}, nil
}

// Ahead returns the time so many days from now, for Query.ExpiringBefore.
func (t *Tokens) Ahead(days int) time.Time { return t.cfg.Now().Add(time.Duration(days) * day) }
