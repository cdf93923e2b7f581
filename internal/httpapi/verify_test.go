package httpapi_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/catalog"
	"github.com/jeton-io/jeton/internal/project"
	"github.com/jeton-io/jeton/internal/secret"
)

// verifying is a desk with two services, each with a verifier, and alice, a partner who may read reports.
func verifying(t testing.TB) (d *desk, alice account.User, tokens map[string]string) {
	t.Helper()
	d = newDesk(t)
	tokens = map[string]string{"root": d.adminToken}
	for _, name := range []string{"reporter", "biller", "stranger"} {
		_, tokens[name] = d.user(t, account.Draft{Username: name, Kind: account.Service})
	}
	alice, tokens["alice"] = d.user(t, account.Draft{Username: "alice", Email: "alice@example.com", DisplayName: "Alice L.", Roles: []string{"partner"}})
	d.service(t, catalog.Draft{Name: "reports", Host: "api.example.com", Verifiers: []string{"reporter"}},
		"GET /reports/{id} role:partner", "GET /users/{id}/reports self:{id}", "POST /reports role:editor")
	d.service(t, catalog.Draft{Name: "bills", Host: "api.example.com", PathPrefix: "/bills", Verifiers: []string{"biller"}})
	return d, alice, tokens
}

// verify asks about a call of alice's.
func verify(asker, method, url, token string) ask {
	return ask{
		route: "POST /v1/verify", token: asker,
		body: `{"authorization":"Bearer ` + token + `","method":"` + method + `","url":"` + strings.ReplaceAll(url, `\`, `\\`) + `","remote_ip":"203.0.113.9"}`,
	}
}

func TestVerify(t *testing.T) {
	d, alice, tokens := verifying(t)
	principal := &api.Principal{
		UserID: alice.ID.String(), Username: "alice", Email: "alice@example.com", DisplayName: "Alice L.", Roles: []string{"partner"},
		Credential: api.Credential{Kind: "personal_token", ID: alice.ID.String()},
	}
	allowed := api.Verdict{Allow: true, Service: "reports", Principal: principal}
	denied := func(reason, service string) api.Verdict { return api.Verdict{Reason: reason, Service: service} }
	const host = "https://api.example.com"
	self := host + "/users/" + alice.ID.String() + "/reports"
	tests := []struct {
		name, method, url, token string
		want                     api.Verdict
		refused                  string
	}{
		{"allowed", "GET", host + "/reports/7", tokens["alice"], allowed, ""},
		{"with a query", "GET", host + "/reports/7?x=/../y", tokens["alice"], allowed, ""},
		{"HEAD is GET", "HEAD", host + "/reports/7", tokens["alice"], allowed, ""},
		{"other port, scheme and case", "GET", "HTTP://API.example.com:8080/reports/7", tokens["alice"], allowed, ""},
		{"an honest escape", "GET", host + "/reports/%C3%BC", tokens["alice"], allowed, ""},
		{"her own", "GET", self, tokens["alice"], allowed, ""},
		{"another's", "GET", strings.Replace(self, alice.ID.String(), d.admin.ID, 1), tokens["alice"], denied("not_in_audience", "reports"), "personal_token"},
		{"another method", "POST", host + "/reports", tokens["alice"], denied("not_in_audience", "reports"), "personal_token"},
		{"no operation", "GET", host + "/invoices", tokens["alice"], denied("no_operation", "reports"), "personal_token"},
		{"root", "GET", host, tokens["alice"], denied("no_operation", "reports"), "personal_token"},
		{"other service", "GET", host + "/bills/reports/7", tokens["alice"], denied("no_operation", "bills"), "personal_token"},
		{"no service", "GET", "https://www.example.com/reports/7", tokens["alice"], denied("unknown_service", ""), "personal_token"},
		{"bad checksum", "GET", host + "/reports/7", flip(tokens["alice"]), denied("bad_checksum", ""), "personal_token"},
		{"no token of ours", "GET", host + "/reports/7", "nonsense", denied("unrecognized", ""), "none"},
		// The path is judged as it was received, and nothing tidies it up on the way.
		{"dot segment", "GET", host + "/x/../reports/7", tokens["alice"], denied("ambiguous_path", "reports"), "personal_token"},
		{"encoded dot segment", "GET", host + "/x/%2e%2e/reports/7", tokens["alice"], denied("ambiguous_path", "reports"), "personal_token"},
		{"encoded letter", "GET", host + "/%72eports/7", tokens["alice"], denied("ambiguous_path", "reports"), "personal_token"},
		{"encoded slash", "GET", host + "/reports%2f7", tokens["alice"], denied("ambiguous_path", "reports"), "personal_token"},
		{"empty segment", "GET", host + "//reports/7", tokens["alice"], denied("ambiguous_path", "reports"), "personal_token"},
		{"parameter", "GET", host + "/reports/7;x", tokens["alice"], denied("ambiguous_path", "reports"), "personal_token"},
		{"fragment", "GET", host + "/reports/7#/x", tokens["alice"], denied("ambiguous_path", "reports"), "personal_token"},
		{"fragment after the host", "GET", host + "#/reports/7", tokens["alice"], denied("ambiguous_path", "reports"), "personal_token"},
		{"bad escape", "GET", host + "/reports/%zz", tokens["alice"], denied("ambiguous_path", "reports"), "personal_token"},
		{"backslash", "GET", host + `/reports\7`, tokens["alice"], denied("ambiguous_path", "reports"), "personal_token"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, asker := range []string{"root", "reporter"} {
				if asker == "reporter" && tt.want.Service != "reports" && tt.want.Reason != "bad_checksum" && tt.want.Reason != "unrecognized" {
					continue
				}
				got := d.verdictOf(t, verify(tokens[asker], tt.method, tt.url, tt.token))
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("%s's verdict (-want +got): %s", asker, diff)
				}
				var refused []string
				if !tt.want.Allow {
					refused = []string{"verify " + tt.want.Reason + " " + tt.refused}
				}
				if got := d.refused(t); !slices.Equal(got, refused) {
					t.Errorf("got refusals %v, want %v", got, refused)
				}
			}
		})
	}
}

