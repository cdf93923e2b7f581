package desk

import (
	"bytes"
	"context"
	"sync"
	"sync/atomic"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/authority"
)

// FaultyUsers are the accounts until they are told to fail.
type FaultyUsers struct {
	authority.Users
	Err atomic.Pointer[error] // nil while all is well
}

// AuthorityUser implements authority.Users.
func (u *FaultyUsers) AuthorityUser(ctx context.Context, id uuid.UUID) (authority.User, error) {
	if err := u.Err.Load(); err != nil {
		return authority.User{}, *err
	}
	return u.Users.AuthorityUser(ctx, id)
}

// Apart returns ways that, while faulty reports so, find no user beside a credential, so that the authority asks its Users: as
// where these fail. It leaves alone those that never find one.
func Apart(ways []authority.Way, faulty func() bool) []authority.Way {
	apart := make([]authority.Way, len(ways))
	for i, w := range ways {
		switch way := w.(type) {
		case authority.SecretWay:
			apart[i] = way
		case warmWay:
			apart[i] = apartWarm{way, faulty}
		case usedWay:
			apart[i] = apartUsed{way, faulty}
		default:
			apart[i] = way
		}
	}
	return apart
}

type usedWay interface {
	authority.Way
	authority.Toucher
}

type warmWay interface {
	authority.Warmer
	authority.ScreeningWay
	authority.Toucher
}

type apartUsed struct {
	usedWay
	faulty func() bool
}

type apartWarm struct {
	warmWay
	faulty func() bool
}

// Prove implements authority.Way.
func (a apartUsed) Prove(ctx context.Context, c authority.Credential) (authority.Proof, error) {
	return proveApart(ctx, a.usedWay, c, a.faulty)
}

// Prove implements authority.Way.
func (a apartWarm) Prove(ctx context.Context, c authority.Credential) (authority.Proof, error) {
	return proveApart(ctx, a.warmWay, c, a.faulty)
}

func proveApart(ctx context.Context, way authority.Way, c authority.Credential, faulty func() bool) (authority.Proof, error) {
	proof, err := way.Prove(ctx, c)
	if faulty() {
		proof.User = nil
	}
	return proof, err
}

// Buffer is a bytes.Buffer for several goroutines. The zero Buffer is empty.
type Buffer struct {
	mu     sync.Mutex
	b      bytes.Buffer
	Silent bool // keeps nothing, for benchmarks; set before the first Write
}

// Write implements io.Writer.
func (b *Buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.Silent {
		return len(p), nil
	}
	return b.b.Write(p)
}

// String returns what was written.
func (b *Buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// Take returns what was written, and empties the buffer.
func (b *Buffer) Take() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	defer b.b.Reset()
	return b.b.String()
}
