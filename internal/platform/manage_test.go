package platform_test

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/jose"
	"github.com/jeton-io/jeton/internal/platform"
	"github.com/jeton-io/jeton/internal/secret"
	"github.com/jeton-io/jeton/internal/session"
)

func TestNew(t *testing.T) {
	d := newDesk(t)
	for name, lack := range map[string]func(*platform.Config){
		"Store": func(c *platform.Config) { c.Store = nil }, "Users": func(c *platform.Config) { c.Users = nil },
		"Keyring": func(c *platform.Config) { c.Keyring = nil }, "KeySets": func(c *platform.Config) { c.KeySets = nil },
		"Applied": func(c *platform.Config) { c.Applied = nil }, "PublicURL": func(c *platform.Config) { c.PublicURL = "" },
		"Audiences": func(c *platform.Config) { c.Audiences = nil }, "Now": func(c *platform.Config) { c.Now = nil },
		"Random": func(c *platform.Config) { c.Random = nil },
	} {
		cfg := d.config()
		lack(&cfg)
		if _, err := platform.New(cfg); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("without %s: got %v, want an error that names it", name, err)
		}
	}
}

// TestEnrol: what a draft leaves out has its default, what was stored is what is returned, and what was made here is good for it.
func TestEnrol(t *testing.T) {
	for _, test := range []struct {
		alg  jose.Algorithm
		want jose.Algorithm
		kind string // of the PEM block
	}{
		{"", jose.RS512, "RSA PRIVATE KEY"},
		{jose.RS256, jose.RS256, "RSA PRIVATE KEY"},
		{jose.ES256, jose.ES256, "PRIVATE KEY"},
		{jose.EdDSA, jose.EdDSA, "PRIVATE KEY"},
		{jose.HS512, jose.HS512, ""},
		{jose.HS256, jose.HS256, ""},
	} {
		t.Run(string(test.alg), func(t *testing.T) {
			d := newDesk(t)
			p, made, err := d.Enrol(t.Context(), platform.Draft{Name: "Partner", Algorithm: test.alg, Enabled: true}, admin)
			check(t, err)
			if !regexp.MustCompile(`^[2-9A-HJ-NP-Z]{8}$`).MatchString(p.Code) {
				t.Errorf("got the code %q", p.Code)
			}
			want := platform.Platform{
				ID: p.ID, Code: p.Code, Name: "Partner", Algorithm: test.want, SpeaksFor: platform.Scope{All: true}, MaxLife: 15 * time.Minute,
				Enabled: true, Version: 1, CreatedAt: d.clock(), UpdatedAt: d.clock(),
			}
			for _, name := range []string{p.Code, p.ID.String()} {
				found, err := d.Find(t.Context(), name)
				check(t, err)
				if diff := cmp.Diff([]platform.Platform{want, want}, []platform.Platform{p, found}); diff != "" {
					t.Errorf("by %s (-want +got):\n%s", name, diff)
				}
			}
			keys, err := d.Keys(t.Context(), p.Code)
			check(t, err)
			if diff := cmp.Diff([]platform.Key{made.Key}, keys); diff != "" {
				t.Errorf("the keys (-want +got):\n%s", diff)
			}
			events, err := d.store.Events(t.Context(), audit.Query{Limit: 1})
			check(t, err)
			if e := events[0]; e.Action != audit.PlatformCreate || e.Target.ID != p.ID || e.Detail["code"] != p.Code || e.Detail["key"] != made.Key.ID.String() {
				t.Errorf("got the event %+v", e)
			}
			partner := &partner{p, made.Key, signMade(t, &made, test.kind)}
			d.want(t, partner, false, partner.sign(t, jose.Header{}, d.plain(nil)), "")
		})
	}
}

