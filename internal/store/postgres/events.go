package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/jeton-io/jeton/internal/audit"
)

// Who and what an event tells of stand in columns of their own, not in its detail, because the log is searched by them.
const (
	eventColumns = `id, at, action, actor_id, actor_name, actor_credential_kind, actor_credential_id, actor_address,
	target_kind, target_id, target_name, reason, door, count, last_at, merge_key, detail`
	insertEvent = `INSERT INTO audit_event AS e (` + eventColumns + `) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)`
	// mergeEvent makes one row of refusals alike; the row keeps its place in the log.
	mergeEvent = insertEvent + `
ON CONFLICT (merge_key) WHERE merge_key IS NOT NULL DO UPDATE SET
	count = e.count + excluded.count, last_at = greatest(coalesce(e.last_at, 0), coalesce(excluded.last_at, 0))`
	selectEvents = `SELECT seq, ` + eventColumns + ` FROM audit_event`
	// countEvents reads no more of the newest rows than it is to count.
	countEvents = `
SELECT (at - $1) / 3600000000, action, reason, count(*), sum(count)::bigint FROM (SELECT at, action, reason, count FROM audit_event ORDER BY seq DESC LIMIT $2) newest
WHERE at >= $1 GROUP BY 1, 2, 3 ORDER BY 1, 2, 3`
	selectOldestCounted = `SELECT at FROM (SELECT seq, at FROM audit_event ORDER BY seq DESC LIMIT $1) newest WHERE at >= $2 ORDER BY seq LIMIT 1`
)

// eventValues returns what eventColumns hold. What an index should pass over is NULL where there is none: most events
// are changes, and have no merge key. What the database can't hold is made so that it can: strangers type some of it, and must
// not keep an event out, nor a whole batch.
func eventValues(ev audit.Event) ([]any, error) {
	var detail any
	if len(ev.Detail) > 0 {
		text, err := json.Marshal(ev.Detail)
		if err != nil {
			return nil, err
		}
		detail = string(text)
	}
	return []any{
		raw(ev.ID), micros(ev.At), string(ev.Action),
		optionalRaw(ev.Actor.UserID), asStorable(ev.Actor.Username), ev.Actor.CredentialKind, optionalRaw(ev.Actor.CredentialID), asStorable(ev.Actor.Address),
		ev.Target.Kind, optionalRaw(ev.Target.ID), asStorable(ev.Target.Name),
		asStorable(ev.Reason), ev.Door, ev.Count, optionalMicros(ev.LastAt), optionalText(asStorable(ev.MergeKey)), detail,
	}, nil
}

// scanEvent reads a row of selectEvents. A merge key or a detail that there is none of is NULL, which a
// string can't take.
func scanEvent(row scanner) (ev audit.Event, err error) {
	var mergeKey, detail *string
	err = row.Scan(&ev.Seq, idColumn{&ev.ID}, timeColumn{&ev.At}, &ev.Action,
		idColumn{&ev.Actor.UserID}, &ev.Actor.Username, &ev.Actor.CredentialKind, idColumn{&ev.Actor.CredentialID}, &ev.Actor.Address,
		&ev.Target.Kind, idColumn{&ev.Target.ID}, &ev.Target.Name,
		&ev.Reason, &ev.Door, &ev.Count, timeColumn{&ev.LastAt}, &mergeKey, &detail)
	if mergeKey != nil {
		ev.MergeKey = *mergeKey
	}
	if err == nil && detail != nil {
		err = json.Unmarshal([]byte(*detail), &ev.Detail)
	}
	return ev, err
}

// Events implements audit.Store. The order is that of writing, not of the events' own times: those may be equal, or go
// back with a clock, and a cursor made of them would skip events or show some twice.
//
// The text of the select is put together from the constants below alone, so that each filter can use its index; what
// the caller gives goes in as parameters.
func (s *Store) Events(ctx context.Context, q audit.Query) ([]audit.Event, error) {
	query, args := eventsQuery(q)
	events, err := all(ctx, s, scanEvent, query, args...)
	if err != nil {
		return nil, fmt.Errorf("reading audit events: %w", err)
	}
	return events, nil
}

