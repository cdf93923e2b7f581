package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/feed"
)

// selectChanges reads the head, the oldest row kept and the rows asked for in one statement, and so as of one moment.
const selectChanges = `
SELECT s.revision, (SELECT min(revision) FROM change), c.revision, c.kind, c.id
FROM store s LEFT JOIN change c ON c.revision > $1 ORDER BY c.revision`

// ChangesAfter implements feed.Store. It runs each second on every node and after each change, and is one select of two
// rows at most when nothing happened. Where the head is below the revision asked for, the database is a past.
func (s *Store) ChangesAfter(ctx context.Context, revision int64) (feed.Batch, error) {
	var b feed.Batch
	var oldest *int64
	changes, err := findAll(ctx, s, func(row scanner) (c feed.Change, err error) {
		var number *int64
		var kind *string
		err = row.Scan(&b.Head, &oldest, &number, &kind, idColumn{&c.ID})
		if number != nil && kind != nil {
			c.Revision, c.Kind = *number, feed.Kind(*kind)
		}
		return c, err
	}, selectChanges, revision)
	if err != nil {
		return feed.Batch{}, fmt.Errorf("reading the change feed: %w", err)
	}
	if len(changes) > 0 && changes[0].Revision > 0 { // else the one row is of the head alone
		b.Changes = changes
	}
	// Revisions have no gaps, so the rows after the node's are whole if the next one is there.
	b.Pruned = b.Head > revision && (oldest == nil || *oldest > revision+1)
	if b.Pruned {
		b.Changes = nil
	}
	return b, nil
}

// PruneChanges deletes the changes before a time and returns how many they were. Of the rows it leaves none is older
// than one that went, even where a clock was set back meanwhile: a gap would hide a change from a node. A row that is being
// entered is newer than all that the statement sees.
func (s *Store) PruneChanges(ctx context.Context, before time.Time) (pruned int64, err error) {
	err = s.withdraw(ctx, "pruning the change feed", func(t *tx) error {
		pruned, err = t.exec(`
DELETE FROM change WHERE revision IN (
	SELECT revision FROM change
	WHERE revision < coalesce((SELECT min(revision) FROM change WHERE at >= $1), (SELECT revision + 1 FROM store))
	ORDER BY revision FOR UPDATE)`, micros(before))
		return err
	})
	return pruned, err
}

// NoteIssuer keeps the public URL under which tokens are signed from now on, and returns the former one, empty where there
// was none.
func (s *Store) NoteIssuer(ctx context.Context, url string) (former string, err error) {
	err = one(s.row(ctx, `SELECT issuer FROM store`), "reading the issuer", &former)
	if err != nil || former == url {
		return former, err
	}
	return former, s.write(ctx, "storing the issuer", func(t *tx) error {
		_, err := t.exec(`UPDATE store SET issuer = $1`, url)
		return err
	})
}

// Instance returns the ID of the database itself, which a copy of it shares.
func (s *Store) Instance(ctx context.Context) (id uuid.UUID, err error) {
	err = one(s.row(ctx, `SELECT instance FROM store`), "reading the instance", idColumn{&id})
	return id, err
}
