package httpapi_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/catalog"
)

// wrong makes as many wrong guesses at a user's password as are looked at in a row.
func (d *desk) wrong(t testing.TB, name string) {
	t.Helper()
	for range 10 {
		d.want(t, ask{route: "GET /v1/me", token: name + ":wrong password"}, http.StatusUnauthorized, api.CodeNotAuthenticated)
	}
	d.refused(t)
}

// TestThrottled guesses a password, and then asks for every route by it: the answer is the same for the right one.
func TestThrottled(t *testing.T) {
	d := stocked(t)
	d.wrong(t, "root")
	throttled := func(q ask, wait string) {
		t.Helper()
		a := d.want(t, q, http.StatusTooManyRequests, api.CodeTooManyRequests)
		if got := a.header.Get("Retry-After"); got != wait {
			t.Errorf("%s: got Retry-After %q, want %q", q.route, got, wait)
		}
		if got := d.refused(t); !slices.Equal(got, []string{"v1 throttled password"}) {
			t.Errorf("%s: got refusals %v, want throttled", q.route, got)
		}
	}
	before := d.accounts.Hashed()
	d.fine.Store(int64(time.Millisecond)) // whole seconds are told, and no fewer than it takes
	for _, s := range samples() {
		throttled(s.ask("root:wrong password"), "60")
		throttled(s.ask("ROOT:"+adminPassword), "60")
	}
	d.now.Add(58)
	throttled(ask{route: "GET /v1/me", token: "root:" + adminPassword}, "2")
	d.now.Add(1)
	throttled(ask{route: "GET /v1/me", token: "root:" + adminPassword}, "1")
	if got := d.accounts.Hashed() - before; got != 0 {
		t.Errorf("got %d passwords hashed, want none", got)
	}
	// The token goes on working, and so does everybody else's password.
	d.want(t, ask{route: "GET /v1/users", token: d.adminToken}, http.StatusOK, "")
	_, err := d.accounts.Create(t.Context(), account.Draft{Username: "alice", PasswordHash: adminHash}, adminActor())
	check(t, err)
	d.want(t, ask{route: "GET /v1/me", token: "alice:" + adminPassword}, http.StatusOK, "")
	d.now.Add(1)
	d.want(t, ask{route: "GET /v1/me", token: "root:" + adminPassword}, http.StatusOK, "")
	d.want(t, ask{route: "GET /v1/me", token: "root:wrong password"}, http.StatusUnauthorized, api.CodeNotAuthenticated)
}

// TestThrottledAlike guesses at names that somebody has, that nobody has, and whose user has no password: who guesses
// doesn't learn which is which.
func TestThrottledAlike(t *testing.T) {
	d := newDesk(t)
	d.user(t, account.Draft{Username: "passwordless"})
	first := answer{}
	for _, name := range []string{"root", "nobody", "passwordless"} {
		d.wrong(t, name)
		a := d.want(t, ask{route: "GET /v1/me", token: name + ":wrong password"}, http.StatusTooManyRequests, api.CodeTooManyRequests)
		a.body = cut(a)
		for _, own := range []string{"X-Request-Id", "Date"} {
			a.header.Del(own)
		}
		if first.status == 0 {
			first = a
		}
		if diff := cmp.Diff(first, a, cmp.AllowUnexported(answer{})); diff != "" {
			t.Errorf("%s: answers of 429 differ: %s", name, diff)
		}
	}
}

// TestThrottledCurrent guesses the current password by a token that was lost.
func TestThrottledCurrent(t *testing.T) {
	d := newDesk(t)
	_, token := alice(t, d)
	change := func(current string) ask {
		return ask{route: "PUT /v1/me/password", token: token, body: `{"current":"` + current + `","new":"a better password"}`}
	}
	for range 10 {
		d.want(t, change("a wrong password"), http.StatusUnprocessableEntity, api.CodeInvalidField).wantField(t, "current")
	}
	if got := d.refused(t); !slices.Equal(got, []string{"v1 wrong_password personal_token"}) {
		t.Errorf("got refusals %v, want those of a wrong password", got)
	}
	before := d.accounts.Hashed()
	for _, current := range []string{"a wrong password", adminPassword} {
		if a := d.want(t, change(current), http.StatusTooManyRequests, api.CodeTooManyRequests); a.header.Get("Retry-After") != "60" {
			t.Errorf("got Retry-After %q, want 60", a.header.Get("Retry-After"))
		}
	}
	if got := d.refused(t); !slices.Equal(got, []string{"v1 throttled personal_token"}) {
		t.Errorf("got refusals %v, want those of too many guesses", got)
	}
	if got := d.accounts.Hashed() - before; got != 0 {
		t.Errorf("got %d passwords hashed, want none", got)
	}
	d.want(t, ask{route: "GET /v1/me", token: token}, http.StatusOK, "")
	d.now.Add(60)
	d.want(t, change(adminPassword), http.StatusNoContent, "")
}

// TestGuessesAtEveryDoor guesses one password at all doors in turn, by many spellings of the name and of the e-mail and from as
// many addresses, and by what a header field says of them.
func TestGuessesAtEveryDoor(t *testing.T) {
	d := newDesk(t)
	d.serve(t, authority.KindsOf(authority.PersonalToken, authority.Password), authority.KindsOf(authority.Password))
	_, token := d.user(t, account.Draft{Username: "alice", Email: "alice@example.com", PasswordHash: adminHash})
	d.service(t, catalog.Draft{Name: "reports", Host: "api.example.com"})
	names := []string{"alice", "ALICE", "alice@example.com", "ａｌｉｃｅ", "Alice@Example.com"}
	before, throttled, wrong := d.accounts.Hashed(), 0, 0
	for i := range 200 {
		guess, from := fmt.Sprintf("wrong password %d", i), fmt.Sprintf("203.0.113.%d", i)
		basic := names[i%len(names)] + ":" + guess
		q := ask{route: "GET /v1/me", token: basic}
		switch i % 4 {
		case 1:
			q = ask{route: "PUT /v1/me/password", token: token, body: `{"current":"` + guess + `","new":"a better password"}`}
		case 2:
			q = ask{route: "POST /v1/verify", token: d.adminToken, body: encodeJSON(t, api.VerifyRequest{
				Authorization: "Basic " + base64.StdEncoding.EncodeToString([]byte(basic)), Method: "GET", URL: "https://api.example.com/", RemoteIP: from,
			})}
		case 3:
			q.route = "POST /v1/me/personal-token"
		}
		q.header = map[string]string{"X-Real-Ip": from}
		if i%8 > 3 {
			q.header = map[string]string{"X-Real-Ip": "", "X-Forwarded-For": from + ", " + clientAddress}
		}
		switch a := d.do(t, q); {
		case a.code == api.CodeTooManyRequests || strings.Contains(a.body, `"throttled"`):
			throttled++
		case a.code == api.CodeNotAuthenticated || a.code == api.CodeInvalidField || strings.Contains(a.body, `"wrong_password"`):
			wrong++
		default:
			t.Fatalf("guess %d: got %d %s", i, a.status, a.body)
		}
	}
	got := d.accounts.Hashed() - before
	if got > 100 || got != uint64(wrong) || throttled != 200-wrong || wrong == 0 {
		t.Errorf("got %d passwords hashed, %d called wrong and %d throttled, want a hash for each wrong, 100 at most", got, wrong, throttled)
	}
	t.Logf("%d of 200 guesses were looked at", got)
	d.want(t, ask{route: "GET /v1/me", token: token}, http.StatusOK, "")
}
