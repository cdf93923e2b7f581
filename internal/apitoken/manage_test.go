package apitoken_test

import (
	"errors"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/apitoken"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/jose"
	"github.com/jeton-io/jeton/internal/keyring"
	"github.com/jeton-io/jeton/internal/secret"
	"github.com/jeton-io/jeton/test/desk"
)

// TestCreateRefuses makes tokens that may not be, each beside one that may.
func TestCreateRefuses(t *testing.T) {
	d := desk.New(t, desk.Options{MaxLife: map[account.Kind]time.Duration{account.Service: 90 * 24 * time.Hour}})
	_, _ = d.User(t, "ExternalApp", account.Person), d.User(t, "batch", account.Service)
	_, _ = d.Token(t, apitoken.Draft{Name: "Taken", User: "batch"})
	network := func(text string) []netip.Prefix { return []netip.Prefix{netip.MustParsePrefix(text)} }
	many := make([]string, 101)
	for i := range many {
		many[i] = "reports.read"
	}
	for _, test := range []struct {
		name  string
		bad   func(*apitoken.Draft)
		good  func(*apitoken.Draft)
		field string
	}{
		{"no user", func(a *apitoken.Draft) { a.User = "nobody" }, func(a *apitoken.Draft) { a.User = "ＢＡＴＣＨ" }, "user"},
		{"no name", func(a *apitoken.Draft) { a.Name = "" }, func(a *apitoken.Draft) { a.Name = "n" }, "name"},
		{"a blank name", func(a *apitoken.Draft) { a.Name = " " }, func(a *apitoken.Draft) { a.Name = "a b" }, "name"},
		{"a space behind", func(a *apitoken.Draft) { a.Name = "name " }, func(a *apitoken.Draft) { a.Name = "name" }, "name"},
		{"a line break", func(a *apitoken.Draft) { a.Name = "a\nb" }, func(a *apitoken.Draft) { a.Name = "a\\nb" }, "name"},
		{"a terminal's escape", func(a *apitoken.Draft) { a.Name = "a\x1b[31m" }, func(a *apitoken.Draft) { a.Name = "a[31m" }, "name"},
		{"an invisible letter", func(a *apitoken.Draft) { a.Name = "a\u200bb" }, func(a *apitoken.Draft) { a.Name = "ab" }, "name"},
		{"a filler alone", func(a *apitoken.Draft) { a.Name = "\u3164" }, func(a *apitoken.Draft) { a.Name = "\u3131" }, "name"},
		{"a Braille blank", func(a *apitoken.Draft) { a.Name = "a\u2800" }, func(a *apitoken.Draft) { a.Name = "a\u2801" }, "name"},
		{"a variation", func(a *apitoken.Draft) { a.Name = "a\ufe0f" }, func(a *apitoken.Draft) { a.Name = "a\ufdfc" }, "name"},
		{"a direction turned", func(a *apitoken.Draft) { a.Name = "a\u202eb" }, func(a *apitoken.Draft) { a.Name = "<b>a</b>" }, "name"},
		{"invalid UTF-8", func(a *apitoken.Draft) { a.Name = "a\xff" }, func(a *apitoken.Draft) { a.Name = "aÿ" }, "name"},
		{"a long name", func(a *apitoken.Draft) { a.Name = strings.Repeat("ä", 129) }, func(a *apitoken.Draft) { a.Name = strings.Repeat("ä", 128) }, "name"},
		{"10,000 characters", func(a *apitoken.Draft) { a.Name = strings.Repeat("x", 10_000) }, func(a *apitoken.Draft) { a.Name = "x" }, "name"},
		{"a name taken", func(a *apitoken.Draft) { a.Name = "taken" }, func(a *apitoken.Draft) { a.Name = "taken 2" }, "name"},
		{"a name taken, in full width", func(a *apitoken.Draft) { a.Name = "Ｔａｋｅｎ" }, func(a *apitoken.Draft) { a.Name = "Ｔａｋｅｎ 3" }, "name"},
		{"no end", func(a *apitoken.Draft) { a.Days = 0 }, func(a *apitoken.Draft) { a.Days = 1 }, "expires_in_days"},
		{"an end in the past", func(a *apitoken.Draft) { a.Days = -1 }, func(a *apitoken.Draft) { a.Days = 30 }, "expires_in_days"},
		{"too long for a service account", func(a *apitoken.Draft) { a.Days = 91 }, func(a *apitoken.Draft) { a.Days = 90 }, "expires_in_days"},
		{"more than a century", func(a *apitoken.Draft) { a.User, a.Days = "ExternalApp", 36_501 }, func(a *apitoken.Draft) { a.User, a.Days = "ExternalApp", 36_500 }, "expires_in_days"},
		{"never, for a service account", func(a *apitoken.Draft) { a.Days, a.Never = 0, true }, func(a *apitoken.Draft) { a.User, a.Days, a.Never = "ExternalApp", 0, true }, "never_expires"},
		{"never and 30 days", func(a *apitoken.Draft) { a.User, a.Never = "ExternalApp", true }, func(a *apitoken.Draft) { a.User = "ExternalApp" }, "never_expires"},
		{"a scope of nothing", func(a *apitoken.Draft) { a.Limits.Scopes = []string{"reports.read", "reports.raed"} }, func(a *apitoken.Draft) { a.Limits.Scopes = []string{"reports.read"} }, "scopes[1]"},
		{"an empty scope", func(a *apitoken.Draft) { a.Limits.Scopes = []string{""} }, func(a *apitoken.Draft) { a.Limits.Scopes = []string{} }, "scopes[0]"},
		{"two scopes in one", func(a *apitoken.Draft) { a.Limits.Scopes = []string{"reports.read reports.write"} }, func(a *apitoken.Draft) { a.Limits.Scopes = []string{"reports.read", "reports.write"} }, "scopes[0]"},
		{"too many scopes", func(a *apitoken.Draft) { a.Limits.Scopes = many }, func(a *apitoken.Draft) { a.Limits.Scopes = many[:100] }, "scopes"},
		{
			"power over Jeton for another person", func(a *apitoken.Draft) { a.User, a.Limits.Scopes = "ExternalApp", []string{authority.AdminScope} },
			func(a *apitoken.Draft) { a.Limits.Scopes = []string{authority.AdminScope} }, "scopes",
		},
		{"bits beyond a network", func(a *apitoken.Draft) { a.Limits.From = network("192.0.2.1/24") }, func(a *apitoken.Draft) { a.Limits.From = network("192.0.2.0/24") }, "allowed_ips[0]"},
		{"no network", func(a *apitoken.Draft) { a.Limits.From = make([]netip.Prefix, 1) }, func(a *apitoken.Draft) { a.Limits.From = nil }, "allowed_ips[0]"},
		{"a rate of nothing", func(a *apitoken.Draft) { a.Limits.Rate = authority.Rate{Per: time.Second} }, func(a *apitoken.Draft) { a.Limits.Rate = authority.Rate{Calls: 1, Per: time.Second} }, "rate_limit.calls"},
		{"a rate in no time", func(a *apitoken.Draft) { a.Limits.Rate = authority.Rate{Calls: 1} }, func(a *apitoken.Draft) { a.Limits.Rate = authority.Rate{} }, "rate_limit.per_seconds"},
		{"a rate in two days", func(a *apitoken.Draft) { a.Limits.Rate = authority.Rate{Calls: 1, Per: 48 * time.Hour} }, func(a *apitoken.Draft) { a.Limits.Rate = authority.Rate{Calls: 1, Per: 24 * time.Hour} }, "rate_limit.per_seconds"},
	} {
		t.Run(test.name, func(t *testing.T) {
			draft := func(change func(*apitoken.Draft)) apitoken.Draft {
				a := apitoken.Draft{Name: test.name + " ", User: "batch", Days: 30}
				a.Name = strings.TrimSpace(a.Name)
				change(&a)
				return a
			}
			_, _, err := d.API.Create(t.Context(), draft(test.bad), &d.Admin, audit.Actor{})
			if field, ok := errors.AsType[*authority.FieldError](err); !ok || field.Field != test.field {
				t.Errorf("got error %v, want one of the field %s", err, test.field)
			}
			_, token, err := d.API.Create(t.Context(), draft(test.good), &d.Admin, audit.Actor{})
			if err != nil {
				t.Fatalf("the twin: %v", err)
			}
			stored, err := d.API.Token(t.Context(), token.ID)
			if err != nil || !reflect.DeepEqual(stored, token) {
				t.Errorf("the twin: stored as %+v with error %v, want %+v", stored, err, token)
			}
			must(t, d.API.Delete(t.Context(), token.ID, audit.Actor{}))
		})
	}
}

