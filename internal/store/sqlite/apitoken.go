package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/apitoken"
	"github.com/jeton-io/jeton/internal/authority"
)

// Whether the key of a signature is revoked is asked in the very select that finds the record: nothing that memory holds is
// believed while the feed isn't heard.
const (
	keyRevoked = `NOT EXISTS (SELECT 1 FROM signing_key WHERE kid = ?2 AND revoked_at IS NULL) AS v`

	apiTokenLimits = `+t.scopes AS c, +t.allowed_ips AS f, +t.rate_calls AS k, +t.rate_seconds AS p`
	apiTokenFields = `
t.id, t.user_id, t.name, t.kid, t.enabled, ` + apiTokenLimits + `, t.version, t.created_at, t.updated_at, t.expires_at, t.deleted_at,
	t.last_used_at, coalesce(t.last_used_ip, '')`
	selectAPIToken       = `SELECT ` + apiTokenFields + ` FROM api_token t WHERE t.id = ?1 AND t.deleted_at IS NULL`
	selectAPITokenByName = `SELECT ` + apiTokenFields + ` FROM api_token t WHERE t.name_key = ?1 AND t.deleted_at IS NULL`
	selectAPITokenNames  = `SELECT id, name FROM api_token WHERE id IN (SELECT unhex(value, '-') FROM json_each(?))`
	selectFoundAPIToken  = `SELECT ` + apiTokenFields + `, ` + keyRevoked + `, ` + holderColumns + ` FROM api_token t` + withHolder + `WHERE t.id = ?1`
)

// limitsColumns scans the limits of a token.
type limitsColumns struct {
	scopes         sql.NullString
	from           string
	calls, seconds int64
}

func (c *limitsColumns) dest() []any { return []any{&c.scopes, &c.from, &c.calls, &c.seconds} }

// limits returns what was scanned. A network that can't be read is a fault: left out, it would widen the token.
func (c *limitsColumns) limits() (l authority.Limits, err error) {
	if c.scopes.Valid {
		l.Scopes = append([]string{}, strings.Fields(c.scopes.String)...)
	}
	for _, text := range strings.Fields(c.from) {
		network, err := netip.ParsePrefix(text)
		if err != nil {
			return l, fmt.Errorf("reading the addresses of a token: %w", err)
		}
		l.From = append(l.From, network)
	}
	l.Rate = authority.Rate{Calls: int(c.calls), Per: time.Duration(c.seconds) * time.Second}
	return l, nil
}

// scanAPIToken reads apiTokenFields, and what stands behind them.
func scanAPIToken(row scanner, more ...any) (t apitoken.Token, err error) {
	var limits limitsColumns
	dest := append([]any{&t.ID, &t.UserID, &t.Name, &t.KeyID, &t.Enabled}, limits.dest()...)
	dest = append(dest, &t.Version, timeColumn{&t.CreatedAt}, timeColumn{&t.UpdatedAt}, timeColumn{&t.ExpiresAt}, timeColumn{&t.DeletedAt},
		timeColumn{&t.LastUsedAt}, &t.LastUsedIP)
	if err = row.Scan(append(dest, more...)...); err == nil {
		t.Limits, err = limits.limits()
	}
	return t, err
}

// APIToken implements apitoken.Store.
func (s *Store) APIToken(ctx context.Context, id uuid.UUID) (apitoken.Token, error) {
	return readAPIToken(s.reads.QueryRowContext(ctx, selectAPIToken, blob(id)))
}

// APITokenByName implements apitoken.Store.
func (s *Store) APITokenByName(ctx context.Context, key string) (apitoken.Token, error) {
	return readAPIToken(s.reads.QueryRowContext(ctx, selectAPITokenByName, key))
}

// APITokensNamed implements apitoken.Store.
func (s *Store) APITokensNamed(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]string, error) {
	names, err := s.names(ctx, selectAPITokenNames, ids)
	if err != nil {
		return nil, fmt.Errorf("naming API tokens: %w", err)
	}
	return names, nil
}

func readAPIToken(row scanner) (apitoken.Token, error) {
	t, err := scanAPIToken(row)
	if err != nil {
		return apitoken.Token{}, fmt.Errorf("reading API token: %w", kindOf(err))
	}
	return t, nil
}

// FindAPIToken implements apitoken.Store.
func (s *Store) FindAPIToken(ctx context.Context, id uuid.UUID, kid string) (found apitoken.Found, err error) {
	var h holder
	found.Token, err = scanAPIToken(s.find(ctx, selectFoundAPIToken, blob(id), kid), h.dest(&found.KeyRevoked)...)
	if err != nil {
		return apitoken.Found{}, fmt.Errorf("looking up API token: %w", kindOf(err))
	}
	found.User = h.user(found.UserID)
	return found, nil
}