// signMade signs by what was handed out of a key that was made here.
func signMade(t *testing.T, made *platform.Made, kind string) func(testing.TB, jose.Header, []byte) secret.Text {
	t.Helper()
	if made.Key.Algorithm.Symmetric() {
		if made.PrivateKey != "" || len(made.Secret.Reveal()) != 86 || contains(string(made.Key.Wrapped), made.Secret.Reveal()) {
			t.Errorf("got the secret %d bytes long, and the private key %q", len(made.Secret.Reveal()), made.PrivateKey.Reveal())
		}
		return macBy(made.Key.Algorithm, made.Secret.Reveal())
	}
	block, rest := pem.Decode([]byte(made.PrivateKey.Reveal()))
	if block == nil || block.Type != kind || len(rest) > 0 || made.Secret != "" {
		t.Fatalf("got %q, want one block of %s", made.PrivateKey.Reveal(), kind)
	}
	der := block.Bytes
	if kind == "RSA PRIVATE KEY" {
		private, err := x509.ParsePKCS1PrivateKey(der)
		check(t, err)
		der, err = x509.MarshalPKCS8PrivateKey(private)
		check(t, err)
	}
	s, err := jose.ParseSigner(made.Key.Algorithm, der)
	check(t, err)
	return signBy(s)
}

