package authority_test

import (
	"context"
	"crypto/rand"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/policy"
	"github.com/jeton-io/jeton/internal/secret"
)

var (
	projectID    = uuid.MustParse("0190a0c0-7777-7abc-8def-000000000001")
	otherProject = uuid.MustParse("0190a0c0-7777-7abc-8def-000000000002")
	parameters   = authority.Parameters{Security: "XST", User: "XUT", Context: "XSC", Project: "ProjectId"}
	// sealedDoor takes what comes in a query, or by a token.
	sealedDoor = &authority.Door{Name: "gateway", Kinds: authority.KindsOf(authority.PersonalToken, authority.Sealed, authority.ConsoleSession)}
)

// sealedWay is a way in whose records are found by all that sealed tokens are, in one text.
type sealedWay struct{ *way }

func (w sealedWay) Prove(ctx context.Context, c authority.Credential) (authority.Proof, error) {
	c.Text = sealedText(&c.Sealed)
	return w.way.Prove(ctx, c)
}

func sealedText(s *authority.SealedTokens) secret.Text {
	return secret.Text(strings.Join([]string{s.Project.String(), s.Number.Reveal(), s.Context.Reveal(), s.Security.Reveal(), s.User.Reveal()}, " "))
}

// sealedDesk is a desk with three services: documents and archive have projects, reports has none.
type sealedDesk struct {
	*desk
	sealed *way
}

