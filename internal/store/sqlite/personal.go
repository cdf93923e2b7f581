package sqlite

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/keyring"
	"github.com/jeton-io/jeton/internal/personal"
)

// A token that isn't valid has no digest, so whoever looks one up by its digest needs no further condition: there is
// none that a new select could forget.
const (
	selectToken = `SELECT user_id, pepper, created_at, last_used_at, coalesce(last_used_ip, '') FROM personal_token WHERE `
	// While one pepper lives, and that is nearly always, one probe of the index is enough.
	selectTokenByDigest     = selectToken + `pepper = ? AND digest = ?`
	selectTokenByTwoDigests = selectToken + `(pepper = ? AND digest = ?) OR (pepper = ? AND digest = ?)`
	selectTokenByUser       = selectToken + `user_id = ? AND digest IS NOT NULL`
	selectFormerToken       = `SELECT user_id FROM personal_token WHERE former_pepper = ? AND former_digest = ?`
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

// PersonalTokenByDigest implements personal.Store. It compares digests by an index, in no constant time: they are HMACs
// under a pepper that the caller doesn't know, so how far one agrees tells nothing about a secret.
func (s *Store) PersonalTokenByDigest(ctx context.Context, digests []keyring.Digest) (personal.Token, error) {
	var token personal.Token
	var err error
	switch len(digests) {
	case 1:
		token, err = scanToken(s.find(ctx, selectTokenByDigest, digests[0].Pepper, digests[0].Sum[:]))
	case 2:
		token, err = scanToken(s.find(ctx, selectTokenByTwoDigests,
			digests[0].Pepper, digests[0].Sum[:], digests[1].Pepper, digests[1].Sum[:]))
	default:
		err = fmt.Errorf("%d peppers, not one or two", len(digests))
	}
	if err != nil {
		return personal.Token{}, fmt.Errorf("looking up personal token: %w", kindOf(err))
	}
	return token, nil
}

// FormerPersonalToken implements personal.Store. Only a token that was refused comes here, so one select for each pepper
// will do.
func (s *Store) FormerPersonalToken(ctx context.Context, digests []keyring.Digest) (uuid.UUID, error) {
	for _, d := range digests {
		var id uuid.UUID
		err := one(s.find(ctx, selectFormerToken, d.Pepper, d.Sum[:]), "looking up former personal token", &id)
		if !errors.Is(err, authority.ErrNotFound) {
			return id, err
		}
	}
	return uuid.Nil, fmt.Errorf("looking up former personal token: %w", authority.ErrNotFound)
}
