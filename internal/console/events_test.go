package console_test

import (
	"encoding/csv"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
)

const auditRoute = "/console/administration/audit"

// written writes the refusals gathered to the log, as app does each second.
func (d *desk) written(t testing.TB) {
	t.Helper()
	check(t, d.store.AppendRefusals(t.Context(), d.refusals.Drain(d.clock())))
}

// happened returns the codes of the actions on a page of the log, in its order.
func happened(a answer) []string {
	var all []string
	for _, row := range a.all("tbody tr") {
		all = append(all, row.all("code.small")[0].text())
	}
	return all
}

// auditDesk is a desk on which something has happened: alice was made and changed, and refused three times.
func auditDesk(t *testing.T) (*desk, *browser, account.User) {
	t.Helper()
	d := newDesk(t)
	b := d.admin(t)
	d.pass(t, time.Minute)
	alice := d.user(t, account.Draft{Username: "alice"})
	d.pass(t, time.Minute)
	for range 3 {
		d.refusals.Add(audit.Refusal{Reason: "wrong_password", Kind: "password", Door: "v1", UserID: alice.ID, Call: "GET /v1/me"}, d.clock())
	}
	d.written(t)
	return d, b, alice
}

// TestAudit reads the log whole, and by each filter.
func TestAudit(t *testing.T) {
	d, b, alice := auditDesk(t)
	minute := func(after int) string {
		return time.Date(2026, 11, 21, 12, after, 0, 0, time.UTC).Format("2006-01-02T15:04")
	}
	all := []string{"refused", "user.create", "session.begin", "user.create", "pepper.create"}
	for query, want := range map[string][]string{
		"":                                      all,
		"?action=user.create":                   {"user.create", "user.create"},
		"?reason=wrong_password":                {"refused"},
		"?reason=expired":                       nil,
		"?actor=alice":                          {"refused"},
		"?actor=" + alice.ID.String():           {"refused"},
		"?actor=admin":                          {"session.begin"},
		"?target=ALICE":                         {"user.create"},
		"?target=" + uuid.Max.String():          nil,
		"?since=" + minute(2):                   {"refused"},
		"?until=" + minute(1):                   all[2:],
		"?since=" + minute(1) + "&target=alice": {"user.create"},
	} {
		a := b.want(t, ask{route: "GET " + auditRoute + query}, 200)
		checkPage(t, query, a.node)
		if got := happened(a); !slices.Equal(got, want) {
			t.Errorf("%q: got %q, want %q", query, got, want)
		}
		if len(want) == 0 && a.one(t, "main .none").text() == "" {
			t.Errorf("%q: got nothing said of nothing", query)
		}
	}
	a := b.want(t, ask{route: "GET " + auditRoute}, 200)
	row := a.all("tbody tr")[0]
	for _, want := range []string{"Call refused", "alice", "Password", "wrong_password", "3 times", "GET /v1/me", "v1", alice.ID.String()} {
		if !strings.Contains(row.text(), want) {
			t.Errorf("got the row %q, want %q in it", row.text(), want)
		}
	}
	if len(row.all("details")) != 1 || len(a.all("noscript")) != 0 || len(a.all("[data-follow]")) != 0 {
		t.Error("got no details, or a list that is followed unasked")
	}
	if got := d.actions(t); len(got) != 4 {
		t.Errorf("got %q, want reading to leave no event", got)
	}
}

