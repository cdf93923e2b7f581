package identity

import (
	"crypto/sha256"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jeton-io/jeton/internal/jose"
	"github.com/jeton-io/jeton/internal/secret"
)

// memory keeps the tokens that were made last, so that whoever calls a thousand times a second costs a signature each half a
// minute. It is two generations: what is made goes to the young one, and when that is full, or as old as a token in it may
// become, it is the old one, and the one before is gone whole. So what has ended leaves without anybody looking for it.
//
// Nothing in it is the truth: whatever is missing is signed anew.
type memory struct {
	kept    time.Duration // how long a token is told after it was made
	max     int64         // of tokens in a generation
	current atomic.Pointer[generations]
}

type generations struct{ young, old *generation }

// generation holds tokens by what they say: key → *told.
type generation struct {
	began  time.Time // zero before its first token
	tokens sync.Map
	count  atomic.Int64
}

// told is a token that was made.
type told struct {
	text  secret.Text
	keyID string
	since time.Time
}

// maxTold is how many tokens a generation holds, with a kilobyte or so each. Of more callers within half a minute than fit in
// two, some cost a signature more often.
const maxTold = 10_000

// key is the SHA-256 of all that a token says but its times: nobody finds two users of whom the same is said.
type key [sha256.Size]byte

// keyOf covers every claim but the times. Each part is quoted, so that no two run together, and those of which there may be
// any number come last.
func keyOf(c *jose.IdentityClaims) key {
	scope := ""
	if c.Scope != nil {
		scope = "narrowed to " + *c.Scope // and another for one that is narrowed to nothing
	}
	text := make([]byte, 0, 1024) // on the stack
	for _, part := range [...]string{
		c.Issuer, c.Audience, c.Subject, c.PreferredUsername, c.Name, c.Email, c.CredentialKind, c.CredentialID, scope,
	} {
		text = strconv.AppendQuote(text, part)
	}
	for _, group := range c.Groups {
		text = strconv.AppendQuote(text, group)
	}
	return sha256.Sum256(text)
}

// find returns a token that may be told at a time.
func (m *memory) find(k key, now time.Time) (*told, bool) {
	g := m.current.Load()
	for _, tokens := range [...]*sync.Map{&g.young.tokens, &g.old.tokens} {
		value, _ := tokens.Load(k)
		if t, ok := value.(*told); ok && m.good(t.since, now) {
			return t, true
		}
	}
	return nil, false
}

// good reports whether what began at a time counts: not for too long, nor where the clock was set back since.
func (m *memory) good(since, now time.Time) bool {
	age := now.Sub(since)
	return age >= 0 && age < m.kept
}

// keep remembers a token that was made just now.
func (m *memory) keep(k key, t *told, now time.Time) {
	g := m.current.Load()
	if young := g.young; young.count.Load() >= m.max || !m.good(young.began, now) {
		next := &generations{young: &generation{began: now}, old: young}
		if m.current.CompareAndSwap(g, next) {
			g = next
		} else {
			g = m.current.Load() // another has just done so
		}
	}
	if _, known := g.young.tokens.Swap(k, t); !known {
		g.young.count.Add(1)
	}
}
