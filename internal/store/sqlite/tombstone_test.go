package sqlite_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/jeton-io/jeton/internal/audit"
)

// TestTombstones looks into the file itself: nothing secret of a deleted user, platform or project is left there, nor who might call a
// deleted service, while the IDs are.
func TestTombstones(t *testing.T) {
	path := filepath.Join(t.TempDir(), "jeton.db")
	s := open(t, path)
	populate(t, s)
	const hash = "$argon2id$v=19$m=19456,t=2,p=1$unmistakable"
	ev := audit.New(audit.UserPassword, audit.Actor{}, audit.Target{}, now())
	if err := errors.Join(
		s.ResetPassword(t.Context(), id(2), hash, ev),
		s.DeleteUser(t.Context(), id(2), ev),
		s.DeleteService(t.Context(), id(10), ev),
		s.DeletePlatform(t.Context(), id(50), ev),
		s.DeleteUser(t.Context(), id(63), ev),
		s.DeleteUser(t.Context(), id(80), ev),
		s.DeleteProject(t.Context(), id(60), ev, ev),
		s.Close(),
	); err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	live, former, logIn, loggedOut, others := token(2), token(1), cookies(2), cookies(1), cookies(3)
	spoken, over, invited := token(5), token(6), token(7)
	usedCode, code := token(21), token(22)
	for what, secret := range map[string][]byte{
		"password hash": []byte(hash), "e-mail": []byte("alice@"), "digest": live.Sum[:], "former digest": former.Sum[:],
		"session's digest": logIn.Console.Sum[:], "session's digest for the APIs": logIn.API.Sum[:], "ended session's digest": loggedOut.Console.Sum[:],
		"session's digest, of the one deleted before": others.Console.Sum[:],
		"session token's digest":                      spoken.Sum[:], "ended session token's digest": over.Sum[:], "link's digest": invited.Sum[:], "platform's shared secret": portalKey().Wrapped,
		"authenticator's secret": []byte(appSecret), "passkey's ID": []byte(passkeyID), "passkey's key": []byte(passkeyKey), "recovery code's digest": code.Sum[:], "used recovery code's digest": usedCode.Sum[:],
		"project's app keys": shop().AppKeys, "token set's key": shopSet().Key, "key of the token set deleted before": []byte(deletedKey),
	} {
		if bytes.Contains(file, secret) {
			t.Errorf("the file still holds, of what was deleted, the %s", what)
		}
	}
	db := raw(t, path)
	for table, want := range map[string]string{
		"user WHERE id = x'01000000000070008000000000000002'":     "1",
		"service WHERE id = x'0100000000007000800000000000000A'":  "1",
		"platform WHERE id = x'01000000000070008000000000000032'": "1",
		"user WHERE external_id <> '' OR external_flags <> 0":     "0",
		"project WHERE id = x'0100000000007000800000000000003C'":  "1",
		"token_set WHERE wrapped IS NULL":                         "2",
		"authenticator":                                           "0", "passkey": "0", "recovery_code": "0", "link": "0",
		"session_token": "0", "browser_session": "0", "password_address": "0", "operation": "0", "operation_audience": "0", "service_verifier": "0",
	} {
		if got := texts(t, db, `SELECT count(*) FROM `+table); got[0] != want {
			t.Errorf("%s: got %s rows, want %s", table, got[0], want)
		}
	}
}