// TestAuditSaysMore has events that are told more closely than their actions, in the order of their times.
func TestAuditSaysMore(t *testing.T) {
	d, b, alice := auditDesk(t)
	target := audit.Target{Kind: "user", ID: alice.ID, Name: "alice"}
	refused := audit.New(audit.Refused, audit.Actor{CredentialKind: "password"}, audit.Target{}, d.clock().Add(time.Second))
	refused.Door, refused.Reason = "console", "blocked"
	all := []audit.Event{
		audit.New(audit.UserUpdate, audit.Actor{}, target, d.clock().Add(2*time.Second), "state", "blocked"),
		audit.New(audit.UserUpdate, audit.Actor{}, target, d.clock().Add(4*time.Second), "state", "active"),
		audit.New(audit.UserUpdate, audit.Actor{}, target, d.clock().Add(3*time.Second), "state", "blocked", "roles", "x"),
		refused, // which is written late
	}
	for n := range all {
		all[n].MergeKey = strconv.Itoa(n)
	}
	check(t, d.store.AppendRefusals(t.Context(), all))
	a := b.want(t, ask{route: "GET " + auditRoute}, 200)
	for n, want := range []string{"User unblocked", "User changed", "User blocked", "Log-in refused", "Call refused"} {
		if got := a.all("tbody tr")[n].one(t, ".what").all("span")[0].text(); got != want {
			t.Errorf("got %q in row %d, want %q", got, n, want)
		}
	}
	if got := a.all("tbody tr")[3].one(t, "dl").text(); !strings.HasPrefix(got, "Reason The user is blocked.") {
		t.Errorf("got the details %q, want the reason in words first", got)
	}
}

// TestAuditFilterProblems gives filters that can't be: nothing is shown for them, and what is wrong stands beside the field.
func TestAuditFilterProblems(t *testing.T) {
	_, b, _ := auditDesk(t)
	for filter, value := range map[string]string{
		"action": "user.nothing", "reason": "nothing", "actor": "nobody", "target": "nobody", "since": "yesterday", "until": "2026-13-01T00:00",
	} {
		query := "?" + url.Values{filter: {value}, "follow": {"1"}}.Encode()
		a := b.want(t, ask{route: "GET " + auditRoute + query}, http.StatusUnprocessableEntity)
		checkPage(t, query, a.node)
		if bad := a.one(t, "main [aria-invalid]"); bad.attribute("name") != filter || a.one(t, ".problem").attribute("id") != filter+"-problem" {
			t.Errorf("%s: got %s marked", filter, bad.attribute("name"))
		} else if bad.attribute("type") == "datetime-local" && bad.has("value") {
			t.Errorf("%s: got the value %q, which no browser takes for a time", filter, bad.attribute("value"))
		}
		if len(a.all("table")) != 0 || len(a.all("noscript")) != 0 {
			t.Errorf("%s: got a table, or a page that is read anew, for a filter that is wrong", filter)
		}
		b.to(t, ask{route: "GET " + auditRoute + "/export.csv?" + filter + "=" + url.QueryEscape(value)}, auditRoute+"?"+url.Values{filter: {value}}.Encode())
	}
	a := b.want(t, ask{route: "GET " + auditRoute + "?since=2026-11-21T12:01&until=2026-11-21T12:00"}, http.StatusUnprocessableEntity)
	if got := a.one(t, "#until-problem").text(); got != "Give a time after Since." || a.one(t, "#until").attribute("value") != "2026-11-21T12:00" {
		t.Errorf("got told %q of a span that ends before it begins, want what was given kept", got)
	}
	for _, query := range []string{"?after=0", "?after=-3", "?after=x", "?actor=%ff", "?target=%00"} {
		b.want(t, ask{route: "GET " + auditRoute + query}, http.StatusBadRequest)
	}
}

// TestAuditFollows asks for the page that is read anew, with a script and without one.
func TestAuditFollows(t *testing.T) {
	_, b, _ := auditDesk(t)
	a := b.want(t, ask{route: "GET " + auditRoute + "?action=refused&follow=1"}, 200)
	checkPage(t, "followed", a.node)
	events := a.one(t, "#events[data-follow]")
	if events.attribute("hx-get") != auditRoute+"?action=refused&follow=1" || events.attribute("hx-trigger") != "every 5s" || !strings.Contains(a.body, `<noscript><meta http-equiv="refresh" content="5"></noscript>`) {
		t.Error("got no list that is followed")
	}
	stop := a.all(".title a")[0]
	if got := stop.attribute("href"); got != auditRoute+"?action=refused" {
		t.Errorf("got %s for stopping, want the same list", got)
	}
	a = b.want(t, ask{route: "GET " + stop.attribute("href")}, 200)
	if got := a.all(".title a")[0].attribute("href"); got != auditRoute+"?action=refused&follow=1" {
		t.Errorf("got %s for following, want the same list", got)
	}
}

