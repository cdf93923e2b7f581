package platform_test

import (
	"context"
	"crypto/rand"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/jose"
	"github.com/jeton-io/jeton/internal/platform"
	"github.com/jeton-io/jeton/internal/secret"
)

// TestAlgorithms logs ann in by each algorithm, at both doors.
func TestAlgorithms(t *testing.T) {
	for _, alg := range []jose.Algorithm{jose.RS512, jose.RS384, jose.RS256, jose.HS512, jose.HS384, jose.HS256, jose.ES256, jose.EdDSA} {
		t.Run(string(alg), func(t *testing.T) {
			d := newDesk(t)
			p := d.partner(t, alg, nil)
			for _, header := range []jose.Header{{}, {Type: "JWT"}, {Type: "jwt", KeyID: p.key.ID.String()}} {
				proof := d.want(t, p, false, p.sign(t, header, d.plain(nil)), "")
				if proof.ID != p.ID || proof.UserID != d.ann.ID || proof.Remember || proof.Limits != nil || !proof.NotAfter.Equal(d.clock().Add(time.Minute)) {
					t.Errorf("got the proof %+v", proof)
				}
				d.want(t, p, true, p.sign(t, header, d.full(p, nil)), "")
			}
			for _, other := range []jose.Algorithm{jose.RS512, jose.HS256, jose.ES256} {
				if _, sign := keyOf(t, other); other != alg {
					d.want(t, p, false, sign(t, jose.Header{}, d.plain(nil)), authority.ReasonWrongAlgorithm)
				}
			}
		})
	}
}

// TestWay: an assertion is nobody's bearer token, and when its platform was used is kept.
func TestWay(t *testing.T) {
	d := newDesk(t)
	p := d.partner(t, jose.ES256, nil)
	if d.Kind() != authority.Assertion || d.Recognizes(p.sign(t, jose.Header{}, d.plain(nil)).Reveal()) {
		t.Error("an assertion is recognized as a bearer token")
	}
	check(t, d.Touch(t.Context(), []authority.Use{{ID: p.ID, At: d.clock(), From: netip.MustParseAddr("192.0.2.7")}}))
	if found, err := d.Find(t.Context(), p.Code); err != nil || !found.LastUsedAt.Equal(d.clock()) || found.LastUsedIP != "192.0.2.7" {
		t.Errorf("got %+v, %v, want when and from where it was used", found, err)
	}
}

