package project_test

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/project"
	"github.com/jeton-io/jeton/internal/secret"
)

// TestCreate: a project and its account, and what the audit log tells of them.
func TestCreate(t *testing.T) {
	d := newDesk(t)
	got, err := d.Create(t.Context(), project.Draft{
		Number: 7, Name: "Seven", SecurityContext: "Ctx", AppKeys: []secret.Text{"canary-key"}, AllowedIPs: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")},
		MaxAge: time.Minute, CreateUsers: true, NewUserRoles: []string{"b", "a", "b"},
	}, admin)
	check(t, err)
	want := project.Project{
		ID: got.ID, Number: 7, Name: "Seven", SecurityContext: "Ctx", ContextRequired: true, TokenRequired: true, AppKeys: got.AppKeys, AppKeyCount: 1,
		AllowedIPs: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}, MaxAge: time.Minute, CreateUsers: true, NewUserRoles: []string{"a", "b"},
		ServiceAccount: got.ServiceAccount, Version: 1, CreatedAt: noon, UpdatedAt: noon,
	}
	sameNetwork := cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })
	if diff := cmp.Diff(want, got, sameNetwork); diff != "" {
		t.Errorf("got (+), want (-):\n%s", diff)
	}
	found, err := d.Find(t.Context(), 7)
	check(t, err)
	if diff := cmp.Diff(want, found.Project, sameNetwork); diff != "" || len(found.Sets) > 0 {
		t.Errorf("found (+), want (-):\n%s, and sets %v", diff, found.Sets)
	}
	own, err := d.accounts.User(t.Context(), got.ServiceAccount)
	check(t, err)
	if own.Username != "project-7" || own.Kind != account.Service || own.HasPassword || len(own.Roles) > 0 || own.State != account.Active {
		t.Errorf("got the account %+v, want a service account without roles", own)
	}
	if byName, err := d.accounts.FindByName(t.Context(), "PROJECT-7"); err != nil || byName.ID != own.ID {
		t.Errorf("got %+v and %v by its name, want the account", byName, err)
	}
	wantDetail := map[string]string{
		"number": "7", "security_context": "Ctx", "context_required": "true", "token_required": "true", "app_keys": "1", "allowed_ips": "192.0.2.0/24",
		"max_age_seconds": "60", "create_users": "true", "new_user_roles": "a,b",
	}
	if ev := d.last(t, got.ID); ev.Action != audit.ProjectCreate || !cmp.Equal(ev.Detail, wantDetail) || ev.Target.Name != "Seven" {
		t.Errorf("got the event %+v, want that of the making, with %v", ev, wantDetail)
	}
	if ev := d.last(t, own.ID); ev.Action != audit.UserCreate || ev.Detail["kind"] != "service" || ev.Target.Name != "project-7" {
		t.Errorf("got the event %+v, want that of the account", ev)
	}
	if id, err := d.ProjectID(t.Context(), 7); err != nil || id != got.ID {
		t.Errorf("got %s and %v, want the project's ID", id, err)
	}
	if id, err := d.ProjectID(t.Context(), 8); !errors.Is(err, authority.ErrNotFound) || id != uuid.Nil {
		t.Errorf("got %s and %v, want %v", id, err, authority.ErrNotFound)
	}
}

// last returns the last event about a record.
func (d *desk) last(t *testing.T, target uuid.UUID) audit.Event {
	t.Helper()
	events, err := d.store.Events(t.Context(), audit.Query{Target: target, Limit: 1})
	check(t, err)
	if len(events) == 0 {
		return audit.Event{}
	}
	return events[0]
}