// TestEnrolFaults: what is wrong with a draft is told by its field, and its twin is enrolled.
func TestEnrolFaults(t *testing.T) {
	d := newDesk(t)
	d.user(t, account.Draft{Username: "batch", Kind: account.Service})
	taken, _ := d.enrol(t, func(p *platform.Draft) { p.Name, p.Issuer = "Taken", "https://taken.example.com" })
	for _, test := range []struct {
		name  string
		bad   func(*platform.Draft)
		twin  func(*platform.Draft)
		field string
	}{
		{"no name", func(p *platform.Draft) { p.Name = "" }, nil, "name"},
		{"a space", func(p *platform.Draft) { p.Name = " a" }, func(p *platform.Draft) { p.Name = "a a" }, "name"},
		{"a line break", func(p *platform.Draft) { p.Name = "a\nb" }, func(p *platform.Draft) { p.Name = "<b>" }, "name"},
		{"invisible", func(p *platform.Draft) { p.Name = "a\u2800b" }, nil, "name"},
		{"long", func(p *platform.Draft) { p.Name = strings.Repeat("ü", 129) }, func(p *platform.Draft) { p.Name = strings.Repeat("ü", 128) }, "name"},
		{"a name that is taken", func(p *platform.Draft) { p.Name = "TAKEN" }, nil, "name"},
		{"an issuer that is taken", func(p *platform.Draft) { p.Issuer = taken.Issuer }, func(p *platform.Draft) { p.Issuer = taken.Issuer + "/2" }, "issuer"},
		{"an issuer like an ID", func(p *platform.Draft) { p.Issuer = uuid.NewString() }, nil, "issuer"},
		{"an issuer like an ID in capitals", func(p *platform.Draft) { p.Issuer = strings.ToUpper(uuid.NewString()) }, nil, "issuer"},
		{"an issuer like an ID in braces", func(p *platform.Draft) { p.Issuer = "{" + uuid.NewString() + "}" }, nil, "issuer"},
		{"an issuer like a URN", func(p *platform.Draft) { p.Issuer = "urn:uuid:" + uuid.NewString() }, func(p *platform.Draft) { p.Issuer = "urn:partner" }, "issuer"},
		{"another's ID as an issuer", func(p *platform.Draft) { p.Issuer = taken.ID.String() }, nil, "issuer"},
		{"another's code as an issuer", func(p *platform.Draft) { p.Issuer = taken.Code }, nil, "issuer"},
		{"an issuer like a code", func(p *platform.Draft) { p.Issuer = "partner1" }, func(p *platform.Draft) { p.Issuer = "partner-1" }, "issuer"},
		{"an issuer with a space", func(p *platform.Draft) { p.Issuer = "partner " }, nil, "issuer"},
		{"an issuer with a tab", func(p *platform.Draft) { p.Issuer = "part\tner" }, nil, "issuer"},
		{"a long issuer", func(p *platform.Draft) { p.Issuer = strings.Repeat("i", 256) }, func(p *platform.Draft) { p.Issuer = strings.Repeat("i", 255) }, "issuer"},
		{"an audience of control characters", func(p *platform.Draft) { p.Audience = "a\x7f" }, func(p *platform.Draft) { p.Audience = "a" }, "audience"},
		{"for nobody", func(p *platform.Draft) { p.SpeaksFor = []string{} }, nil, "speaks_for"},
		{"for too many", func(p *platform.Draft) { p.SpeaksFor = slices.Repeat([]string{"role:a"}, 1001) }, func(p *platform.Draft) { p.SpeaksFor = slices.Repeat([]string{"role:a"}, 1000) }, "speaks_for"},
		{"all and more", func(p *platform.Draft) { p.SpeaksFor = []string{"all", "role:a"} }, func(p *platform.Draft) { p.SpeaksFor = []string{"all"} }, "speaks_for[0]"},
		{"more and all", func(p *platform.Draft) { p.SpeaksFor = []string{"role:a", "all"} }, nil, "speaks_for[1]"},
		{"no such word", func(p *platform.Draft) { p.SpeaksFor = []string{"role:a", "ann"} }, func(p *platform.Draft) { p.SpeaksFor = []string{"role:a", "user:ann"} }, "speaks_for[1]"},
		{"no role", func(p *platform.Draft) { p.SpeaksFor = []string{"role:"} }, nil, "speaks_for[0]"},
		{"a role with a comma", func(p *platform.Draft) { p.SpeaksFor = []string{"role:a,b"} }, nil, "speaks_for[0]"},
		{"no user", func(p *platform.Draft) { p.SpeaksFor = []string{"user:"} }, nil, "speaks_for[0]"},
		{"an unknown user", func(p *platform.Draft) { p.SpeaksFor = []string{"user:nobody"} }, nil, "speaks_for[0]"},
		{"a program", func(p *platform.Draft) { p.SpeaksFor = []string{"user:batch"} }, nil, "speaks_for[0]"},
		{"making administrators", func(p *platform.Draft) { p.NewUserRoles = []string{"a", "admin"} }, func(p *platform.Draft) { p.NewUserRoles = []string{"a", "Admin"} }, "new_user_roles[1]"},
		{"a bad role", func(p *platform.Draft) { p.NewUserRoles = []string{"a b"} }, nil, "new_user_roles[0]"},
		{"too many roles", func(p *platform.Draft) { p.NewUserRoles = slices.Repeat([]string{"a"}, 65) }, nil, "new_user_roles"},
		{
			"making users for others", func(p *platform.Draft) {
				p.CreateUsers, p.SpeaksFor, p.NewUserRoles = true, []string{"role:a"}, []string{"b"}
			},
			func(p *platform.Draft) {
				p.CreateUsers, p.SpeaksFor, p.NewUserRoles = true, []string{"role:a"}, []string{"a", "b"}
			}, "create_users",
		},
		{"too short a life", func(p *platform.Draft) { p.MaxLife = 9 * time.Second }, func(p *platform.Draft) { p.MaxLife = 10 * time.Second }, "max_assertion_seconds"},
		{"too long a life", func(p *platform.Draft) { p.MaxLife = 86401 * time.Second }, func(p *platform.Draft) { p.MaxLife = 86400 * time.Second }, "max_assertion_seconds"},
		{"parts of seconds", func(p *platform.Draft) { p.MaxLife = 10*time.Second + 1 }, nil, "max_assertion_seconds"},
		{"a negative life", func(p *platform.Draft) { p.MaxLife = -time.Minute }, nil, "max_assertion_seconds"},
	} {
		t.Run(test.name, func(t *testing.T) {
			draft := platform.Draft{Name: "Good " + strings.ReplaceAll(test.name, "\n", ""), Algorithm: jose.EdDSA}
			twin := draft
			test.bad(&draft)
			_, _, err := d.Enrol(t.Context(), draft, admin)
			wantField(t, err, test.field, "")
			if test.twin != nil {
				test.twin(&twin)
			}
			if _, _, err := d.Enrol(t.Context(), twin, admin); err != nil {
				t.Errorf("the twin: got %v, want it enrolled", err)
			}
		})
	}
	cfg := d.config()
	cfg.Random = iotest.ErrReader(errors.New("no randomness"))
	blind, err := platform.New(cfg)
	check(t, err)
	for _, alg := range []jose.Algorithm{jose.HS256, jose.EdDSA} {
		if _, _, err := blind.Enrol(t.Context(), platform.Draft{Name: "Blind", Algorithm: alg}, admin); err == nil {
			t.Errorf("%s: enrolled without randomness", alg)
		}
	}
}

