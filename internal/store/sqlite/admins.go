package sqlite

import (
	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/authority"
)

// administrators are the users who could undo any change: people who may log in and administer.
const administrators = `
SELECT 1 FROM user_role r JOIN user u ON u.id = r.user_id
WHERE r.role = '` + authority.AdminRole + `'
	AND u.kind = 'person' AND u.state = 'active' AND u.password IS NOT NULL AND u.deleted_at IS NULL`

// adminGuard returns a function to call after a change of a user: it returns ErrLastAdmin where the user was an
// administrator and none is left. There is one writer, so no other change can come between.
func (t *tx) adminGuard(id uuid.UUID) (keep func() error, err error) {
	was, err := t.yes(`SELECT EXISTS (`+administrators+` AND u.id = ?)`, blob(id))
	return func() error {
		if !was {
			return nil
		}
		left, err := t.yes(`SELECT EXISTS (` + administrators + `)`)
		if err == nil && !left {
			err = authority.ErrLastAdmin
		}
		return err
	}, err
}