// TestDefaults: what is left out.
func TestDefaults(t *testing.T) {
	d := newDesk(t)
	yes, no := true, false
	for name, tt := range map[string]struct {
		draft          project.Draft
		context, alone bool // whether they are required
	}{
		"nothing":                 {project.Draft{}, false, true},
		"a context":               {project.Draft{SecurityContext: "c"}, true, true},
		"a context, not required": {project.Draft{SecurityContext: "c", ContextRequired: &no}, false, true},
		"any context, required":   {project.Draft{ContextRequired: &yes}, true, true},
		"a user token may do":     {project.Draft{TokenRequired: &no}, false, false},
	} {
		tt.draft.Number, tt.draft.Name = 2000+len(name), name
		got, err := d.Create(t.Context(), tt.draft, admin)
		check(t, err)
		if got.ContextRequired != tt.context || got.TokenRequired != tt.alone || got.MaxAge != 15*time.Minute {
			t.Errorf("%s: got %+v, want context %t, token %t and 15 minutes", name, got, tt.context, tt.alone)
		}
	}
}

// TestCreateRefuses: each draft, and its twin.
func TestCreateRefuses(t *testing.T) {
	d := newDesk(t)
	long := strings.Repeat("x", 256)
	many := func(n int) (all []secret.Text) {
		for i := range n {
			all = append(all, secret.Text(strings.Repeat("k", i+1)))
		}
		return all
	}
	from := func(text string) []netip.Prefix { return []netip.Prefix{netip.MustParsePrefix(text)} }
	for i, tt := range []struct {
		name, field string
		bad, good   func(*project.Draft)
	}{
		{"no number", "number", func(p *project.Draft) { p.Number = 0 }, func(p *project.Draft) { p.Number = 1 }},
		{"too large a number", "number", func(p *project.Draft) { p.Number = 1 << 31 }, func(p *project.Draft) { p.Number = 1<<31 - 1 }},
		{"a number that is another's", "number", func(p *project.Draft) { p.Number = 1000 }, func(p *project.Draft) { p.Number = 1001 }},
		{"a number whose account's name is another's", "number", func(p *project.Draft) { p.Number = 77 }, func(p *project.Draft) { p.Number = 78 }},
		{"a name that is another's", "name", func(p *project.Draft) { p.Name = "ＡPPLICATIONS" }, func(p *project.Draft) { p.Name = "Application" }},
		{"no name", "name", func(p *project.Draft) { p.Name = " " }, func(p *project.Draft) { p.Name = "n" }},
		{"a name with a space", "name", func(p *project.Draft) { p.Name = "Name1 " }, func(p *project.Draft) { p.Name = "Name1" }},
		{"a name on two lines", "name", func(p *project.Draft) { p.Name = "Name\n2" }, func(p *project.Draft) { p.Name = "Name 2" }},
		{"too long a name", "name", func(p *project.Draft) { p.Name = strings.Repeat("é", 129) }, func(p *project.Draft) { p.Name = strings.Repeat("é", 128) }},
		{"a context with a space", "security_context", func(p *project.Draft) { p.SecurityContext = " c" }, func(p *project.Draft) { p.SecurityContext = "c" }},
		{"a context that can't be seen", "security_context", func(p *project.Draft) { p.SecurityContext = "c\u200b" }, func(p *project.Draft) { p.SecurityContext = "c-" }},
		{"too long a context", "security_context", func(p *project.Draft) { p.SecurityContext = long + "x" }, func(p *project.Draft) { p.SecurityContext = long }},
		{"an empty app key", "app_keys[1]", func(p *project.Draft) { p.AppKeys = []secret.Text{"a", ""} }, func(p *project.Draft) { p.AppKeys = []secret.Text{"a", "b"} }},
		{"an app key twice", "app_keys[1]", func(p *project.Draft) { p.AppKeys = []secret.Text{"a", "a"} }, func(p *project.Draft) { p.AppKeys = []secret.Text{"a", "A"} }},
		{"too long an app key", "app_keys[0]", func(p *project.Draft) { p.AppKeys = []secret.Text{secret.Text(long) + "x"} }, func(p *project.Draft) { p.AppKeys = []secret.Text{secret.Text(long)} }},
		{"an app key on two lines", "app_keys[0]", func(p *project.Draft) { p.AppKeys = []secret.Text{"a\rb"} }, func(p *project.Draft) { p.AppKeys = []secret.Text{"a b"} }},
		{"too many app keys", "app_keys", func(p *project.Draft) { p.AppKeys = many(17) }, func(p *project.Draft) { p.AppKeys = many(16) }},
		{"bits beyond a network", "allowed_ips[0]", func(p *project.Draft) { p.AllowedIPs = from("192.0.2.1/24") }, func(p *project.Draft) { p.AllowedIPs = from("192.0.2.0/24") }},
		{"IPv4 as IPv6", "allowed_ips[0]", func(p *project.Draft) { p.AllowedIPs = from("::ffff:192.0.2.1/128") }, func(p *project.Draft) { p.AllowedIPs = from("::fff0:192.0.2.1/128") }},
		{"too many networks", "allowed_ips", func(p *project.Draft) { p.AllowedIPs = slices.Repeat(from("192.0.2.0/24"), 101) }, func(p *project.Draft) { p.AllowedIPs = slices.Repeat(from("192.0.2.0/24"), 100) }},
		{"too short an age", "max_age_seconds", func(p *project.Draft) { p.MaxAge = 9 * time.Second }, func(p *project.Draft) { p.MaxAge = 10 * time.Second }},
		{"too long an age", "max_age_seconds", func(p *project.Draft) { p.MaxAge = 24*time.Hour + time.Second }, func(p *project.Draft) { p.MaxAge = 24 * time.Hour }},
		{"no whole age", "max_age_seconds", func(p *project.Draft) { p.MaxAge = 10*time.Second + 1 }, func(p *project.Draft) { p.MaxAge = 11 * time.Second }},
		{"making administrators", "new_user_roles[1]", func(p *project.Draft) { p.NewUserRoles = []string{"a", "admin"} }, func(p *project.Draft) { p.NewUserRoles = []string{"a", "Admin"} }},
		{"a bad role", "new_user_roles[0]", func(p *project.Draft) { p.NewUserRoles = []string{"a b"} }, func(p *project.Draft) { p.NewUserRoles = []string{"a-b"} }},
		{"too many roles", "new_user_roles", func(p *project.Draft) { p.NewUserRoles = slices.Repeat([]string{"a"}, 65) }, func(p *project.Draft) { p.NewUserRoles = slices.Repeat([]string{"a"}, 64) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if i == 3 {
				d.user(t, account.Draft{Username: "Project-77"})
			}
			draft := project.Draft{Number: 3000 + i, Name: tt.name}
			bad, good := draft, draft
			tt.bad(&bad)
			tt.good(&good)
			_, err := d.Create(t.Context(), bad, admin)
			wantField(t, err, tt.field)
			if taken := strings.HasSuffix(tt.name, "another's"); errors.Is(err, authority.ErrConflict) != taken {
				t.Errorf("got %v, want a conflict: %t", err, taken)
			}
			_, err = d.Create(t.Context(), good, admin)
			check(t, err)
		})
	}
}

