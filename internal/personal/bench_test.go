package personal_test

import (
	"context"
	cryptorand "crypto/rand"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/keyring"
	"github.com/jeton-io/jeton/internal/personal"
	"github.com/jeton-io/jeton/internal/policy"
	"github.com/jeton-io/jeton/internal/secret"
	"github.com/jeton-io/jeton/internal/store/sqlite"
)

// coldTokens is of how many users the benchmark presents the tokens, each with a token, a role, a name and an e-mail.
const coldTokens = 100_000

// crowd is a database with the tokens of so many users, and what verifies them.
type crowd struct {
	path      string
	tokens    []secret.Text // in no order
	digests   []keyring.Digest
	store     *sqlite.Store
	keys      *keyring.Keyring
	personal  *personal.Tokens
	authority *authority.Authority
}

// newCrowdOf fills a database, and opens it as app does.
func newCrowdOf(b testing.TB, users int) *crowd {
	b.Helper()
	c := &crowd{path: filepath.Join(b.TempDir(), "jeton.db")}
	var err error
	c.store, err = sqlite.Open(b.Context(), sqlite.Config{Path: c.path, Now: time.Now})
	benched(b, err)
	b.Cleanup(func() { benched(b, c.store.Close()) })
	c.keys, err = keyring.Open(b.Context(), keyring.Config{Store: c.store, Master: "0123456789abcdef0123456789abcdef", Now: time.Now, Random: cryptorand.Reader})
	benched(b, err)
	c.fill(b, users)
	applied := func(context.Context) error { return nil }
	accounts, err := account.New(account.Config{Store: c.store, Applied: applied, Now: time.Now, Random: cryptorand.Reader})
	benched(b, err)
	c.personal, err = personal.New(personal.Config{Store: c.store, Keyring: c.keys, Applied: applied, Now: time.Now, Random: cryptorand.Reader})
	benched(b, err)
	table, err := policy.Compile([]policy.Service{{
		ID: uuid.Must(uuid.NewV7()), Name: "reports", Host: "api.example.com", PathPrefix: "/v2",
		Operations: []policy.Operation{{Pattern: "GET /reports/{id}", Audience: []policy.Audience{policy.RoleAudience("partner")}}},
	}})
	benched(b, err)
	c.authority, err = authority.New(authority.Config{
		Ways: []authority.Way{c.personal}, Users: accounts, Policy: func() *policy.Table { return table },
		Refusals: audit.NewRefusals(10), Fresh: func() bool { return true }, Now: time.Now, Random: cryptorand.Reader,
	})
	benched(b, err)
	return c
}

// fill writes users with tokens straight into the tables, in one transaction: by way of the store it would take minutes.
func (c *crowd) fill(b testing.TB, users int) {
	b.Helper()
	db, err := sql.Open("sqlite", "file:"+c.path+"?_pragma=busy_timeout(5000)")
	benched(b, err)
	defer func() { benched(b, db.Close()) }()
	tx, err := db.Begin()
	benched(b, err)
	for n := range users {
		id, name := uuid.Must(uuid.NewV7()), fmt.Sprintf("User%07d", n)
		text, err := secret.Make(secret.Personal, cryptorand.Reader)
		benched(b, err)
		digest := c.keys.Digest(text)
		c.tokens, c.digests = append(c.tokens, text), append(c.digests, digest)
		_, err = tx.Exec(`
INSERT INTO user (id, kind, username, username_key, email, email_key, display_name, state, version, created_at, updated_at)
VALUES (?1, 'person', ?2, lower(?2), ?2 || '@example.com', lower(?2) || '@example.com', 'A ' || ?2, 'active', 1, 0, 0)`, id[:], name)
		benched(b, err)
		_, err = tx.Exec(`INSERT INTO user_role (user_id, role) VALUES (?, 'partner')`, id[:])
		benched(b, err)
		_, err = tx.Exec(`INSERT INTO personal_token (user_id, pepper, digest, created_at) VALUES (?, ?, ?, 0)`, id[:], digest.Pepper, digest.Sum[:])
		benched(b, err)
	}
	benched(b, tx.Commit())
	rand.Shuffle(users, func(i, j int) {
		c.tokens[i], c.tokens[j] = c.tokens[j], c.tokens[i]
		c.digests[i], c.digests[j] = c.digests[j], c.digests[i]
	})
}

// BenchmarkCold decides about calls by personal tokens that aren't in memory, beside the least that a store can do for one:
// a prepared select of one column, by the driver alone, as the load benchmark in bench/ does for its unit. That runs this
// benchmark, by these names.
func BenchmarkCold(b *testing.B) {
	c := newCrowdOf(b, coldTokens)
	b.Run("bare select", c.benchSelect)
	b.Run("proof", c.benchProof)
}

func (c *crowd) benchSelect(b *testing.B) {
	db, err := sql.Open("sqlite", "file:"+c.path+"?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)"+
		"&_pragma=foreign_keys(1)&_pragma=temp_store(MEMORY)&_pragma=cache_size(-16384)")
	benched(b, err)
	defer func() { benched(b, db.Close()) }()
	conn, err := db.Conn(b.Context())
	benched(b, err)
	defer func() { benched(b, conn.Close()) }()
	stmt, err := conn.PrepareContext(b.Context(), `SELECT user_id FROM personal_token WHERE pepper = 1 AND digest = ?`)
	benched(b, err)
	defer func() { benched(b, stmt.Close()) }()
	// For a statement under a context that can end, the driver would start a goroutine.
	ctx := context.WithoutCancel(b.Context())
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		var id []byte
		if err := stmt.QueryRowContext(ctx, c.digests[i%coldTokens].Sum[:]).Scan(&id); err != nil {
			b.Fatal(err)
		}
	}
}

func (c *crowd) benchProof(b *testing.B) {
	in := &authority.Presented{
		Authorization: make([]string, 1), Method: "GET", Host: "api.example.com", Path: "/v2/reports/7", Peer: netip.MustParseAddr("192.0.2.7"),
	}
	c.authority.Forget(uuid.Nil)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if i > 0 && i%coldTokens == 0 {
			c.authority.Forget(uuid.Nil) // all have been presented, and would be remembered
		}
		in.Authorization[0] = "Bearer " + c.tokens[i%coldTokens].Reveal()
		if d := c.authority.Decide(b.Context(), in, &door); !d.Allowed() {
			b.Fatal(d.Reason)
		}
	}
}

// benched ends a benchmark, or a test, one of whose steps failed.
func benched(b testing.TB, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}
