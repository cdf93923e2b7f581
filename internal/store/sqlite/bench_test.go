package sqlite_test

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/keyring"
	"github.com/jeton-io/jeton/internal/secret"
	"github.com/jeton-io/jeton/internal/store/sqlite"
	"github.com/jeton-io/jeton/internal/store/storetest"
)

// BenchmarkStore is the same for each store.
func BenchmarkStore(b *testing.B) {
	storetest.Bench(b, func(t testing.TB) storetest.Store { return fresh(t) })
}

const benchRows = 100_000

// digestOf is the digest of the n-th made-up token.
func digestOf(n int) keyring.Digest {
	return keyring.Digest{Pepper: 1, Sum: secret.Sum(sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(n))))}
}

// userOf is the ID of the user who has it.
func userOf(n int) uuid.UUID {
	d := digestOf(-n - 1)
	return uuid.UUID(d.Sum[:16])
}

// fill writes users with tokens by a connection of its own, as a bench that has nothing but the file would.
func fill(b *testing.B, path string) {
	b.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(5000)")
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	tx, err := db.Begin()
	if err != nil {
		b.Fatal(err)
	}
	for i := range benchRows {
		id := userOf(i)
		if _, err := tx.Exec(`INSERT INTO user (id, kind, username, username_key, email, display_name, state, version, created_at, updated_at)
			VALUES (?1, 'person', ?2, ?2, '', '', 'active', 1, 0, 0)`, id[:], "user"+time.UnixMicro(int64(i)).Format(time.RFC3339Nano)); err != nil {
			b.Fatal(err)
		}
		d := digestOf(i)
		if _, err := tx.Exec(`INSERT INTO user_role (user_id, role) VALUES (?, 'partner')`, id[:]); err != nil {
			b.Fatal(err)
		}
		if _, err := tx.Exec(`INSERT INTO personal_token (user_id, pepper, digest, created_at) VALUES (?, ?, ?, 0)`, id[:], d.Pepper, d.Sum[:]); err != nil {
			b.Fatal(err)
		}
	}
	if err := tx.Commit(); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkFindPersonalToken compares the store's cold look-up with the least that a prepared select of the same row can be,
// and with its own select by database/sql: as it is, and with the roles put in order by SQLite.
func BenchmarkFindPersonalToken(b *testing.B) {
	path := filepath.Join(b.TempDir(), "jeton.db")
	s := open(b, path)
	fill(b, path)
	ctx, cancel := context.WithTimeout(b.Context(), time.Hour) // as a verdict's has a deadline
	defer cancel()
	whole := sqlite.Lookups()["personal token"]
	for name, text := range map[string]string{
		"bare":                         `SELECT user_id FROM personal_token WHERE pepper = ?1 AND digest = ?2`,
		"database sql":                 whole,
		"database sql, roles in order": strings.Replace(whole, "group_concat(role, ',')", "group_concat(role, ',' ORDER BY role)", 1),
	} {
		b.Run(name, func(b *testing.B) {
			stmt, err := s.Reads().Prepare(text)
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = stmt.Close() }()
			dest := []any{new([]byte)}
			if name != "bare" {
				dest = append(dest, new(int64), new(string), new(string), new(string), new(string), new(sql.NullString))
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				d := digestOf(i * 7919 % benchRows)
				if err := stmt.QueryRow(d.Pepper, d.Sum[:]).Scan(dest...); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	for name, other := range map[string][]keyring.Digest{"store/one pepper": nil, "store/two peppers": {{Pepper: 2}}} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if _, err := s.FindPersonalToken(ctx, append(other, digestOf(i*7919%benchRows))); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkUser is the other half of a cold verdict.
func BenchmarkUser(b *testing.B) {
	path := filepath.Join(b.TempDir(), "jeton.db")
	s := open(b, path)
	fill(b, path)
	ctx, cancel := context.WithTimeout(b.Context(), time.Hour)
	defer cancel()
	for i := 0; b.Loop(); i++ {
		if _, err := s.User(ctx, userOf(i*7919%benchRows)); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkPutPersonalToken compares issuing (a token and its event) with the insert of one row by the same writer, and
// rotation, which also takes the revision.
func BenchmarkPutPersonalToken(b *testing.B) {
	for name, callers := range map[string]int{"1 caller": 1, "16 callers": 16} {
		put := func(b *testing.B, user func(n int64) uuid.UUID) {
			path := filepath.Join(b.TempDir(), "jeton.db")
			s := open(b, path)
			fill(b, path)
			var n atomic.Int64
			each(b, callers, func() error {
				i := n.Add(1)
				id := user(i)
				ev := audit.New(audit.PersonalTokenRotate, audit.Actor{UserID: id, Username: "user"}, audit.Target{Kind: "personal_token", ID: id}, now())
				return s.PutPersonalToken(b.Context(), id, digestOf(int(benchRows+i)), ev)
			})
		}
		b.Run("insert/"+name, func(b *testing.B) {
			s := fresh(b)
			each(b, callers, func() error {
				return s.Write(b.Context(), func(exec func(string, ...any) (int64, error)) error {
					_, err := exec(`INSERT INTO pepper (wrapped, created_at) VALUES (?, ?)`, make([]byte, 60), 0)
					return err
				})
			})
		})
		b.Run("rotate/"+name, func(b *testing.B) { put(b, func(n int64) uuid.UUID { return userOf(int(n*7919) % benchRows) }) })
	}
}

// each runs do b.N times, from so many goroutines.
func each(b *testing.B, callers int, do func() error) {
	b.SetParallelism(max(1, callers/runtime.GOMAXPROCS(0)))
	b.ResetTimer()
	if callers == 1 {
		for range b.N {
			if err := do(); err != nil {
				b.Fatal(err)
			}
		}
		return
	}
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			if err := do(); err != nil {
				b.Error(err)
			}
		}
	})
}
