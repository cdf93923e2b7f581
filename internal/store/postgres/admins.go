package postgres

import (
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/jeton-io/jeton/internal/authority"
)

// administrators are the users who could undo any change: people who may log in and administer.
const administrators = `
SELECT 1 FROM user_role r JOIN "user" u ON u.id = r.user_id
WHERE r.role = '` + authority.AdminRole + `'
	AND u.kind = 'person' AND u.state = 'active' AND u.password IS NOT NULL AND u.deleted_at IS NULL`

// adminGuard holds a user's row, and returns a function to call after a change of the user: it returns ErrLastAdmin where
// the user was an administrator and none is left.
//
// Two administrators who take each other's power at once don't touch the same row. So each, with its user's row held, waits
// for the one lock of those who take an administrator away, and counts after that: the other has committed then, and is
// seen, or waits. Who is made an administrator meanwhile only adds to them.
func (t *tx) adminGuard(id uuid.UUID) (keep func() error, err error) {
	var b pgx.Batch
	b.Queue(lockUser, raw(id))
	was := false
	b.Queue(`SELECT EXISTS (`+administrators+` AND u.id = $1)`, raw(id)).QueryRow(func(row pgx.Row) error { return row.Scan(&was) })
	if err := t.send(&b); err != nil {
		return nil, err
	}
	if !was {
		return func() error { return nil }, nil
	}
	if _, err := t.exec(lockAdministrators); err != nil {
		return nil, err
	}
	return func() error {
		left, err := t.yes(`SELECT EXISTS (` + administrators + `)`)
		if err == nil && !left {
			err = authority.ErrLastAdmin
		}
		return err
	}, nil
}
