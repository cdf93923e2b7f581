package postgres

import (
	"context"
	"errors"

	"github.com/jeton-io/jeton/internal/authority"
)

// Told returns up to where somebody of that name has told people what concerns them.
func (s *Store) Told(ctx context.Context, name string) (position int64, err error) {
	err = one(s.row(ctx, `SELECT position FROM told WHERE name = $1`, name), "reading up to where people were told", &position)
	if errors.Is(err, authority.ErrNotFound) {
		return 0, nil
	}
	return position, err
}

// KeepTold moves that on, from where it was read to stand (0 where nobody has told yet), and reports whether it did: of many at once,
// one does.
func (s *Store) KeepTold(ctx context.Context, name string, from, to int64) (moved bool, err error) {
	err = s.write(ctx, "keeping up to where people were told", func(t *tx) error {
		statement := `UPDATE told SET position = $2 WHERE name = $1 AND position = $3`
		if from == 0 {
			statement = `INSERT INTO told (name, position) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET position = excluded.position WHERE told.position = $3`
		}
		n, err := t.exec(statement, name, to, from)
		moved = n == 1
		return err
	})
	return moved && err == nil, err
}
