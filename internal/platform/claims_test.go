package platform_test

import (
	"strings"
	"testing"

	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/jose"
	"github.com/jeton-io/jeton/internal/platform"
)

// TestType: an assertion is a JWT, and says nothing else of itself.
func TestType(t *testing.T) {
	d := newDesk(t)
	p := d.partner(t, jose.HS256, nil)
	for typ, want := range map[string]authority.Reason{
		"": "", "JWT": "", "jwt": "", "Jwt": "",
		"at+jwt": authority.ReasonWrongType, "api+jwt": authority.ReasonWrongType, "client-authentication+jwt": authority.ReasonWrongType,
		"application/jwt": authority.ReasonWrongType, "JWT ": authority.ReasonWrongType, "JWS": authority.ReasonWrongType,
	} {
		t.Run(typ, func(t *testing.T) {
			d.want(t, p, false, p.sign(t, jose.Header{Type: typ}, d.plain(nil)), want)
			d.want(t, p, true, p.sign(t, jose.Header{Type: typ}, d.full(p, nil)), want)
		})
	}
}

// TestAudience: an assertion is for Jeton and for nobody else.
func TestAudience(t *testing.T) {
	d := newDesk(t)
	plain := d.partner(t, jose.HS256, nil)
	own := d.partner(t, jose.HS256, func(draft *platform.Draft) { draft.Audience = "jeton" })
	const wrong = authority.ReasonWrongAudience
	login := publicURL + "/api/v1/authenticate-jwt/"
	for _, test := range []struct {
		name  string
		p     *partner
		aud   any
		named authority.Reason
		grant authority.Reason
	}{
		{"absent", plain, nil, "", wrong},
		{"absent, with an audience of its own", own, nil, wrong, wrong},
		{"public URL", plain, publicURL, "", ""},
		{"token endpoint", plain, publicURL + "/oauth/token", "", ""},
		{"the platform's log-in by code", plain, login + plain.Code, "", ""},
		{"the platform's log-in by ID", plain, login + plain.ID.String(), "", ""},
		{"another platform's log-in", plain, login + own.Code, wrong, wrong},
		{"no platform's log-in", plain, login, wrong, wrong},
		{"a list", plain, []string{publicURL, publicURL + "/oauth/token"}, "", ""},
		{"its own", own, "jeton", "", ""},
		{"its own and the public URL", own, []string{"jeton", publicURL}, "", ""},
		{"the public URL, with one of its own", own, publicURL, "", ""},
		{"another's own", plain, "jeton", wrong, wrong},
		{"one beside", plain, []string{publicURL, "https://b.example"}, wrong, wrong},
		{"with a slash", plain, publicURL + "/", wrong, wrong},
		{"in capitals", plain, strings.ToUpper(publicURL), wrong, wrong},
		{"longer", plain, publicURL + ".example", wrong, wrong},
		{"empty", plain, "", wrong, wrong},
		{"an empty list", plain, []string{}, wrong, wrong},
		{"null", plain, jsonNull, wrong, wrong},
		{"an object", plain, claims{"a": publicURL}, wrong, wrong},
		{"a list with a number", plain, []any{publicURL, 1}, wrong, wrong},
	} {
		t.Run(test.name, func(t *testing.T) {
			d.want(t, test.p, false, test.p.sign(t, jose.Header{}, d.plain(claims{"aud": test.aud})), test.named)
			d.want(t, test.p, true, test.p.sign(t, jose.Header{}, d.full(test.p, claims{"aud": test.aud})), test.grant)
		})
	}
}
