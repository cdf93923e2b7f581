package platform_test

import (
	"errors"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/jose"
	"github.com/jeton-io/jeton/internal/platform"
)

// TestEmail: an assertion is about the user whose e-mail it says, as that is spelled in Jeton, and about nobody by a name.
func TestEmail(t *testing.T) {
	d := newDesk(t)
	d.user(t, account.Draft{Username: "bob"})
	d.user(t, account.Draft{Username: "carl", Email: "carl.smith@example.com"})
	d.user(t, account.Draft{Username: "jürgen", Email: "jürgen@example.com"})
	d.user(t, account.Draft{Username: "kim", Email: "kim@example.com"})
	p := d.partner(t, jose.HS256, nil)
	const (
		unknown = authority.ReasonUnknownUser
		wrong   = authority.ReasonWrongClaims
	)
	for _, test := range []struct {
		name string
		said claims
		want authority.Reason
	}{
		{"as it is", claims{"email": "Ann@example.com"}, ""},
		{"in another case", claims{"email": "ANN@EXAMPLE.COM"}, ""},
		{"in sub", claims{"email": nil, "sub": "ann@example.com"}, ""},
		{"beside another sub", claims{"sub": "user 4711"}, ""},
		{"beside another's e-mail in sub", claims{"sub": "kim@example.com"}, ""},
		{"unknown", claims{"email": "dora@example.com"}, unknown},
		{"unknown, beside a known sub", claims{"email": "dora@example.com", "sub": "ann@example.com"}, unknown},
		{"a user's name", claims{"email": "bob"}, unknown},
		{"a user's name in sub", claims{"email": nil, "sub": "bob"}, unknown},
		{"the name of one with an e-mail", claims{"email": "ann"}, unknown},
		{"a user's ID", claims{"email": d.ann.ID.String()}, unknown},
		{"full width", claims{"email": "ａnn@example.com"}, unknown},
		{"a full-width at sign", claims{"email": "ann＠example.com"}, unknown},
		{"the Kelvin sign", claims{"email": "\u212aim@example.com"}, unknown},
		{"a long s", claims{"email": "carl.\u017fmith@example.com"}, unknown},
		{"composed otherwise", claims{"email": "ju\u0308rgen@example.com"}, unknown},
		{"with an umlaut", claims{"email": "jürgen@example.com"}, ""},
		{"with an umlaut in capitals", claims{"email": "JÜRGEN@example.com"}, unknown},
		{"an invisible letter", claims{"email": "ann\u200b@example.com"}, unknown},
		{"from right to left", claims{"email": "\u202eann@example.com"}, unknown},
		{"a space before", claims{"email": " ann@example.com"}, unknown},
		{"a line break behind", claims{"email": "ann@example.com\n"}, unknown},
		{"a dot behind", claims{"email": "ann@example.com."}, unknown},
		{"with a display name", claims{"email": "Ann <ann@example.com>"}, unknown},
		{"two", claims{"email": "ann@example.com,kim@example.com"}, unknown},
		{"SQL", claims{"email": "ann@example.com' OR '1'='1"}, unknown},
		{"a wildcard", claims{"email": "%@example.com"}, unknown},
		{"neither", claims{"email": nil}, wrong},
		{"empty", claims{"email": ""}, wrong},
		{"empty, beside a good sub", claims{"email": "", "sub": "ann@example.com"}, wrong},
		{"null", claims{"email": jsonNull}, wrong},
		{"a list", claims{"email": []string{"ann@example.com"}}, wrong},
		{"a number", claims{"email": 7}, wrong},
		{"a number in sub", claims{"email": nil, "sub": 7}, wrong},
	} {
		t.Run(test.name, func(t *testing.T) {
			d.want(t, p, false, p.sign(t, jose.Header{}, d.plain(test.said)), test.want)
			said := claims{"email": "ann@example.com"}
			d.want(t, p, true, p.sign(t, jose.Header{}, claims{"iss": p.Code, "aud": publicURL, "exp": d.clock().Unix() + 60}.over(said, test.said)), test.want)
		})
	}
}