// TestAuditPages pages through more events than one page shows; what happens meanwhile shifts nothing.
func TestAuditPages(t *testing.T) {
	d, b, _ := auditDesk(t)
	for n := range 60 {
		d.user(t, account.Draft{Username: "user" + strconv.Itoa(n)})
	}
	a := b.want(t, ask{route: "GET " + auditRoute + "?action=user.create"}, 200)
	first := len(happened(a))
	next := a.one(t, ".pages a").attribute("href")
	d.user(t, account.Draft{Username: "late"})
	a = b.want(t, ask{route: "GET " + next}, 200)
	if got := len(happened(a)); first != 50 || got != 12 || !strings.Contains(a.body, "user9") {
		t.Errorf("got %d and %d rows, want 50 and the 12 that are left", first, got)
	}
}

// TestAuditExport reads the log as files, which have more events than are in memory at once.
func TestAuditExport(t *testing.T) {
	d, b, alice := auditDesk(t)
	var many []audit.Event
	for n := range 1203 {
		e := audit.New(audit.UserUpdate, audit.Actor{Username: "=cmd|' /C calc'!A0;=1"}, audit.Target{Kind: "user", ID: alice.ID, Name: "＝alice; bob"}, d.clock(), "display_name", "+1")
		e.MergeKey = strconv.Itoa(n)
		many = append(many, e)
	}
	check(t, d.store.AppendRefusals(t.Context(), many))
	a := b.want(t, ask{route: "GET " + auditRoute + "/export.csv?action=user.update"}, 200)
	if got := a.header.Get("Content-Disposition"); got != `attachment; filename="jeton-audit-2026-11-21T120200Z.csv"` {
		t.Errorf("got the disposition %s", got)
	}
	rows, err := csv.NewReader(strings.NewReader(a.body)).ReadAll()
	check(t, err)
	if len(rows) != 1204 || rows[0][0] != "at" || rows[1][3] != "'=cmd|' /C calc'!A0;'=1" || rows[1][10] != "'＝alice; bob" {
		t.Errorf("got %d rows, the first %q, want all, in which nothing is a formula", len(rows), rows[1])
	}
	for _, row := range rows {
		for _, cell := range row {
			if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
				t.Fatalf("got the cell %q, which a spreadsheet takes for a formula", cell)
			}
		}
	}

	a = b.want(t, ask{route: "GET " + auditRoute + "/export.json"}, 200)
	lines := strings.Split(strings.TrimSpace(a.body), "\n")
	var newest, refused api.Event
	check(t, json.Unmarshal([]byte(lines[0]), &newest))
	check(t, json.Unmarshal([]byte(lines[1203]), &refused))
	if len(lines) != 1208 || newest.Detail["display_name"] != "+1" || refused.Reason != "wrong_password" || refused.Count != 3 || refused.Actor.Username != "alice" {
		t.Errorf("got %d lines, the newest %+v, want all as /v1/events has them", len(lines), newest)
	}
	if a = b.want(t, ask{route: "HEAD " + auditRoute + "/export.json"}, 200); a.body != "" {
		t.Error("got a body for HEAD")
	}
}