// TestUpdate: what was changed is changed at once, with an event that tells of it alone; what wasn't leaves nothing.
func TestUpdate(t *testing.T) {
	d := newDesk(t, strict)
	set := d.set(t, project.SetDraft{Name: "safe"})
	age, none := time.Minute, []netip.Prefix(nil)
	tests := []struct {
		name   string
		patch  project.Patch
		detail map[string]string // nothing where it changes nothing
	}{
		{"nothing", project.Patch{}, nil},
		{"the same", project.Patch{Name: new("Applications"), AppKeys: &[]secret.Text{"MyAppKez", "MyAppKey"}, AllowedIPs: &none}, nil},
		{"a name", project.Patch{Name: new("Other")}, map[string]string{"name": "Other"}},
		{"a context", project.Patch{SecurityContext: new("Other"), ContextRequired: new(false)}, map[string]string{"security_context": "Other", "context_required": "false"}},
		{"other app keys", project.Patch{AppKeys: &[]secret.Text{"MyAppKez", "MyAppKex"}}, map[string]string{"app_keys": "2"}},
		{"no app keys", project.Patch{AppKeys: &[]secret.Text{}}, map[string]string{"app_keys": "0"}},
		{"addresses", project.Patch{AllowedIPs: &[]netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}, map[string]string{"allowed_ips": "10.0.0.0/8"}},
		{
			"the rest",
			project.Patch{TokenRequired: new(false), MaxAge: &age, CreateUsers: new(true), NewUserRoles: &[]string{"b", "a"}},
			map[string]string{"token_required": "false", "max_age_seconds": "60", "create_users": "true", "new_user_roles": "a,b"},
		},
	}
	for _, tt := range tests {
		before, err := d.Find(t.Context(), 1000)
		check(t, err)
		changed, err := d.Update(t.Context(), 1000, before.Version, tt.patch, admin)
		check(t, err)
		ev := d.last(t, d.project.ID)
		switch {
		case tt.detail == nil && (changed.Version != before.Version || ev.Action != audit.ProjectCreate):
			t.Errorf("%s: got version %d and the event %+v, want neither", tt.name, changed.Version, ev)
		case tt.detail != nil && (changed.Version != before.Version+1 || ev.Action != audit.ProjectUpdate || !cmp.Equal(ev.Detail, tt.detail)):
			t.Errorf("%s: got version %d and the event %+v, want one more, and %v", tt.name, changed.Version, ev, tt.detail)
		}
		after, err := d.Find(t.Context(), 1000)
		check(t, err)
		if diff := cmp.Diff(changed, after.Project, cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); diff != "" {
			t.Errorf("%s: found (+), want what was returned (-):\n%s", tt.name, diff)
		}
	}
	token := d.xst(t, set, d.security().with("Context", "Other", "AppKey", "any"))
	if got := d.reason(t, authority.SealedTokens{Security: token}); got != "" {
		t.Errorf("got %q, want what was changed to count at once", got)
	}
}