func newSealedDesk(t testing.TB, names authority.Parameters) *sealedDesk {
	t.Helper()
	partners := []policy.Audience{policy.RoleAudience("partner")}
	admins := []policy.Audience{policy.RoleAudience(authority.AdminRole)}
	ops := []policy.Operation{{Pattern: "GET /{id}", Audience: partners}, {Pattern: "DELETE /{id}", Audience: admins}}
	table, err := policy.Compile([]policy.Service{
		{ID: uuid.New(), Name: "documents", Host: "api.example.com", PathPrefix: "/documents", Project: projectID, Operations: ops},
		{ID: uuid.New(), Name: "archive", Host: "api.example.com", PathPrefix: "/archive", Project: otherProject, Operations: ops},
		{ID: uuid.New(), Name: "reports", Host: "api.example.com", PathPrefix: "/reports", Operations: ops},
	})
	if err != nil {
		t.Fatal(err)
	}
	d := &sealedDesk{sealed: newWay(authority.Sealed, "")}
	d.desk = &desk{
		personal: newWay(authority.PersonalToken, "jtp-"), console: newWay(authority.ConsoleSession, ""),
		people: &people{users: map[uuid.UUID]authority.User{}}, refusals: audit.NewRefusals(1000),
	}
	d.clock.Store(epoch.UnixMicro())
	d.Authority, err = authority.New(authority.Config{
		Ways: []authority.Way{d.personal, d.console, sealedWay{d.sealed}}, Users: d.people, Policy: func() *policy.Table { return table },
		Cookies: []authority.Cookie{{Kind: authority.ConsoleSession, Name: "console"}}, Refusals: d.refusals, Parameters: names,
		Fresh: func() bool { return true }, Now: d.now, Random: rand.Reader,
	})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// put makes tokens good for a user.
func (d *sealedDesk) put(s authority.SealedTokens, owner authority.User, l *authority.Limits) uuid.UUID {
	id := uuid.Must(uuid.NewV7())
	d.sealed.put(sealedText(&s).Reveal(), authority.Proof{ID: id, UserID: owner.ID, Limits: l, Remember: true})
	return id
}

// query is a call to a service of the project, or to another.
func query(method, path, query string, authorization ...string) *authority.Presented {
	return &authority.Presented{Authorization: authorization, Method: method, Host: "api.example.com", Path: path, Query: query, Peer: peer}
}

// TestSealedInQuery: tokens are found under their names, whatever their case and encoding, and handed over as they stand there.
func TestSealedInQuery(t *testing.T) {
	for name, tt := range map[string]struct {
		query string
		want  authority.SealedTokens
	}{
		"alone":                 {"XST=a%2Bb", authority.SealedTokens{Security: "a%2Bb"}},
		"the user's":            {"XUT=b", authority.SealedTokens{User: "b"}},
		"all":                   {"XSC=c&XST=a&ProjectId=7&XUT=b", authority.SealedTokens{Security: "a", User: "b", Context: "c", Number: "7"}},
		"among others":          {"x=1&XST=a&&y&XS=2&XSTX=3", authority.SealedTokens{Security: "a"}},
		"in another case":       {"xSt=a&projectID=7", authority.SealedTokens{Security: "a", Number: "7"}},
		"percent-encoded":       {"%58ST=a&%70rojectid=7", authority.SealedTokens{Security: "a", Number: "7"}},
		"with an equals sign":   {"XST=a==", authority.SealedTokens{Security: "a=="}},
		"beside an empty one":   {"XST=a&XUT=", authority.SealedTokens{Security: "a"}},
		"a name that is none":   {"XST=a&%zzXST=b&XST%00=c&+XST=d", authority.SealedTokens{Security: "a"}},
		"a letter beyond ASCII": {"XST=a&X%C5%BFT=b", authority.SealedTokens{Security: "a"}},
	} {
		t.Run(name, func(t *testing.T) {
			d := newSealedDesk(t, parameters)
			tt.want.Project = projectID
			id := d.put(tt.want, d.person("alice"), nil)
			got := d.Decide(t.Context(), query("GET", "/documents/7", tt.query), sealedDoor)
			if !got.Allowed() || got.Kind != authority.Sealed || got.Principal.CredentialID != id {
				t.Errorf("got %+v, want it let in by the tokens", got)
			}
		})
	}
}

// TestSealedRefused: what stands twice, too long or beside another credential is refused before anybody looks at it; each has its twin.
func TestSealedRefused(t *testing.T) {
	long := strings.Repeat("a", 8*1024)
	for name, tt := range map[string]struct {
		bad, good *authority.Presented
		reason    authority.Reason
	}{
		"beside a bearer token":                  {query("GET", "/documents/7", "XST=a", "Bearer jtp-alice"), query("GET", "/documents/7", "XSU=a", "Bearer jtp-alice"), "two_credentials"},
		"beside a user token and a bearer token": {query("GET", "/documents/7", "XUT=a", "Bearer jtp-alice"), query("GET", "/documents/7", "XUU=a", "Bearer jtp-alice"), "two_credentials"},
		"beside what is no bearer token":         {query("GET", "/documents/7", "XST=a", "Bearer x"), query("GET", "/documents/7", "XST=a"), "two_credentials"},
		"twice":                                  {query("GET", "/documents/7", "XST=a&XST=a"), query("GET", "/documents/7", "XST=a&XSU=a"), "two_credentials"},
		"twice, once in small letters":           {query("GET", "/documents/7", "XST=a&xst=b"), query("GET", "/documents/7", "XST=a&xsu=b"), "two_credentials"},
		"twice, once percent-encoded":            {query("GET", "/documents/7", "XST=a&X%53T=b"), query("GET", "/documents/7", "XST=a&X%54T=b"), "two_credentials"},
		"twice, once without a value":            {query("GET", "/documents/7", "XST=a&XST"), query("GET", "/documents/7", "XST=a&XSU"), "two_credentials"},
		"a context twice":                        {query("GET", "/documents/7", "XST=a&XSC=c&XsC=c"), query("GET", "/documents/7", "XST=a"), "two_credentials"},
		"a project twice":                        {query("GET", "/documents/7", "XST=a&ProjectId=7&PROJECTID=7"), query("GET", "/documents/7", "XST=a"), "two_credentials"},
		"too long":                               {query("GET", "/documents/7", "XST="+long+"a"), query("GET", "/documents/7", "XST="+long), "too_long"},
	} {
		t.Run(name, func(t *testing.T) {
			d := newSealedDesk(t, parameters)
			alice := d.person("alice")
			d.personal.token("jtp-alice", alice)
			d.put(authority.SealedTokens{Project: projectID, Security: "a"}, alice, nil)
			d.put(authority.SealedTokens{Project: projectID, Security: secret.Text(long)}, alice, nil)
			got := d.Decide(t.Context(), tt.bad, sealedDoor)
			if got.Reason != tt.reason || got.Outcome != authority.OutcomeMalformed || d.sealed.asked.Load()+d.personal.asked.Load() != 0 {
				t.Errorf("got %+v after %d questions, want %s after none", got, d.sealed.asked.Load(), tt.reason)
			}
			if got := d.Decide(t.Context(), tt.good, sealedDoor); !got.Allowed() {
				t.Errorf("twin: got %s, want it let in", got.Reason)
			}
		})
	}
}

// TestSealedElsewhere: to a service without a project, and where no names are known, the parameters are the service's own.
func TestSealedElsewhere(t *testing.T) {
	for name, tt := range map[string]struct {
		names authority.Parameters
		path  string
	}{"a service without a project": {parameters, "/reports/7"}, "no names": {authority.Parameters{}, "/documents/7"}} {
		t.Run(name, func(t *testing.T) {
			d := newSealedDesk(t, tt.names)
			d.personal.token("jtp-alice", d.person("alice"))
			for _, q := range []string{"XST=a", "XST=a&XST=b", "XST=" + strings.Repeat("a", 9000)} {
				if got := d.Decide(t.Context(), query("GET", tt.path, q, "Bearer jtp-alice"), sealedDoor); !got.Allowed() {
					t.Errorf("got %s beside a bearer token, want it let in by that", got.Reason)
				}
				if got := d.Decide(t.Context(), query("GET", tt.path, q), sealedDoor); got.Reason != authority.ReasonNoCredential {
					t.Errorf("got %q alone, want no_credential", got.Reason)
				}
			}
		})
	}
	d := newSealedDesk(t, parameters)
	if got := d.Decide(t.Context(), query("GET", "/nowhere/7", "XST=a&XST=b"), sealedDoor); got.Reason != authority.ReasonNoCredential {
		t.Errorf("got %q for no service, want no_credential", got.Reason)
	}
	if got := d.Decide(t.Context(), query("GET", "/documents/7", "XST=a"), tokenDoor); got.Reason != authority.ReasonNotAcceptedHere || d.sealed.asked.Load() != 0 {
		t.Errorf("got %q at a door that doesn't take them, want not_accepted_here", got.Reason)
	}
}

// TestSealedBesideCookie: what a call says expressly wins over what a browser adds to it.
func TestSealedBesideCookie(t *testing.T) {
	d := newSealedDesk(t, parameters)
	d.console.put("c", authority.Proof{ID: uuid.New(), UserID: d.person("bob").ID})
	d.put(authority.SealedTokens{Project: projectID, Security: "a"}, d.person("alice"), nil)
	in := query("GET", "/documents/7", "XST=a")
	in.Cookie = []string{"console=c"}
	if got := d.Decide(t.Context(), in, sealedDoor); got.Principal.Username != "alice" {
		t.Errorf("got %q (%s), want alice, by the tokens", got.Principal.Username, got.Reason)
	}
	in.Query = "XSU=a"
	if got := d.Decide(t.Context(), in, sealedDoor); got.Principal.Username != "bob" {
		t.Errorf("twin: got %q (%s), want bob, by the cookie", got.Principal.Username, got.Reason)
	}
}

// TestSealedLimits: a proof counts at its project's services alone, and where its tokens can be forged without the powers of an
// administrator; cold and warm.
func TestSealedLimits(t *testing.T) {
	for name, withoutAdmin := range map[string]bool{"forgeable": true, "authenticated": false} {
		t.Run(name, func(t *testing.T) {
			d := newSealedDesk(t, parameters)
			root := d.person("root")
			root.Roles = []string{authority.AdminRole, "partner"}
			d.people.put(root)
			limits := &authority.Limits{Project: projectID, WithoutAdmin: withoutAdmin}
			for _, p := range []uuid.UUID{projectID, otherProject} {
				d.put(authority.SealedTokens{Project: p, Security: "a"}, root, limits)
			}
			for range 2 { // cold and warm
				got := d.Decide(t.Context(), query("GET", "/documents/7", "XST=a"), sealedDoor)
				if !got.Allowed() || slices.Contains(got.Principal.Roles, authority.AdminRole) == withoutAdmin || got.Principal.Admin() == withoutAdmin {
					t.Errorf("got %s with the roles %v, want it let in, as an administrator: %t", got.Reason, got.Principal.Roles, !withoutAdmin)
				}
				if !slices.Contains(got.Principal.Roles, "partner") {
					t.Errorf("got the roles %v, want the others kept", got.Principal.Roles)
				}
				wantReason := authority.Reason("")
				if withoutAdmin {
					wantReason = authority.ReasonNotInAudience
				}
				if got := d.Decide(t.Context(), query("DELETE", "/documents/7", "XST=a"), sealedDoor); got.Reason != wantReason {
					t.Errorf("got %q for what administrators alone may do, want %q", got.Reason, wantReason)
				}
				if got := d.Decide(t.Context(), query("GET", "/archive/7", "XST=a"), sealedDoor); got.Reason != authority.ReasonWrongAudience {
					t.Errorf("got %q at another project's service, want wrong_audience", got.Reason)
				}
				p, err := d.Identify(t.Context(), query("GET", "/documents/7", "XST=a"), sealedDoor)
				if err != nil || p.Admin() == withoutAdmin {
					t.Errorf("got %+v and %v, want an administrator: %t", p, err, !withoutAdmin)
				}
			}
			if got := d.sealed.asked.Load(); got != 2 {
				t.Errorf("got %d proofs, want one for each project", got)
			}
			if !root.Admin() || !slices.Contains(root.Roles, authority.AdminRole) {
				t.Errorf("got the roles %v, want the user's own untouched", root.Roles)
			}
		})
	}
}

// TestSealedKey: what is remembered counts for exactly what was proven: each part of it, in its place.
func TestSealedKey(t *testing.T) {
	d := newSealedDesk(t, parameters)
	alice := d.person("alice")
	d.put(authority.SealedTokens{Project: projectID, Number: "1", Context: "2", Security: "3", User: "4"}, alice, nil)
	whole := "ProjectId=1&XSC=2&XST=3&XUT=4"
	ask := func(path, q string) authority.Reason {
		return d.Decide(t.Context(), query("GET", path, q), sealedDoor).Reason
	}
	for range 2 {
		if got := ask("/documents/7", whole); got != "" {
			t.Fatalf("got %q, want it let in", got)
		}
	}
	if got := d.sealed.asked.Load(); got != 1 {
		t.Fatalf("got %d proofs, want it remembered", got)
	}
	for _, q := range []string{
		"ProjectId=2&XSC=2&XST=3&XUT=4", "ProjectId=1&XSC=1&XST=3&XUT=4", "ProjectId=1&XSC=2&XST=4&XUT=4", "ProjectId=1&XSC=2&XST=3&XUT=3",
		"XSC=2&XST=3&XUT=4", "ProjectId=1&XST=3&XUT=4", "ProjectId=1&XSC=2&XUT=4", "ProjectId=1&XSC=2&XST=3", "ProjectId=1&XSC=2&XST=4&XUT=3",
		"ProjectId=2&XSC=1&XST=3&XUT=4", "ProjectId=12&XST=3&XUT=4", "ProjectId=1&XSC=2&XST=34", "ProjectId=1&XSC=2&XST=%33&XUT=4",
	} {
		if got := ask("/documents/7", q); got != authority.ReasonUnknown {
			t.Errorf("got %q for %s, want it asked about", got, q)
		}
	}
	if got := ask("/archive/7", whole); got != authority.ReasonUnknown {
		t.Errorf("got %q at the service of another project, want it asked about", got)
	}
	if got := ask("/documents/7", "XUT=4&XST=3&XSC=2&ProjectId=1&more=1"); got != "" || d.sealed.asked.Load() != 15 {
		t.Errorf("got %q and %d proofs for the same in another order, want it remembered", got, d.sealed.asked.Load())
	}
}

// TestWarmSealedAllocatesNothing: a check of tokens that are remembered, names in other cases too.
func TestWarmSealedAllocatesNothing(t *testing.T) {
	d := newSealedDesk(t, parameters)
	d.put(authority.SealedTokens{Project: projectID, Number: "1000", Context: "c", Security: "a%2Bb", User: "b"}, d.person("alice"), &authority.Limits{Project: projectID, WithoutAdmin: true})
	in := query("GET", "/documents/7", "first=1&xst=a%2Bb&XUT=b&XSC=c&ProjectId=1000&last")
	ctx := t.Context()
	if got := testing.AllocsPerRun(1000, func() {
		if got := d.Decide(ctx, in, sealedDoor); !got.Allowed() {
			t.Fatal(got.Reason)
		}
	}); got != 0 {
		t.Errorf("got %v allocations, want none", got)
	}
	if got := d.sealed.asked.Load(); got != 1 {
		t.Errorf("got %d proofs, want one", got)
	}
}

// TestSealedGiven: tokens that the edge has found itself are judged by the project of the service that is called, whatever project
// the edge says, and by none where the service has none. Where no service is called, the edge's word stands.
func TestSealedGiven(t *testing.T) {
	d := newSealedDesk(t, parameters)
	alice := d.person("alice")
	d.personal.token("jtp-alice", alice)
	ids := map[uuid.UUID]uuid.UUID{}
	for _, p := range []uuid.UUID{projectID, uuid.Nil} {
		ids[p] = d.put(authority.SealedTokens{Project: p, Number: "1000", Security: "a"}, alice, &authority.Limits{Project: projectID})
	}
	given := func(path string, said uuid.UUID, authorization ...string) *authority.Presented {
		in := query("GET", path, "", authorization...)
		in.Given = &authority.Credential{Kind: authority.Sealed, Sealed: authority.SealedTokens{Project: said, Number: "1000", Security: "a"}}
		return in
	}
	for name, tt := range map[string]struct {
		in     *authority.Presented
		reason authority.Reason
	}{
		"the service's project":                   {given("/documents/7", uuid.Nil), ""},
		"another was said":                        {given("/documents/7", otherProject), ""},
		"another service's project":               {given("/archive/7", projectID), "unknown"},
		"a service without a project":             {given("/reports/7", projectID), "not_accepted_here"},
		"no service":                              {given("/nowhere/7", projectID), "not_accepted_here"},
		"beside a bearer token":                   {given("/documents/7", uuid.Nil, "Bearer jtp-alice"), "two_credentials"},
		"beside one, at a service without":        {given("/reports/7", uuid.Nil, "Bearer jtp-alice"), "two_credentials"},
		"the bearer token alone, at the same one": {query("GET", "/reports/7", "", "Bearer jtp-alice"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			before := authority.SealedTokens{}
			if tt.in.Given != nil {
				before = tt.in.Given.Sealed
			}
			got := d.Decide(t.Context(), tt.in, sealedDoor)
			if got.Reason != tt.reason {
				t.Errorf("got %q, want %q", got.Reason, tt.reason)
			}
			if got.Allowed() && got.Kind == authority.Sealed && got.Principal.CredentialID != ids[projectID] {
				t.Errorf("got the credential %s, want that of the service's project", got.Principal.CredentialID)
			}
			if tt.in.Given != nil && tt.in.Given.Sealed != before {
				t.Errorf("got %+v in what the edge holds, want it as it was", tt.in.Given.Sealed)
			}
		})
	}
	p, err := d.Identify(t.Context(), given("/documents/7", uuid.Nil), sealedDoor)
	if err != nil || p.CredentialID != ids[uuid.Nil] {
		t.Errorf("got %+v and %v of Identify, want the tokens as they were given", p, err)
	}
	events := d.refusals.Drain(d.now())
	for _, e := range events {
		if e.Reason == "not_accepted_here" && (e.Actor.CredentialKind != "sealed" || e.Door != "gateway") {
			t.Errorf("got the event %+v, want one of a sealed token at the gateway", e)
		}
	}
	if len(events) < 3 {
		t.Errorf("got %d events, want each refusal", len(events))
	}
}

// TestReadParameters: an edge that reads a form itself finds the same in it.
func TestReadParameters(t *testing.T) {
	got, err := parameters.Read("XM=App.ApiTest&XST=a%2Bb&xut=b")
	if want := (authority.SealedTokens{Security: "a%2Bb", User: "b"}); err != nil || got != want || !got.Any() {
		t.Errorf("got %+v and %v, want %+v", got, err, want)
	}
	none, err := parameters.Read("XSC=c&ProjectId=7")
	if err != nil || none.Any() {
		t.Errorf("got %+v and %v, want no token", none, err)
	}
	if got, err := parameters.Read("XST=a&xst=b"); err == nil || reasonOf(t, err) != authority.ReasonTwoCredentials || got != (authority.SealedTokens{}) {
		t.Errorf("got %+v and %v, want it refused", got, err)
	}
}

// TestWithout takes the tokens out of a query, in every spelling in which they are found there, and nothing else.
func TestWithout(t *testing.T) {
	for query, want := range map[string]string{
		"":                         "",
		"XST=a":                    "",
		"XST":                      "",
		"XST=a&XUT=b":              "",
		"a=1&XST=a&b=%32&XUT=b&c":  "a=1&b=%32&c",
		"xst=a&XuT=b&x=XST":        "x=XST",
		"%58S%54=a&x=1":            "x=1",
		"x=1&%58%55%54=a==":        "x=1",
		"XST=a&XST=b&x":            "x",
		"&&XST=a&&":                "&&&",
		"XSTX=a&XS=b&+XST=c&XST+=": "XSTX=a&XS=b&+XST=c&XST+=",
		"XSC=a&ProjectId=7&XUT=b":  "XSC=a&ProjectId=7",
		"a=1;XST=b&c=d+e&f=%zz":    "a=1&c=d+e&f=%zz",
		"a=1;b;c&XUT=d;e":          "a=1;b;c;e",
		"XST=a;b":                  "b",
		"%u0058ST=a&%u=b&%25u=c":   "%25u=c",
		"X%C5%BFT=b":               "X%C5%BFT=b",
		"x=a?XST=b#&XST=c":         "x=a?XST=b#",
	} {
		got := parameters.Without(query)
		if got != want {
			t.Errorf("%q: got %q, want %q", query, got, want)
		}
		if left, err := parameters.Read(got); err != nil || left.Any() {
			t.Errorf("%q: got %+v and %v of what is left, want no token", query, left, err)
		}
	}
	none := authority.Parameters{}
	if got := none.Without("=a&XST=b"); got != "=a&XST=b" {
		t.Errorf("got %q where no names are known, want it as it was", got)
	}
}
