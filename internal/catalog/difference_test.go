package catalog_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/catalog"
)

// rename gives a user another name.
func (d *desk) rename(t *testing.T, name, to string) {
	t.Helper()
	u, err := d.store.UserByName(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	u.Username = to
	r := account.Record{User: u, UsernameKey: to}
	if err := d.store.UpdateUser(t.Context(), r, audit.New(audit.UserUpdate, actor, audit.Target{}, noon)); err != nil {
		t.Fatal(err)
	}
}

// TestReplaceTells replaces operations step by step and reads in the audit log what each step changed.
func TestReplaceTells(t *testing.T) {
	d := newDesk(t)
	ann := d.user(t, "ann")
	d.user(t, "bob")
	d.create(t, catalog.Draft{Name: "reports", Host: "api.example.com"})
	op := func(pattern string, audience ...string) catalog.Operation {
		return catalog.Operation{Pattern: pattern, Audience: audience}
	}
	scoped := op("GET /a", "role:x")
	scoped.Scope = "read"
	pasted := op("GET /a", "role:x")
	pasted.Scope = "jtp" + strings.Repeat("a", 48)
	steps := []struct {
		what           string
		before         func()
		ops            []catalog.Operation
		added, removed string // empty where the event has none
	}{
		{"nothing at all", nil, nil, "", ""},
		{
			"the first", nil,
			[]catalog.Operation{op("GET /reports/{id}", "role:partner", "user:ann"), op("/users/{u}/", "self:{u}")},
			"GET /reports/{id} role:partner, GET /reports/{id} user:ann, /users/{u}/ self:{u}", "",
		},
		{"the same in another order", nil, []catalog.Operation{op("/users/{u}/", "self:{u}"), op("GET /reports/{id}", "user:ann", "role:partner", "user:ann")}, "", ""},
		{
			"the same with a user under another name", func() { d.rename(t, "ann", "anna") },
			[]catalog.Operation{op("/users/{u}/", "self:{u}"), op("GET /reports/{id}", "user:anna", "role:partner")},
			"", "",
		},
		{
			"one for another", nil,
			[]catalog.Operation{op("GET /reports/{id}", "user:bob", "user:bob", "role:partner")},
			"GET /reports/{id} user:bob", "/users/{u}/ self:{u}, GET /reports/{id} user:anna",
		},
		{
			"another pattern", nil,
			[]catalog.Operation{op("GET /reports/{key}", "user:bob", "user:anna")},
			"GET /reports/{key} user:bob, GET /reports/{key} user:anna", "GET /reports/{id} user:bob, GET /reports/{id} role:partner",
		},
		{
			"a user who is gone, and one made anew", func() { d.deleteUser(t, ann); d.user(t, "anna") },
			[]catalog.Operation{op("GET /reports/{key}", "user:bob", "user:anna")},
			"GET /reports/{key} user:anna", "GET /reports/{key} user:" + ann.String(),
		},
		{
			"an empty audience", nil,
			[]catalog.Operation{op("GET /reports/{key}")},
			"GET /reports/{key} nobody", "GET /reports/{key} user:bob, GET /reports/{key} user:anna",
		},
		{"no operation", nil, []catalog.Operation{}, "", "GET /reports/{key} nobody"},
		{"a role and a scope", nil, []catalog.Operation{scoped}, "GET /a scope:read, GET /a role:x", ""},
		{"no scope", nil, []catalog.Operation{op("GET /a", "role:x")}, "", "GET /a scope:read"},
		{"a secret for a scope", nil, []catalog.Operation{pasted}, "GET /a scope:[secret]", ""},
		{"no scope again", nil, []catalog.Operation{op("GET /a", "role:x")}, "", "GET /a scope:[secret]"},
	}
	version := int64(1)
	for _, step := range steps {
		if step.before != nil {
			step.before()
		}
		version = d.replace(t, "reports", version, step.ops...)
		want := map[string]string{"operations": fmt.Sprint(len(step.ops))}
		if step.added != "" {
			want["added"] = step.added
		}
		if step.removed != "" {
			want["removed"] = step.removed
		}
		if got := d.lastReplacement(t).Detail; !cmp.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", step.what, got, want)
		}
	}
}

// lastReplacement returns the event of the last replacement of operations.
func (d *desk) lastReplacement(t *testing.T) audit.Event {
	t.Helper()
	events, err := d.store.Events(t.Context(), audit.Query{Action: audit.OperationsReplace, Limit: 1})
	if err != nil || len(events) != 1 {
		t.Fatalf("got %d events, %v, want one", len(events), err)
	}
	return events[0]
}

// TestReplaceTellsMuch: a long difference is cut. One that can't be told isn't made.
func TestReplaceTellsMuch(t *testing.T) {
	d := newDesk(t)
	d.create(t, catalog.Draft{Name: "reports", Host: "api.example.com"})
	ops := make([]catalog.Operation, 100)
	for i := range ops {
		ops[i] = catalog.Operation{Pattern: fmt.Sprintf("GET /%d", i), Audience: []string{"role:partner"}}
	}
	d.replace(t, "reports", 1, ops...)
	got := d.lastReplacement(t).Detail
	if len(got["added"]) != 512 || !strings.HasPrefix(got["added"], "GET /0 role:partner, GET /1 role:partner, ") || got["operations"] != "100" {
		t.Errorf("got %q, want the first 512 bytes of the difference", got)
	}

	down := errors.New("down")
	d.people.fail = down
	if version, err := d.Replace(t.Context(), "reports", 2, nil, actor); !errors.Is(err, down) || version != 0 {
		t.Errorf("got version %d, %v while users can't be named, want the store's error", version, err)
	}
	if e, err := d.Service(t.Context(), "reports"); err != nil || e.Version != 2 || len(e.Operations) != len(ops) {
		t.Errorf("got %d operations at version %d, %v, want those of before", len(e.Operations), e.Version, err)
	}
}