// TestScope: a platform speaks for those it may, as they are now; for administrators only if it says so; for programs never.
func TestScope(t *testing.T) {
	d := newDesk(t)
	bob := d.user(t, account.Draft{Username: "bob", Email: "bob@example.com"})
	d.user(t, account.Draft{Username: "root", Email: "root@example.com", Roles: []string{"admin", "partner"}})
	d.user(t, account.Draft{Username: "batch", Email: "batch@example.com", Roles: []string{"partner"}, Kind: account.Service})
	const not = authority.ReasonNotSpokenFor
	for _, test := range []struct {
		name                  string
		words                 []string
		administrators        bool
		ann, bob, root, batch authority.Reason
	}{
		{"all", nil, false, "", "", not, not},
		{"all, administrators", []string{"all"}, true, "", "", "", not},
		{"a role", []string{"role:partner"}, false, "", not, not, not},
		{"a role, administrators", []string{"role:partner"}, true, "", not, "", not},
		{"the administrators' role", []string{"role:admin"}, false, not, not, not, not},
		{"the administrators' role, administrators", []string{"role:admin"}, true, not, not, "", not},
		{"a role in another case", []string{"role:Partner"}, false, not, not, not, not},
		{"users", []string{"user:BOB", "user:root"}, false, not, "", not, not},
		{"a user by ID", []string{"user:" + bob.ID.String(), "role:other"}, false, not, "", not, not},
		{"a role and a user", []string{"role:partner", "user:bob", "user:root"}, true, "", "", "", not},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := d.partner(t, jose.HS256, func(draft *platform.Draft) {
				draft.SpeaksFor, draft.Administrators = test.words, test.administrators
			})
			for name, want := range map[string]authority.Reason{"ann": test.ann, "bob": test.bob, "root": test.root, "batch": test.batch} {
				d.want(t, p, false, p.sign(t, jose.Header{}, d.plain(claims{"email": name + "@example.com"})), want)
			}
		})
	}
	p := d.partner(t, jose.HS256, func(draft *platform.Draft) { draft.SpeaksFor = []string{"role:partner"} })
	of := func(name string) []byte { return d.plain(claims{"email": name + "@example.com"}) }
	_, err := d.accounts.Update(t.Context(), bob.ID, 0, account.Patch{Roles: &[]string{"partner"}}, audit.Actor{})
	check(t, err)
	d.want(t, p, false, p.sign(t, jose.Header{}, of("bob")), "")
	_, err = d.accounts.Update(t.Context(), bob.ID, 0, account.Patch{Roles: &[]string{"partner", "admin"}}, audit.Actor{})
	check(t, err)
	d.want(t, p, false, p.sign(t, jose.Header{}, of("bob")), not)
	_, err = d.accounts.Update(t.Context(), d.ann.ID, 0, account.Patch{Roles: &[]string{}}, audit.Actor{})
	check(t, err)
	d.want(t, p, false, p.sign(t, jose.Header{}, of("ann")), not)
}

// TestDeletedName: who is made anew under a name for which a platform spoke isn't spoken for.
func TestDeletedName(t *testing.T) {
	d := newDesk(t)
	p := d.partner(t, jose.HS256, func(draft *platform.Draft) { draft.SpeaksFor = []string{"user:ann"} })
	d.want(t, p, false, p.sign(t, jose.Header{}, d.plain(nil)), "")
	check(t, d.accounts.Delete(t.Context(), d.ann.ID, audit.Actor{}))
	d.want(t, p, false, p.sign(t, jose.Header{}, d.plain(nil)), authority.ReasonUnknownUser)
	d.user(t, account.Draft{Username: "ann", Email: "ann@example.com"})
	d.want(t, p, false, p.sign(t, jose.Header{}, d.plain(nil)), authority.ReasonNotSpokenFor)
	if words, err := d.SpeaksFor(t.Context(), p.Platform); err != nil || len(words) != 0 {
		t.Errorf("got %q, %v, want no name of one who is gone", words, err)
	}
}

// TestBlocked: a blocked user is refused, and the assertion isn't used up by that.
func TestBlocked(t *testing.T) {
	d := newDesk(t)
	p := d.partner(t, jose.HS256, nil)
	text := p.sign(t, jose.Header{}, d.plain(claims{"jti": "one"}))
	for _, state := range []struct {
		state account.State
		want  authority.Reason
	}{{account.Blocked, authority.ReasonBlocked}, {account.Suspended, authority.ReasonSuspended}, {account.Active, ""}} {
		_, err := d.accounts.Update(t.Context(), d.ann.ID, 0, account.Patch{State: &state.state}, audit.Actor{})
		check(t, err)
		d.want(t, p, false, text, state.want)
	}
	_, err := d.Prove(t.Context(), authority.Credential{Name: p.Code, Text: text})
	if ref, ok := errors.AsType[*authority.Refusal](err); !ok || ref.Reason != authority.ReasonReplayed || ref.ID != p.ID || ref.UserID != d.ann.ID {
		t.Errorf("got %v, want it used, and a refusal that says of which platform and about whom", err)
	}
}

