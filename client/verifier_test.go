package client_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/client"
	"github.com/jeton-io/jeton/jetontest"
)

// questions counts what goes over the wire, by path.
type questions struct {
	mu    sync.Mutex
	asked map[string]int
	base  http.RoundTripper
}

func (q *questions) RoundTrip(r *http.Request) (*http.Response, error) {
	q.mu.Lock()
	q.asked[r.URL.Path]++
	q.mu.Unlock()
	return q.base.RoundTrip(r)
}

func (q *questions) count(path string) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.asked[path]
}

// verifying is a Jeton with the service "reports", the partner alice and a verifier of the service.
type verifying struct {
	*jetontest.Server
	*client.Verifier
	*questions
	tb  testing.TB
	now func() time.Time // of the verifier; the system's where nil

	account string // of the verifier
	secret  client.Secret
}

const host = "api.example.com"

func newVerifying(tb testing.TB) *verifying {
	tb.Helper()
	v := &verifying{Server: jetontest.New(tb), tb: tb}
	v.now = v.Now
	v.furnish()
	v.start(v.URL)
	return v
}

// furnish makes the user and the service.
func (v *verifying) furnish() {
	v.User("alice", "partner")
	v.Service("reports", host, "GET /reports/{id} role:partner reports.read", "PUT /reports/{id} role:partner reports.write", "GET /users/{id} self:{id}")
}

