package platform_test

import (
	"crypto/rand"
	"encoding/json"
	"strings"
	"testing"

	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/jose"
	"github.com/jeton-io/jeton/internal/platform"
	"github.com/jeton-io/jeton/internal/secret"
	"github.com/jeton-io/jeton/test/forge"
)

// lenient is what is otherwise here than with the tokens that Jeton signs itself, at both doors, and what is at BitCanuck's alone:
// an empty reason means that it is admitted.
func lenient(grant bool) map[string]authority.Reason {
	same := map[string]authority.Reason{
		"no typ": "", "typ JWT": "", "typ in capitals": "", // others' JWTs have none, or that in any case
		"no kid":                      "",
		"no subject":                  "", // email says it
		"another subject":             "",
		"no ID":                       "",
		"an ID that is none":          "", // any text is one
		"an ID in capitals":           "", // and another than the good one
		"no time of issue":            "",
		"another issuer":              authority.ReasonWrongIssuer,
		"a header of null":            authority.ReasonMalformed, // this door knows what it is
		"a header that is an array":   authority.ReasonMalformed,
		"an end in the year 10000":    authority.ReasonWrongClaims,
		"an end beyond every integer": authority.ReasonWrongClaims,
	}
	if grant {
		same["another issuer"] = authority.ReasonUnknownPlatform
		same["an issuer with a slash"] = authority.ReasonUnknownPlatform
		return same
	}
	same["an end in the year 10000"] = authority.ReasonExpired // in milliseconds it is in 1978
	same["no issuer"] = ""
	same["no audience"] = ""
	return same
}

// TestForged presents everything that somebody could make of a good assertion who has even the platform's key. Each is refused for
// its reason, though the good one is admitted before and after; the few that differ from it in what needn't be there are admitted.
func TestForged(t *testing.T) {
	for _, alg := range []jose.Algorithm{jose.RS256, jose.ES256, jose.EdDSA} {
		for door, grant := range map[string]bool{"named": false, "grant": true} {
			t.Run(string(alg)+"/"+door, func(t *testing.T) { presentForged(t, alg, grant) })
		}
	}
}

func presentForged(t *testing.T, alg jose.Algorithm, grant bool) {
	t.Helper()
	d := newDesk(t)
	s, err := jose.GenerateSigner(alg, rand.Reader)
	check(t, err)
	made, added := d.enrol(t, func(draft *platform.Draft) {
		draft.Algorithm, draft.Key = alg, platform.KeyDraft{PublicKey: pemOf(t, s)}
	})
	p := &partner{made, added.Key, signBy(s)}
	good := func() secret.Text {
		now := d.clock().Unix()
		claims := claims{
			"iss": p.Code, "aud": publicURL, "sub": "ann@example.com", "email": "ann@example.com", "exp": now + 60, "iat": now, "nbf": now,
			"jti": "id-" + rand.Text(),
		}
		return p.sign(t, jose.Header{KeyID: p.key.ID.String(), Type: "jwt"}, claims.over(nil))
	}
	g := &forge.Good{Text: good().Reveal(), Signer: s, Now: d.clock()}
	d.want(t, p, grant, good(), "")
	expected := lenient(grant)
	met := map[string]bool{}
	for _, bad := range g.All(t) {
		want := bad.Reason
		if other, told := expected[bad.Name]; told {
			want, met[bad.Name] = other, true
		}
		told, err := d.Explain(t.Context(), platform.Question{Platform: p.Code, Assertion: secret.Text(bad.Text), Grant: grant})
		check(t, err)
		if told.Reason != want {
			t.Errorf("%s: got %q, want %q: %+v", bad.Name, told.Reason, want, told.Steps[len(told.Steps)-1])
		}
		if want == "" {
			continue // it has the good one's jti
		}
		url := p.Code
		if grant {
			url = ""
		}
		if _, got := d.prove(t, url, secret.Text(bad.Text)); got != want {
			t.Errorf("%s: got the reason %q, want %q", bad.Name, got, want)
		}
	}
	d.want(t, p, grant, secret.Text(g.Text), "") // none of them has used it up
	d.want(t, p, grant, secret.Text(g.Text), authority.ReasonReplayed)
	for name := range expected {
		if !met[name] {
			t.Errorf("no forged assertion is called %q", name)
		}
	}
}

// TestForgedHuge: what is long or deep costs nothing, and what isn't a token at all is none.
func TestForgedHuge(t *testing.T) {
	d := newDesk(t)
	p := d.partner(t, jose.ES256, nil)
	deep := claims{"email": "ann@example.com", "expire": d.clock().Unix() + 60, "x": json.RawMessage(strings.Repeat("[", 3000) + strings.Repeat("]", 3000))}
	payload := string(deep.over(nil))
	signed := p.sign(t, jose.Header{}, d.plain(nil)).Reveal()
	segments := strings.Split(signed, ".")
	for name, text := range map[string]string{
		"a megabyte of dots":  strings.Repeat(".", 1<<20),
		"a megabyte":          strings.Repeat("a", 1<<20),
		"nothing":             "",
		"a kid of a megabyte": "eyJ" + strings.Repeat("A", 1<<20) + "." + segments[1] + "." + segments[2],
		"deep":                segments[0] + "." + encoded(payload) + "." + segments[2],
		"JSON serialisation":  `{"payload":"` + segments[1] + `","protected":"` + segments[0] + `","signature":"` + segments[2] + `"}`,
		"with its scheme":     "Bearer " + signed,
		"a line break":        signed + "\n",
	} {
		t.Run(name, func(t *testing.T) { d.want(t, p, false, secret.Text(text), authority.ReasonMalformed) })
	}
	d.want(t, p, false, secret.Text(signed), "")
}

// TestKeyedWithPublicKey: an HMAC under a key that everybody has is none, also where the platform has a secret beside.
func TestKeyedWithPublicKey(t *testing.T) {
	d := newDesk(t)
	p := d.partner(t, jose.RS512, nil)
	for _, alg := range []jose.Algorithm{jose.HS512, jose.HS384, jose.HS256} {
		for _, shared := range []string{p.key.PublicKey, strings.TrimSpace(p.key.PublicKey), "", p.key.ID.String(), p.Code} {
			d.want(t, p, false, macBy(alg, shared)(t, jose.Header{KeyID: p.key.ID.String()}, d.plain(nil)), authority.ReasonWrongAlgorithm)
			d.want(t, p, false, macBy(alg, shared)(t, jose.Header{}, d.plain(nil)), authority.ReasonWrongAlgorithm)
		}
	}
	draft, sign := keyOf(t, jose.HS256)
	draft.Algorithm = jose.HS256
	_, err := d.AddKey(t.Context(), p.Code, draft, admin)
	check(t, err)
	d.want(t, p, false, macBy(jose.HS256, p.key.PublicKey)(t, jose.Header{}, d.plain(nil)), authority.ReasonBadSignature)
	d.want(t, p, false, macBy(jose.HS512, draft.Secret.Reveal())(t, jose.Header{}, d.plain(nil)), authority.ReasonWrongAlgorithm)
	d.want(t, p, false, sign(t, jose.Header{}, d.plain(nil)), "")
	d.want(t, p, false, p.sign(t, jose.Header{}, d.plain(nil)), "")
}