// TestCodeTaken: that a code is taken, be it by a platform that was deleted, has another one made.
func TestCodeTaken(t *testing.T) {
	d := newDesk(t)
	cfg := d.config()
	cfg.Random = &zeros{n: 3 * 8} // for three codes the same
	p, err := platform.New(cfg)
	check(t, err)
	first, _, err := p.Enrol(t.Context(), platform.Draft{Name: "First", Key: platform.KeyDraft{JWKSURI: setAddress}}, admin)
	check(t, err)
	check(t, p.Delete(t.Context(), first.Code, admin))
	second, _, err := p.Enrol(t.Context(), platform.Draft{Name: "Second", Key: platform.KeyDraft{JWKSURI: setAddress}}, admin)
	check(t, err)
	if first.Code != "22222222" || second.Code == first.Code {
		t.Errorf("got the codes %s and %s", first.Code, second.Code)
	}
}

// zeros is a source of randomness that hasn't any for its first n bytes.
type zeros struct{ n int }

func (z *zeros) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = 0
		if z.n--; z.n < 0 {
			b[i] = 1
		}
	}
	return len(b), nil
}

// TestFind: by ID or code, letter by letter, and only what lives.
func TestFind(t *testing.T) {
	d := newDesk(t)
	p, _ := d.enrol(t, func(draft *platform.Draft) { draft.Name, draft.Algorithm = "Bravo", jose.EdDSA })
	a, _ := d.enrol(t, func(draft *platform.Draft) { draft.Name, draft.Algorithm = "alpha", jose.EdDSA })
	for _, name := range []string{"", "Bravo", strings.ToLower(p.Code), strings.ToUpper(p.ID.String()), "urn:uuid:" + p.ID.String(), uuid.NewString(), "ABCDEFGH"} {
		if _, err := d.Find(t.Context(), name); !errors.Is(err, authority.ErrNotFound) {
			t.Errorf("%q: got %v, want not found", name, err)
		}
	}
	names := func(after string, limit int) (names []string) {
		list, err := d.List(t.Context(), after, limit)
		check(t, err)
		for _, p := range list {
			names = append(names, p.Name)
		}
		return names
	}
	if got := names("", 10); !slices.Equal(got, []string{"alpha", "Bravo"}) {
		t.Errorf("got the list %q", got)
	}
	if got := names("alpha", 10); !slices.Equal(got, []string{"Bravo"}) {
		t.Errorf("got the list %q after alpha", got)
	}
	applied := d.applied.Load()
	check(t, d.Delete(t.Context(), p.Code, admin))
	if d.applied.Load() == applied {
		t.Error("a deletion returned before it was heard of")
	}
	for do, err := range map[string]error{
		"find":   second(d.Find(t.Context(), p.Code)),
		"delete": d.Delete(t.Context(), p.ID.String(), admin),
		"keys":   second(d.Keys(t.Context(), p.Code)),
		"add":    second(d.AddKey(t.Context(), p.Code, platform.KeyDraft{}, admin)),
		"drop":   d.DeleteKey(t.Context(), p.Code, uuid.New(), admin),
		"update": second(d.Update(t.Context(), p.Code, 0, platform.Patch{}, admin)),
	} {
		if !errors.Is(err, authority.ErrNotFound) {
			t.Errorf("%s: got %v of a deleted platform, want not found", do, err)
		}
	}
	d.enrol(t, func(draft *platform.Draft) { draft.Name, draft.Algorithm = "Bravo", jose.EdDSA }) // the name is free again
	check(t, d.Delete(t.Context(), a.Code, admin))
}