// start makes the verifier, by way of a base URL.
func (v *verifying) start(base string) {
	v.tb.Helper()
	v.account, v.secret = v.VerifierAccount("reports")
	v.questions = &questions{asked: map[string]int{}, base: &http.Transport{}}
	c, err := client.New(client.Config{BaseURL: base, Username: v.account, Password: v.secret, HTTPClient: &http.Client{Transport: v.questions}})
	must(v.tb, err)
	v.Verifier, err = client.NewVerifier(client.VerifierConfig{Client: c, Service: "reports", Now: v.now})
	must(v.tb, err)
	v.tb.Cleanup(v.Close)
	must(v.tb, v.WaitReady(v.tb.Context()))
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// get is a call of a report.
func get(token client.Secret) *client.Call {
	return &client.Call{Authorization: "Bearer " + token.Reveal(), Method: "GET", Host: host, Path: "/reports/7"}
}

// wantReason decides about a call and wants it refused for a reason, or let in for none.
func (v *verifying) wantReason(call *client.Call, want string) {
	v.tb.Helper()
	d, err := v.Decide(v.tb.Context(), call)
	if err != nil {
		v.tb.Errorf("got error %v, want reason %q", err, want)
	} else if d.Reason != want || d.Allowed() != (want == "") || (d.Refused == nil) != (want == "") {
		v.tb.Errorf("got %+v, want reason %q", d, want)
	}
}

// soon waits for a condition, for as long as the bound of revocations, and returns how long it took.
func soon(tb testing.TB, what string, met func() bool) time.Duration {
	tb.Helper()
	for began := time.Now(); ; {
		if met() {
			return time.Since(began)
		}
		if time.Since(began) > 5*time.Second {
			tb.Fatalf("after 5s it isn't so: %s", what)
		}
		time.Sleep(time.Millisecond)
	}
}

// TestWarm: what was found good once isn't asked about again, for no operation of the service.
func TestWarm(t *testing.T) {
	v := newVerifying(t)
	token := v.Token("alice")
	v.wantReason(get(token), "")
	asked := v.count("/v1/verify")
	for _, path := range []string{"/reports/7", "/reports/8"} {
		call := get(token)
		call.Path = path
		v.wantReason(call, "")
	}
	p, err := v.Verify(t.Context(), token.Reveal())
	if err != nil || p.Username != "alice" {
		t.Errorf("got %+v, %v", p, err)
	}
	if got := v.count("/v1/verify") - asked; got != 0 {
		t.Errorf("got %d questions about a token that is known", got)
	}
	elsewhere := get(token)
	elsewhere.Path = "/invoices"
	v.wantReason(elsewhere, "no_operation")
	v.wantReason(get(token[:len(token)-1]+"_"), "bad_checksum") // its twin, one byte different
}

// TestRevoked: what is taken away is refused within the bound, and no more is asked about what stays.
func TestRevoked(t *testing.T) {
	v := newVerifying(t)
	v.User("bob", "partner")
	kept := v.Token("bob")
	v.wantReason(get(kept), "")
	tests := []struct {
		name   string
		token  client.Secret
		take   func()
		reason string
	}{
		{"rotated", v.Token("alice"), func() { v.Token("alice") }, "superseded"},
		{"blocked", v.Token("alice"), func() { v.SetState("alice", "blocked") }, "blocked"},
	}
	tests[0].token = v.Token("alice") // the newest is the one that counts
	for i, test := range tests {
		if i == 1 {
			test.token = v.Token("alice")
		}
		v.wantReason(get(test.token), "")
		test.take()
		took := soon(t, test.name, func() bool {
			d, err := v.Decide(t.Context(), get(test.token))
			return err == nil && d.Reason == test.reason
		})
		t.Logf("%s: refused after %s", test.name, took)
	}
	asked := v.count("/v1/verify")
	v.wantReason(get(kept), "")
	if got := v.count("/v1/verify"); got != asked {
		t.Error("a token that nobody touched was asked about")
	}
}

// TestManyRotations: not one of many tokens is good for longer than the bound after it was superseded.
func TestManyRotations(t *testing.T) {
	v := newVerifying(t)
	var all []time.Duration
	token := v.Token("alice")
	for range 20 {
		v.wantReason(get(token), "")
		next := v.Token("alice")
		all = append(all, soon(t, "it is refused", func() bool {
			d, err := v.Decide(t.Context(), get(token))
			return err == nil && d.Reason == "superseded"
		}))
		token = next
	}
	slices.Sort(all)
	t.Logf("refused after %s, the slowest after %s", all[len(all)/2], all[len(all)-1])
}

// TestSigned: access tokens are checked here, once Jeton has said what they rest on, and refused here no more than anywhere.
func TestSigned(t *testing.T) {
	v := newVerifying(t)
	issued := v.APIToken("alice", "batch")
	first := v.AccessToken(issued.Token)
	v.wantReason(get(first), "")
	v.Advance(15 * time.Second) // for the next to be younger than what is known of its parent
	next := v.AccessToken(issued.Token)
	soon(t, "the verifier is fresh", v.Fresh)
	asked := v.count("/v1/verify")
	v.wantReason(get(next), "")
	narrow := v.AccessToken(issued.Token, "reports.write")
	if p, err := v.Verify(t.Context(), narrow.Reveal()); err != nil || len(p.Credential.Scopes) != 1 {
		t.Errorf("got %+v, %v of a narrowed token", p, err)
	}
	if got := v.count("/v1/verify"); got != asked {
		t.Errorf("got %d questions about tokens whose parent is known", got-asked)
	}
	v.wantReason(get(narrow), "insufficient_scope")
	if _, err := v.Verify(t.Context(), narrow.Reveal(), "reports.read"); !errors.Is(err, client.ErrNotAllowed) {
		t.Errorf("got %v for a scope that it hasn't", err)
	}
	forged := next[:len(next)-2] + "AA"
	v.wantReason(get(forged), "bad_signature")

	// Its record is disabled; its signature is as good as before.
	_, err := v.Admin.UpdateAPIToken(t.Context(), issued.ID, client.AnyVersion, api.APITokenPatch{Enabled: api.Some(false)})
	must(t, err)
	for _, token := range []client.Secret{first, next} {
		soon(t, "it is refused", func() bool {
			d, err := v.Decide(t.Context(), get(token))
			return err == nil && d.Reason == "disabled"
		})
	}
	unseen := v.count("/v1/verify")
	v.wantReason(get(v.AccessToken(v.APIToken("alice", "other").Token)), "")
	if v.count("/v1/verify") == unseen {
		t.Error("the first token of a parent wasn't asked about")
	}
}

// TestRevokedByItself: a token that was taken back alone stays so when its parent, which lives, is known again.
func TestRevokedByItself(t *testing.T) {
	v := newVerifying(t)
	issued := v.APIToken("alice", "batch")
	revoked, twin := v.AccessToken(issued.Token), v.AccessToken(issued.Token)
	v.wantReason(get(revoked), "")
	v.Advance(15 * time.Second)
	soon(t, "the verifier is fresh", v.Fresh)
	_, err := v.Admin.CreateUser(t.Context(), api.NewUser{Kind: "service", Username: "warden", Roles: []string{"admin"}})
	must(t, err)
	secret, err := v.Admin.CreateClientSecret(t.Context(), "warden")
	must(t, err)
	form := url.Values{"token": {revoked.Reveal()}, "client_id": {"warden"}, "client_secret": {secret.Secret}}
	res, err := http.PostForm(v.URL+"/oauth/revoke", form)
	must(t, err)
	_ = res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Fatalf("got status %d", res.StatusCode)
	}
	soon(t, "it is refused", func() bool {
		d, err := v.Decide(t.Context(), get(revoked))
		return err == nil && d.Reason == "revoked"
	})
	v.wantReason(get(twin), "")
	v.wantReason(get(revoked), "revoked")
}

