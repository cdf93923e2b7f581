package sqlite

import (
	"fmt"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/keyring"
)

// A verdict that memory can't give costs one select: of the credential's record, which stands there as t, and of its user
// beside it. A user that doesn't live leaves holderColumns NULL.
//
// The roles come in no order that is promised: to sort them here would cost as much as all else of the user.
//
// The driver copies each column's name and declared type anew for every select. A name of one letter takes no memory, and what is an
// expression, be it but a plus, has no declared type.
const (
	holderColumns = `+u.username AS n, +u.display_name AS d, +u.email AS e, +u.state AS s,
	(SELECT group_concat(role, ',') FROM user_role WHERE user_id = u.id) AS r`
	withHolder = ` LEFT JOIN user u ON u.id = t.user_id AND u.deleted_at IS NULL `
)

// holder scans holderColumns.
type holder struct{ account.User }

// dest is where they are scanned to, behind what stands before them in the row.
func (h *holder) dest(before ...any) []any {
	dest := append(make([]any, 0, len(before)+5), before...)
	return append(dest, textColumn{&h.Username}, textColumn{&h.DisplayName}, textColumn{&h.Email}, textColumn{(*string)(&h.State)}, listColumn{&h.Roles})
}

// user returns the user of that ID, or nil where it doesn't live.
func (h *holder) user(id uuid.UUID) *authority.User {
	if h.State == "" {
		return nil
	}
	h.ID = id
	user := h.Holder()
	return &user
}

// textColumn scans a text, and leaves it empty where the column is NULL.
type textColumn struct{ to *string }

// Scan implements sql.Scanner.
func (c textColumn) Scan(value any) error {
	if s, ok := value.(string); ok {
		*c.to = s
	}
	return nil
}

// underDigests returns which of two selects looks for a secret that was presented, by its digest under the only pepper or under
// both, with its arguments: while one pepper lives, and that is nearly always, one probe of the index is enough.
//
// The parts of either stand one after the other, the likeliest first: whoever reads one row of a compound select has SQLite run
// no more of it than that takes.
func underDigests(digests []keyring.Digest, one, two string) (text string, args []any, err error) {
	switch len(digests) {
	case 1:
		return one, []any{digests[0].Pepper, digests[0].Sum[:]}, nil
	case 2:
		return two, []any{digests[0].Pepper, digests[0].Sum[:], digests[1].Pepper, digests[1].Sum[:]}, nil
	}
	return "", nil, fmt.Errorf("%d peppers, not one or two", len(digests))
}