func second[T any](_ T, err error) error { return err }

// TestMaxKeys: five keys live at once, and one that is deleted makes room.
func TestMaxKeys(t *testing.T) {
	d := newDesk(t)
	p, made := d.enrol(t, func(draft *platform.Draft) { draft.Algorithm = jose.EdDSA })
	want := []uuid.UUID{made.Key.ID}
	for range platform.MaxKeys - 1 {
		d.moved.Add(1)
		m, err := d.AddKey(t.Context(), p.Code, platform.KeyDraft{}, admin)
		check(t, err)
		want = append(want, m.Key.ID)
	}
	_, err := d.AddKey(t.Context(), p.Code, platform.KeyDraft{Algorithm: jose.HS256}, admin)
	wantField(t, err, "keys", "5")
	if !errors.Is(err, authority.ErrConflict) {
		t.Errorf("got %v for a sixth key, want a conflict", err)
	}
	keys, err := d.Keys(t.Context(), p.Code)
	check(t, err)
	for i, k := range keys {
		if k.ID != want[i] || k.Algorithm != jose.EdDSA {
			t.Errorf("got the key %+v at %d, want %s", k, i, want[i])
		}
	}
	check(t, d.DeleteKey(t.Context(), p.Code, want[2], admin))
	m, err := d.AddKey(t.Context(), p.Code, platform.KeyDraft{Algorithm: jose.HS256, KeyID: "shared"}, admin)
	check(t, err)
	events, err := d.store.Events(t.Context(), audit.Query{Limit: 2})
	check(t, err)
	if events[0].Action != audit.PlatformKeyCreate || events[0].Target.ID != m.Key.ID || events[0].Detail["kid"] != "shared" || events[1].Action != audit.PlatformKeyDelete {
		t.Errorf("got the events %+v", events)
	}
	other, _ := d.enrol(t, func(draft *platform.Draft) { draft.Algorithm = jose.EdDSA })
	if err := d.DeleteKey(t.Context(), other.Code, m.Key.ID, admin); !errors.Is(err, authority.ErrNotFound) {
		t.Errorf("got %v for another platform's key, want not found", err)
	}
}