// TestRevokedKey: with a key goes all that it has signed, also what was let in by its signature alone or never came; with one that
// only retires goes nothing.
func TestRevokedKey(t *testing.T) {
	for name, test := range map[string]struct {
		end    func(*verifying, string) error
		reason string
	}{
		"revoked": {func(v *verifying, kid string) error { return v.Admin.RevokeKey(t.Context(), kid) }, "revoked_key"},
		"retired": {func(v *verifying, _ string) error {
			_, err := v.Admin.RotateKey(t.Context(), api.KeyRotation{Purpose: "access_token"})
			return err
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			v := newVerifying(t)
			issued := v.APIToken("alice", "batch")
			asked := v.AccessToken(issued.Token)
			v.wantReason(get(asked), "")
			v.Advance(15 * time.Second) // for the next to be younger than what is known of its parent
			signed, held := v.AccessToken(issued.Token), v.AccessToken(issued.Token)
			soon(t, "the verifier is fresh", v.Fresh)
			v.wantReason(get(signed), "")
			kid := ""
			for key, err := range v.Admin.Keys(t.Context()) {
				must(t, err)
				if key.Purpose == "access_token" && key.State == "active" {
					kid = key.ID
				}
			}
			must(t, test.end(v, kid))
			for _, token := range []client.Secret{asked, signed, held} {
				soon(t, "the verdict is that of after", func() bool {
					d, err := v.Decide(t.Context(), get(token))
					return err == nil && d.Reason == test.reason
				})
			}
			next := v.AccessToken(issued.Token)
			v.wantReason(get(next), "")
			for _, token := range []client.Secret{asked, signed, held} { // of which another token of the same parent revives none
				v.wantReason(get(token), test.reason)
			}
		})
	}
}

// TestExpired: a token that ends ends here, too.
func TestExpired(t *testing.T) {
	v := newVerifying(t)
	token := v.AccessToken(v.APIToken("alice", "batch").Token)
	v.wantReason(get(token), "")
	v.Advance(time.Hour)
	v.wantReason(get(token), "expired")
}

// TestSuspendedPolicy: operations that are changed count at once, and what they open needs no question.
func TestPolicyChanges(t *testing.T) {
	v := newVerifying(t)
	token := v.Token("alice")
	v.wantReason(get(token), "")
	v.SetOperations("reports", "PUT /reports/{id} role:partner", "GET /reports/{id} role:editor")
	soon(t, "the new operations count", func() bool {
		d, err := v.Decide(t.Context(), get(token))
		return err == nil && d.Reason == "not_in_audience"
	})
	put := get(token)
	put.Method = "PUT"
	soon(t, "the new policy is known", func() bool {
		asked := v.count("/v1/verify")
		v.wantReason(put, "")
		return v.count("/v1/verify") == asked
	})
}

// TestWithoutJeton: within the bound what is remembered counts, and past it nothing does.
func TestWithoutJeton(t *testing.T) {
	v := newVerifying(t)
	token := v.Token("alice")
	v.wantReason(get(token), "")
	v.Stop()
	v.wantReason(get(token), "")
	stopped := time.Now()
	for { // without a gap: it counts until it doesn't
		time.Sleep(time.Millisecond)
		asked := time.Since(stopped)
		d, err := v.Decide(t.Context(), get(token))
		if err != nil {
			if !errors.Is(err, client.ErrUnavailable) {
				t.Errorf("after %s: got %v, want ErrUnavailable", asked, err)
			}
			break
		}
		if asked > 5*time.Second {
			t.Fatalf("asked after %s: got %+v, want ErrUnavailable", asked, d)
		}
	}
	if v.Fresh() || v.Staleness() < 5*time.Second {
		t.Errorf("got fresh %v, stale for %s", v.Fresh(), v.Staleness())
	}
	if _, err := v.Verify(t.Context(), token.Reveal()); !errors.Is(err, client.ErrUnavailable) {
		t.Errorf("got %v, want ErrUnavailable", err)
	}
	v.Start()
	soon(t, "it is fresh again", v.Fresh)
	v.wantReason(get(token), "")
}

