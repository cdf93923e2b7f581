package httpapi_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/bcrypt"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/internal/account"
)

func TestUserLife(t *testing.T) {
	d := newDesk(t)
	a := d.want(t, ask{route: "POST /v1/users", token: d.adminToken, body: `{"username":"bot","kind":"service","email":"bot@example.com",` +
		`"display_name":"A bot","roles":["b","a"],"state":"blocked","password":"a good password"}`}, http.StatusCreated, "")
	var made, got api.User
	a.into(t, &made)
	want := api.User{
		ID: made.ID, Kind: "service", Username: "bot", Email: "bot@example.com", DisplayName: "A bot", Roles: []string{"a", "b"},
		State: "blocked", HasPassword: true, CreatedAt: d.clock(), UpdatedAt: d.clock(),
	}
	if diff := cmp.Diff(want, made); diff != "" {
		t.Errorf("made (-want +got): %s", diff)
	}
	location := "GET " + a.header.Get("Location")
	read := d.want(t, ask{route: location, token: d.adminToken}, http.StatusOK, "")
	read.into(t, &got)
	if diff := cmp.Diff(want, got); diff != "" || read.header.Get("ETag") != a.header.Get("ETag") {
		t.Errorf("read (-want +got): %s; ETag %s, want %s", diff, read.header.Get("ETag"), a.header.Get("ETag"))
	}
	d.now.Add(60)
	got = api.User{}
	d.want(t, ask{route: "PATCH /v1/users/BOT", token: d.adminToken, body: `{"email":null,"display_name":null,"roles":null,"state":"active"}`}, http.StatusOK, "").into(t, &got)
	want.Email, want.DisplayName, want.Roles, want.State, want.UpdatedAt = "", "", []string{}, "active", d.clock()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("patched (-want +got): %s", diff)
	}
	d.want(t, ask{route: "DELETE /v1/users/bot", token: d.adminToken}, http.StatusNoContent, "")
	d.want(t, ask{route: location, token: d.adminToken}, http.StatusNotFound, api.CodeNotFound)
	for _, method := range []string{"GET", "DELETE"} {
		d.want(t, ask{route: method + " /v1/users/bot", token: d.adminToken}, http.StatusNotFound, api.CodeNotFound)
	}
	d.want(t, ask{route: "PATCH /v1/users/bot", token: d.adminToken, body: `{}`}, http.StatusNotFound, api.CodeNotFound)
	wantActions := []string{"user.delete bot", "user.update bot", "user.create bot"}
	if got := d.actions(t)[:3]; !slices.Equal(got, wantActions) {
		t.Errorf("got events %v, want %v", got, wantActions)
	}
}

func TestUserErrors(t *testing.T) {
	d := newDesk(t)
	d.user(t, account.Draft{Username: "alice", Email: "alice@example.com"})
	const post, patch = "POST /v1/users", "PATCH /v1/users/alice"
	tests := []struct {
		name, route, body string
		status            int
		code              api.Code
		field             string
	}{
		{"name taken", post, `{"username":"ALICE"}`, 409, api.CodeConflict, "username"},
		{"e-mail taken", post, `{"username":"bob","email":"Alice@Example.com"}`, 409, api.CodeConflict, "email"},
		{"bad name", post, `{"username":"a:b"}`, 422, api.CodeInvalidField, "username"},
		{"empty name", post, `{"username":""}`, 422, api.CodeInvalidField, "username"},
		{"bad e-mail", post, `{"username":"bob","email":"bob"}`, 422, api.CodeInvalidField, "email"},
		{"bad state", post, `{"username":"bob","state":"gone"}`, 422, api.CodeInvalidField, "state"},
		{"short password", post, `{"username":"bob","password":"seven77"}`, 422, api.CodeInvalidField, "password"},
		{"two passwords", post, `{"username":"bob","password":"a good password","password_hash":"$2b$x"}`, 422, api.CodeInvalidField, "password_hash"},
		{"patched to a taken name", "PATCH /v1/users/root", `{"username":"alice"}`, 409, api.CodeConflict, "username"},
		{"name emptied", patch, `{"username":null}`, 422, api.CodeInvalidField, "username"},
		{"state emptied", patch, `{"state":null}`, 422, api.CodeInvalidField, "state"},
		{"password emptied", patch, `{"password":null}`, 422, api.CodeInvalidField, "password"},
		{"kind changed", patch, `{"kind":"service"}`, 422, api.CodeInvalidField, "kind"},
		{"last administrator blocked", "PATCH /v1/users/root", `{"state":"blocked"}`, 409, api.CodeLastAdministrator, ""},
		{"last administrator deprived", "PATCH /v1/users/root", `{"roles":[]}`, 409, api.CodeLastAdministrator, ""},
		{"last administrator deleted", "DELETE /v1/users/root", ``, 409, api.CodeLastAdministrator, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := d.want(t, ask{route: tt.route, token: d.adminToken, body: tt.body}, tt.status, tt.code)
			a.wantField(t, tt.field)
		})
	}
}

