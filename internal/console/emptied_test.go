package console_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// emptiedForm is a form in which a secret may be left empty, and another field is wrong at first.
type emptiedForm struct {
	route        string
	fields       map[string]string // as they are sent first
	wrong, right string            // the field that is wrong in them, and what is right there
	secret       string            // the field that is emptied
	holds, lacks func() bool       // whether it is done with the secret, or without one
}

// emptiedForms are those forms, at a desk that has what they change. The keys of token sets can't be told by what there is afterwards.
func (b *browser) emptiedForms(t *testing.T) []emptiedForm {
	t.Helper()
	d := b.d
	const text, newSet = "another text that is long enough", projectsRoute + "/1000/token-sets/new"
	b.want(t, send("/new", projectForm("number", "1000")), http.StatusSeeOther)
	b.want(t, send("/new", projectForm("number", "1001", "name", "Keyed", "app_keys", "one\r\ntwo\r\nthree")), http.StatusSeeOther)
	b.want(t, send("/1000/token-sets/new", setForm("key", "a text that is long enough")), http.StatusSeeOther)
	set := b.want(t, ask{route: "GET " + projectsRoute + "/1000/token-sets"}, http.StatusOK).one(t, "tbody a").attribute("href")
	keys := func(number, want int) func() bool {
		return func() bool {
			p, err := d.inside.Projects.Find(t.Context(), number)
			return err == nil && p.AppKeyCount == want
		}
	}
	password := func(want bool) func() bool {
		return func() bool {
			u, err := d.accounts.Find(t.Context(), "typed")
			return err == nil && u.HasPassword == want
		}
	}
	done := func(action string) func() bool { return func() bool { return slices.Contains(d.actions(t), action) } }
	user := map[string]string{"username": "a/b", "kind": "person", "roles": "", "password": goodPassword, "again": goodPassword}
	return []emptiedForm{
		{projectsRoute + "/new", projectForm("number", "many", "name", "Typed", "app_keys", text), "number", "7", "app_keys", keys(7, 1), keys(7, 0)},
		{
			projectsRoute + "/1001", projectForm("version", "1", "name", "Keyed", "context_required", "no", "max_age_seconds", "x", "app_keys", text),
			"max_age_seconds", "900", "app_keys", keys(1001, 1), keys(1001, 3),
		},
		{usersRoute, user, "username", "typed", "password", password(true), password(false)},
		{newSet, setForm("name", "fresh", "key", text, "mode", "CBC", "iv", "seven77"), "iv", "@1B2c3D4", "key", done("token_set.create fresh"), done("token_set.create fresh")},
		{set, setForm("version", "1", "name", "changed", "key", text+"er", "iterations", "few"), "iterations", "", "key", done("token_set.update changed"), done("token_set.update changed")},
	}
}

// TestEmptiedSecret: a secret that was typed isn't on the page that shows the form again, be it since another field was wrong or since it
// came too late. There it is asked for again, and nothing is taken in its place unless that is chosen.
func TestEmptiedSecret(t *testing.T) {
	for _, tt := range []struct {
		name        string
		late, typed bool
	}{{"typed again", false, true}, {"left empty", false, false}, {"late", true, true}} {
		t.Run(tt.name, func(t *testing.T) {
			d := newDesk(t)
			b := d.admin(t)
			forms := b.emptiedForms(t)
			status := http.StatusUnprocessableEntity
			pages := make([]answer, len(forms))
			if tt.late {
				d.pass(t, 16*time.Minute)
				status = http.StatusForbidden
			}
			for n, f := range forms {
				pages[n] = b.want(t, post(f.route, f.fields), status)
			}
			if tt.late {
				b.want(t, ask{route: "POST /console/login", form: form("username", "admin", "password", goodPassword, "next", "/console/confirmed")}, http.StatusSeeOther)
			}
			for n, f := range forms {
				b.mendEmptied(t, f, pages[n], tt.typed)
			}
		})
	}
}