// TestRestart: across a restart nothing that was taken away meanwhile is let in.
func TestRestart(t *testing.T) {
	v := newVerifying(t)
	token := v.Token("alice")
	v.wantReason(get(token), "")
	v.Stop()
	v.Start()
	v.Token("alice")
	soon(t, "it is refused", func() bool {
		d, err := v.Decide(t.Context(), get(token))
		return err == nil && d.Reason == "superseded"
	})
}

// wire passes bytes on between the verifier and Jeton, until it is cut: then it holds what comes, as a firewall does that forgot a connection.
type wire struct {
	net.Listener
	to  string
	cut atomic.Bool
	lag atomic.Int64 // how long what comes back is on its way, in nanoseconds
}

func newWire(tb testing.TB, to string) *wire {
	tb.Helper()
	l, err := new(net.ListenConfig).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	must(tb, err)
	w := &wire{Listener: l, to: to}
	tb.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go w.pass(c)
		}
	}()
	return w
}

func (w *wire) pass(c net.Conn) {
	defer func() { _ = c.Close() }()
	up, err := new(net.Dialer).DialContext(context.Background(), "tcp", w.to)
	if err != nil {
		return
	}
	defer func() { _ = up.Close() }()
	go w.copy(up, c, func() int64 { return 0 })
	w.copy(c, up, w.lag.Load)
}

// chunk is what is on its way until a time.
type chunk struct {
	bytes []byte
	until time.Time
}

func (w *wire) copy(to io.Writer, from io.Reader, lag func() int64) {
	way := make(chan chunk, 1000)
	defer close(way)
	go func() {
		for c := range way {
			for w.cut.Load() || time.Now().Before(c.until) {
				time.Sleep(10 * time.Millisecond)
			}
			if _, err := to.Write(c.bytes); err != nil {
				return
			}
		}
	}()
	for {
		buf := make([]byte, 32<<10)
		n, err := from.Read(buf)
		if err != nil {
			return
		}
		way <- chunk{buf[:n], time.Now().Add(time.Duration(lag()))}
	}
}

// TestLate: what comes late is known to be late, though it comes every second.
func TestLate(t *testing.T) {
	v := &verifying{Server: jetontest.New(t), tb: t}
	v.Service("reports", host)
	w := newWire(t, v.URL[len("http://"):])
	v.start("http://" + w.Addr().String())
	soon(t, "it is fresh", func() bool { return v.Staleness() < time.Second })
	const lag = 3500 * time.Millisecond
	w.lag.Store(int64(lag))
	soon(t, "nothing has come", func() bool { return v.Staleness() > lag })
	var stale, before time.Duration
	for beats := 0; beats < 2; before = stale { // each of which makes it less stale than before
		if stale = v.Staleness(); stale < before {
			beats++
		}
		if stale < lag-200*time.Millisecond {
			t.Fatalf("got stale for %s, by what was on its way for %s", stale, lag)
		}
	}
}

// TestCut: a connection that says nothing more, and isn't closed, is no reason to believe that nothing was taken away; nor is what
// comes out of it later, all at once.
func TestCut(t *testing.T) {
	v := &verifying{Server: jetontest.New(t), tb: t}
	v.User("alice", "partner")
	v.Service("reports", host, "GET /reports/{id} role:partner")
	w := newWire(t, v.URL[len("http://"):])
	v.start("http://" + w.Addr().String())
	token := v.Token("alice")
	v.wantReason(get(token), "")
	w.cut.Store(true)
	v.Token("alice")
	cut := time.Now()
	for { // every verdict until the bound may be of before, and none after
		asked := time.Since(cut)
		d, err := v.Decide(t.Context(), get(token))
		if err != nil {
			if !errors.Is(err, client.ErrUnavailable) {
				t.Errorf("got %v, want ErrUnavailable", err)
			}
			break
		}
		if asked > 5*time.Second {
			t.Fatalf("asked after %s: got %+v, want ErrUnavailable", asked, d)
		}
	}
	w.cut.Store(false)
	soon(t, "it is refused", func() bool {
		d, err := v.Decide(t.Context(), get(token))
		if err == nil && d.Allowed() {
			t.Fatal("a stale yes")
		}
		return err == nil && d.Reason == "superseded"
	})
}