// TestAuditExportEnds has somebody lose the role of an administrator, or be blocked, while a file is on its way: it is cut, and doesn't
// pass for whole. The twin is another user's change, with which it goes on.
func TestAuditExportEnds(t *testing.T) {
	active, blocked := account.Active, account.Blocked
	for _, test := range []struct {
		name  string
		who   string // is changed
		patch account.Patch
		whole bool
	}{
		{"no administrator any more", "ann", account.Patch{Roles: &[]string{}}, false},
		{"blocked", "ann", account.Patch{State: &blocked}, false},
		{"as before", "ann", account.Patch{State: &active}, true},
		{"another is blocked", "bea", account.Patch{State: &blocked}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			d, _, alice := auditDesk(t)
			users := map[string]account.User{}
			for _, name := range []string{"ann", "bea"} {
				users[name] = d.user(t, account.Draft{Username: name, Roles: []string{authority.AdminRole}})
			}
			var many []audit.Event
			for n := range 1203 {
				e := audit.New(audit.UserUpdate, audit.Actor{}, audit.Target{Kind: "user", ID: alice.ID, Name: "alice"}, d.clock())
				e.MergeKey = strconv.Itoa(n)
				many = append(many, e)
			}
			check(t, d.store.AppendRefusals(t.Context(), many))
			b := d.browser()
			b.logIn(t, "ann")
			pages := 0
			d.events.reading = func() {
				if pages++; pages == 2 {
					_, err := d.accounts.Update(t.Context(), users[test.who].ID, 0, test.patch, audit.Actor{})
					check(t, err)
				}
			}
			lines, whole := b.download(t, auditRoute+"/export.json")
			if whole != test.whole || whole && lines < 1203 || !whole && lines > 2*500 {
				t.Errorf("got %d lines, whole %v, want whole %v", lines, whole, test.whole)
			}
		})
	}
}

// download reads a file, and tells whether its end was its end.
func (b *browser) download(t *testing.T, path string) (lines int, whole bool) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.d.URL+path, http.NoBody)
	check(t, err)
	for name, value := range b.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	res, err := b.d.Client().Do(r)
	check(t, err)
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	return strings.Count(string(text), "\n"), err == nil
}

// TestAuditIsForAdministrators asks for each route as somebody else.
func TestAuditIsForAdministrators(t *testing.T) {
	d, admin, _ := auditDesk(t)
	ann := d.browser()
	ann.logIn(t, "alice")
	d.refused(t)
	for _, path := range []string{"/console/administration", auditRoute, auditRoute + "/export.csv", auditRoute + "/export.json"} {
		a := ann.want(t, ask{route: "GET " + path}, http.StatusForbidden)
		if strings.Contains(a.body, "wrong_password") {
			t.Errorf("%s: got the log", path)
		}
		d.wantRefused(t, "not_allowed console_session")
		admin.want(t, ask{route: "GET " + path}, 200)
	}
}

// TestAuditSaysReasons demands words for every reason.
func TestAuditSaysReasons(t *testing.T) {
	d, b, _ := auditDesk(t)
	for _, reason := range authority.Reasons() {
		d.refusals.Add(audit.Refusal{Reason: string(reason), Kind: "password", Door: "v1"}, d.clock())
	}
	d.written(t)
	a := b.want(t, ask{route: "GET " + auditRoute + "?action=refused"}, 200)
	rows := append(a.all("tbody tr"), b.want(t, ask{route: "GET " + a.one(t, ".pages a").attribute("href")}, 200).all("tbody tr")...)
	if len(rows) <= len(authority.Reasons()) {
		t.Fatalf("got %d rows for %d reasons", len(rows), len(authority.Reasons()))
	}
	for _, row := range rows {
		if said := row.all("dl dd")[0].text(); !strings.HasSuffix(said, ".") {
			t.Errorf("got the reason %q, want a sentence", said)
		}
	}
}

// TestAuditSaysAll demands words for every action and every kind of credential.
func TestAuditSaysAll(t *testing.T) {
	d, b, alice := auditDesk(t)
	var all []audit.Event
	for n, action := range audit.Actions() {
		e := audit.New(action, audit.Actor{UserID: alice.ID, CredentialKind: authority.Kind(n % 13).String()}, audit.Target{}, d.clock())
		e.MergeKey = string(action)
		all = append(all, e)
	}
	check(t, d.store.AppendRefusals(t.Context(), all))
	a := b.want(t, ask{route: "GET " + auditRoute}, 200)
	for _, row := range a.all("tbody tr") {
		code, said := row.all("code.small")[0].text(), row.one(t, ".what").all("span")[0].text()
		if said == code || said == "" {
			t.Errorf("got %q said of %s", said, code)
		}
	}
	for _, kind := range a.all("td small") {
		if strings.Contains(kind.text(), "_") || kind.text() == strings.ToLower(kind.text()) {
			t.Errorf("got %q said of a kind of credential", kind.text())
		}
	}
}
