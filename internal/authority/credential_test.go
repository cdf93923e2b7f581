package authority_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
)

func basic(pair string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(pair)) }

// credentialDesk knows alice by a token and by passwords that are hard to read out of a header.
func credentialDesk(t *testing.T) *desk {
	d := newDesk(t, 0)
	alice, juergen, a := d.person("alice"), d.person("jürgen"), d.person("a")
	d.personal.token("jtp-alice", alice)
	d.personal.token("jtp-"+strings.Repeat("x", 8*1024-4), alice)
	for _, pair := range []string{
		"alice:right", "alice:r:i:g:h:t:", "alice::", "alice:x", "alice:>>>???", "alice: right ",
		"alice:" + strings.Repeat("x", 1018),
	} {
		d.passwords.token(pair, alice)
	}
	d.passwords.token("jürgen:größer", juergen)
	d.passwords.token("a:right", a)
	return d
}

// TestCredentialRefused presents what is no credential, and its twin a byte or so away, which is one.
func TestCredentialRefused(t *testing.T) {
	const alice = "Bearer jtp-alice"
	huge := strings.Repeat("x", 5000)
	tests := []struct {
		name   string
		values []string
		reason authority.Reason
		kind   string
		twin   string
	}{
		{"nothing", nil, "no_credential", "", alice},
		{"empty", []string{""}, "no_credential", "", alice},
		{"two values", []string{alice, alice}, "two_credentials", "", alice},
		{"two values, one empty", []string{alice, ""}, "two_credentials", "", alice},
		{"two values, one empty before", []string{"", alice}, "two_credentials", "", alice},

		{"other scheme", []string{"Bearex jtp-alice"}, "unknown_scheme", "", alice},
		{"longer scheme", []string{"Bearers jtp-alice"}, "unknown_scheme", "", alice},
		{"no space", []string{"Bearerjtp-alice"}, "unknown_scheme", "", alice},
		{"tab", []string{"Bearer\tjtp-alice"}, "unknown_scheme", "", alice},
		{"space before", []string{" Bearer jtp-alice"}, "unknown_scheme", "", alice},
		{"only a space", []string{" "}, "unknown_scheme", "", alice},
		{"no scheme", []string{"jtp-alice"}, "unknown_scheme", "", alice},
		{"case-folded to ASCII by Unicode", []string{"Ba\u017fic " + basic("alice:right")[6:]}, "unknown_scheme", "", basic("alice:right")},

		{"no token", []string{"Bearer"}, "malformed", "", alice},
		{"no token after the space", []string{"Bearer   "}, "malformed", "", alice},
		{"no kind's token", []string{"Bearer jtx-alice"}, "unrecognized", "", alice},
		{"token in another case", []string{"Bearer JTP-alice"}, "unrecognized", "", alice},
		{"longer than any token", []string{"Bearer jtp-" + strings.Repeat("x", 8*1024-3)}, "unrecognized", "", "Bearer jtp-" + strings.Repeat("x", 8*1024-4)},
		{"unknown token", []string{"Bearer jtp-alicf"}, "unknown", "personal_token", alice},
		{"two tokens", []string{"Bearer jtp-alice jtp-alice"}, "unknown", "personal_token", alice},
		{"two tokens by comma", []string{"Bearer jtp-alice,"}, "unknown", "personal_token", alice},
		{"line break after a token", []string{"Bearer jtp-alice\n"}, "unknown", "personal_token", alice},

		{"no pair", []string{"Basic"}, "malformed", "password", basic("alice:right")},
		{"no colon", []string{basic("alice;right")}, "malformed", "password", basic("alice:right")},
		{"empty user name", []string{basic(":right")}, "malformed", "password", basic("a:right")},
		{"empty password", []string{basic("alice:")}, "malformed", "password", basic("alice:x")},
		{"only a colon", []string{basic(":")}, "malformed", "password", basic("alice::")},
		{"not base64", []string{strings.Replace(basic("alice:right"), "Y", "*", 1)}, "malformed", "password", basic("alice:right")},
		{"without padding", []string{strings.TrimRight(basic("alice:x"), "=")}, "malformed", "password", basic("alice:x")},
		{"too much padding", []string{basic("alice:x") + "="}, "malformed", "password", basic("alice:x")},
		{"unused bits set", []string{strings.Replace(basic("alice:x"), "eA==", "eB==", 1)}, "malformed", "password", basic("alice:x")},
		{"line break inside", []string{strings.Replace(basic("alice:x"), "YWxp", "YWxp\n", 1)}, "malformed", "password", basic("alice:x")},
		{"carriage return at the end", []string{basic("alice:x") + "\r"}, "malformed", "password", basic("alice:x")},
		{"URL's alphabet", []string{strings.ReplaceAll(basic("alice:>>>???"), "/", "_")}, "malformed", "password", basic("alice:>>>???")},
		{"a space inside", []string{strings.Replace(basic("alice:x"), "YWxp", "YWxp ", 1)}, "malformed", "password", basic("alice:x")},
		{"Latin-1", []string{basic("j\xfcrgen:gr\xf6\xdfer")}, "malformed", "password", basic("jürgen:größer")},
		{"1025 bytes", []string{basic("alice:" + strings.Repeat("x", 1019))}, "too_long", "password", basic("alice:" + strings.Repeat("x", 1018))},
		{"5000 bytes", []string{basic("alice:" + huge)}, "too_long", "password", basic("alice:" + strings.Repeat("x", 1018))},
		{"5000 bytes that are not base64", []string{"Basic " + strings.Repeat("*", 5000)}, "too_long", "password", basic("alice:right")},
		{"wrong password", []string{basic("alice:righu")}, "wrong_password", "password", basic("alice:right")},
		{"right password of another", []string{basic("b:right")}, "wrong_password", "password", basic("a:right")},
		{"colons lost", []string{basic("alice:r:i:g:h:t")}, "wrong_password", "password", basic("alice:r:i:g:h:t:")},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d := credentialDesk(t)
			_, err := d.Identify(t.Context(), call(test.values...), anyDoor)
			if err == nil || reasonOf(t, err) != test.reason {
				t.Fatalf("got %v, want it refused as %s", err, test.reason)
			}
			if got := d.Decide(t.Context(), call(test.values...), anyDoor); got.Allowed() || got.Reason != test.reason || got.Kind.String() != orNone(test.kind) {
				t.Errorf("Decide: got outcome %s, reason %q and kind %s, want %s of kind %q", got.Outcome, got.Reason, got.Kind, test.reason, test.kind)
			}
			checkEntry(t, d, audit.Event{
				Action: audit.Refused, Reason: string(test.reason), Door: "v1", Count: 2,
				Actor: audit.Actor{CredentialKind: test.kind, Address: peer.String()},
			})
			if p, err := d.Identify(t.Context(), call(test.twin), anyDoor); err != nil || p.Username == "" {
				t.Errorf("the twin: got user %q and error %v, want it admitted", p.Username, err)
			}
			if entries := d.refusals.Drain(d.now()); len(entries) != 0 {
				t.Errorf("the twin: got entries %+v, want none", entries)
			}
		})
	}
}

