package authority_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/policy"
	"github.com/jeton-io/jeton/internal/secret"
)

func TestDecideAllows(t *testing.T) {
	d := newDesk(t, 0)
	alice := d.person("alice")
	id := d.personal.token("jtp-alice", alice)
	for _, when := range []string{"cold", "warm"} {
		got := d.Decide(t.Context(), bearer("jtp-alice"), tokenDoor)
		want := authority.Decision{
			Outcome: authority.OutcomeAllow, Kind: authority.PersonalToken, Service: "reports", ServiceID: reportsID,
			Principal: authority.Principal{User: alice, CredentialKind: authority.PersonalToken, CredentialID: id},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", when, diff)
		}
		if !got.Allowed() {
			t.Errorf("%s: got not allowed", when)
		}
		p, err := d.Identify(t.Context(), bearer("jtp-alice"), tokenDoor)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want.Principal, p); diff != "" {
			t.Errorf("%s, Identify (-want +got):\n%s", when, diff)
		}
	}
	if events := d.refusals.Drain(epoch); len(events) != 0 {
		t.Errorf("got entries %+v, want none", events)
	}
}

var errDown = errors.New("the database is down")

// TestDecideRefuses has, for each reason, what makes the call of alice's token be refused that would else pass.
func TestDecideRefuses(t *testing.T) {
	tests := []struct {
		name    string
		spoil   func(d *desk, alice *authority.User, proof *authority.Proof, in *authority.Presented)
		reason  authority.Reason
		outcome authority.Outcome
		cause   error
		unknown bool // nothing is known of the credential
		service string
	}{
		{"another kind's door", func(d *desk, _ *authority.User, p *authority.Proof, in *authority.Presented) {
			d.passwords.put("alice:pw", *p)
			in.Authorization = []string{basic("alice:pw")}
		}, "not_accepted_here", authority.OutcomeUnauthenticated, nil, true, ""},
		{
			"blocked", func(_ *desk, u *authority.User, _ *authority.Proof, _ *authority.Presented) { u.Active = false },
			"blocked", authority.OutcomeUnauthenticated, nil, false, "",
		},
		{
			"suspended", func(_ *desk, u *authority.User, _ *authority.Proof, _ *authority.Presented) {
				u.Active, u.Suspended = false, true
			},
			"suspended", authority.OutcomeUnauthenticated, nil, false, "",
		},
		{
			"deleted", func(_ *desk, _ *authority.User, p *authority.Proof, _ *authority.Presented) { p.UserID = uuid.New() },
			"user_deleted", authority.OutcomeUnauthenticated, nil, false, "",
		},
		{
			"ended just now", func(d *desk, _ *authority.User, p *authority.Proof, _ *authority.Presented) { p.NotAfter = d.now() },
			"expired", authority.OutcomeUnauthenticated, nil, false, "",
		},
		{"the way in says so", func(d *desk, _ *authority.User, _ *authority.Proof, _ *authority.Presented) {
			d.personal.err = fmt.Errorf("wrapped: %w", &authority.Refusal{Reason: authority.ReasonSuperseded})
		}, "superseded", authority.OutcomeUnauthenticated, nil, true, ""},
		{"the way in is busy", func(d *desk, _ *authority.User, _ *authority.Proof, _ *authority.Presented) {
			d.personal.err = fmt.Errorf("hashing: %w", authority.ErrBusy)
		}, "busy", authority.OutcomeUnavailable, authority.ErrBusy, true, ""},
		{
			"the way in fails", func(d *desk, _ *authority.User, _ *authority.Proof, _ *authority.Presented) { d.personal.err = errDown },
			"unavailable", authority.OutcomeUnavailable, errDown, true, "",
		},
		{"the way in doesn't know", func(d *desk, _ *authority.User, _ *authority.Proof, _ *authority.Presented) {
			d.personal.err = authority.ErrNotFound // which only a Refusal may turn into a no
		}, "unavailable", authority.OutcomeUnavailable, authority.ErrNotFound, true, ""},
		{"the way in refuses by a nil pointer", func(d *desk, _ *authority.User, _ *authority.Proof, _ *authority.Presented) {
			d.personal.err = (*authority.Refusal)(nil)
		}, "unavailable", authority.OutcomeUnavailable, nil, true, ""},
		{
			"users fail", func(d *desk, _ *authority.User, _ *authority.Proof, _ *authority.Presented) { d.people.err = errDown },
			"unavailable", authority.OutcomeUnavailable, errDown, true, "",
		},
		{
			"users are busy", func(d *desk, _ *authority.User, _ *authority.Proof, _ *authority.Presented) {
				d.people.err = authority.ErrBusy
			},
			"busy", authority.OutcomeUnavailable, authority.ErrBusy, true, "",
		},
		{"another user is loaded", func(d *desk, u *authority.User, _ *authority.Proof, _ *authority.Presented) {
			other := *u
			other.ID = uuid.New()
			d.people.users[u.ID] = other
			u.ID = other.ID
		}, "unavailable", authority.OutcomeUnavailable, nil, false, ""},
		{"nobody's", func(d *desk, u *authority.User, p *authority.Proof, _ *authority.Presented) {
			nobody := *u
			nobody.ID, p.UserID = uuid.Nil, uuid.Nil
			d.people.put(nobody)
		}, "unavailable", authority.OutcomeUnavailable, nil, false, ""},

		{
			"unknown host", func(_ *desk, _ *authority.User, _ *authority.Proof, in *authority.Presented) {
				in.Host = "apj.example.com"
			},
			"unknown_service", authority.OutcomeForbidden, nil, false, "",
		},
		{
			"outside the prefix", func(_ *desk, _ *authority.User, _ *authority.Proof, in *authority.Presented) {
				in.Path = "/v3/reports/7"
			},
			"unknown_service", authority.OutcomeForbidden, nil, false, "",
		},
		{
			"ambiguous path", func(_ *desk, _ *authority.User, _ *authority.Proof, in *authority.Presented) {
				in.Path = "/v2/reports/%2e"
			},
			"ambiguous_path", authority.OutcomeForbidden, nil, false, "reports",
		},
		{
			"no operation", func(_ *desk, _ *authority.User, _ *authority.Proof, in *authority.Presented) { in.Method = "PUT" },
			"no_operation", authority.OutcomeForbidden, nil, false, "reports",
		},
		{"another's", func(_ *desk, u *authority.User, _ *authority.Proof, in *authority.Presented) {
			other := u.ID
			other[15] ^= 1
			in.Path = "/v2/users/" + other.String()
		}, "not_in_audience", authority.OutcomeForbidden, nil, false, "reports"},
		{
			"another role", func(_ *desk, u *authority.User, _ *authority.Proof, _ *authority.Presented) {
				u.Roles = []string{"partners"}
			},
			"not_in_audience", authority.OutcomeForbidden, nil, false, "reports",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d := newDesk(t, 0)
			alice := d.person("alice")
			proof := authority.Proof{ID: uuid.New(), UserID: alice.ID, Remember: true}
			in := bearer("jtp-alice")
			d.personal.put("jtp-alice", proof)
			twin := d.Decide(t.Context(), in, tokenDoor)
			if !twin.Allowed() {
				t.Fatalf("unspoilt: got %s", twin.Reason)
			}
			d.Forget(uuid.Nil)
			test.spoil(d, &alice, &proof, in)
			d.people.put(alice)
			d.personal.put("jtp-alice", proof)
			checkRefused(t, d, in, test.reason, test.outcome, test.cause)
			want := audit.Event{
				Action: audit.Refused, Reason: string(test.reason), Door: "gateway", Count: 2,
				Actor:  audit.Actor{CredentialKind: "personal_token", Address: peer.String()},
				Detail: map[string]string{"call": in.Method + " " + in.Host + in.Path},
			}
			if in.Authorization[0][:5] == "Basic" {
				want.Actor.CredentialKind = "password"
			}
			if !test.unknown {
				want.Actor.CredentialID, want.Actor.UserID = proof.ID, proof.UserID
			}
			if test.service != "" {
				want.Target = audit.Target{Kind: "service", Name: test.service}
			}
			checkEntry(t, d, want)
		})
	}
}