// TestUpdate: a patch changes what it has, tells so in the audit log, and is held to what enrolment is.
func TestUpdate(t *testing.T) {
	d := newDesk(t)
	p, _ := d.enrol(t, func(draft *platform.Draft) { draft.Name, draft.Algorithm = "Partner", jose.EdDSA })
	same, err := d.Update(t.Context(), p.Code, p.Version, platform.Patch{}, admin)
	if check(t, err); same.Version != p.Version {
		t.Error("an empty patch made a version")
	}
	d.moved.Store(7)
	long := 20 * time.Minute
	changed, err := d.Update(t.Context(), p.Code, p.Version, platform.Patch{
		Name: new("Partners"), Algorithm: new(jose.RS256), Issuer: new("https://p.example"), Audience: new("jeton"), SpeaksFor: &[]string{"user:ann", "role:b", "role:a", "role:b"},
		Administrators: new(true), CreateUsers: new(true), NewUserRoles: &[]string{"b", "a"}, MaxLife: &long, OneTime: new(true), Enabled: new(false),
	}, admin)
	check(t, err)
	want := p
	want.Name, want.Algorithm, want.Issuer, want.Audience = "Partners", jose.RS256, "https://p.example", "jeton"
	want.SpeaksFor = platform.Scope{Roles: []string{"a", "b"}, Users: []uuid.UUID{d.ann.ID}}
	want.Administrators, want.CreateUsers, want.NewUserRoles = true, true, []string{"a", "b"}
	want.MaxLife, want.OneTime, want.Enabled, want.Version, want.UpdatedAt = long, true, false, 2, d.clock()
	found, err := d.Find(t.Context(), p.Code)
	check(t, err)
	if diff := cmp.Diff([]platform.Platform{want, want}, []platform.Platform{changed, found}); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if words, err := d.SpeaksFor(t.Context(), found); err != nil || !slices.Equal(words, []string{"role:a", "role:b", "user:ann"}) {
		t.Errorf("got the words %q, %v", words, err)
	}
	events, err := d.store.Events(t.Context(), audit.Query{Limit: 1})
	check(t, err)
	wantDetail := map[string]string{
		"name": "Partners", "algorithm": "RS256", "issuer": "https://p.example", "audience": "jeton", "speaks_for": "role:a,role:b,user:" + d.ann.ID.String(),
		"administrators": "true", "create_users": "true", "new_user_roles": "a,b", "max_assertion_seconds": "1200", "one_time": "true", "enabled": "false",
	}
	if diff := cmp.Diff(wantDetail, events[0].Detail); diff != "" || events[0].Action != audit.PlatformUpdate {
		t.Errorf("the event %s (-want +got):\n%s", events[0].Action, diff)
	}
	if _, err := d.Update(t.Context(), p.Code, 1, platform.Patch{Name: new("Third")}, admin); !errors.Is(err, authority.ErrStale) {
		t.Errorf("got %v for a former version, want stale", err)
	}
	for field, patch := range map[string]platform.Patch{
		"name": {Name: new("")}, "algorithm": {Algorithm: new(jose.PS512)}, "issuer": {Issuer: new(p.Code)}, "audience": {Audience: new(" ")},
		"speaks_for": {SpeaksFor: new([]string)}, "create_users": {SpeaksFor: &[]string{"role:c"}}, "new_user_roles[0]": {NewUserRoles: &[]string{"admin"}},
		"max_assertion_seconds": {MaxLife: new(time.Duration)},
	} {
		_, err := d.Update(t.Context(), p.Code, 0, patch, admin)
		wantField(t, err, field, "")
	}
	if again, err := d.Find(t.Context(), p.Code); err != nil || again.Version != 2 {
		t.Errorf("got %+v, %v, want it unchanged", again, err)
	}
	d.enrol(t, func(draft *platform.Draft) { draft.Name, draft.Algorithm = "Other", jose.EdDSA })
	_, err = d.Update(t.Context(), p.Code, 0, platform.Patch{Name: new("OTHER")}, admin)
	wantField(t, err, "name", "another")
	if !errors.Is(err, authority.ErrConflict) {
		t.Errorf("got %v for a name that is taken, want a conflict", err)
	}
}

// TestRepin: another algorithm is that of the keys of its sort, where they can have it, and of no others.
func TestRepin(t *testing.T) {
	d := newDesk(t)
	s, err := jose.GenerateSigner(jose.RS512, nil)
	check(t, err)
	der, err := s.PKCS8()
	check(t, err)
	by := func(alg jose.Algorithm) func(testing.TB, jose.Header, []byte) secret.Text {
		again, err := jose.ParseSigner(alg, der)
		check(t, err)
		return signBy(again)
	}
	made, added := d.enrol(t, func(draft *platform.Draft) { draft.Key.PublicKey = pemOf(t, s) })
	p := &partner{made, added.Key, nil}
	shared := strings.Repeat("k", 40)
	_, err = d.AddKey(t.Context(), p.Code, platform.KeyDraft{Algorithm: jose.HS256, Secret: secret.Text(shared)}, admin)
	check(t, err)
	pin := func(alg jose.Algorithm) error {
		_, err := d.Update(t.Context(), p.Code, 0, platform.Patch{Algorithm: &alg}, admin)
		return err
	}
	want := func(alg jose.Algorithm, reason authority.Reason) {
		t.Helper()
		d.want(t, p, false, by(alg)(t, jose.Header{}, d.plain(nil)), reason)
	}
	want(jose.RS512, "")
	want(jose.RS256, authority.ReasonWrongAlgorithm)
	check(t, pin(jose.RS256))
	want(jose.RS512, authority.ReasonWrongAlgorithm)
	want(jose.RS256, "")
	d.want(t, p, false, macBy(jose.HS256, shared)(t, jose.Header{}, d.plain(nil)), "")
	check(t, pin(jose.ES256)) // for keys to come
	want(jose.RS256, "")
	d.want(t, p, false, macBy(jose.HS256, shared)(t, jose.Header{}, d.plain(nil)), "")
	wantField(t, pin(jose.HS384), "algorithm", "48 bytes")
	d.want(t, p, false, macBy(jose.HS256, shared)(t, jose.Header{}, d.plain(nil)), "")
	check(t, pin(jose.HS256))
	draft, sign := keyOf(t, jose.HS256) // longer
	_, err = d.AddKey(t.Context(), p.Code, draft, admin)
	check(t, err)
	keys, err := d.Keys(t.Context(), p.Code)
	check(t, err)
	check(t, d.DeleteKey(t.Context(), p.Code, keys[1].ID, admin))
	check(t, pin(jose.HS512))
	d.want(t, p, false, sign(t, jose.Header{}, d.plain(nil)), authority.ReasonWrongAlgorithm)
	d.want(t, p, false, macBy(jose.HS512, draft.Secret.Reveal())(t, jose.Header{}, d.plain(nil)), "")
	want(jose.RS256, "")
}