// TestVerifySessionToken asks about a session token, which opens its own user's paths, until it has ended.
func TestVerifySessionToken(t *testing.T) {
	d, alice, tokens := verifying(t)
	d.serve(t, 0, authority.KindsOf(authority.PersonalToken, authority.SessionToken))
	begun := d.session(t, alice, uuid.Nil)
	const host, refused = "https://api.example.com", "session_token"
	text, self := begun.Text.Reveal(), host+"/users/"+alice.ID.String()+"/reports"
	principal := &api.Principal{
		UserID: alice.ID.String(), Username: "alice", Email: "alice@example.com", DisplayName: "Alice L.", Roles: []string{"partner"},
		Credential: api.Credential{Kind: "session_token", ID: begun.Token.ID.String()},
	}
	want := func(url, token string, want api.Verdict) {
		t.Helper()
		for range 2 { // from the database, and from memory
			if diff := cmp.Diff(want, d.verdictOf(t, verify(tokens["reporter"], "GET", url, token))); diff != "" {
				t.Errorf("%s (-want +got): %s", url, diff)
			}
			var reasons []string
			if !want.Allow {
				reasons = []string{"verify " + want.Reason + " " + refused}
			}
			if got := d.refused(t); !slices.Equal(got, reasons) {
				t.Errorf("%s: got refusals %v, want %v", url, got, reasons)
			}
		}
	}
	allowed := api.Verdict{Allow: true, Service: "reports", Principal: principal}
	want(self, text, allowed)
	want(host+"/reports/7", text, allowed)
	want(strings.Replace(self, alice.ID.String(), d.admin.ID, 1), text, api.Verdict{Service: "reports", Reason: "not_in_audience"})
	want(self, flip(text), api.Verdict{Reason: "bad_checksum"})
	check(t, d.sessions.End(t.Context(), alice.ID, "alice", begun.Token.ID, audit.Actor{}))
	want(self, text, api.Verdict{Reason: "ended"})
	want(self, d.session(t, alice, uuid.Nil).Text.Reveal()[:50], api.Verdict{Reason: "bad_checksum"})
}

