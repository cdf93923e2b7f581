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