func orNone(kind string) string {
	if kind == "" {
		return "none"
	}
	return kind
}

// checkEntry compares the one entry that the audit log will get.
func checkEntry(t *testing.T, d *desk, want audit.Event) {
	t.Helper()
	events := d.refusals.Drain(d.now())
	if len(events) != 1 {
		t.Fatalf("got %d entries for the audit log, want 1: %+v", len(events), events)
	}
	got := events[0]
	want.ID, want.MergeKey, want.At, want.LastAt = got.ID, got.MergeKey, d.now(), d.now()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the entry for the audit log (-want +got):\n%s", diff)
	}
}

func TestCredentialAdmitted(t *testing.T) {
	d := credentialDesk(t)
	for _, test := range []struct{ value, want string }{
		{"Bearer jtp-alice", "alice"},
		{"bearer jtp-alice", "alice"},
		{"BEARER jtp-alice", "alice"},
		{"bEaReR   jtp-alice  ", "alice"},
		{basic("alice:right"), "alice"},
		{strings.Replace(basic("alice:right"), "Basic", "bASIC", 1), "alice"},
		{strings.Replace(basic("alice:right"), "Basic ", "basic   ", 1) + " ", "alice"},
		{basic("alice:r:i:g:h:t:"), "alice"},
		{basic("alice::"), "alice"},
		{basic("alice: right "), "alice"},
		{basic("jürgen:größer"), "jürgen"},
	} {
		for _, when := range []string{"cold", "warm"} {
			if got := d.outcome(t, call(test.value)); got != test.want {
				t.Errorf("%s, %q: got %s, want %s", when, test.value, got, test.want)
			}
		}
	}
}