// TestSessionTokenAtMe: a session token says whose it is, as long as it lasts, and that alone.
func TestSessionTokenAtMe(t *testing.T) {
	d, alice, tokens := verifying(t)
	begun, twin := d.session(t, alice, uuid.Nil), d.session(t, alice, uuid.Nil)
	who := func(token string) ask { return ask{route: "GET /v1/me", token: token} }
	var me api.Me
	d.want(t, who(begun.Text.Reveal()), http.StatusOK, "").into(t, &me)
	if want := (api.Credential{Kind: "session_token", ID: begun.Token.ID.String()}); me.User.Username != "alice" || !cmp.Equal(me.Credential, want) {
		t.Errorf("got %+v, want alice by %+v", me, want)
	}
	q := ask{route: "POST /v1/verify", token: begun.Text.Reveal(), body: verify("", "GET", "https://api.example.com/reports/7", tokens["alice"]).body}
	d.want(t, q, http.StatusForbidden, api.CodeCredentialTooWeak)
	d.refused(t)
	check(t, d.sessions.End(t.Context(), alice.ID, "alice", begun.Token.ID, audit.Actor{}))
	d.want(t, who(begun.Text.Reveal()), http.StatusUnauthorized, api.CodeNotAuthenticated)
	d.want(t, who(flip(twin.Text.Reveal())), http.StatusUnauthorized, api.CodeNotAuthenticated)
	if got := d.refused(t); !slices.Equal(got, []string{"v1 bad_checksum session_token", "v1 ended session_token"}) {
		t.Errorf("got refusals %v", got)
	}
	d.want(t, who(twin.Text.Reveal()), http.StatusOK, "")
}

// TestVerifyPassword: the door takes the kinds that the gateway takes, and a password isn't one of them.
func TestVerifyPassword(t *testing.T) {
	d, _, tokens := verifying(t)
	q := verify(tokens["reporter"], "GET", "https://api.example.com/reports/7", "")
	q.body = strings.Replace(q.body, "Bearer ", "Basic cm9vdDpjb3JyZWN0IGhvcnNlIGJhdHRlcnkgc3RhcGxl", 1)
	var got api.Verdict
	d.want(t, q, http.StatusOK, "").into(t, &got)
	if got.Allow || got.Reason != "not_accepted_here" {
		t.Errorf("got %+v, want not_accepted_here", got)
	}
	q.body = `{"method":"GET","url":"https://api.example.com/reports/7"}`
	d.want(t, q, http.StatusOK, "").into(t, &got)
	if got.Allow || got.Reason != "no_credential" {
		t.Errorf("got %+v, want no_credential", got)
	}
	if got, want := d.refused(t), []string{"verify no_credential none", "verify not_accepted_here password"}; !slices.Equal(got, want) {
		t.Errorf("got refusals %v, want %v", got, want)
	}
}

// TestVerifyServiceRate spends what a service takes by asking: to ask about a call is to count it, as it is for tokens. What may not
// pass anyway counts for nothing.
func TestVerifyServiceRate(t *testing.T) {
	d, _, tokens := verifying(t)
	_, err := d.catalog.Update(t.Context(), "reports", 0, catalog.Draft{
		Name: "reports", Host: "api.example.com", Verifiers: []string{"reporter"}, Rate: authority.Rate{Calls: 1, Per: time.Hour},
	}, audit.Actor{})
	check(t, err)
	for i, test := range []struct{ method, token, want string }{
		{"POST", tokens["alice"], "no_operation"},
		{"GET", flip(tokens["alice"]), "bad_checksum"},
		{"GET", tokens["alice"], ""},
		{"GET", tokens["alice"], "service_rate_limited"},
	} {
		path := "https://api.example.com/reports/7"
		got := d.verdictOf(t, verify(tokens["reporter"], test.method, path, test.token))
		if got.Allow != (test.want == "") || got.Reason != test.want {
			t.Errorf("ask %d: got %+v, want %q", i, got, test.want)
		}
		if got := len(d.refused(t)); got != min(len(test.want), 1) {
			t.Errorf("ask %d: got %d refusals in the audit log", i, got)
		}
	}
}

