package postgres_test

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/clientauth"
)

// TestTombstones looks into every row: nothing secret of a deleted user or project is left there, while their IDs are.
func TestTombstones(t *testing.T) {
	dsn := migrated(t)
	s, db := open(t, dsn), dial(t, dsn)
	r := user("alice")
	r.Kind, r.Email, r.EmailKey, r.DisplayName = account.Service, "Alice@Example.com", "alice@example.com", "Alice Display"
	r.External = account.External{Profile: "External Profile", ID: "External ID", Ref: "External Ref", Data: "External Data", Flags: 7_654_321}
	p := projectOf(7)
	p.AppKeys, p.AppKeyCount = []byte("unmistakable app keys"), 1
	const hash = "$argon2id$v=19$m=19456,t=2,p=1$unmistakable"
	ctx, ev := t.Context(), did(audit.UserUpdate, r.ID)
	must(t, errors.Join(
		s.CreateUser(ctx, r, hash, ev),
		s.PutPersonalToken(ctx, r.ID, digestOf(1), ev),
		s.PutPersonalToken(ctx, r.ID, digestOf(2), ev),
		begin(ctx, s, r.ID, 3, uuid.Nil, ev),
		take(ctx, s, r.ID, uuid.Nil, 5, ev),
		s.NotePasswordFrom(ctx, r.ID, "192.0.2.77", now(), 3),
		initiate(ctx, s, p),
		s.AddClientSecret(ctx, clientauth.Secret{ID: uuid.New(), UserID: r.ID, CreatedAt: now()}, digestOf(4), ev),
	))
	dump := func() string {
		var all strings.Builder
		rows, err := db.Query(ctx, `SELECT query_to_xml('SELECT * FROM ' || quote_ident(tablename), false, false, '')::text FROM pg_tables WHERE schemaname = 'public'`)
		must(t, err)
		for rows.Next() {
			var xml string
			must(t, rows.Scan(&xml))
			all.WriteString(xml)
		}
		must(t, rows.Err())
		return all.String()
	}
	secrets := map[string]string{
		"password hash": hash, "e-mail": "example.com", "display name": "Alice Display", "address": "192.0.2.77", "ID": r.ID.String(),
		"profile": "External Profile", "external ID": "External ID", "reference": "External Ref", "data": "External Data", "flags": "7654321",
		"ID of the project": p.ID.String(), "app keys": base64.StdEncoding.EncodeToString(p.AppKeys),
		"key of a token set": base64.StdEncoding.EncodeToString(setOf(p.ID, "first").Key),
	}
	for what, n := range map[string]int{"former token": 1, "token": 2, "session": -8, "session's other cookie": -9, "client secret": 4, "session token": 5} {
		d := digestOf(n)
		secrets[what] = hex.EncodeToString(d.Sum[:])
	}
	before := dump()
	for what, secret := range secrets {
		if !contains(before, secret) {
			t.Errorf("the %s isn't there before: this test shows nothing", what)
		}
	}
	must(t, errors.Join(
		s.DeleteUser(ctx, r.ID, did(audit.UserDelete, r.ID)),
		s.DeleteProject(ctx, p.ID, did(audit.ProjectDelete, p.ID), did(audit.UserDelete, p.ID)),
	))
	after := dump()
	for what, secret := range secrets {
		if contains(after, secret) != strings.HasPrefix(what, "ID") {
			t.Errorf("after all was deleted, the database holds the %s: %t", what, !strings.HasPrefix(what, "ID"))
		}
	}
}

// contains looks for a text, or for the bytes of a digest as XML shows them.
func contains(dump, secret string) bool {
	if bytes, err := hex.DecodeString(secret); err == nil && len(bytes) == 32 {
		return strings.Contains(strings.ReplaceAll(dump, "\n", ""), base64.StdEncoding.EncodeToString(bytes))
	}
	return strings.Contains(dump, secret)
}