// TestBearerGiven: a token that stands in a form is one credential, as it would be in the header, and has one spelling.
func TestBearerGiven(t *testing.T) {
	for _, test := range []struct {
		name, bearer string
		header       []string
		want         string
	}{
		{"alone", "jtp-alice", nil, "alice"},
		{"in none", "", []string{"Bearer jtp-alice"}, "alice"},
		{"in both", "jtp-alice", []string{"Bearer jtp-alice"}, "two_credentials"},
		{"beside a password", "jtp-alice", []string{basic("alice:right")}, "two_credentials"},
		{"beside an empty field", "jtp-alice", []string{""}, "two_credentials"},
		{"in none at all", "", nil, "no_credential"},
		{"a blank behind it", "jtp-alice ", nil, "unknown"},
		{"with its scheme", "Bearer jtp-alice", nil, "unrecognized"},
		{"longer than any token", "jtp-" + strings.Repeat("x", 8*1024-3), nil, "unrecognized"},
		{"as long as any token", "jtp-" + strings.Repeat("x", 8*1024-4), nil, "alice"},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := credentialDesk(t)
			in := call(test.header...)
			in.Bearer = test.bearer
			if got := d.outcome(t, in); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

// TestPasswordCountsForItsName has two users with one password, which a way in lets be remembered.
func TestPasswordCountsForItsName(t *testing.T) {
	d := newDesk(t, 0)
	d.passwords.token("alice:secret", d.person("alice"))
	d.passwords.token("bob:secret", d.person("bob"))
	d.passwords.token("bob2:3:secret", d.person("carol"))
	for range 2 {
		for _, test := range []struct{ pair, want string }{
			{"alice:secret", "alice"},
			{"bob:secret", "bob"},
			{"mallory:secret", "wrong_password"},
			{"alic:esecret", "wrong_password"},
		} {
			if got := d.outcome(t, call(basic(test.pair))); got != test.want {
				t.Errorf("%s: got %s, want %s", test.pair, got, test.want)
			}
		}
	}
	// A token that reads like a password is none.
	if got := d.outcome(t, bearer("secret")); got != "unrecognized" {
		t.Errorf("the password as a token: got %s, want unrecognized", got)
	}
	if got := d.passwords.asked.Load(); got != 6 {
		t.Errorf("got %d proofs, want 2 of the right passwords and 4 of the wrong ones", got)
	}
}

func TestKindNames(t *testing.T) {
	kinds := []authority.Kind{
		authority.KindNone, authority.Password, authority.ConsoleSession, authority.APISession, authority.PersonalToken,
		authority.APIToken, authority.AccessToken, authority.SessionToken, authority.ClientSecret, authority.Assertion, authority.Sealed,
		authority.SecondFactor, authority.Link,
	}
	want := "none password console_session api_session personal_token api_token access_token session_token client_secret assertion sealed second_factor link"
	var names []string
	for i, k := range kinds {
		names = append(names, k.String())
		set := authority.KindsOf(kinds[:i+1]...)
		for j, other := range kinds {
			if set.Has(other) != (j <= i) {
				t.Errorf("the set of the first %d kinds: got Has(%s) %v", i+1, other, set.Has(other))
			}
		}
	}
	if got := strings.Join(names, " "); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if last := kinds[len(kinds)-1] + 1; last.String() != "unknown" || authority.KindsOf(kinds...).Has(last) || authority.KindsOf(kinds...).Has(255) {
		t.Errorf("a kind beyond the last: got the name %s or found it in the set, want unknown and not", last)
	}
}
