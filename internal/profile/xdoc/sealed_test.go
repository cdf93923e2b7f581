package xdoc_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/catalog"
	"github.com/jeton-io/jeton/internal/profile/xdoc"
	"github.com/jeton-io/jeton/internal/project"
	"github.com/jeton-io/jeton/internal/secret"
	"github.com/jeton-io/jeton/test/desk"
)

// sealing is the profile before the real way in, with a project and a set of it.
type sealing struct {
	*edge
	number int
	set    project.TokenSet
}

func newSealing(t *testing.T, draft project.Draft, set project.SetDraft) *sealing {
	t.Helper()
	d := newEdge(t)
	cfg := d.config()
	cfg.Authority = d.Authority
	h, err := xdoc.New(cfg)
	check(t, err)
	server := httptest.NewServer(d.Logged(h))
	t.Cleanup(server.Close)
	d.Server = server
	draft.Number, draft.Name, set.Name = 7, "Documents", "theirs"
	_, err = d.Projects.Create(t.Context(), draft, audit.Actor{})
	check(t, err)
	made, _, err := d.Projects.AddSet(t.Context(), draft.Number, set, audit.Actor{})
	check(t, err)
	return &sealing{d, draft.Number, made}
}

// seal returns a parameter whose token has the fields, and was made some time ago.
func (s *sealing) seal(t *testing.T, parameter, fields string, ago time.Duration) string {
	t.Helper()
	text := fields + "&GenDT=" + url.QueryEscape(s.Now().Add(-ago).Format(time.RFC3339))
	made, err := s.Projects.Seal(t.Context(), project.Screen{Number: s.number, Set: s.set.ID, Parameter: parameter}, secret.Text(strings.TrimPrefix(text, "&")), audit.Actor{})
	check(t, err)
	return "&" + parameter + "=" + made.URL
}

// TestSealed sends tokens that a project has made, and what their session is good for.
func TestSealed(t *testing.T) {
	s := newSealing(t, project.Draft{}, project.SetDraft{})
	for _, own := range []bool{true, false} {
		draft := catalog.Draft{Name: fmt.Sprint("own-", own), Host: "api.example.com", PathPrefix: fmt.Sprint("/", own), Default: "authenticated"}
		if own {
			draft.Project = s.number
		}
		_, err := s.Catalog.Create(t.Context(), draft, audit.Actor{})
		check(t, err)
	}
	xst, xut := s.seal(t, "XST", "AppId=a", 0), s.seal(t, "XUT", "UserName=john", 0)
	for _, q := range []request{
		get("/XDocApi/?XM=App.ApiTest&InputData=x&ProjectId=7" + xst + xut), post("/XDocApi/?XM=App.ApiTest&InputData=x", "ProjectId=7"+xst+xut),
		get("/XDocApi/?XM=App.ApiTest&InputData=x&ProjectId=7" + xst),
	} {
		a := s.send(t, q)
		a.wantCode(t, http.StatusOK, "0")
	}
	s.wantRefused(t, "", "", "")
	a := s.send(t, get("/XDocUi/?AppLink=y&ProjectId=7"+xst+xut))
	cookies := (&http.Response{Header: a.header}).Cookies()
	if a.status != http.StatusSeeOther || a.header.Get("Location") != "/XDocUi/?AppLink=y&ProjectId=7" || len(cookies) != 1 {
		t.Fatalf("got %s, want a session", a.raw)
	}
	for path, want := range map[string]authority.Reason{"/true/a": "", "/false/a": authority.ReasonWrongAudience} {
		in := authority.Presented{
			Cookie: []string{cookies[0].Name + "=" + cookies[0].Value}, Method: "GET", Host: "api.example.com", Path: path, Peer: netip.MustParseAddr(clientAddress),
		}
		got := s.Authority.Decide(t.Context(), &in, &authority.Door{Name: "gateway", Kinds: authority.KindsOf(authority.APISession)})
		if got.Reason != want || want == "" && (got.Principal.Username != "john" || slices.Contains(got.Principal.Roles, authority.AdminRole)) {
			t.Errorf("%s: got %q, %+v, want %q, and john without that role", path, got.Reason, got.Principal, want)
		}
	}
	in := authority.Presented{Cookie: []string{desk.ConsoleCookie + "=" + cookies[0].Value}, Method: "GET"}
	if p, err := s.Authority.Identify(t.Context(), &in, &authority.Door{Name: "console", Kinds: authority.KindsOf(authority.ConsoleSession)}); err == nil {
		t.Errorf("got %s into the console", p.Username)
	}
}

