package sqlite

import (
	"context"
	"fmt"
	"math"
	"strings"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/apitoken"
)

// Lists of users and of API tokens are read by an index in the order that is asked for, and end with their last row: that there are a
// million more makes none slower. The texts are put together from constants alone; what a caller gives goes in as parameters.

// list is a select that is being put together.
type list struct {
	conditions []string
	args       []any
}

func (l *list) where(condition string, args ...any) {
	l.conditions = append(l.conditions, condition)
	l.args = append(l.args, args...)
}

// text returns the select.
func (l *list) text(from, order string, descending bool, limit int) (query string, args []any) {
	direction := ""
	if descending {
		direction = " DESC"
	}
	columns := strings.Split(order, "; ")
	for n := range columns {
		columns[n] += direction
	}
	return from + " WHERE " + strings.Join(l.conditions, " AND ") + " ORDER BY " + strings.Join(columns, ", ") + " LIMIT ?", append(l.args, limit)
}

// beyond returns the sign by which rows after another are compared.
func beyond(descending bool) string {
	if descending {
		return " < "
	}
	return " > "
}

// lastRune ends the range of the texts that begin with a given one: nothing that a name may hold sorts after it.
const lastRune = "\U0010FFFF"

// names is a range of canonical names, or of e-mails.
type names struct {
	low, high string // empty for none
	above     bool   // low itself is out
}

// namesOf returns the names that begin with a text, from the one after a place on. It has one bound at each side, lest a store goes by the
// wider of two.
func namesOf(find, after string, descending bool) (n names) {
	if find != "" {
		n.low, n.high = find, find+lastRune
	}
	switch {
	case after == "":
	case descending:
		if n.high == "" || after < n.high {
			n.high = after
		}
	case after >= n.low:
		n.low, n.above = after, true
	}
	return n
}

// within adds the condition that a column is in a range.
func (l *list) within(column string, n names) {
	switch {
	case n.above:
		l.where(column+" > ?", n.low)
	case n.low != "":
		l.where(column+" >= ?", n.low)
	}
	if n.high != "" {
		l.where(column+" < ?", n.high)
	}
}

// Users implements account.Store. The cursor is a name, or an ID, and not a number of rows.
func (s *Store) Users(ctx context.Context, q account.Query) ([]account.User, error) {
	query, args := usersQuery(q)
	rows, err := s.reads.QueryContext(ctx, query, args...)
	users, err := all(rows, err, scanUser)
	if err != nil {
		return nil, fmt.Errorf("listing users: %w", err)
	}
	return users, nil
}

func usersQuery(q account.Query) (query string, args []any) {
	l := list{conditions: []string{"u.deleted_at IS NULL"}}
	order := "u.username_key"
	switch {
	case q.Order == account.ByAge:
		order = "u.id"
		if q.After.ID != uuid.Nil {
			l.where(order+beyond(q.Descending)+"?", blob(q.After.ID))
		}
	case q.Find != "":
		l.matching(&q)
		order = "+" + order // the few that match are sorted
	default:
		l.within(order, namesOf("", q.After.Name, q.Descending))
	}
	return l.text(selectUsers, order, q.Descending, q.Limit)
}

// matching adds the condition that a user's name or e-mail begins with a text. Each has its index, and what either finds is cut before
// it is sorted.
func (l *list) matching(q *account.Query) {
	byName, byEmail := list{conditions: []string{"deleted_at IS NULL"}}, list{conditions: []string{"deleted_at IS NULL"}}
	byName.within("username_key", namesOf(q.Find, q.After.Name, q.Descending))
	byEmail.within("email_key", namesOf(q.Find, "", false))
	named, args := byName.text(`SELECT id FROM user INDEXED BY user_by_username`, "username_key", q.Descending, q.Limit)
	mailed, more := byEmail.text(`SELECT id FROM user INDEXED BY user_by_email`, "email_key", false, account.EmailMatches)
	l.where(`u.id IN (SELECT id FROM (`+named+`) UNION ALL SELECT id FROM (`+mailed+`))`, append(args, more...)...)
	l.within("+u.username_key", namesOf("", q.After.Name, q.Descending))
}

