package postgres_test

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/feed"
	"github.com/jeton-io/jeton/internal/keyring"
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

// headOf is the newest revision of a batch.
func headOf(b feed.Batch) int64 { return b.Head.Revision }
