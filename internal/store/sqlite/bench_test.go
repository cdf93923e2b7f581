package sqlite_test

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"path/filepath"
	"testing"
	"time"

	"github.com/jeton-io/jeton/internal/keyring"
	"github.com/jeton-io/jeton/internal/secret"
	"github.com/jeton-io/jeton/internal/store/sqlite"
)

const benchRows = 100_000

// digestOf is the digest of the n-th made-up token.
func digestOf(n int) keyring.Digest {
	return keyring.Digest{Pepper: 1, Sum: secret.Sum(sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(n))))}
}

// fill writes users with tokens by a connection of its own, as a bench that has nothing but the file would.
func fill(b *testing.B, path string) {
	b.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(5000)")
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	tx, err := db.Begin()
	if err != nil {
		b.Fatal(err)
	}
	for i := range benchRows {
		id := digestOf(-i)
		if _, err := tx.Exec(`INSERT INTO user (id, kind, username, username_key, email, display_name, state, version, created_at, updated_at)
			VALUES (?1, 'person', ?2, ?2, '', '', 'active', 1, 0, 0)`, id.Sum[:16], "user"+time.UnixMicro(int64(i)).Format(time.RFC3339Nano)); err != nil {
			b.Fatal(err)
		}
		d := digestOf(i)
		if _, err := tx.Exec(`INSERT INTO personal_token (user_id, pepper, digest, created_at) VALUES (?, ?, ?, 0)`, id.Sum[:16], d.Pepper, d.Sum[:]); err != nil {
			b.Fatal(err)
		}
	}
	if err := tx.Commit(); err != nil {
		b.Fatal(err)
	}
}

func BenchmarkPersonalTokenByDigest(b *testing.B) {
	path := filepath.Join(b.TempDir(), "jeton.db")
	s, err := sqlite.Open(context.Background(), sqlite.Config{Path: path, Now: time.Now})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	fill(b, path)
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
	defer cancel()
	b.Run("bare", func(b *testing.B) {
		stmt, err := s.Finds().Prepare(`SELECT user_id FROM personal_token WHERE pepper = ? AND digest = ?`)
		if err != nil {
			b.Fatal(err)
		}
		for i := 0; b.Loop(); i++ {
			d := digestOf(i * 7919 % benchRows)
			var id []byte
			if err := stmt.QueryRow(d.Pepper, d.Sum[:]).Scan(&id); err != nil {
				b.Fatal(err)
			}
		}
	})
	for name, ctx := range map[string]context.Context{"store-bg": context.Background(), "store": ctx} {
		b.Run(name, func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				if _, err := s.PersonalTokenByDigest(ctx, []keyring.Digest{digestOf(i * 7919 % benchRows)}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("store-2peppers", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			if _, err := s.PersonalTokenByDigest(ctx, []keyring.Digest{{Pepper: 2}, digestOf(i * 7919 % benchRows)}); err != nil {
				b.Fatal(err)
			}
		}
	})
}