// TestUpdateRefuses: a patch is held to what a draft is, and to its version.
func TestUpdateRefuses(t *testing.T) {
	d := newDesk(t, strict)
	d.update(t, project.Patch{Name: new("Other")})
	_, err := d.Create(t.Context(), project.Draft{Number: 8, Name: "Applications"}, admin)
	check(t, err)
	age := time.Second
	for field, patch := range map[string]project.Patch{
		"name": {Name: new("applications")}, "security_context": {SecurityContext: new("a\nb")}, "app_keys[0]": {AppKeys: &[]secret.Text{""}},
		"max_age_seconds": {MaxAge: &age}, "new_user_roles[0]": {NewUserRoles: &[]string{"admin"}}, "allowed_ips[0]": {AllowedIPs: &[]netip.Prefix{{}}},
	} {
		_, err := d.Update(t.Context(), 1000, 0, patch, admin)
		wantField(t, err, field)
	}
	for version, want := range map[int64]error{1: authority.ErrStale, 3: authority.ErrStale, 2: nil} {
		if _, err := d.Update(t.Context(), 1000, version, project.Patch{}, admin); !errors.Is(err, want) {
			t.Errorf("got %v for version %d, want %v", err, version, want)
		}
	}
	if _, err := d.Update(t.Context(), 9, 0, project.Patch{}, admin); !errors.Is(err, authority.ErrNotFound) {
		t.Errorf("got %v for a number that is nobody's, want %v", err, authority.ErrNotFound)
	}
}