// TestWhoMayVerify: a verifier of one service learns nothing about another's calls, and who is none nothing at all.
func TestWhoMayVerify(t *testing.T) {
	d, _, tokens := verifying(t)
	const reports, bills, nowhere = "https://api.example.com/reports/7", "https://api.example.com/bills/7", "https://www.example.com/"
	notYours := api.Verdict{Reason: "not_verifier"}
	for _, tt := range []struct{ asker, url string }{{"biller", reports}, {"reporter", bills}, {"reporter", nowhere}} {
		for _, token := range []string{tokens["alice"], flip(tokens["alice"])} {
			got := d.verdictOf(t, verify(tokens[tt.asker], "GET", tt.url, token))
			if diff := cmp.Diff(notYours, got); diff != "" {
				t.Errorf("%s about %s (-want +got): %s", tt.asker, tt.url, diff)
			}
			if got := d.refused(t); !slices.Equal(got, []string{"verify not_verifier personal_token"}) {
				t.Errorf("got refusals %v, want not_verifier and nothing about the credential", got)
			}
		}
	}
	for _, asker := range []string{"alice", "stranger"} {
		for _, url := range []string{reports, bills, nowhere} {
			d.want(t, verify(tokens[asker], "GET", url, tokens["alice"]), http.StatusForbidden, api.CodeNotAllowed)
			if got := d.refused(t); !slices.Equal(got, []string{"v1 not_allowed personal_token"}) {
				t.Errorf("got refusals %v, want not_allowed", got)
			}
		}
	}
}

func TestVerifyErrors(t *testing.T) {
	d, _, tokens := verifying(t)
	const good = "https://api.example.com/reports/7"
	for _, tt := range []struct{ method, url, ip, field string }{
		{"", good, "", "method"},
		{"GET POST", good, "", "method"},
		{"GËT", good, "", "method"},
		{strings.Repeat("G", 65), good, "", "method"},
		{"GET", "", "", "url"},
		{"GET", "/reports/7", "", "url"},
		{"GET", "//api.example.com/reports/7", "", "url"},
		{"GET", "https:/reports/7", "", "url"},
		{"GET", "https:///reports/7", "", "url"},
		{"GET", "ftp://api.example.com/reports/7", "", "url"},
		{"GET", "https://user@api.example.com/reports/7", "", "url"},
		{"GET", `https://api.example.com\\@evil.example/reports/7`, "", "url"},
		{"GET", "https://api.example.com /reports/7", "", "url"},
		{"GET", good, "192.0.2.1:80", "remote_ip"},
		{"GET", good, "here", "remote_ip"},
	} {
		body := `{"method":"` + tt.method + `","url":"` + tt.url + `","remote_ip":"` + tt.ip + `"}`
		a := d.want(t, ask{route: "POST /v1/verify", token: tokens["root"], body: body}, http.StatusUnprocessableEntity, api.CodeInvalidField)
		if got := a.fields(t); len(got) != 1 || !strings.HasPrefix(got[0], tt.field+" ") {
			t.Errorf("%s: got %v, want the field %s", body, got, tt.field)
		}
	}
	for _, body := range []string{
		`{"method":"M-SEARCH","url":"` + good + `","remote_ip":"::ffff:192.0.2.1"}`,
		`{"method":"GET","url":"` + good + `","remote_ip":"fe80::1%eth0"}`,
	} {
		d.want(t, ask{route: "POST /v1/verify", token: tokens["root"], body: body}, http.StatusOK, "")
	}
}

// TestVerifyUnknown: where nobody can know, the answer is no verdict.
func TestVerifyUnknown(t *testing.T) {
	d, _, tokens := verifying(t)
	d.want(t, ask{route: "GET /v1/me", token: tokens["reporter"]}, http.StatusOK, "") // remembered from here on
	down := errors.New("the database is down")
	d.users.err.Store(&down)
	a := d.want(t, verify(tokens["reporter"], "GET", "https://api.example.com/reports/7", tokens["alice"]), http.StatusServiceUnavailable, api.CodeUnavailable)
	if a.header.Get("Retry-After") == "" {
		t.Error("got no Retry-After")
	}
	if got := d.refused(t); !slices.Equal(got, []string{"verify unavailable personal_token"}) {
		t.Errorf("got refusals %v, want unavailable", got)
	}
	if !strings.Contains(d.log.String(), down.Error()) {
		t.Errorf("the log doesn't tell why: %s", d.log)
	}
}

