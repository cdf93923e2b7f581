package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/jeton-io/jeton/internal/archive"
	"github.com/jeton-io/jeton/internal/feed"
)

// selectChanges reads the head, the oldest row kept, the row of the revision asked about and the rows after it in one
// statement, and so as of one moment.
//
// The columns' names are as holderColumns'.
const selectChanges = `
SELECT +s.instance AS i, +s.epoch AS e, +s.revision AS r, +s.mark AS m, +s.closed AS o, +s.reach_epoch AS f, +s.reach_revision AS g,
	coalesce((SELECT min(revision) FROM change), s.revision + 1) AS l, coalesce((SELECT mark FROM change WHERE revision = ?1), 0) AS h,
	+c.revision AS n, +c.mark AS k, +c.at AS t, +c.kind AS c, +c.id AS d, +c.gone AS x
FROM store s LEFT JOIN change c ON c.revision > ?1 ORDER BY c.revision`

// ChangesAfter implements feed.Store. It runs each second on every node and after each change, and is one select of two
// rows at most when nothing happened. Where the head is below the revision asked for, the database is a past.
func (s *Store) ChangesAfter(ctx context.Context, revision int64) (feed.Batch, error) {
	if err := s.inPlace(); err != nil {
		return feed.Batch{}, fmt.Errorf("reading the change feed: %w", err)
	}
	var b feed.Batch
	var oldest int64
	var closed string
	changes, err := findAll(ctx, s, func(row scanner) (c feed.Change, err error) {
		var gone int64
		err = row.Scan(&b.Head.Instance, &b.Head.Epoch, &b.Head.Revision, &b.Head.Mark, &closed, &b.Reach.Epoch, &b.Reach.Revision, &oldest, &b.Then,
			numberColumn{&c.Revision}, numberColumn{&c.Mark}, timeColumn{&c.At}, textColumn{(*string)(&c.Kind)}, &c.ID, numberColumn{&gone})
		c.Gone = gone != 0
		return c, err
	}, selectChanges, revision)
	if err == nil && closed != "" {
		err = fmt.Errorf("%w: %s", feed.ErrClosed, archive.Told(closed))
	}
	if err != nil {
		return feed.Batch{}, fmt.Errorf("reading the change feed: %w", err)
	}
	if len(changes) > 0 && changes[0].Revision > 0 { // else the one row is of the head alone
		b.Changes = changes
	}
	// Revisions have no gaps, so the rows after the node's are whole if the next one is there.
	if b.Pruned = b.Head.Revision > revision && oldest > revision+1; b.Pruned {
		b.Changes = nil
	}
	return b, nil
}

// inPlace makes sure that the file that is open is still the one that has the database's name. Where somebody put another
// there, the connections would go on with a file that nobody will ever open again.
func (s *Store) inPlace() error {
	now, err := os.Stat(s.path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !os.SameFile(s.file, now) {
		return fmt.Errorf("%w: %s was removed, or replaced while it was open", feed.ErrOther, s.path)
	}
	return err
}

// PruneChanges deletes the changes before a time and returns how many they were. Of the rows it leaves none is older
// than one that went, even where a clock was set back meanwhile: a gap would hide a change from a node.
func (s *Store) PruneChanges(ctx context.Context, before time.Time) (pruned int64, err error) {
	err = s.withdraw(ctx, "pruning the change feed", func(t *tx) error {
		pruned, err = t.exec(`
DELETE FROM change
WHERE revision < coalesce((SELECT min(revision) FROM change WHERE at >= ?), (SELECT revision + 1 FROM store))`, micros(before))
		return err
	})
	return pruned, err
}

// NoteIssuer keeps the public URL under which tokens are signed from now on, and returns the former one, empty where there
// was none.
func (s *Store) NoteIssuer(ctx context.Context, url string) (former string, err error) {
	err = one(s.reads.QueryRowContext(ctx, `SELECT issuer FROM store`), "reading the issuer", &former)
	if err != nil || former == url {
		return former, err
	}
	return former, s.write(ctx, "storing the issuer", func(t *tx) error {
		_, err := t.exec(`UPDATE store SET issuer = ?`, url)
		return err
	})
}

// Position returns how far the database has come, and which it is.
func (s *Store) Position(ctx context.Context) (p feed.Position, err error) {
	err = one(s.reads.QueryRowContext(ctx, `SELECT instance, epoch, revision, mark FROM store`), "reading the position",
		&p.Instance, &p.Epoch, &p.Revision, &p.Mark)
	return p, err
}

// Horizon returns up to which time records may be deleted for their age; the zero time where that was never said.
func (s *Store) Horizon(ctx context.Context) (at time.Time, err error) {
	err = one(s.reads.QueryRowContext(ctx, `SELECT nullif(horizon, 0) FROM store`), "reading the horizon", timeColumn{&at})
	return at, err
}

// KeepHorizon keeps up to which time records may be deleted for their age. It only ever goes forward.
func (s *Store) KeepHorizon(ctx context.Context, at time.Time) error {
	return s.withdraw(ctx, "keeping the horizon", func(t *tx) error {
		_, err := t.exec(`UPDATE store SET horizon = max(horizon, ?)`, micros(at))
		return err
	})
}