// TestNoSecretNeeded: who is invited and a program need no password, whatever was typed before; nor do app keys that are removed.
func TestNoSecretNeeded(t *testing.T) {
	d := newDesk(t)
	b := d.admin(t)
	b.want(t, send("/new", projectForm("number", "1001", "app_keys", "one\r\ntwo")), http.StatusSeeOther)
	user := func(pairs ...string) ask {
		return ask{route: "POST " + usersRoute, form: form(append(pairs, "typed", "yes", "password", "", "again", "")...)}
	}
	keys := projectForm("version", "1", "context_required", "no", "typed", "yes", "without_keys", "yes")
	for _, tt := range []struct {
		secret       string
		wrong, right ask
	}{
		{"password", user("kind", "service", "username", "a/b"), user("kind", "service", "username", "program")},
		{"password", user("kind", "person", "username", "a/b", "invite", "yes"), user("kind", "person", "username", "ann", "invite", "yes")},
		{"app_keys", post(projectsRoute+"/1001", keys, "max_age_seconds", "x"), post(projectsRoute+"/1001", keys)},
	} {
		if a := b.want(t, tt.wrong, http.StatusUnprocessableEntity); a.one(t, "#"+tt.secret).has("aria-invalid") {
			t.Errorf("%s: it is asked for again", tt.right.form)
		}
		if a := b.do(t, tt.right); a.status >= http.StatusBadRequest {
			t.Errorf("%s: got %d without it: %s", tt.right.form, a.status, a.body)
		}
	}
	b.want(t, user("kind", "person", "username", "nobody"), http.StatusUnprocessableEntity)
}

// mendEmptied sends a form once more as its page has it, but for what was wrong; and then with the secret, or with none.
func (b *browser) mendEmptied(t *testing.T, f emptiedForm, page answer, typed bool) {
	t.Helper()
	before := len(b.d.actions(t))
	f.wantEmptied(t, page)
	fields := shown(t, page)
	fields[f.wrong] = f.right
	page = b.want(t, post(f.route, fields), http.StatusUnprocessableEntity)
	f.wantEmptied(t, page)
	if f.holds() || f.lacks() && len(b.d.actions(t)) > before {
		t.Errorf("%s: something was done without the secret", f.route)
	}
	fields = shown(t, page)
	done := f.lacks
	if typed {
		done, fields[f.secret] = f.holds, f.fields[f.secret]
		if again, has := f.fields["again"]; has {
			fields["again"] = again
		}
	} else {
		fields[page.one(t, "main [name=left_empty]").attribute("name")] = "yes"
	}
	if a := b.do(t, post(f.route, fields)); a.status >= http.StatusBadRequest || !done() {
		t.Errorf("%s: got %d, want it done: %s", f.route, a.status, a.body)
	}
}

// wantEmptied demands that a page asks for the secret again, and doesn't have it.
func (f *emptiedForm) wantEmptied(t *testing.T, page answer) {
	t.Helper()
	checkPage(t, f.route, page.node)
	const want = "Type this again: it isn't kept on the page."
	if got := page.all("#" + f.secret + "-problem"); len(got) != 1 || got[0].text() != want || !page.one(t, "#"+f.secret).has("aria-invalid") {
		t.Errorf("%s: the page doesn't ask for %s again", f.route, f.secret)
	}
	if strings.Contains(page.body, f.fields[f.secret]) {
		t.Errorf("%s: the secret is shown again", f.route)
	}
}

// post is a form as a browser sends it to a path, with those fields that are given.
func post(path string, fields map[string]string, pairs ...string) ask {
	q := ask{route: "POST " + path, form: form()}
	for name, value := range fields {
		q.form.Set(name, value)
	}
	for n := 0; n+1 < len(pairs); n += 2 {
		q.form.Set(pairs[n], pairs[n+1])
	}
	return q
}
