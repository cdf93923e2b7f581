package postgres

import (
	"context"
	"encoding/binary"
	"fmt"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/feed"
	"github.com/jeton-io/jeton/internal/keyring"
)

// MasterCheck implements keyring.Store.
func (s *Store) MasterCheck(ctx context.Context) (check []byte, err error) {
	err = one(s.row(ctx, `SELECT master_check FROM store`), "reading the master key's check value", &check)
	return check, err
}

// SetMasterCheck implements keyring.Store. Of two nodes that start for the first time at once, both learn the value of
// the faster, and the slower finds that it has another master key.
func (s *Store) SetMasterCheck(ctx context.Context, check []byte) ([]byte, error) {
	err := s.write(ctx, "storing the master key's check value", func(t *tx) error {
		_, err := t.exec(`UPDATE store SET master_check = $1 WHERE master_check IS NULL`, check)
		return err
	})
	if err != nil {
		return nil, err
	}
	return s.MasterCheck(ctx)
}

// Peppers implements keyring.Store. What it returns is wrapped: without the master key it opens nothing.
func (s *Store) Peppers(ctx context.Context) ([]keyring.WrappedPepper, error) {
	peppers, err := all(ctx, s, func(row scanner) (p keyring.WrappedPepper, err error) {
		err = row.Scan(&p.Version, &p.Wrapped, timeColumn{&p.CreatedAt})
		return p, err
	}, `SELECT version, wrapped, created_at FROM pepper ORDER BY version DESC`)
	if err != nil {
		return nil, fmt.Errorf("reading peppers: %w", err)
	}
	return peppers, nil
}

// AddPepper implements keyring.Store. It enters the feed: a node that doesn't know of the new pepper takes what is
// issued under it for unknown.
func (s *Store) AddPepper(ctx context.Context, p keyring.WrappedPepper, ev audit.Event) error {
	return s.write(ctx, "inserting pepper", func(t *tx) error {
		if _, err := t.exec(`INSERT INTO pepper (version, wrapped, created_at) VALUES ($1, $2, $3)`, p.Version, p.Wrapped, micros(p.CreatedAt)); err != nil {
			return err
		}
		return t.record(ev, feed.Pepper, pepperID(p.Version))
	})
}

// pepperID is a pepper's version in the form of an ID, for the feed, where zero would mean every record.
func pepperID(version int64) (id uuid.UUID) {
	binary.BigEndian.PutUint64(id[8:], uint64(version)) //nolint:gosec // G115: versions are above zero
	return id
}
