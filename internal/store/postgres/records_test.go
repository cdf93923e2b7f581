package postgres_test

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/feed"
	"github.com/jeton-io/jeton/internal/jose"
	"github.com/jeton-io/jeton/internal/keyring"
	"github.com/jeton-io/jeton/internal/platform"
	"github.com/jeton-io/jeton/internal/secret"
	"github.com/jeton-io/jeton/internal/session"
	"github.com/jeton-io/jeton/internal/store/postgres"
)

// digestOf is the digest of the n-th made-up token.
func digestOf(n int) keyring.Digest {
	return keyring.Digest{Pepper: 1, Sum: secret.Sum(sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(n))))}
}

// begin begins the n-th session, of a user, in place of a former.
func begin(ctx context.Context, s *postgres.Store, userID uuid.UUID, n int, former uuid.UUID, ev audit.Event) error {
	b := session.Session{ID: uuid.Must(uuid.NewV7()), UserID: userID, CreatedAt: now(), LastUsedAt: now(), ExpiresAt: now().Add(time.Hour)}
	return s.CreateBrowserSession(ctx, b, session.Digests{Console: digestOf(-2*n - 2), API: digestOf(-2*n - 3)}, former, ev)
}

// take creates the n-th session token of a user, for a platform's assertion where there is one.
func take(ctx context.Context, s *postgres.Store, userID, platformID uuid.UUID, n int, ev audit.Event) error {
	return s.CreateSessionToken(ctx, tokenOf(userID, platformID), digestOf(n), ev)
}

// tokenOf returns a session token of a user that begins now.
func tokenOf(userID, platformID uuid.UUID) session.Token {
	return session.Token{ID: uuid.Must(uuid.NewV7()), UserID: userID, PlatformID: platformID, CreatedAt: now(), ExpiresAt: now().Add(time.Hour), Pepper: 1}
}

// enrol adds a platform of that name.
func enrol(ctx context.Context, s *postgres.Store, name string) (platform.Platform, error) {
	id := uuid.New()
	p := platform.Platform{
		ID: id, Code: id.String()[:8], Name: name, Algorithm: jose.RS512, SpeaksFor: platform.Scope{All: true}, MaxLife: time.Minute, Enabled: true, Version: 1,
		CreatedAt: now(), UpdatedAt: now(),
	}
	k := platform.Key{ID: uuid.New(), PlatformID: id, Algorithm: jose.RS512, PublicKey: "PEM of " + name, CreatedAt: now()}
	return p, s.AddPlatform(ctx, p, name, k, did(audit.PlatformCreate, id))
}

// headOf is the newest revision of a batch.
func headOf(b feed.Batch) int64 { return b.Head.Revision }
