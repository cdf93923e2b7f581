package sqlite

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/accesstoken"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/feed"
)

// An access token has no row. What bears it is one select of its parent's row, which also asks whether the key of its
// signature or the token itself is revoked, and for the user: what belongs to one verdict is read as of one moment. The columns' names
// are as holderColumns'.
const (
	tokenRevoked = `EXISTS (SELECT 1 FROM revoked_access_token WHERE id = ?3) AS g`

	parentFields = `
+t.user_id AS u, iif(t.deleted_at IS NOT NULL, 'deleted', iif(t.enabled, 'live', 'disabled')) AS s, +t.expires_at AS x, ` + apiTokenLimits
	selectAPITokenParent    = `SELECT ` + parentFields + ` FROM api_token t WHERE t.id = ?1`
	selectGroundsOfAPIToken = `
SELECT ` + parentFields + `, ` + keyRevoked + `, ` + tokenRevoked + `, ` + holderColumns + ` FROM api_token t` + withHolder + `WHERE t.id = ?1`

	// A client is narrowed by nothing but its user's permissions.
	clientFields = `+t.user_id AS u, iif(t.deleted_at IS NULL, 'live', 'deleted') AS s, NULL AS x, NULL AS c, '' AS f, 0 AS k, 0 AS p`
	ofClient     = `(
	SELECT user_id, deleted_at FROM client_secret WHERE id = ?1 UNION ALL SELECT user_id, deleted_at FROM client_key WHERE id = ?1) t`
	selectClientParent    = `SELECT ` + clientFields + ` FROM ` + ofClient
	selectGroundsOfClient = `SELECT ` + clientFields + `, ` + keyRevoked + `, ` + tokenRevoked + `, ` + holderColumns + ` FROM ` + ofClient + withHolder
)

// scanParent reads parentFields or clientFields, and what stands behind them, of the record of the given ID: it was found by that.
func scanParent(row scanner, id uuid.UUID, more ...any) (p accesstoken.Parent, err error) {
	p.ID = id
	var columns limitsColumns
	dest := append(make([]any, 0, 7+len(more)), &p.UserID, &p.State, timeColumn{&p.NotAfter})
	dest = append(dest, columns.dest()...)
	if err = row.Scan(append(dest, more...)...); err != nil {
		return accesstoken.Parent{}, kindOf(err)
	}
	limits, err := columns.limits()
	p.Limits = &limits
	return p, err
}

// scanGrounds reads a row of selectGroundsOfAPIToken or selectGroundsOfClient.
func scanGrounds(row scanner, id uuid.UUID) (grounds accesstoken.Grounds, err error) {
	var h holder
	if grounds.Parent, err = scanParent(row, id, h.dest(&grounds.KeyRevoked, &grounds.Revoked)...); err != nil {
		return accesstoken.Grounds{}, err
	}
	grounds.User = h.user(grounds.Parent.UserID)
	return grounds, nil
}

// APITokenParent implements accesstoken.Store. An exchange waits for it, as a verdict does.
func (s *Store) APITokenParent(ctx context.Context, id uuid.UUID) (accesstoken.Parent, error) {
	parent, err := scanParent(s.find(ctx, selectAPITokenParent, blob(id)), id)
	if err != nil {
		return accesstoken.Parent{}, fmt.Errorf("looking up the API token of an access token: %w", err)
	}
	return parent, nil
}

// GroundsOfAPIToken implements accesstoken.Store.
func (s *Store) GroundsOfAPIToken(ctx context.Context, parent uuid.UUID, kid string, id uuid.UUID) (accesstoken.Grounds, error) {
	grounds, err := scanGrounds(s.find(ctx, selectGroundsOfAPIToken, blob(parent), kid, blob(id)), parent)
	if err != nil {
		return accesstoken.Grounds{}, fmt.Errorf("looking up the API token of an access token: %w", err)
	}
	return grounds, nil
}

// ClientParent implements accesstoken.Store.
func (s *Store) ClientParent(ctx context.Context, id uuid.UUID) (accesstoken.Parent, error) {
	parent, err := scanParent(s.find(ctx, selectClientParent, blob(id)), id)
	if err != nil {
		return accesstoken.Parent{}, fmt.Errorf("looking up the client of an access token: %w", err)
	}
	return parent, nil
}

// GroundsOfClient implements accesstoken.Store.
func (s *Store) GroundsOfClient(ctx context.Context, parent uuid.UUID, kid string, id uuid.UUID) (accesstoken.Grounds, error) {
	grounds, err := scanGrounds(s.find(ctx, selectGroundsOfClient, blob(parent), kid, blob(id)), parent)
	if err != nil {
		return accesstoken.Grounds{}, fmt.Errorf("looking up the client of an access token: %w", err)
	}
	return grounds, nil
}

// TouchParents implements accesstoken.Store. A use names its parent and not which kind that is: of the three tables, the two
// that don't have it find no row.
func (s *Store) TouchParents(ctx context.Context, used []authority.Use) error {
	return errors.Join(s.TouchAPITokens(ctx, used), s.TouchClientSecrets(ctx, used))
}

// RevokeAccessToken implements accesstoken.Store. The feed names the parent, on whose record the token rests in memory.
func (s *Store) RevokeAccessToken(ctx context.Context, r accesstoken.Revocation, ev audit.Event) error {
	return s.withdraw(ctx, "revoking access token", func(t *tx) error {
		n, err := t.exec(`INSERT INTO revoked_access_token (id, expires_at) VALUES (?, ?) ON CONFLICT DO NOTHING`, blob(r.ID), micros(r.Until))
		if err != nil || n == 0 {
			return err
		}
		kind := feed.APIToken
		if r.Client {
			kind = feed.ClientSecret
		}
		return t.record(ev, kind, r.Parent)
	})
}

// PruneRevokedAccessTokens implements accesstoken.Store.
func (s *Store) PruneRevokedAccessTokens(ctx context.Context, before time.Time) (count int64, err error) {
	err = s.withdraw(ctx, "deleting revoked access tokens", func(t *tx) error {
		count, err = t.exec(`DELETE FROM revoked_access_token WHERE expires_at < ?`, micros(before))
		return err
	})
	return count, err
}