// TestDecideSuspendedService has a call refused that passes at the same service when that isn't suspended.
func TestDecideSuspendedService(t *testing.T) {
	for _, suspended := range []bool{false, true} {
		d := newDeskOf(t, compileOf(t, func(s *policy.Service) { s.Suspended = suspended }), 0)
		alice := d.person("alice")
		id := d.personal.token("jtp-alice", alice)
		if !suspended {
			if got := d.Decide(t.Context(), bearer("jtp-alice"), tokenDoor); !got.Allowed() {
				t.Errorf("got refused as %s, want allowed", got.Reason)
			}
			continue
		}
		in := bearer("jtp-alice")
		checkRefused(t, d, in, authority.ReasonServiceSuspended, authority.OutcomeForbidden, nil)
		checkEntry(t, d, audit.Event{
			Action: audit.Refused, Reason: "service_suspended", Door: "gateway", Count: 2,
			Actor:  audit.Actor{UserID: alice.ID, CredentialKind: "personal_token", CredentialID: id, Address: peer.String()},
			Target: audit.Target{Kind: "service", Name: "reports"},
			Detail: map[string]string{"call": in.Method + " " + in.Host + in.Path},
		})
	}
}

// checkRefused decides twice, since a refusal must not be remembered as anything else.
func checkRefused(t *testing.T, d *desk, in *authority.Presented, reason authority.Reason, outcome authority.Outcome, cause error) {
	t.Helper()
	for range 2 {
		got := d.Decide(t.Context(), in, tokenDoor)
		if got.Allowed() || got.Reason != reason || got.Outcome != outcome {
			t.Errorf("got outcome %s and reason %q, want %s and %s", got.Outcome, got.Reason, outcome, reason)
		}
		if diff := cmp.Diff(authority.Principal{}, got.Principal); diff != "" {
			t.Errorf("a refused call has a principal:\n%s", diff)
		}
		if got.Refusal == nil || got.Refusal.Reason != reason || cause != nil && !errors.Is(got.Refusal, cause) {
			t.Errorf("got the refusal %v, want reason %s and cause %v", got.Refusal, reason, cause)
		}
		if outcome == authority.OutcomeUnavailable && (got.Refusal.Cause == nil || !strings.Contains(got.Refusal.Error(), got.Refusal.Cause.Error())) {
			t.Errorf("got the refusal %v, want it to tell its cause", got.Refusal)
		}
	}
}