// TestCreateUsers: a platform that may makes the user whom it says, with the roles of its record, and with the event of that.
func TestCreateUsers(t *testing.T) {
	d := newDesk(t)
	p := d.partner(t, jose.HS256, func(draft *platform.Draft) {
		draft.CreateUsers, draft.NewUserRoles, draft.SpeaksFor = true, []string{"new", "customer"}, []string{"role:customer"}
	})
	said := d.plain(claims{"email": "Dora@example.com", "jti": "one"})
	told, err := d.Explain(t.Context(), platform.Question{Platform: p.Code, Assertion: p.sign(t, jose.Header{}, said)})
	if _, missing := d.accounts.FindByEmail(t.Context(), "dora@example.com"); err != nil || !told.Accepted || !errors.Is(missing, authority.ErrNotFound) {
		t.Fatalf("got %+v, %v, and %v of the user, want it accepted and nobody made", told, err, missing)
	}
	text := p.sign(t, jose.Header{}, said)
	proof, err := d.Prove(t.Context(), authority.Credential{Name: p.Code, Text: text, From: netip.MustParseAddr("192.0.2.9")})
	check(t, err)
	u, err := d.accounts.FindByEmail(t.Context(), "dora@example.com")
	check(t, err)
	if proof.UserID != u.ID || u.Username != "Dora@example.com" || u.Email != u.Username || u.Kind != account.Person || u.HasPassword ||
		!slices.Equal(u.Roles, []string{"customer", "new"}) {
		t.Errorf("got the user %+v for %s", u, proof.UserID)
	}
	events, err := d.store.Events(t.Context(), audit.Query{Limit: 1, Action: audit.UserCreate})
	check(t, err)
	want := audit.Actor{Username: p.Name, CredentialKind: "assertion", CredentialID: p.ID, Address: "192.0.2.9"}
	if len(events) != 1 || events[0].Actor != want || events[0].Target.ID != u.ID {
		t.Errorf("got the events %+v, want one by %+v", events, want)
	}

	// Whom it made once it doesn't make again by the same assertion.
	check(t, d.accounts.Delete(t.Context(), u.ID, audit.Actor{}))
	d.want(t, p, false, text, authority.ReasonReplayed)
	if _, err := d.accounts.FindByEmail(t.Context(), "dora@example.com"); !errors.Is(err, authority.ErrNotFound) {
		t.Errorf("got %v, want that a replayed assertion makes nobody", err)
	}
	for name, email := range map[string]string{
		"no e-mail": "dora", "two signs": "a@b@c", "a display name": "Dora <dora@example.com>", "a line break": "dora@example.com\n",
		"invisible": "dora\u200b@example.com", "an ID": uuid.NewString(), "another's in full width": "ａnn@example.com",
		"another's name with a sign": "ann@", "longer than a name": string(slices.Repeat([]byte("x"), 130)) + "@example.com",
		"full width": "ｋim@example.com", "a ligature": "oﬃce@example.com", "a sharp s": "strauß@example.com", "an umlaut in capitals": "DÖRTE@example.com",
	} {
		t.Run(name, func(t *testing.T) {
			d.want(t, p, false, p.sign(t, jose.Header{}, d.plain(claims{"email": email})), authority.ReasonUnknownUser)
		})
	}
	for _, email := range []string{"KIM@example.com", "office@example.com", "strauss@example.com", "dörte@example.com"} { // nobody has their names
		d.want(t, p, false, p.sign(t, jose.Header{}, d.plain(claims{"email": email})), "")
	}
	d.want(t, p, false, p.sign(t, jose.Header{}, d.plain(nil)), authority.ReasonNotSpokenFor) // ann is there, and no customer
}

