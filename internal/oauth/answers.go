package oauth

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"strings"
	"sync/atomic"
	"unsafe"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/authority"
)

const (
	// maxAnswers is how many answers are kept: each stands in one place, that its token's hash says, and the next token of
	// that place takes it.
	maxAnswers = 1 << 14
	// maxAnswer bounds an answer that is kept, in bytes: they are 500 bytes long, unless there are many scopes. So all of
	// them are 8 MB, and 40 MB at most.
	maxAnswer = 2 << 10
)

// answers keeps the text of answers about good tokens. Nothing is decided by it: whoever asks has just been told by the
// authority that the token is good, and what was said then must be what the answer was made of, else it is made anew. So
// it never serves what is stale, and needs to hear of no change.
//
// Readers and writers share no lock. A token that isn't good never gets in: however many are tried, no memory is taken.
// The zero answers is empty.
type answers struct {
	places [maxAnswers]atomic.Pointer[madeAnswer]
}

// madeAnswer is one answer and what it was made of.
type madeAnswer struct {
	sum      [sha256.Size]byte // of the token
	userID   uuid.UUID
	record   uuid.UUID // of the credential
	username string
	narrowed bool
	scopes   []string
	body     []byte
}

// builder makes the answer about a good token, and nothing where it is good no longer.
type builder func(ctx context.Context, token string, p *authority.Principal) ([]byte, error)

// of returns the answer about a token that is a principal's just now, making it where it isn't there.
func (a *answers) of(ctx context.Context, token string, p *authority.Principal, build builder) ([]byte, error) {
	sum := sha256.Sum256(unsafe.Slice(unsafe.StringData(token), len(token))) //nolint:gosec // G103: it is only read
	place := &a.places[binary.LittleEndian.Uint64(sum[:])%maxAnswers]
	if known := place.Load(); known != nil && known.sum == sum && known.holds(p) {
		return known.body, nil
	}
	body, err := build(ctx, token, p)
	if err == nil && body != nil && len(body) <= maxAnswer {
		fresh := &madeAnswer{sum: sum, userID: p.ID, record: p.CredentialID, username: strings.Clone(p.Username), body: body}
		if p.Limits != nil {
			fresh.narrowed, fresh.scopes = p.Limits.Scopes != nil, p.Limits.Scopes
		}
		place.Store(fresh)
	}
	return body, err
}

// holds reports whether what the answer was made of is as it was. What the token says of itself is as its text.
func (m *madeAnswer) holds(p *authority.Principal) bool {
	var scopes []string
	if p.Limits != nil {
		scopes = p.Limits.Scopes
	}
	return m.userID == p.ID && m.record == p.CredentialID && m.username == p.Username && m.narrowed == (scopes != nil) && slices.Equal(m.scopes, scopes)
}