// TestVerifySealed asks about calls whose tokens come in the query, which is told in either place.
func TestVerifySealed(t *testing.T) {
	d, _, tokens := verifying(t)
	d.serve(t, 0, authority.KindsOf(authority.Sealed, authority.PersonalToken))
	_, err := d.projects.Create(t.Context(), project.Draft{Number: 7, Name: "Seven"}, audit.Actor{})
	check(t, err)
	set, _, err := d.projects.AddSet(t.Context(), 7, project.SetDraft{Name: "safe"}, audit.Actor{})
	check(t, err)
	d.service(t, catalog.Draft{Name: "documents", Host: "api.example.com", PathPrefix: "/documents", Project: 7, Verifiers: []string{"reporter"}}, "GET /{id} role:partner")
	sealed, err := d.projects.Seal(t.Context(), project.Screen{Number: 7, Set: set.ID, Parameter: "XST"}, secret.Text("UserName=alice&GenDT="+d.clock().Format("2006-01-02T15:04:05Z")), audit.Actor{})
	check(t, err)
	about := func(url, more string) ask {
		return ask{route: "POST /v1/verify", token: tokens["reporter"], body: `{"method":"GET","url":"https://api.example.com` + url + `"` + more + `}`}
	}
	good := "XST=" + sealed.URL
	for name, tt := range map[string]struct {
		ask    ask
		reason string
	}{
		"in the URL":                       {about("/documents/7?"+good, ""), ""},
		"in query":                         {about("/documents/7", `,"query":"`+good+`"`), ""},
		"in query, with its question mark": {about("/documents/7?", `,"query":"?`+good+`"`), ""},
		"nowhere":                          {about("/documents/7", ""), "no_credential"},
		"to a service without a project":   {about("/reports/7?"+good, ""), "no_credential"},
		"a token that was changed":         {about("/documents/7?XST=A"+sealed.URL[1:]+"A", ""), "bad_seal"},
		"twice":                            {about("/documents/7?"+good+"&xst=1", ""), "two_credentials"},
		"beside a token in Authorization":  {about("/documents/7?"+good, `,"authorization":"Bearer `+tokens["alice"]+`"`), "two_credentials"},
	} {
		got := d.verdictOf(t, tt.ask)
		if got.Allow != (tt.reason == "") || got.Reason != tt.reason || got.Allow && got.Principal.Username != "alice" {
			t.Errorf("%s: got %+v, want %q", name, got, tt.reason)
		}
	}
	problem := d.want(t, about("/documents/7?x=1", `,"query":"`+good+`"`), http.StatusUnprocessableEntity, api.CodeInvalidField)
	if !strings.Contains(problem.body, `"field":"query"`) || strings.Contains(problem.body, sealed.URL) {
		t.Errorf("got %s, want a problem of the field query that doesn't repeat it", problem.body)
	}
}

// TestVerifySealedReasons: a verifier who isn't an administrator gets one reason for whatever is wrong with a sealed token. From more he
// would learn, a padding at a time, what stands in the tokens that its callers send, the project's app keys too, and could seal others.
// Administrators and the audit log have the reason.
func TestVerifySealedReasons(t *testing.T) {
	d := newDesk(t)
	_, reporter := d.user(t, account.Draft{Username: "reporter", Kind: account.Service})
	d.postProject(t, `{"number":1000,"name":"XDOC","app_keys":["right"]}`)
	set, _ := d.postSet(t, `{"name":"old","mode":"CBC"}`)
	d.service(t, catalog.Draft{Name: "reports", Host: "api.example.com", Project: 1000, Verifiers: []string{"reporter"}})
	d.serve(t, authority.KindsOf(authority.PersonalToken), authority.KindsOf(authority.Sealed))
	at := func(ago time.Duration) string { return "&GenDT=" + d.clock().Add(-ago).Format("2006-01-02T15:04:05Z") }
	for reason, plain := range map[string]string{
		"wrong_fields":  "AppKey=right",
		"expired":       "AppKey=right" + at(time.Hour),
		"not_yet":       "AppKey=right" + at(-time.Hour),
		"wrong_app_key": "AppKey=wrong" + at(0),
		"unknown_user":  "AppKey=right&UserName=nobody" + at(0),
		"bad_seal":      "",
	} {
		query := "XST=AAAA"
		if plain != "" {
			query = "XST=" + d.encrypt(t, set.ID, plain, "XST").URL
		}
		for asker, want := range map[string]string{d.adminToken: reason, reporter: "bad_seal"} {
			got := d.verdict(t, asker, api.VerifyRequest{Method: "GET", URL: "https://api.example.com/reports/7", Query: query, RemoteIP: "203.0.113.9"})
			if got.Allow || got.Reason != want || got.Principal != nil {
				t.Errorf("%s: got %+v, want the reason %s", plain, got, want)
			}
			if got := d.refused(t); !slices.Equal(got, []string{"verify " + reason + " sealed"}) {
				t.Errorf("%s: got refusals %v, want %s", plain, got, reason)
			}
		}
	}
}