func eventsQuery(q audit.Query) (text string, args []any) {
	var conditions []string
	where := func(given bool, condition string, arg any) {
		if given {
			args = append(args, arg)
			conditions = append(conditions, condition+" $"+strconv.Itoa(len(args)))
		}
	}
	where(q.Before != 0, "seq <", q.Before)
	where(q.After != 0, "seq >", q.After)
	where(q.Action != "", "action =", asStorable(string(q.Action)))
	where(q.Reason != "", "reason <> '' AND reason =", asStorable(q.Reason))
	where(q.Actor != uuid.Nil, "actor_id =", raw(q.Actor))
	where(q.Target != uuid.Nil, "target_id =", raw(q.Target))
	where(!q.Since.IsZero(), "at >=", micros(q.Since))
	where(!q.Until.IsZero(), "at <", micros(q.Until))
	var query strings.Builder
	query.WriteString(selectEvents)
	if len(conditions) > 0 {
		query.WriteString(" WHERE " + strings.Join(conditions, " AND "))
	}
	query.WriteString(" ORDER BY seq DESC LIMIT $" + strconv.Itoa(len(args)+1))
	var limit any // NULL is no limit
	if q.Limit != 0 {
		limit = q.Limit
	}
	return query.String(), append(args, limit)
}

// CountEvents implements audit.Store.
func (s *Store) CountEvents(ctx context.Context, since time.Time, most int) (counts []audit.Count, back time.Time, err error) {
	counts, err = all(ctx, s, scanCount, countEvents, micros(since), most)
	if err != nil {
		return nil, back, fmt.Errorf("counting audit events: %w", err)
	}
	var counted int64
	for _, c := range counts {
		counted += c.Events
	}
	if counted < int64(most) {
		return counts, back, nil
	}
	return counts, back, one(s.row(ctx, selectOldestCounted, most, micros(since)), "looking for the oldest event", timeColumn{&back})
}

func scanCount(row scanner) (c audit.Count, err error) {
	err = row.Scan(&c.Hour, &c.Action, &c.Reason, &c.Events, &c.Times)
	return c, err
}

// AppendRefusals implements audit.Store. It is all or none: the caller may append again what failed, and counts add up.
// It is not among the writes that may use the reserve: whoever sends bad tokens must not be able to spend it.
func (s *Store) AppendRefusals(ctx context.Context, events []audit.Event) error {
	if len(events) == 0 {
		return nil
	}
	events = slices.Clone(events)
	slices.SortStableFunc(events, byMergeKey)
	return s.write(ctx, "appending refusals", func(t *tx) error {
		var b pgx.Batch
		for _, ev := range events {
			values, err := eventValues(ev)
			if err != nil {
				return err
			}
			b.Queue(mergeEvent, values...)
		}
		return t.send(&b)
	})
}

// byMergeKey is the order in which rows that other nodes merge with are locked. Those that merge with none come last, as they
// came.
func byMergeKey(a, b audit.Event) int {
	if a.MergeKey == "" || b.MergeKey == "" {
		return -strings.Compare(a.MergeKey, b.MergeKey)
	}
	return strings.Compare(a.MergeKey, b.MergeKey)
}

// pruneBatch is how many events one transaction deletes: a rotation waits for no more.
const pruneBatch = 1000

// PruneEvents implements audit.Store. It may have deleted some where it returns an error; the rest goes the next time.
func (s *Store) PruneEvents(ctx context.Context, before time.Time) (pruned int64, err error) {
	for n := int64(pruneBatch); n == pruneBatch; pruned += n {
		err = s.withdraw(ctx, "pruning audit events", func(t *tx) error {
			n, err = t.exec(`
DELETE FROM audit_event WHERE seq IN (SELECT seq FROM audit_event WHERE at < $1 ORDER BY at LIMIT $2 FOR UPDATE SKIP LOCKED)`,
				micros(before), pruneBatch)
			return err
		})
		if err != nil {
			return pruned, err
		}
	}
	return pruned, nil
}