// TestKeyUses: which key has logged a user in last, and when, is kept with the next use of its platform, be that the next but one for
// a full disk.
func TestKeyUses(t *testing.T) {
	d := newDesk(t)
	p := d.partner(t, jose.ES256, nil)
	next, err := jose.GenerateSigner(jose.ES256, rand.Reader)
	check(t, err)
	text, err := next.Key().PEM()
	check(t, err)
	made, err := d.AddKey(t.Context(), p.Code, platform.KeyDraft{PublicKey: string(text)}, audit.Actor{})
	check(t, err)
	used := func() map[uuid.UUID]string {
		t.Helper()
		keys, err := d.Keys(t.Context(), p.Code)
		check(t, err)
		all := map[uuid.UUID]string{}
		for _, k := range keys {
			if !k.LastUsedAt.IsZero() {
				all[k.ID] = k.LastUsedAt.Sub(d.clock()).String() + " " + k.LastUsedIP
			}
		}
		return all
	}
	assertion, err := next.Sign(rand.Reader, jose.Header{}, d.plain(nil))
	check(t, err)
	c := authority.Credential{Kind: authority.Assertion, Name: p.Code, Text: secret.Text(assertion), From: netip.MustParseAddr("192.0.2.7")}
	if _, err := d.Explain(t.Context(), platform.Question{Platform: p.Code, Assertion: c.Text}); err != nil {
		t.Fatal(err)
	}
	check(t, d.Touch(t.Context(), nil))
	if got := used(); len(got) != 0 {
		t.Errorf("got the uses %v of an explanation, want none", got)
	}
	_, err = d.Prove(t.Context(), c)
	check(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := d.Touch(ctx, nil); err == nil {
		t.Fatal("got no error of a context that had ended")
	}
	check(t, d.Touch(t.Context(), nil))
	if diff := cmp.Diff(map[uuid.UUID]string{made.Key.ID: "0s 192.0.2.7"}, used()); diff != "" {
		t.Errorf("uses (-want +got):\n%s", diff)
	}
}

// TestWhichPlatform: the URL names it by ID or code, letter by letter; alone, the assertion does, by its issuer as well.
func TestWhichPlatform(t *testing.T) {
	d := newDesk(t)
	p := d.partner(t, jose.ES256, func(draft *platform.Draft) { draft.Issuer = "https://partner.example.com" })
	id := p.ID.String()
	of := func(iss any) []byte { return d.full(p, claims{"iss": iss}) }
	for _, test := range []struct {
		name, url string
		iss       any
		want      authority.Reason
	}{
		{"code", p.Code, p.Code, ""},
		{"ID", id, id, ""},
		{"code and issuer", p.Code, p.Issuer, ""},
		{"code in lower case", strings.ToLower(p.Code), p.Code, authority.ReasonUnknownPlatform},
		{"ID in capitals", strings.ToUpper(id), id, authority.ReasonUnknownPlatform},
		{"ID in braces", "{" + id + "}", id, authority.ReasonUnknownPlatform},
		{"ID without dashes", strings.ReplaceAll(id, "-", ""), id, authority.ReasonUnknownPlatform},
		{"another ID", uuid.Nil.String(), id, authority.ReasonUnknownPlatform},
		{"another code", "ABCDEFGH", p.Code, authority.ReasonUnknownPlatform},
		{"issuer in the URL", p.Issuer, p.Issuer, authority.ReasonUnknownPlatform},
		{"name in the URL", p.Name, p.Issuer, authority.ReasonUnknownPlatform},
		{"SQL", p.Code + "' OR 1=1", p.Code, authority.ReasonUnknownPlatform},
		{"issuer with a slash", p.Code, p.Issuer + "/", authority.ReasonWrongIssuer},
		{"code in lower case in it", p.Code, strings.ToLower(p.Code), authority.ReasonWrongIssuer},
		{"another platform in it", p.Code, "ABCDEFGH", authority.ReasonWrongIssuer},
		{"issuer absent", p.Code, nil, authority.ReasonWrongIssuer},
		{"issuer null", p.Code, jsonNull, authority.ReasonWrongIssuer},
		{"issuer in a list", p.Code, []string{p.Code}, authority.ReasonWrongIssuer},
		{"alone, by code", "", p.Code, ""},
		{"alone, by ID", "", id, ""},
		{"alone, by issuer", "", p.Issuer, ""},
		{"alone, absent", "", nil, authority.ReasonWrongIssuer},
		{"alone, empty", "", "", authority.ReasonWrongIssuer},
		{"alone, a number", "", 7, authority.ReasonWrongIssuer},
		{"alone, a list", "", []string{p.Code}, authority.ReasonWrongIssuer},
		{"alone, in lower case", "", strings.ToLower(p.Code), authority.ReasonUnknownPlatform},
		{"alone, in capitals", "", strings.ToUpper(id), authority.ReasonUnknownPlatform},
		{"alone, by another's issuer", "", "https://partner.example.org", authority.ReasonUnknownPlatform},
		{"alone, by name", "", p.Name, authority.ReasonUnknownPlatform},
		{"alone, very long", "", strings.Repeat("x", 3000), authority.ReasonUnknownPlatform},
	} {
		t.Run(test.name, func(t *testing.T) {
			if _, got := d.prove(t, test.url, p.sign(t, jose.Header{}, of(test.iss))); got != test.want {
				t.Errorf("got the reason %q, want %q", got, test.want)
			}
		})
	}
	plain := d.partner(t, jose.ES256, nil) // without an issuer of its own, it need not say
	d.want(t, plain, false, plain.sign(t, jose.Header{}, d.plain(nil)), "")
	d.want(t, plain, false, plain.sign(t, jose.Header{}, d.plain(claims{"iss": p.Issuer})), authority.ReasonWrongIssuer)
}

// TestOtherPlatform: what one platform has signed counts at no other's door, whatever it says.
func TestOtherPlatform(t *testing.T) {
	for _, alg := range []jose.Algorithm{jose.RS256, jose.ES256, jose.HS256} {
		t.Run(string(alg), func(t *testing.T) {
			d := newDesk(t)
			a, b := d.partner(t, alg, nil), d.partner(t, alg, nil)
			for _, said := range []claims{nil, {"iss": a.Code}, {"iss": b.Code}, {"iss": b.ID.String(), "aud": publicURL + "/api/v1/authenticate-jwt/" + b.Code}} {
				d.want(t, b, false, a.sign(t, jose.Header{}, d.plain(said)), authority.ReasonBadSignature)
				d.want(t, b, false, a.sign(t, jose.Header{KeyID: b.key.ID.String()}, d.plain(said)), authority.ReasonBadSignature)
				d.want(t, b, false, a.sign(t, jose.Header{KeyID: a.key.ID.String()}, d.plain(said)), authority.ReasonUnknownKey)
			}
			d.want(t, b, true, a.sign(t, jose.Header{}, d.full(b, nil)), authority.ReasonBadSignature)
			d.want(t, a, false, a.sign(t, jose.Header{}, d.plain(claims{"iss": b.Code})), authority.ReasonWrongIssuer)
			d.want(t, a, false, a.sign(t, jose.Header{}, d.plain(claims{"aud": publicURL + "/api/v1/authenticate-jwt/" + b.Code})), authority.ReasonWrongAudience)
			d.want(t, a, false, a.sign(t, jose.Header{}, d.plain(nil)), "")
			d.want(t, b, true, b.sign(t, jose.Header{}, d.full(b, nil)), "")
		})
	}
}

// TestPlatformState: a disabled platform logs in nobody, and a deleted one never again.
func TestPlatformState(t *testing.T) {
	d := newDesk(t)
	p := d.partner(t, jose.ES256, nil)
	good := p.sign(t, jose.Header{}, d.full(p, nil))
	doors := []bool{false, true}
	no := false
	_, err := d.Update(t.Context(), p.Code, 0, platform.Patch{Enabled: &no}, admin)
	check(t, err)
	for _, grant := range doors {
		d.want(t, p, grant, good, authority.ReasonDisabled)
	}
	yes := true
	_, err = d.Update(t.Context(), p.Code, 0, platform.Patch{Enabled: &yes}, admin)
	check(t, err)
	for _, grant := range doors {
		d.want(t, p, grant, good, "")
	}
	check(t, d.Delete(t.Context(), p.ID.String(), admin))
	for _, grant := range doors {
		d.want(t, p, grant, good, authority.ReasonDeleted)
	}
	_, err = d.Prove(t.Context(), authority.Credential{Kind: authority.Assertion, Name: p.Code, Text: good})
	if ref, ok := errors.AsType[*authority.Refusal](err); !ok || ref.ID != p.ID || ref.UserID != uuid.Nil {
		t.Errorf("got %v, want a refusal that says of which platform, and nothing of a user", err)
	}
}

// TestKeys: with two keys both count, a kid chooses among them, and what a deleted one has signed is known for that.
func TestKeys(t *testing.T) {
	d := newDesk(t)
	p := d.partner(t, jose.RS512, func(draft *platform.Draft) { draft.Key.KeyID = "2026" })
	d.want(t, p, false, p.sign(t, jose.Header{KeyID: "2026"}, d.plain(nil)), "")
	draft, sign := keyOf(t, jose.RS512)
	draft.KeyID = "2027"
	second, err := d.AddKey(t.Context(), p.Code, draft, admin)
	check(t, err)
	first, other := jose.Header{KeyID: "2026"}, jose.Header{KeyID: second.Key.ID.String()}
	for _, header := range []jose.Header{{}, first} {
		d.want(t, p, false, p.sign(t, header, d.plain(nil)), "")
	}
	for _, header := range []jose.Header{{}, other, {KeyID: "2027"}} {
		d.want(t, p, false, sign(t, header, d.plain(nil)), "")
	}
	d.want(t, p, false, p.sign(t, other, d.plain(nil)), authority.ReasonBadSignature)
	d.want(t, p, false, sign(t, first, d.plain(nil)), authority.ReasonBadSignature)
	d.want(t, p, false, sign(t, jose.Header{KeyID: "2028"}, d.plain(nil)), authority.ReasonUnknownKey)

	check(t, d.DeleteKey(t.Context(), p.Code, p.key.ID, admin))
	for _, header := range []jose.Header{{}, first, other, {KeyID: "2028"}, {KeyID: p.key.ID.String()}} {
		d.want(t, p, false, p.sign(t, header, d.plain(nil)), authority.ReasonRevokedKey)
	}
	d.want(t, p, false, sign(t, jose.Header{}, d.plain(nil)), "")
	d.want(t, p, false, sign(t, first, d.plain(nil)), authority.ReasonUnknownKey) // the deleted one, which hasn't signed it
	if err := d.DeleteKey(t.Context(), p.Code, p.key.ID, admin); !errors.Is(err, authority.ErrNotFound) {
		t.Errorf("got %v for a key that was deleted, want not found", err)
	}
	check(t, d.DeleteKey(t.Context(), p.Code, second.Key.ID, admin))
	d.want(t, p, false, sign(t, jose.Header{}, d.plain(nil)), authority.ReasonRevokedKey)
	_, stranger := keyOf(t, jose.RS512)
	d.want(t, p, false, stranger(t, jose.Header{}, d.plain(nil)), authority.ReasonUnknownKey)
}

// TestDeletedSecret: of a secret that was deleted nothing is left to know its signature by.
func TestDeletedSecret(t *testing.T) {
	d := newDesk(t)
	p := d.partner(t, jose.HS512, nil)
	d.want(t, p, false, p.sign(t, jose.Header{}, d.plain(nil)), "")
	check(t, d.DeleteKey(t.Context(), p.Code, p.key.ID, admin))
	d.want(t, p, false, p.sign(t, jose.Header{}, d.plain(nil)), authority.ReasonUnknownKey)
}

// TestPublishedKeys: a set's keys count where they are of the algorithm that the record has, and the assertion names its issuer: a
// key that is published may be others', too. Where the set can't be read, nobody knows.
func TestPublishedKeys(t *testing.T) {
	d := newDesk(t)
	signer := func(alg jose.Algorithm) jose.Signer {
		s, err := jose.GenerateSigner(alg, rand.Reader)
		check(t, err)
		return s
	}
	s, other, ec := signer(jose.RS256), signer(jose.RS256), signer(jose.ES256)
	made, added := d.enrol(t, func(draft *platform.Draft) {
		draft.Algorithm, draft.Key = jose.RS256, platform.KeyDraft{JWKSURI: setAddress}
	})
	p := &partner{made, added.Key, signBy(s)}
	said := d.plain(claims{"iss": p.Code})
	d.want(t, p, false, p.sign(t, jose.Header{}, said), authority.ReasonUnknownKey)
	d.sets.keys = []jose.IdentifiedKey{{ID: "a", Key: other.Key(), Named: true}, {ID: "e", Key: ec.Key(), Named: true}, {ID: "b", Key: s.Key()}}
	for kid, looked := range map[string]string{"": "", "b": "b", p.key.ID.String(): ""} { // no set has the record's ID, and none is read anew for it
		d.want(t, p, false, p.sign(t, jose.Header{KeyID: kid}, said), "")
		if got := d.sets.kid.Load(); got != looked {
			t.Errorf("got the set asked for the kid %q, want %q", got, looked)
		}
	}
	d.want(t, p, false, p.sign(t, jose.Header{}, d.plain(nil)), authority.ReasonWrongIssuer)
	d.want(t, p, false, p.sign(t, jose.Header{KeyID: "a"}, said), authority.ReasonBadSignature)
	d.want(t, p, false, p.sign(t, jose.Header{KeyID: "c"}, said), authority.ReasonUnknownKey)
	d.want(t, p, false, p.sign(t, jose.Header{KeyID: "e"}, said), authority.ReasonUnknownKey)
	d.want(t, p, false, signBy(ec)(t, jose.Header{KeyID: "e"}, said), authority.ReasonWrongAlgorithm)
	d.sets.keys[2].Named = true
	d.want(t, p, false, p.sign(t, jose.Header{KeyID: "b"}, said), "")

	// Pinned anew, the set's key counts where it names no algorithm: then it is for any of its sort.
	pinned := jose.RS512
	_, err := d.Update(t.Context(), p.Code, 0, platform.Patch{Algorithm: &pinned}, admin)
	check(t, err)
	der, err := s.PKCS8()
	check(t, err)
	wide, err := jose.ParseSigner(jose.RS512, der)
	check(t, err)
	d.want(t, p, false, signBy(wide)(t, jose.Header{}, said), authority.ReasonUnknownKey)
	d.sets.keys[2].Named = false
	d.want(t, p, false, signBy(wide)(t, jose.Header{}, said), "")
	d.want(t, p, false, p.sign(t, jose.Header{}, said), authority.ReasonWrongAlgorithm)

	asked := d.sets.asked.Load()
	d.want(t, p, false, signBy(ec)(t, jose.Header{}, said), authority.ReasonWrongAlgorithm)
	d.want(t, p, false, signBy(ec)(t, jose.Header{KeyID: "x"}, said), authority.ReasonWrongAlgorithm)
	if got := d.sets.asked.Load(); got != asked {
		t.Errorf("the set was asked for %d times for another algorithm, want none", got-asked)
	}
}

// TestUnreadableSet: where a set can't be read nobody knows, unless another key has signed.
func TestUnreadableSet(t *testing.T) {
	d := newDesk(t)
	p := d.partner(t, jose.RS512, nil)
	set, err := d.AddKey(t.Context(), p.Code, platform.KeyDraft{JWKSURI: setAddress}, admin)
	check(t, err)
	d.sets.err = errors.New("no route to host")
	d.want(t, p, false, p.sign(t, jose.Header{}, d.plain(nil)), "")
	_, stranger := keyOf(t, jose.RS512)
	for _, header := range []jose.Header{{}, {KeyID: "theirs"}, {KeyID: set.Key.ID.String()}} {
		text := stranger(t, header, d.plain(nil))
		_, err := d.Prove(t.Context(), authority.Credential{Name: p.Code, Text: text})
		if _, refused := errors.AsType[*authority.Refusal](err); refused || !errors.Is(err, d.sets.err) {
			t.Errorf("got %v, want that nobody knows", err)
		}
		told, err := d.Explain(t.Context(), platform.Question{Platform: p.Code, Assertion: text})
		if err != nil || told.Accepted || told.Reason != authority.ReasonUnavailable || contains(told.Steps[len(told.Steps)-1].Found, "route") {
			t.Errorf("got %+v, %v, want that the set can't be read, and not what the address has answered", told, err)
		}
	}
	d.want(t, p, false, stranger(t, jose.Header{KeyID: p.key.ID.String()}, d.plain(nil)), authority.ReasonBadSignature) // it isn't the set's
}

// TestStoreFails: that the database can't be asked is no refusal.
func TestStoreFails(t *testing.T) {
	d := newDesk(t)
	p := d.partner(t, jose.ES256, nil)
	good := p.sign(t, jose.Header{}, d.full(p, nil))
	d.store.err = errors.New("the disk is on fire")
	for _, url := range []string{p.Code, p.ID.String(), ""} {
		if _, err := d.Prove(t.Context(), authority.Credential{Name: url, Text: good}); !errors.Is(err, d.store.err) {
			t.Errorf("got %v, want the store's error", err)
		}
	}
	if _, err := d.Explain(t.Context(), platform.Question{Platform: p.ID.String(), Assertion: good}); !errors.Is(err, d.store.err) {
		t.Errorf("Explain: got %v, want the store's error", err)
	}
	d.store.err = nil
	d.want(t, p, false, good, "")
}

// TestTried: of a set with any number of keys a few are tried for an assertion that names none.
func TestTried(t *testing.T) {
	d := newDesk(t)
	_, sign := keyOf(t, jose.EdDSA)
	made, added := d.enrol(t, func(draft *platform.Draft) {
		draft.Algorithm, draft.Key = jose.EdDSA, platform.KeyDraft{JWKSURI: setAddress}
	})
	p := &partner{made, added.Key, sign}
	for range 40 {
		s, err := jose.GenerateSigner(jose.EdDSA, rand.Reader)
		check(t, err)
		d.sets.keys = append(d.sets.keys, jose.IdentifiedKey{ID: rand.Text(), Key: s.Key(), Named: true})
		p.sign = signBy(s)
	}
	said := d.plain(claims{"iss": p.Code})
	d.want(t, p, false, p.sign(t, jose.Header{}, said), authority.ReasonBadSignature)
	d.want(t, p, false, p.sign(t, jose.Header{KeyID: d.sets.keys[39].ID}, said), "")
	draft, own := keyOf(t, jose.EdDSA)
	_, err := d.AddKey(t.Context(), p.Code, draft, admin)
	check(t, err)
	d.want(t, p, false, own(t, jose.Header{}, said), "")

	former := d.partner(t, jose.EdDSA, nil) // whose own key no set crowds out that comes later
	d.moved.Add(1)
	_, err = d.AddKey(t.Context(), former.Code, platform.KeyDraft{JWKSURI: setAddress}, admin)
	check(t, err)
	d.want(t, former, false, former.sign(t, jose.Header{}, d.plain(nil)), "")
}

// TestManyDeleted: of many deleted keys, the one that is named is looked at, be it the first.
func TestManyDeleted(t *testing.T) {
	d := newDesk(t)
	p := d.partner(t, jose.EdDSA, nil)
	check(t, d.DeleteKey(t.Context(), p.Code, p.key.ID, admin))
	for range platform.MaxKeys + 1 {
		d.moved.Add(1)
		m, err := d.AddKey(t.Context(), p.Code, platform.KeyDraft{}, admin)
		check(t, err)
		check(t, d.DeleteKey(t.Context(), p.Code, m.Key.ID, admin))
	}
	d.want(t, p, false, p.sign(t, jose.Header{}, d.plain(nil)), authority.ReasonUnknownKey) // the work is bounded
	d.want(t, p, false, p.sign(t, jose.Header{KeyID: p.key.ID.String()}, d.plain(nil)), authority.ReasonRevokedKey)
}