// TestPowerOverJeton says who may give it, and to whom.
func TestPowerOverJeton(t *testing.T) {
	d := desk.New(t, desk.Options{})
	_, _, other := d.User(t, "ExternalApp", account.Person), d.User(t, "batch", account.Service), d.User(t, "second", account.Person, "admin")
	nobody := d.User(t, "nobody", account.Person)
	for _, test := range []struct {
		maker authority.Principal
		user  string
		want  bool
	}{
		{d.Admin, "root", true},
		{d.Admin, "batch", true},
		{d.Admin, "ExternalApp", false},
		{d.Admin, "second", false},
		{other, "second", true},
		{other, "root", false},
		{nobody, "nobody", false},
		{nobody, "batch", false},
	} {
		draft := apitoken.Draft{Name: test.maker.Username + " for " + test.user, User: test.user, Days: 1, Limits: authority.Limits{Scopes: []string{authority.AdminScope}}}
		_, token, err := d.API.Create(t.Context(), draft, &test.maker, audit.Actor{})
		if (err == nil) != test.want {
			t.Errorf("%s: got error %v, want allowed %t", draft.Name, err, test.want)
		}
		if err != nil {
			continue
		}
		if _, err := d.API.Update(t.Context(), token.ID, apitoken.Patch{Name: new(draft.Name + " 2")}, &nobody, audit.Actor{}); err != nil {
			t.Errorf("%s: got error %v for keeping what it had", draft.Name, err)
		}
		if _, err := d.API.Update(t.Context(), token.ID, apitoken.Patch{Scopes: &[]string{"reports.read"}}, &d.Admin, audit.Actor{}); err != nil {
			t.Errorf("%s: got error %v for taking it away", draft.Name, err)
		}
		if _, err := d.API.Update(t.Context(), token.ID, apitoken.Patch{Scopes: &[]string{authority.AdminScope}}, &d.Admin, audit.Actor{}); err == nil {
			t.Errorf("%s: got no error for giving it later", draft.Name)
		}
	}
}

