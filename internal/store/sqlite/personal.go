package sqlite

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/keyring"
	"github.com/jeton-io/jeton/internal/personal"
)

// A token that isn't valid has no digest, so whoever looks one up by its digest needs no further condition: there is
// none that a new select could forget.
const (
	selectToken       = `SELECT user_id, pepper, created_at, last_used_at, coalesce(last_used_ip, '') FROM personal_token WHERE `
	selectTokenByUser = selectToken + `user_id = ? AND digest IS NOT NULL`

	// One without a pepper is valid no longer. That its digest isn't NULL would say the same and mislead the planner: into
	// reading all tokens by the index of digests, to sort them.
	selectTokensAfter = `
SELECT t.user_id, t.pepper, t.digest, ` + holderColumns + ` FROM personal_token t` + withHolder + `
WHERE t.user_id > ?1 AND t.pepper IS NOT NULL ORDER BY t.user_id LIMIT ?2`

	// Of a former token, which has no version of a pepper here, the user's ID is enough.
	validToken  = `SELECT +t.user_id AS u, +t.pepper AS p, ` + holderColumns + ` FROM personal_token t` + withHolder + `WHERE `
	formerToken = ` UNION ALL SELECT user_id, 0, NULL, NULL, NULL, NULL, NULL FROM personal_token WHERE `

	selectFoundToken = validToken + `t.pepper = ?1 AND t.digest = ?2` + formerToken + `former_pepper = ?1 AND former_digest = ?2`
	selectFoundOfTwo = validToken + `t.pepper = ?1 AND t.digest = ?2 UNION ALL ` + validToken + `t.pepper = ?3 AND t.digest = ?4` +
		formerToken + `former_pepper = ?1 AND former_digest = ?2` + formerToken + `former_pepper = ?3 AND former_digest = ?4`
)

// scanToken reads a row of selectToken. The digest is not in it: who looked for it has it, and nobody else needs it.
func scanToken(row scanner) (token personal.Token, err error) {
	err = row.Scan(&token.UserID, &token.Pepper, timeColumn{&token.CreatedAt}, timeColumn{&token.LastUsedAt}, &token.LastUsedIP)
	return token, err
}

// PersonalToken implements personal.Store.
func (s *Store) PersonalToken(ctx context.Context, userID uuid.UUID) (personal.Token, error) {
	token, err := scanToken(s.reads.QueryRowContext(ctx, selectTokenByUser, blob(userID)))
	if err != nil {
		return personal.Token{}, fmt.Errorf("reading personal token: %w", kindOf(err))
	}
	return token, nil
}

// FindPersonalToken implements personal.Store. It compares digests by an index, in no constant time: they are HMACs
// under a pepper that the caller doesn't know, so how far one agrees tells nothing about a secret.
func (s *Store) FindPersonalToken(ctx context.Context, digests []keyring.Digest) (found personal.Found, err error) {
	text, args, err := underDigests(digests, selectFoundToken, selectFoundOfTwo)
	if err == nil {
		var h holder
		err = kindOf(s.find(ctx, text, args...).Scan(h.dest(&found.UserID, &found.Pepper)...))
		found.User = h.user(found.UserID)
	}
	switch {
	case err != nil:
		return personal.Found{}, fmt.Errorf("looking up personal token: %w", err)
	case found.Pepper == 0:
		return personal.Found{UserID: found.UserID}, fmt.Errorf("looking up personal token: %w", personal.ErrFormer)
	}
	return found, nil
}

// PersonalTokensAfter implements personal.Store.
func (s *Store) PersonalTokensAfter(ctx context.Context, after uuid.UUID, limit int) ([]personal.Stored, error) {
	rows, err := s.reads.QueryContext(ctx, selectTokensAfter, blob(after), limit)
	tokens, err := all(rows, err, scanStored)
	if err != nil {
		return nil, fmt.Errorf("listing personal tokens: %w", err)
	}
	return tokens, nil
}

// scanStored reads a row of selectTokensAfter.
func scanStored(row scanner) (stored personal.Stored, err error) {
	var h holder
	err = row.Scan(h.dest(&stored.UserID, &stored.Pepper, sumColumn{&stored.Sum})...)
	stored.User = h.user(stored.UserID)
	return stored, err
}