// TestCreateAtOnce: of fifty assertions about an unknown user at once, all are admitted, and one makes that user.
func TestCreateAtOnce(t *testing.T) {
	d := newDesk(t)
	p := d.partner(t, jose.HS256, func(draft *platform.Draft) { draft.CreateUsers = true })
	text := p.sign(t, jose.Header{}, d.plain(claims{"email": "dora@example.com"}))
	var all sync.WaitGroup
	users := make([]uuid.UUID, 50)
	for i := range users {
		all.Go(func() {
			proof, reason := d.prove(t, p.Code, text)
			if users[i] = proof.UserID; reason != "" {
				t.Errorf("got %q, want it admitted", reason)
			}
		})
	}
	all.Wait()
	u, err := d.accounts.FindByEmail(t.Context(), "dora@example.com")
	check(t, err)
	for _, id := range users {
		if id != u.ID {
			t.Errorf("got the user %s, want the one that was made, %s", id, u.ID)
		}
	}
	if events, err := d.store.Events(t.Context(), audit.Query{Limit: 100, Action: audit.UserCreate}); err != nil || len(events) != 2 { // and ann
		t.Errorf("got %d events of users that were made, %v, want 2", len(events), err)
	}
}

// TestReplay: where an assertion counts once it does so in every spelling, and what was refused for anything else isn't used.
func TestReplay(t *testing.T) {
	d := newDesk(t)
	once := d.partner(t, jose.ES256, func(draft *platform.Draft) { draft.OneTime = true })
	often := d.partner(t, jose.ES256, nil)
	for _, test := range []struct {
		name  string
		p     *partner
		said  claims
		again authority.Reason
	}{
		{"without an ID", often, claims{"nbf": 1}, ""},
		{"with an ID", often, claims{"nbf": 2, "jti": "one"}, authority.ReasonReplayed},
		{"once, without an ID", once, claims{"nbf": 3}, authority.ReasonReplayed},
		{"once, with an ID", once, claims{"nbf": 4, "jti": "one"}, authority.ReasonReplayed}, // which the other platform has used
	} {
		t.Run(test.name, func(t *testing.T) {
			text, signedAgain := test.p.sign(t, jose.Header{}, d.plain(test.said)), test.p.sign(t, jose.Header{}, d.plain(test.said))
			if text == signedAgain {
				t.Fatal("got the same signature twice")
			}
			other := once
			if test.p == once {
				other = often
			}
			d.want(t, other, false, text, authority.ReasonBadSignature)
			d.want(t, test.p, false, text, "")
			d.want(t, test.p, false, text, test.again)
			d.want(t, test.p, false, signedAgain, test.again)
			if test.said["jti"] == nil { // what is signed anew is another, and with it an ID isn't
				test.again = ""
			}
			d.want(t, test.p, false, test.p.sign(t, jose.Header{Type: "JWT"}, d.plain(test.said)), test.again)
		})
	}
	d.want(t, often, false, often.sign(t, jose.Header{}, []byte(`{"email":"ann@example.com","expire":`+digits(d.clock().Unix()+9)+`,"jti":"\u006fne"}`)), authority.ReasonReplayed)
	for name, said := range map[string]claims{"empty": {"jti": ""}, "null": {"jti": jsonNull}, "a number": {"jti": 7}, "a list": {"jti": []string{"two"}}} {
		t.Run(name, func(t *testing.T) {
			d.want(t, often, false, often.sign(t, jose.Header{}, d.plain(said)), authority.ReasonWrongClaims)
		})
	}
	d.want(t, often, false, often.sign(t, jose.Header{}, d.plain(claims{"jti": "two"})), "")
	d.want(t, often, true, often.sign(t, jose.Header{}, d.full(often, claims{"jti": "two"})), authority.ReasonReplayed) // at the other door
}

// TestReplayAtOnce presents one assertion that counts once fifty times at once, by two nodes.
func TestReplayAtOnce(t *testing.T) {
	d := newDesk(t)
	second, err := platform.New(d.config())
	check(t, err)
	nodes := []*platform.Platforms{d.Platforms, second}
	p := d.partner(t, jose.HS512, func(draft *platform.Draft) { draft.OneTime = true })
	text := p.sign(t, jose.Header{}, d.plain(nil))
	var admitted, replayed atomic.Int64
	var all sync.WaitGroup
	for i := range 50 {
		all.Go(func() {
			_, err := nodes[i%2].Prove(t.Context(), authority.Credential{Name: p.Code, Text: text})
			ref, refused := errors.AsType[*authority.Refusal](err)
			switch {
			case err == nil:
				admitted.Add(1)
			case refused && ref.Reason == authority.ReasonReplayed:
				replayed.Add(1)
			}
		})
	}
	all.Wait()
	if admitted.Load() != 1 || replayed.Load() != 49 {
		t.Errorf("got %d of fifty admitted and %d refused as replayed, want 1 and 49", admitted.Load(), replayed.Load())
	}
}