func TestReasonOutcomes(t *testing.T) {
	outcomes := map[authority.Outcome]string{
		authority.OutcomeMalformed:       "two_credentials too_long unreadable_call",
		authority.OutcomeUnauthenticated: "no_credential unknown_scheme malformed unrecognized not_accepted_here bad_checksum unknown superseded wrong_password unknown_user expired ended blocked suspended user_deleted",
		authority.OutcomeForbidden:       "unknown_service service_suspended ambiguous_path no_operation not_in_audience untrusted_peer cross_origin not_allowed",
		authority.OutcomeTooMany:         "throttled rate_limited service_rate_limited",
		authority.OutcomeUnavailable:     "busy unavailable",
	}
	for want, reasons := range outcomes {
		for reason := range strings.FieldsSeq(reasons) {
			if got := authority.Reason(reason).Outcome(); got != want {
				t.Errorf("%s: got %s, want %s", reason, got, want)
			}
		}
	}
	for _, unheardOf := range []authority.Reason{"", "something new"} {
		if got := unheardOf.Outcome(); got != authority.OutcomeUnauthenticated {
			t.Errorf("%q: got %s, want it refused", unheardOf, got)
		}
	}
	// What the policy says stands for itself in the authority's reasons.
	for _, reason := range []policy.Reason{policy.ReasonAmbiguousPath, policy.ReasonNoOperation, policy.ReasonNotInAudience} {
		if !strings.Contains(outcomes[authority.OutcomeForbidden], string(reason)) {
			t.Errorf("the policy's %s is no reason of the authority's", reason)
		}
	}
	var names []string
	for o := authority.OutcomeAllow; o.String() != "unknown"; o++ {
		names = append(names, o.String())
	}
	if got, want := strings.Join(names, " "), "allow malformed unauthenticated forbidden too_many unavailable"; got != want {
		t.Errorf("got the outcomes %s, want %s", got, want)
	}
}