// TestSealedRefusals has real tokens refused for what is wrong with them, in the same bytes.
func TestSealedRefusals(t *testing.T) {
	s := newSealing(t, project.Draft{SecurityContext: "MySecurityContext", AppKeys: []secret.Text{"key"}}, project.SetDraft{})
	fine := "Context=MySecurityContext&AppKey=key"
	xst, xut := s.seal(t, "XST", fine, 0), s.seal(t, "XUT", "UserName=john", 0)
	changed := []byte(xst)
	changed[len("&XST=")+20] ^= 1
	for name, tc := range map[string]struct{ query, reason string }{
		"changed":                   {"&ProjectId=7" + string(changed) + xut, "bad_seal"},
		"too old":                   {"&ProjectId=7" + s.seal(t, "XST", fine, 15*time.Minute) + xut, "expired"},
		"of another context":        {"&ProjectId=7" + s.seal(t, "XST", "Context=b&AppKey=key", 0) + xut, "wrong_context"},
		"for another context":       {"&ProjectId=7&XSC=b" + xst + xut, "wrong_context"},
		"of another key":            {"&ProjectId=7" + s.seal(t, "XST", "Context=MySecurityContext&AppKey=kez", 0) + xut, "wrong_app_key"},
		"of another project":        {xst + xut, "bad_seal"},
		"for no project":            {"&ProjectId=8" + xst + xut, "unknown_project"},
		"an unknown user":           {"&ProjectId=7" + xst + s.seal(t, "XUT", "UserName=jon", 0), "unknown_user"},
		"each in the other's place": {"&ProjectId=7" + strings.NewReplacer("XST", "XUT", "XUT", "XST").Replace(xst+xut), "bad_seal"},
	} {
		t.Run(name, func(t *testing.T) {
			s.send(t, get("/XDocApi/?XM=App.ApiTest&XSC=MySecurityContext&ProjectId=7"+xst+xut)).wantCode(t, 200, "0")
			s.refused()
			s.golden(t, "ui-refused", s.send(t, get("/XDocUi/?a=b"+tc.query)))
			s.wantRefused(t, tc.reason, "sealed", "GET /XDocUi/")
			s.send(t, get("/XDocApi/?XM=App.ApiTest"+tc.query)).wantCode(t, 200, "403")
			s.wantRefused(t, tc.reason, "sealed", "GET /XDocApi/")
		})
	}
}

// TestNewUser: who isn't known yet is made, and comes in by the same tokens, also where they count once.
func TestNewUser(t *testing.T) {
	for _, once := range []bool{false, true} {
		t.Run(fmt.Sprint("once: ", once), func(t *testing.T) {
			s := newSealing(t, project.Draft{CreateUsers: true}, project.SetDraft{OneTime: once})
			query := "?ProjectId=7" + s.seal(t, "XST", "AppId=a", 0) + s.seal(t, "XUT", "UserName=zoe&Email=zoe@example.com", 0)
			a := s.send(t, get("/XDocUi/"+query))
			if a.status != http.StatusSeeOther {
				t.Errorf("got %s, want a session; refused: %+v", a.raw, s.refused())
			}
			if u, err := s.Accounts.FindByName(t.Context(), "zoe"); err != nil || u.Kind != account.Person {
				t.Errorf("got %+v, %v, want a user", u, err)
			}
			again := s.send(t, get("/XDocUi/"+query))
			if want := map[bool]int{false: 303, true: 403}[once]; again.status != want {
				t.Errorf("again: got %d, want %d", again.status, want)
			}
		})
	}
}

// TestGuesses: who sends one bad token after the other is told to wait, and others are not.
func TestGuesses(t *testing.T) {
	s := newSealing(t, project.Draft{}, project.SetDraft{Mode: new("CBC")}) // of GCM, good ones go on
	var a answer
	for range 130 {
		if a = s.send(t, get("/XDocApi/?ProjectId=7&XST=abc")); a.status != http.StatusOK {
			break
		}
	}
	a.wantCode(t, http.StatusTooManyRequests, "429")
	if a.header.Get("Retry-After") == "" {
		t.Errorf("got %s, want it told for how long", a.raw)
	}
	good := get("/XDocApi/?XM=App.ApiTest&ProjectId=7" + s.seal(t, "XST", "AppId=a", 0))
	s.send(t, good).wantCode(t, http.StatusTooManyRequests, "429")
	elsewhere := good
	elsewhere.headers = []string{"X-Forwarded-For: 203.0.113.9"}
	s.Peers.Set(nil) // so that the tests' own machine is the client
	s.send(t, elsewhere).wantCode(t, http.StatusOK, "0")
}