// TestDelete: nothing of a project counts once it is deleted, and one made anew under its number inherits nothing.
func TestDelete(t *testing.T) {
	d := newDesk(t)
	set := d.set(t, project.SetDraft{Name: "safe", Key: "a key that stays the same"})
	token := d.xst(t, set, d.security())
	check(t, d.Delete(t.Context(), 1000, admin))
	if got := d.reason(t, authority.SealedTokens{Security: token}); got != authority.ReasonUnknownProject {
		t.Errorf("got %q, want %q", got, authority.ReasonUnknownProject)
	}
	if ev := d.last(t, d.project.ID); ev.Action != audit.ProjectDelete || ev.Target.Name != "Applications" {
		t.Errorf("got the event %+v, want that of the deletion", ev)
	}
	if ev := d.last(t, d.project.ServiceAccount); ev.Action != audit.UserDelete || ev.Target.Name != "project-1000" {
		t.Errorf("got the event %+v, want that of the account's deletion", ev)
	}
	if err := d.Delete(t.Context(), 1000, admin); !errors.Is(err, authority.ErrNotFound) {
		t.Errorf("got %v the second time, want %v", err, authority.ErrNotFound)
	}
	anew, err := d.Create(t.Context(), project.Draft{Number: 1000, Name: "Applications"}, admin)
	check(t, err)
	if got := d.reason(t, authority.SealedTokens{Security: token}); got != authority.ReasonBadSeal {
		t.Errorf("got %q, want %q: its sets are gone", got, authority.ReasonBadSeal)
	}
	if got := d.reason(t, authority.SealedTokens{Project: d.project.ID, Security: token}); got != authority.ReasonUnknownProject {
		t.Errorf("got %q for the former project's ID, want %q", got, authority.ReasonUnknownProject)
	}
	all, err := d.List(t.Context(), 0, 10)
	if err != nil || len(all) != 1 || all[0].ID != anew.ID {
		t.Errorf("got %+v and %v, want the new one alone", all, err)
	}
}

// TestReload: where the projects can't be read, those that are known stay in force.
func TestReload(t *testing.T) {
	d := newDesk(t)
	token := authority.SealedTokens{Security: d.xst(t, d.set(t, project.SetDraft{Name: "safe"}), d.security())}
	d.store.all = errDown
	if err := d.Reload(t.Context()); !errors.Is(err, errDown) {
		t.Errorf("got %v, want %v", err, errDown)
	}
	if got := d.reason(t, token); got != "" {
		t.Errorf("got %q, want the former projects in force", got)
	}
}

// TestSlowKeys: a key that takes long to derive is derived once, and not anew for each change of a project.
func TestSlowKeys(t *testing.T) {
	d := newDesk(t)
	draft := project.SetDraft{Name: "slow", KeyDerivation: "pbkdf2", Salt: "saltsalt", Iterations: 1_000_000, Key: "sixteen or more characters"}
	set := d.set(t, draft)
	began := time.Now()
	token := authority.SealedTokens{Security: d.xst(t, set, d.security())}
	derived := time.Since(began)
	began = time.Now()
	d.update(t, project.Patch{Name: new("Other")})
	d.set(t, cbc("another"))
	for range 3 {
		if got := d.reason(t, token); got != "" {
			t.Fatalf("got %q, want it let in", got)
		}
	}
	if again := time.Since(began); again > derived {
		t.Errorf("got %v for three tokens after the project was changed, and %v to derive the key: want it derived once", again, derived)
	}
}

func TestConfig(t *testing.T) {
	d := newDesk(t)
	good := project.Config{
		Store: d.store, Users: d.users, Keyring: d.keys, Applied: d.Reload, Revision: d.heard.Load, Parameters: names, Now: d.now, Pause: d.pause,
		Random: d.random,
	}
	if _, err := project.New(good); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*project.Config){
		"store": func(c *project.Config) { c.Store = nil }, "pause": func(c *project.Config) { c.Pause = nil }, "users": func(c *project.Config) { c.Users = nil }, "keyring": func(c *project.Config) { c.Keyring = nil },
		"applied": func(c *project.Config) { c.Applied = nil }, "revision": func(c *project.Config) { c.Revision = nil }, "clock": func(c *project.Config) { c.Now = nil }, "randomness": func(c *project.Config) { c.Random = nil },
		"a name": func(c *project.Config) { c.Parameters.Context = "" },
	} {
		cfg := good
		change(&cfg)
		if p, err := project.New(cfg); err == nil || p != nil {
			t.Errorf("got %v without %s, want an error", p, name)
		}
	}
}