// TestEnd lets the clock run up to a proof's end, and back.
func TestEnd(t *testing.T) {
	for _, test := range []struct {
		name     string
		notAfter time.Time
		alive    []time.Duration // after the epoch, in this order
		dead     []time.Duration
	}{
		{"in a minute", epoch.Add(time.Minute), []time.Duration{0, time.Minute - time.Microsecond}, []time.Duration{time.Minute, time.Hour}},
		{"in a microsecond", epoch.Add(time.Microsecond), []time.Duration{0}, []time.Duration{time.Microsecond}},
		{"never", time.Time{}, []time.Duration{0, 50 * 365 * 24 * time.Hour}, nil},
		{"long ago", epoch.Add(-time.Hour), nil, []time.Duration{0}},
		{"before 1970", time.Unix(-1, 0), nil, []time.Duration{0}},
		{"in 1970", time.Unix(0, 0), nil, []time.Duration{0}},
		{"in the year 9999", time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC), []time.Duration{0, 100 * 365 * 24 * time.Hour}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := newDesk(t, 0)
			alice := d.person("alice")
			d.personal.put("jtp-alice", authority.Proof{ID: uuid.New(), UserID: alice.ID, NotAfter: test.notAfter, Remember: true})
			for _, after := range test.alive {
				d.clock.Store(epoch.Add(after).UnixMicro())
				if got := d.outcome(t, bearer("jtp-alice")); got != "alice" {
					t.Errorf("after %s: got %s, want alice", after, got)
				}
			}
			if got := d.proofs(); len(test.alive) > 0 && got != 1 {
				t.Errorf("alive: got %d proofs, want the first remembered", got)
			}
			for _, after := range test.dead {
				d.clock.Store(epoch.Add(after).UnixMicro())
				if got := d.outcome(t, bearer("jtp-alice")); got != "expired" {
					t.Errorf("after %s: got %s, want expired", after, got)
				}
			}
		})
	}
}

// TestEndsWhileProven has a proof end while the database is asked: the clock that counts is read after.
func TestEndsWhileProven(t *testing.T) {
	for _, where := range []string{"the way in", "the users"} {
		d := newDesk(t, 0)
		alice := d.person("alice")
		d.personal.put("jtp-alice", authority.Proof{ID: uuid.New(), UserID: alice.ID, NotAfter: epoch.Add(time.Second), Remember: true})
		wait := func(context.Context) error { d.advance(time.Second); return nil }
		if where == "the users" {
			d.people.during = wait
		} else {
			d.personal.after = wait
		}
		if got := d.outcome(t, bearer("jtp-alice")); got != "expired" {
			t.Errorf("%s took their time: got %s, want expired", where, got)
		}
	}
}