// TestRevoke gives tokens back: a disabled one as well as one that counts, each once, and none by a text that isn't its own.
func TestRevoke(t *testing.T) {
	d := desk.New(t, desk.Options{})
	u := d.User(t, "ExternalApp", account.Person)
	text, token := d.Token(t, apitoken.Draft{Name: "good", User: "ExternalApp", Never: true})
	other := d.User(t, "other", account.Person)
	for name, change := range map[string]func(*jose.ClaimSet){
		"another user's":   func(s *jose.ClaimSet) { s.Subject = other.ID.String() },
		"with an end":      func(s *jose.ClaimSet) { s.Never, s.Expires = false, d.Now().Add(time.Hour) },
		"for another":      func(s *jose.ClaimSet) { s.Audience = []string{"https://elsewhere.example"} },
		"without a record": func(s *jose.ClaimSet) { s.ID = uuid.NewString() },
		"without an ID":    func(s *jose.ClaimSet) { s.ID = "1" },
	} {
		set := jose.ClaimSet{Issuer: desk.Issuer, Subject: u.ID.String(), Audience: []string{desk.Issuer}, ID: token.ID.String(), IssuedAt: d.Now(), Never: true}
		change(&set)
		forged, err := d.Keyring.Sign(t.Context(), keyring.ForAPITokens, set)
		must(t, err)
		must(t, d.API.Revoke(t.Context(), d.Verified(t, forged.Token), audit.Actor{}))
		if got := present(t, d, text.Reveal()); got != "" {
			t.Fatalf("%s: got %q of the good one, want it admitted", name, got)
		}
	}
	disabledText, disabled := d.Token(t, apitoken.Draft{Name: "disabled", User: "ExternalApp"})
	_, err := d.API.Update(t.Context(), disabled.ID, apitoken.Patch{Enabled: new(false)}, &d.Admin, audit.Actor{})
	must(t, err)
	for _, text := range []secret.Text{text, text, disabledText} {
		must(t, d.API.Revoke(t.Context(), d.Verified(t, text), audit.Actor{}))
		if got := present(t, d, text.Reveal()); got != "deleted" {
			t.Errorf("got %q, want deleted", got)
		}
	}
	events, err := d.Store.Events(t.Context(), audit.Query{Action: audit.APITokenDelete})
	if err != nil || len(events) != 2 {
		t.Errorf("got events %+v and error %v, want one for each", events, err)
	}
}

// TestUpdate changes a token, and what isn't to be changed.
func TestUpdate(t *testing.T) {
	d := desk.New(t, desk.Options{})
	_ = d.User(t, "ExternalApp", account.Person)
	_, token := d.Token(t, apitoken.Draft{Name: "old", User: "ExternalApp"})
	d.Advance(t, time.Hour)
	patch := apitoken.Patch{
		Version: 1, Name: new("new"), Enabled: new(false), Scopes: &[]string{"reports.write", "reports.read", "reports.read"},
		From: &[]netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}, Rate: &authority.Rate{Calls: 5, Per: time.Second},
	}
	got, err := d.API.Update(t.Context(), token.ID, patch, &d.Admin, audit.Actor{})
	must(t, err)
	want := token
	want.Version, want.UpdatedAt, want.Name, want.Enabled = 2, d.Now(), "new", false
	want.Limits = authority.Limits{Scopes: []string{"reports.read", "reports.write"}, From: *patch.From, Rate: *patch.Rate}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if _, err := d.API.Update(t.Context(), token.ID, patch, &d.Admin, audit.Actor{}); !errors.Is(err, authority.ErrStale) {
		t.Errorf("a former version: got error %v, want %v", err, authority.ErrStale)
	}
	events, err := d.Store.Events(t.Context(), audit.Query{Target: token.ID})
	must(t, err)
	if len(events) != 2 || events[0].Detail["enabled"] != "false" || events[0].Detail["scopes"] != "reports.read reports.write" ||
		events[0].Detail["allowed_ips"] != "192.0.2.0/24" || events[0].Detail["rate_limit"] != "5/1s" || events[1].Detail["scopes"] != "all" {
		t.Errorf("got events %+v, want both, with what changed", events)
	}
	must(t, d.API.Delete(t.Context(), token.ID, audit.Actor{}))
	if err := d.API.Delete(t.Context(), token.ID, audit.Actor{}); !errors.Is(err, authority.ErrNotFound) {
		t.Errorf("deleted twice: got error %v, want %v", err, authority.ErrNotFound)
	}
}
