package session_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/catalog"
	"github.com/jeton-io/jeton/internal/project"
	"github.com/jeton-io/jeton/internal/secret"
	"github.com/jeton-io/jeton/internal/session"
	inside "github.com/jeton-io/jeton/test/desk"
)

// portal is a desk with the project 1000 and two services, of which one is the project's.
type portal struct {
	*inside.Desk
	project project.Project
	set     project.TokenSet
}

// byCookie is the gateway's door.
var byCookie = &authority.Door{Name: "gateway", Kinds: authority.KindsOf(authority.APISession, authority.Sealed)}

func newPortal(t *testing.T) *portal {
	t.Helper()
	p := &portal{Desk: inside.New(t, inside.Options{})}
	var err error
	p.project, err = p.Projects.Create(t.Context(), project.Draft{
		Number: 1000, Name: "Portal", AllowedIPs: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")},
	}, actor)
	inside.Check(t, err)
	p.set, _, err = p.Projects.AddSet(t.Context(), 1000, project.SetDraft{Name: "safe"}, actor)
	inside.Check(t, err)
	for name, number := range map[string]int{"documents": 1000, "other": 0} {
		_, err = p.Catalog.Create(t.Context(), catalog.Draft{Name: name, Host: name + ".example.com", Project: number}, actor)
		inside.Check(t, err)
		_, err = p.Catalog.Replace(t.Context(), name, 1, []catalog.Operation{
			{Pattern: "GET /{id}", Audience: []string{"role:partner"}}, {Pattern: "GET /admin/{id}", Audience: []string{"role:admin"}},
		}, actor)
		inside.Check(t, err)
	}
	return p
}

// query returns the query of a call with a token for a user.
func (p *portal) query(t *testing.T, user string) string {
	t.Helper()
	text := "UserName=" + user + "&GenDT=" + p.Now().Format("2006-01-02T15:04:05Z")
	made, err := p.Projects.Seal(t.Context(), project.Screen{Number: 1000, Set: p.set.ID, Parameter: "XST"}, secret.Text(text), audit.Actor{})
	inside.Check(t, err)
	return "XST=" + made.URL
}

// begin begins a session for whoever a token names.
func (p *portal) begin(t *testing.T, user string) (secret.Text, authority.Principal) {
	t.Helper()
	in := &authority.Presented{Method: "GET", Host: "documents.example.com", Path: "/7", Query: p.query(t, user), Peer: inside.Peer}
	owner, err := p.Authority.Identify(t.Context(), in, byCookie)
	inside.Check(t, err)
	api, s, err := p.Browsers.BeginSealed(t.Context(), &owner, actor)
	inside.Check(t, err)
	if s.Sealed.Project != p.project.ID || s.UserID != owner.ID {
		t.Fatalf("got the session %+v, want it to be of the project and of %s", s, user)
	}
	return api, owner
}

// call is a browser's call with the cookie of the APIs.
func call(api secret.Text, host, path string) *authority.Presented {
	return &authority.Presented{Cookie: []string{inside.APICookie + "=" + api.Reveal()}, Method: "GET", Host: host, Path: path, Peer: inside.Peer}
}

// TestSealedSession: a session that sealed tokens began opens their project's services, from its addresses, without what administrators
// may; cold and warm.
func TestSealedSession(t *testing.T) {
	p := newPortal(t)
	p.User(t, "chief", account.Person, "admin", "partner")
	api, _ := p.begin(t, "chief")
	elsewhere := call(api, "documents.example.com", "/7")
	elsewhere.Peer = netip.MustParseAddr("198.51.100.7")
	if secret.Valid(api.Reveal(), secret.API) || !secret.Valid(api.Reveal(), secret.SealedAPI) {
		t.Error("a Jeton that knows of no limits would look its cookie up")
	}
	for range 2 {
		for _, tt := range []struct {
			name string
			in   *authority.Presented
			want authority.Reason
		}{
			{"its service", call(api, "documents.example.com", "/7"), ""},
			{"what administrators may", call(api, "documents.example.com", "/admin/7"), authority.ReasonNotInAudience},
			{"another's service", call(api, "other.example.com", "/7"), authority.ReasonWrongAudience},
			{"from elsewhere", elsewhere, authority.ReasonAddressNotAllowed},
		} {
			got := p.Authority.Decide(t.Context(), tt.in, byCookie)
			if got.Reason != tt.want || got.Allowed() && slices.Contains(got.Principal.Roles, authority.AdminRole) {
				t.Errorf("%s: got %q with the roles %v, want %q", tt.name, got.Reason, got.Principal.Roles, tt.want)
			}
		}
	}
	own, err := p.Browsers.Begin(t.Context(), &p.Admin, uuid.Nil, actor)
	inside.Check(t, err)
	if got := p.Authority.Decide(t.Context(), call(own.API, "other.example.com", "/admin/7"), byCookie); !got.Allowed() {
		t.Errorf("twin: got %q for a session that a password began, want it let in", got.Reason)
	}
}