// TestHanging has a database that never answers.
func TestHanging(t *testing.T) {
	hang := func(ctx context.Context) error { <-ctx.Done(); return fmt.Errorf("asking: %w", ctx.Err()) }
	const patience = 1500 * time.Millisecond
	for _, test := range []struct {
		name   string
		spoil  func(d *desk)
		leaves time.Duration // when the caller goes; 0 for never
		want   time.Duration
		cause  error
	}{
		{"the way in", func(d *desk) { d.personal.after = hang }, 0, patience, context.DeadlineExceeded},
		{"the users", func(d *desk) { d.people.during = hang }, 0, patience, context.DeadlineExceeded},
		{"the way in, and the caller goes", func(d *desk) { d.personal.after = hang }, time.Second, time.Second, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDesk(t, 0)
				d.personal.token("jtp-alice", d.person("alice"))
				test.spoil(d)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if test.leaves > 0 {
					time.AfterFunc(test.leaves, cancel)
				}
				began := time.Now()
				got := d.Decide(ctx, bearer("jtp-alice"), tokenDoor)
				if took := time.Since(began); took != test.want {
					t.Errorf("it took %s, want %s", took, test.want)
				}
				if got.Reason != authority.ReasonUnavailable || !errors.Is(got.Refusal.Cause, test.cause) {
					t.Errorf("got %s for %v, want unavailable for %v", got.Reason, got.Refusal.Cause, test.cause)
				}
			})
		})
	}
}

func TestNewRefuses(t *testing.T) {
	table := compile(t)
	whole := func() authority.Config {
		return authority.Config{
			Ways: []authority.Way{newWay(authority.PersonalToken, "jtp-")}, Users: &people{}, Policy: func() *policy.Table { return table },
			Refusals: audit.NewRefusals(1), Fresh: func() bool { return true }, Now: time.Now, Random: rand.Reader,
		}
	}
	if _, err := authority.New(whole()); err != nil {
		t.Fatalf("whole: got %v", err)
	}
	for _, test := range []struct {
		name  string
		spoil func(c *authority.Config)
	}{
		{"no Users", func(c *authority.Config) { c.Users = nil }},
		{"no Policy", func(c *authority.Config) { c.Policy = nil }},
		{"no Refusals", func(c *authority.Config) { c.Refusals = nil }},
		{"no Fresh", func(c *authority.Config) { c.Fresh = nil }},
		{"no Now", func(c *authority.Config) { c.Now = nil }},
		{"no Random", func(c *authority.Config) { c.Random = nil }},
		{"a source of randomness that fails", func(c *authority.Config) { c.Random = strings.NewReader("short") }},
		{"two cookies of a kind", func(c *authority.Config) {
			c.Cookies = []authority.Cookie{{Kind: authority.APISession, Name: "a"}, {Kind: authority.APISession, Name: "b"}}
		}},
		{"two ways of a kind", func(c *authority.Config) { c.Ways = append(c.Ways, newWay(authority.PersonalToken, "x")) }},
		{"a way of no kind", func(c *authority.Config) { c.Ways = append(c.Ways, newWay(authority.KindNone, "x")) }},
		{"a way of an unknown kind", func(c *authority.Config) { c.Ways = append(c.Ways, newWay(200, "x")) }},
		{"less than nothing to remember", func(c *authority.Config) { c.MaxRemembered = -1 }},
		{"too much to remember", func(c *authority.Config) { c.MaxRemembered = 100_000_001 }},
	} {
		c := whole()
		test.spoil(&c)
		if a, err := authority.New(c); err == nil || a != nil {
			t.Errorf("%s: got %v and error %v, want it refused", test.name, a, err)
		}
	}
}