// TestSessionsEnd: what takes somebody away for whom a platform spoke ends its session tokens, and nothing else does.
func TestSessionsEnd(t *testing.T) {
	some := []string{"role:a", "role:b", "user:ann"}
	for _, test := range []struct {
		name  string
		from  []string
		patch platform.Patch
		ends  bool
	}{
		{"disabled", some, platform.Patch{Enabled: new(false)}, true},
		{"no administrators", some, platform.Patch{Administrators: new(false)}, true},
		{"fewer roles", some, platform.Patch{SpeaksFor: &[]string{"role:a", "user:ann"}}, true},
		{"fewer users", some, platform.Patch{SpeaksFor: &[]string{"role:a", "role:b"}}, true},
		{"others", some, platform.Patch{SpeaksFor: &[]string{"role:c", "role:d", "user:ann"}}, true},
		{"more", some, platform.Patch{SpeaksFor: &[]string{"role:c", "role:b", "role:a", "user:ann"}}, false},
		{"the same", some, platform.Patch{SpeaksFor: &[]string{"user:ann", "role:b", "role:a"}, OneTime: new(true)}, false},
		{"all", some, platform.Patch{SpeaksFor: &[]string{"all"}}, false},
		{"other words", some, platform.Patch{Name: new("Other"), Issuer: new("https://p.example"), Audience: new("a"), Algorithm: new(jose.EdDSA)}, false},
		{"some of all", nil, platform.Patch{SpeaksFor: &some}, true},
		{"all of all", nil, platform.Patch{SpeaksFor: &[]string{"all"}, OneTime: new(true)}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := newDesk(t)
			p, _ := d.enrol(t, func(draft *platform.Draft) {
				draft.Algorithm, draft.SpeaksFor, draft.Administrators = jose.HS256, test.from, true
			})
			tokens, err := session.NewTokens(session.TokenConfig{
				Store: d.store, Keyring: d.keys, Applied: func(context.Context) error { return nil }, Now: d.clock, Random: d.config().Random, Lifetime: time.Hour,
			})
			check(t, err)
			owner := authority.Principal{User: authority.User{ID: d.ann.ID, Username: "ann"}, CredentialKind: authority.Assertion, CredentialID: p.ID}
			_, err = tokens.Begin(t.Context(), &owner, audit.Actor{})
			check(t, err)
			applied := d.applied.Load()
			_, err = d.Update(t.Context(), p.Code, 0, test.patch, admin)
			check(t, err)
			left, err := tokens.List(t.Context(), d.ann.ID)
			check(t, err)
			if ended := len(left) == 0; ended != test.ends {
				t.Errorf("got ended %t, want %t", ended, test.ends)
			}
			if d.applied.Load() == applied {
				t.Error("the change returned before it was heard of")
			}
			check(t, d.Delete(t.Context(), p.Code, admin))
			if left, err := tokens.List(t.Context(), d.ann.ID); err != nil || len(left) > 0 {
				t.Errorf("got %v, %v once the platform is deleted, want none", left, err)
			}
		})
	}
}