// tokenEnd is the end of a token in the index of ends, where those that have none come last.
const tokenEnd = `coalesce(t.expires_at, 9223372036854775807)`

// APITokens implements apitoken.Store. The cursor is a name, an ID, or an end with an ID, and not a number of rows.
func (s *Store) APITokens(ctx context.Context, q apitoken.Query) ([]apitoken.Token, error) {
	query, args := apiTokensQuery(q)
	rows, err := s.reads.QueryContext(ctx, query, args...)
	tokens, err := all(rows, err, func(row scanner) (apitoken.Token, error) { return scanAPIToken(row) })
	if err != nil {
		return nil, fmt.Errorf("listing API tokens: %w", err)
	}
	return tokens, nil
}

func apiTokensQuery(q apitoken.Query) (query string, args []any) {
	l := list{conditions: []string{"t.deleted_at IS NULL"}}
	if q.UserID != uuid.Nil {
		l.where("t.user_id = ?", blob(q.UserID))
	}
	index := apiTokenIndex(&q)
	if q.Enabled != nil {
		column := "t.enabled"
		if index == byKey {
			column = "+" + column // else SQLite goes by the state, NOT INDEXED or not, and sorts
		}
		l.where(column+" = ?", *q.Enabled)
	}
	order := "t.name_key"
	switch q.Order {
	case apitoken.ByAge:
		order = "t.id"
		if !q.After.IsZero() {
			l.where(order+beyond(q.Descending)+"?", blob(q.After.ID))
		}
	case apitoken.ByEnd:
		order = tokenEnd + "; t.id"
		l.ending(&q)
	}
	l.within("t.name_key", namesOf(q.Find, q.After.Name, q.Descending))
	if index == byEnd && (q.Enabled != nil || q.Find != "") {
		// What is filtered by stands in the index: of those that don't fit, no row is read.
		ids, args := l.text(`SELECT t.id FROM api_token t`+index, order, q.Descending, q.Limit)
		l = list{conditions: []string{"t.id IN (" + ids + ")"}, args: args}
		index = byKey
	}
	return l.text(`SELECT `+apiTokenFields+` FROM api_token t`+index, order, q.Descending, q.Limit)
}

// ending adds the conditions of ends: which are asked for, and after which place. As of names, there is one bound at each side.
func (l *list) ending(q *apitoken.Query) {
	from, to := int64(math.MinInt64), int64(math.MaxInt64)
	if !q.EndingFrom.IsZero() {
		from = micros(q.EndingFrom)
	}
	if !q.ExpiringBefore.IsZero() {
		to = micros(q.ExpiringBefore) - 1
	}
	if !q.After.IsZero() {
		end := int64(math.MaxInt64) // never
		if !q.After.End.IsZero() {
			end = micros(q.After.End)
		}
		if q.Descending {
			to = min(to, end)
		} else {
			from = max(from, end)
		}
		l.where("("+tokenEnd+beyond(q.Descending)+"? OR t.id"+beyond(q.Descending)+"?)", end, blob(q.After.ID))
	}
	l.where(tokenEnd+" >= ? AND "+tokenEnd+" <= ?", from, to)
}

const (
	byKey = " NOT INDEXED" // of the table
	byEnd = " INDEXED BY api_token_by_end"
)

// apiTokenIndex says by which index tokens are found, which SQLite would have to guess. Those of one user, or those that are disabled, are
// sorted where they are asked for in another order than that of names: they are few beside all. Those that are enabled are nearly all.
func apiTokenIndex(q *apitoken.Query) string {
	switch {
	case q.UserID != uuid.Nil:
		return " INDEXED BY api_token_by_user"
	case q.Order == apitoken.ByEnd && (!q.EndingFrom.IsZero() || !q.ExpiringBefore.IsZero()):
		return byEnd
	case q.Enabled != nil && (!*q.Enabled || q.Order != apitoken.ByAge && q.Order != apitoken.ByEnd):
		return " INDEXED BY api_token_by_state"
	case q.Order == apitoken.ByEnd:
		return byEnd
	case q.Order == apitoken.ByAge:
		return byKey
	default:
		return " INDEXED BY api_token_by_name"
	}
}