// TestSealedSessionEnds: with each change of the project, of a set of it, and with either's end. Who logged in goes on.
func TestSealedSessionEnds(t *testing.T) {
	for name, change := range map[string]func(*testing.T, *portal) error{
		"the project is changed": func(t *testing.T, p *portal) error {
			_, err := p.Projects.Update(t.Context(), 1000, 0, project.Patch{Name: new("Other")}, actor)
			return err
		},
		"a set is changed": func(t *testing.T, p *portal) error {
			_, err := p.Projects.UpdateSet(t.Context(), 1000, p.set.ID, project.SetPatch{Active: new(false)}, actor)
			return err
		},
		"a set is deleted":       func(t *testing.T, p *portal) error { return p.Projects.DeleteSet(t.Context(), 1000, p.set.ID, actor) },
		"the project is deleted": func(t *testing.T, p *portal) error { return p.Projects.Delete(t.Context(), 1000, actor) },
	} {
		t.Run(name, func(t *testing.T) {
			p := newPortal(t)
			p.User(t, "ann", account.Person, "partner")
			api, owner := p.begin(t, "ann")
			query := &authority.Presented{Method: "GET", Host: "documents.example.com", Path: "/7", Query: p.query(t, "ann"), Peer: inside.Peer}
			own, err := p.Browsers.Begin(t.Context(), &owner, uuid.Nil, actor)
			inside.Check(t, err)
			for _, in := range []*authority.Presented{call(api, "documents.example.com", "/7"), call(own.API, "documents.example.com", "/7"), query} {
				if got := p.Authority.Decide(t.Context(), in, byCookie); !got.Allowed() {
					t.Fatalf("got %q before, want it let in", got.Reason)
				}
			}
			inside.Check(t, change(t, p))
			if got := p.Authority.Decide(t.Context(), call(api, "documents.example.com", "/7"), byCookie); got.Reason != authority.ReasonEnded {
				t.Errorf("got %q for the tokens' session, want %q", got.Reason, authority.ReasonEnded)
			}
			if got := p.Authority.Decide(t.Context(), call(own.API, "documents.example.com", "/7"), byCookie); !got.Allowed() {
				t.Errorf("got %q for the session of who logged in, want it to go on", got.Reason)
			}
			if got := p.Authority.Decide(t.Context(), query, byCookie); got.Allowed() != (name == "the project is changed") {
				t.Errorf("got %q for a token that was remembered, want it asked about anew", got.Reason)
			}
		})
	}
	t.Run("nothing is changed", func(t *testing.T) {
		p := newPortal(t)
		p.User(t, "ann", account.Person, "partner")
		api, _ := p.begin(t, "ann")
		_, _, err := p.Projects.AddSet(t.Context(), 1000, project.SetDraft{Name: "another"}, actor)
		inside.Check(t, err)
		if got := p.Authority.Decide(t.Context(), call(api, "documents.example.com", "/7"), byCookie); !got.Allowed() {
			t.Errorf("got %q after a set was added, want it to go on", got.Reason)
		}
		p.Advance(t, 50*time.Minute)
		if got := p.Authority.Decide(t.Context(), call(api, "documents.example.com", "/7"), byCookie); !got.Allowed() {
			t.Errorf("got %q after its token has ended, want it to go on", got.Reason)
		}
	})
}

// TestBeginSealedRefuses: a session of sealed tokens is begun by them alone. By anything else it would be one without limits.
func TestBeginSealedRefuses(t *testing.T) {
	p := newPortal(t)
	p.User(t, "ann", account.Person, "partner")
	_, good := p.begin(t, "ann")
	for name, change := range map[string]func(*authority.Principal){
		"another kind": func(o *authority.Principal) { o.CredentialKind = authority.PersonalToken },
		"no limits":    func(o *authority.Principal) { o.Limits = nil },
		"other limits": func(o *authority.Principal) { o.Limits = &authority.Limits{WithoutAdmin: true} },
	} {
		owner := good
		change(&owner)
		if api, s, err := p.Browsers.BeginSealed(t.Context(), &owner, actor); err == nil || api != "" || s.ID != uuid.Nil {
			t.Errorf("%s: got %+v and %v, want an error and no session", name, s, err)
		}
	}
	inside.Check(t, p.Projects.Delete(t.Context(), 1000, actor))
	if _, _, err := p.Browsers.BeginSealed(t.Context(), &good, audit.Actor{}); err == nil {
		t.Error("got no error where the project was deleted meanwhile")
	}
}

// TestSealedSessionsConsole: nobody is given the console's secret of such a session; who came by it all the same wouldn't be let in.
func TestSealedSessionsConsole(t *testing.T) {
	p := newPortal(t)
	p.User(t, "ann", account.Person, "admin")
	_, owner := p.begin(t, "ann")
	var read bytes.Buffer
	browsers, err := session.NewBrowsers(session.Config{
		Store: p.Store, Keyring: p.Keyring, Applied: p.Feed.CatchUp, Now: p.Now, Random: io.TeeReader(rand.Reader, &read), Idle: time.Hour, Lifetime: time.Hour,
	})
	inside.Check(t, err)
	for _, sealed := range []bool{true, false} {
		read.Reset()
		if sealed {
			_, _, err = browsers.BeginSealed(t.Context(), &owner, actor)
		} else {
			_, err = browsers.Begin(t.Context(), &owner, uuid.Nil, actor)
		}
		inside.Check(t, err)
		console, err := secret.Make(secret.Console, &read) // as it was made
		inside.Check(t, err)
		want := ""
		if sealed {
			want = string(authority.ReasonNotAcceptedHere)
		}
		got, err := p.Authority.Identify(t.Context(), &authority.Presented{Method: "GET", Cookie: []string{inside.ConsoleCookie + "=" + console.Reveal()}, Peer: inside.Peer},
			&authority.Door{Name: "v1", Kinds: authority.KindsOf(authority.ConsoleSession)})
		if ref, ok := errors.AsType[*authority.Refusal](err); ok != sealed || ok && string(ref.Reason) != want {
			t.Errorf("got %+v and %v by the console's cookie, begun by sealed tokens: %t", got, err, sealed)
		}
	}
}