// TestEntriesHoldNoSecret refuses calls that bear tokens wherever one can stand.
func TestEntriesHoldNoSecret(t *testing.T) {
	d := newDesk(t, 0)
	token, err := secret.Make(secret.Personal, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	text := token.Reveal()
	for _, value := range []string{"Bearer " + text, text, "Basic " + text, basic(text + ":" + text), basic("alice:" + text)} {
		in := call(value)
		in.Path += "/" + text + "/" + text
		decision := d.Decide(t.Context(), in, anyDoor)
		if decision.Allowed() {
			t.Fatalf("got it admitted")
		}
		for _, entry := range d.refusals.Drain(d.now()) {
			if shown := fmt.Sprintf("%+v %+v", entry, decision.Refusal); strings.Contains(shown, text[:20]) {
				t.Errorf("%s: the entry shows the token: %s", decision.Reason, shown)
			}
		}
	}
}

// TestRefuseAndForbid enters what only an edge can tell.
func TestRefuseAndForbid(t *testing.T) {
	d := newDesk(t, 0)
	alice := d.person("alice")
	id := d.personal.token("jtp-alice", alice)
	if ref := d.Refuse(authority.ReasonUntrustedPeer, call(), tokenDoor); ref.Reason != authority.ReasonUntrustedPeer {
		t.Errorf("got %v, want the reason given", ref)
	}
	checkEntry(t, d, audit.Event{
		Action: audit.Refused, Reason: "untrusted_peer", Door: "gateway", Count: 1, Actor: audit.Actor{Address: peer.String()},
	})
	p, err := d.Identify(t.Context(), bearer("jtp-alice"), anyDoor)
	if err != nil {
		t.Fatal(err)
	}
	if ref := d.Forbid(authority.ReasonNotAllowed, call(), anyDoor, &p); ref.Reason != authority.ReasonNotAllowed || ref.ID != id || ref.UserID != alice.ID {
		t.Errorf("got %+v, want the reason given, of alice's token", ref)
	}
	checkEntry(t, d, audit.Event{
		Action: audit.Refused, Reason: "not_allowed", Door: "v1", Count: 1,
		Actor: audit.Actor{UserID: alice.ID, CredentialKind: "personal_token", CredentialID: id, Address: peer.String()},
	})
	routed := call()
	routed.Route = "GET /v1/users/{user}"
	_ = d.Forbid(authority.ReasonNotAllowed, routed, anyDoor, &p)
	checkEntry(t, d, audit.Event{
		Action: audit.Refused, Reason: "not_allowed", Door: "v1", Count: 1, Detail: map[string]string{"call": "GET /v1/users/{user}"},
		Actor: audit.Actor{UserID: alice.ID, CredentialKind: "personal_token", CredentialID: id, Address: peer.String()},
	})
}

// TestWithhold enters what became of a principal that was let in: a refusal as it is, and anything else as what nobody knows.
func TestWithhold(t *testing.T) {
	d := newDesk(t, 0)
	alice := d.person("alice")
	id := d.personal.token("jtp-alice", alice)
	p, err := d.Identify(t.Context(), bearer("jtp-alice"), anyDoor)
	if err != nil {
		t.Fatal(err)
	}
	fault, shared := errors.New("the disk is on fire"), &authority.Refusal{Reason: authority.ReasonDisabled}
	for _, test := range []struct {
		err    error
		reason authority.Reason
		cause  error
	}{
		{fmt.Errorf("issuing: %w", shared), authority.ReasonDisabled, nil},
		{fault, authority.ReasonUnavailable, fault},
		{context.DeadlineExceeded, authority.ReasonUnavailable, context.DeadlineExceeded},
		{fmt.Errorf("asking: %w", context.Canceled), authority.ReasonUnavailable, nil}, // the caller has gone
		{authority.ErrBusy, authority.ReasonBusy, authority.ErrBusy},
	} {
		ref := d.Withhold(test.err, call(), anyDoor, &p)
		if ref.Reason != test.reason || !errors.Is(ref.Cause, test.cause) || ref.ID != id || ref.UserID != alice.ID {
			t.Errorf("%v: got %+v, want %s of alice's token for %v", test.err, ref, test.reason, test.cause)
		}
		checkEntry(t, d, audit.Event{
			Action: audit.Refused, Reason: string(test.reason), Door: "v1", Count: 1,
			Actor: audit.Actor{UserID: alice.ID, CredentialKind: "personal_token", CredentialID: id, Address: peer.String()},
		})
	}
	if shared.UserID != uuid.Nil {
		t.Error("the error that was given was written to")
	}
}