// TestUserNames: whatever name a user may have, its URL is the name percent-encoded.
func TestUserNames(t *testing.T) {
	d := newDesk(t)
	for _, name := range []string{"a b", "ümlaut", "x?y#z%2F", "100%", "%2e%2e", "a+b&c=d", "e;f", `back\slash`, "{user}", "日本語", "...", "a..b", "o'neil"} {
		body := `{"username":"` + strings.ReplaceAll(name, `\`, `\\`) + `"}`
		var made, got api.User
		d.want(t, ask{route: "POST /v1/users", token: d.adminToken, body: body}, http.StatusCreated, "").into(t, &made)
		d.want(t, ask{route: "GET /v1/users/" + url.PathEscape(name), token: d.adminToken}, http.StatusOK, "").into(t, &got)
		if made.ID != got.ID || got.Username != name {
			t.Errorf("got %q with ID %s, want %q with ID %s", got.Username, got.ID, name, made.ID)
		}
		d.want(t, ask{route: "DELETE /v1/users/" + url.PathEscape(name), token: d.adminToken}, http.StatusNoContent, "")
	}
	for _, path := range []string{"%ff", "a%00", "%2e%2e", "a%2Fb"} {
		d.want(t, ask{route: "GET /v1/users/" + path, token: d.adminToken}, http.StatusNotFound, api.CodeNotFound)
	}
}

// TestReset: an administrator's new password ends the user's token.
func TestReset(t *testing.T) {
	d := newDesk(t)
	_, token := d.user(t, account.Draft{Username: "alice"})
	var got api.User
	d.want(t, ask{route: "PATCH /v1/users/alice", token: d.adminToken, body: `{"password":"a good password"}`}, http.StatusOK, "").into(t, &got)
	if !got.HasPassword {
		t.Errorf("got %+v, want has_password", got)
	}
	d.want(t, ask{route: "GET /v1/me", token: token}, http.StatusUnauthorized, api.CodeNotAuthenticated)
	d.want(t, ask{route: "GET /v1/me", token: "alice:a good password"}, http.StatusOK, "")
}

// TestInvitation makes an invitation, which is shown once, and none for whom there can be none.
func TestInvitation(t *testing.T) {
	d := newDesk(t)
	d.want(t, ask{route: "POST /v1/users", token: d.adminToken, body: `{"username":"ann","email":"ann@example.com"}`}, http.StatusCreated, "")
	d.want(t, ask{route: "POST /v1/users", token: d.adminToken, body: `{"username":"robot","kind":"service"}`}, http.StatusCreated, "")
	d.want(t, ask{route: "POST /v1/users", token: d.adminToken, body: `{"username":"bob","state":"blocked"}`}, http.StatusCreated, "")
	var made, anew api.Invitation
	d.want(t, ask{route: "POST /v1/users/ann/invitation", token: d.adminToken}, http.StatusCreated, "").into(t, &made)
	d.want(t, ask{route: "POST /v1/users/ANN/invitation", token: d.adminToken}, http.StatusCreated, "").into(t, &anew)
	if made.URL == anew.URL || !strings.HasPrefix(made.URL, publicURL+"/invitation/jtl") || !made.ExpiresAt.Equal(d.clock().Add(7*24*time.Hour)) || made.Mailed {
		t.Errorf("got %+v and %+v", made, anew)
	}
	for route, want := range map[string]int{"root": http.StatusCreated, "robot": http.StatusConflict, "bob": http.StatusConflict, "nobody": http.StatusNotFound} {
		if a := d.do(t, ask{route: "POST /v1/users/" + route + "/invitation", token: d.adminToken}); a.status != want {
			t.Errorf("%s: got %d, want %d", route, a.status, want)
		}
	}
	if got := d.do(t, ask{route: "POST /v1/users/ann/invitation", token: "ann:" + adminPassword}); got.status != http.StatusUnauthorized {
		t.Errorf("got %d for somebody else", got.status)
	}
}

func TestImportedHash(t *testing.T) {
	d := newDesk(t)
	hash, err := bcrypt.GenerateFromPassword([]byte("a good password"), bcrypt.MinCost)
	check(t, err)
	d.want(t, ask{route: "POST /v1/users", token: d.adminToken, body: `{"username":"alice","password_hash":"` + string(hash) + `"}`}, http.StatusCreated, "")
	d.want(t, ask{route: "GET /v1/me", token: "alice:a good password"}, http.StatusOK, "")
}

// TestUserPages goes through a listing by its cursors.
func TestUserPages(t *testing.T) {
	d := newDesk(t)
	for _, name := range []string{"Zoë", "bob", "Alice", "ümlaut", "carol"} {
		d.user(t, account.Draft{Username: name})
	}
	want := []string{"Alice", "bob", "carol", "root", "Zoë", "ümlaut"}
	for _, limit := range []string{"1", "2", "3", "5", "6", "7", "200"} {
		var got []string
		for next := ""; ; {
			page := api.List[api.User]{}
			d.want(t, ask{route: "GET /v1/users?limit=" + limit + "&cursor=" + next, token: d.adminToken}, http.StatusOK, "").into(t, &page)
			for _, u := range page.Items {
				got = append(got, u.Username)
			}
			if next = page.Next; len(page.Items) == 0 {
				t.Fatalf("limit %s: got a page without users", limit)
			}
			if next == "" {
				break
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("limit %s: got %v, want %v", limit, got, want)
		}
	}
	var users api.List[api.User]
	d.want(t, ask{route: "GET /v1/users?limit=1", token: d.adminToken}, http.StatusOK, "").into(t, &users)
	for _, cursor := range []string{users.Next + "A", users.Next[:len(users.Next)-1] + "_", "!"} {
		d.want(t, ask{route: "GET /v1/users?cursor=" + cursor, token: d.adminToken}, http.StatusUnprocessableEntity, api.CodeInvalidField)
	}
	d.want(t, ask{route: "GET /v1/services?cursor=" + users.Next, token: d.adminToken}, http.StatusUnprocessableEntity, api.CodeInvalidField)
	d.want(t, ask{route: "GET /v1/users?cursor=" + users.Next, token: d.adminToken}, http.StatusOK, "")
}

// TestIfMatch is about changes that are for a version.
func TestIfMatch(t *testing.T) {
	d := newDesk(t)
	d.user(t, account.Draft{Username: "alice"})
	d.service(t, serviceDraft("reports"))
	const malformed, stale = api.CodeMalformedRequest, api.CodeStale
	tests := []struct {
		name   string
		match  func(current string) string
		status int
		code   api.Code
	}{
		{"current", func(c string) string { return c }, 200, ""},
		{"one of two", func(c string) string { return `"x", ` + c }, 200, ""},
		{"any", func(string) string { return "*" }, 200, ""},
		{"none given", func(string) string { return "" }, 200, ""},
		{"another", func(string) string { return `"x"` }, 412, stale},
		{"weak", func(c string) string { return "W/" + c }, 412, stale},
		{"next version", func(c string) string { return c[:len(c)-2] + `9"` }, 412, stale},
		{"not quoted", func(c string) string { return strings.Trim(c, `"`) }, 400, malformed},
		{"not closed", func(c string) string { return strings.TrimSuffix(c, `"`) }, 400, malformed},
		{"empty tag", func(string) string { return `""` }, 400, malformed},
		{"any and another", func(c string) string { return "*, " + c }, 400, malformed},
		{"another and any", func(c string) string { return c + ", *" }, 400, malformed},
	}
	for _, route := range []string{"/v1/users/alice", "/v1/services/reports"} {
		field := map[string]string{"/v1/users/alice": "display_name", "/v1/services/reports": "host"}[route]
		for i, tt := range tests {
			t.Run(route+" "+tt.name, func(t *testing.T) {
				current := d.want(t, ask{route: "GET " + route, token: d.adminToken}, http.StatusOK, "").header.Get("ETag")
				body := `{"` + field + `":"v` + string(rune('a'+i)) + `.example.com"}`
				header := map[string]string{"If-Match": tt.match(current)}
				a := d.want(t, ask{route: "PATCH " + route, token: d.adminToken, body: body, header: header}, tt.status, tt.code)
				after := d.want(t, ask{route: "GET " + route, token: d.adminToken}, http.StatusOK, "")
				if changed := after.header.Get("ETag") != current; changed != (tt.status == 200) {
					t.Errorf("got ETag %s after %s", after.header.Get("ETag"), current)
				}
				if a.status == 200 && (a.header.Get("ETag") != after.header.Get("ETag") || a.body != after.body) {
					t.Errorf("got %s %s, want what is read after it: %s %s", a.header.Get("ETag"), a.body, after.header.Get("ETag"), after.body)
				}
			})
		}
	}
}