// TestOwnCredential: that the verifier's own credential is refused is no word about its callers.
func TestOwnCredential(t *testing.T) {
	v := newVerifying(t)
	token := v.Token("alice")
	v.wantReason(get(token), "")
	v.SetState(v.account, "blocked")
	var err error
	soon(t, "nobody can say", func() bool {
		_, err = v.Verify(t.Context(), "jts"+token.Reveal()[3:])
		return err != nil
	})
	if !errors.Is(err, client.ErrUnavailable) || errors.Is(err, client.ErrNotAuthenticated) || errors.Is(err, client.ErrNotAllowed) {
		t.Errorf("got %v, want ErrUnavailable alone", err)
	}
	if _, err := v.Verify(t.Context(), "no token"); !errors.Is(err, client.ErrNotAuthenticated) {
		t.Errorf("got %v for what is no token", err)
	}
	soon(t, "it doesn't listen any more", func() bool { return !v.Fresh() })
	v.SetState(v.account, "active")
	soon(t, "it listens again", v.Fresh)
	if _, err := v.Verify(t.Context(), "jts"+token.Reveal()[3:]); !errors.Is(err, client.ErrNotAuthenticated) {
		t.Errorf("got %v, want ErrNotAuthenticated", err)
	}
}

// TestVerifierConfig names what can't be used.
func TestVerifierConfig(t *testing.T) {
	c, err := client.New(client.Config{BaseURL: "http://127.0.0.1:1", Token: "t"})
	must(t, err)
	for field, cfg := range map[string]client.VerifierConfig{
		"Client":        {Service: "s"},
		"Service":       {Client: c},
		"MaxStale":      {Client: c, Service: "s", MaxStale: time.Minute},
		"MaxRemembered": {Client: c, Service: "s", MaxRemembered: -1},
		"MaxInFlight":   {Client: c, Service: "s", MaxInFlight: -1},
		"Timeout":       {Client: c, Service: "s", Timeout: -1},
	} {
		_, err := client.NewVerifier(cfg)
		if e, ok := errors.AsType[*client.ConfigError](err); !ok || e.Field != field {
			t.Errorf("got %v, want an error of %s", err, field)
		}
	}
	v, err := client.NewVerifier(client.VerifierConfig{Client: c, Service: "s"})
	must(t, err)
	v.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := v.WaitReady(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// TestOtherService: a verifier of two services lets calls of its own one in. Whoever may call the other can't get in here by its host,
// which a client writes as it likes.
func TestOtherService(t *testing.T) {
	v := newVerifying(t)
	v.Service("bills", "bills.example.com", "GET /reports/{id} role:partner")
	reports, _, err := v.Admin.Service(t.Context(), "reports")
	must(t, err)
	_, err = v.Admin.UpdateService(t.Context(), "bills", client.AnyVersion, api.ServicePatch{Verifiers: api.Some(reports.Verifiers)})
	must(t, err)
	token := v.Token("alice")
	ours, other := get(token), get(token)
	other.Host = "bills.example.com"
	soon(t, "its own service's calls are decided here", func() bool {
		d, err := v.Decide(t.Context(), ours)
		return err == nil && d.Allowed()
	})
	soon(t, "the other service is known to be ours", func() bool {
		d, err := v.Decide(t.Context(), other)
		return err == nil && d.Reason != "not_verifier"
	})
	for range 2 {
		v.wantReason(other, "other_service")
		v.wantReason(ours, "")
	}
	if d, err := v.Decide(t.Context(), other); err != nil || d.Refused == nil || d.Refused.Problem.Status != http.StatusForbidden || d.Service != "bills" {
		t.Errorf("got %+v, %v, want a 403 of bills", d, err)
	}
}
