package client_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/client"
)

const (
	platformJSON = `"id":"6","code":"AB12CD34","name":"Partner","algorithm":"RS512","enabled":true,"issuer":"https://partner.example.com",` +
		`"speaks_for":["role:partner"],"administrators":false,"create_users":true,"new_user_roles":["partner"],"max_assertion_seconds":900,` +
		`"one_time":true,"created_at":"2026-11-02T03:04:05.000006Z","updated_at":"2026-11-02T03:04:05.000006Z"}`
	platformKeyJSON = `"id":"8","algorithm":"RS512","kid":"k1","public_key":"PEM","created_at":"2026-11-02T03:04:05.000006Z"}`
)

var (
	platform = api.Platform{
		ID: "6", Code: "AB12CD34", Name: "Partner", Algorithm: "RS512", Enabled: true, Issuer: "https://partner.example.com",
		SpeaksFor: []string{"role:partner"}, CreateUsers: true, NewUserRoles: []string{"partner"}, MaxAssertionSeconds: 900, OneTime: true,
		CreatedAt: at, UpdatedAt: at,
	}
	platformKey = api.PlatformKey{ID: "8", Algorithm: "RS512", KeyID: "k1", PublicKey: "PEM", CreatedAt: at}
)

// TestPlatforms makes each request about platforms once: what stands on the wire, and what comes of the answer.
func TestPlatforms(t *testing.T) {
	none := map[string]string{"Content-Type": ""}
	for name, tt := range map[string]struct {
		wire exchange
		call func(*client.Client) (any, error)
		want any
	}{
		"list": {
			exchange{method: "GET", uri: "/v1/platforms?limit=200", status: 200, answer: `{"items":[{` + platformJSON + `]}`},
			func(c *client.Client) (any, error) { return first(c.Platforms(t.Context())) },
			platform,
		},
		"create": {
			exchange{
				method: "POST", uri: "/v1/platforms", status: 201, answer: `{"private_key":"NEW",` + platformJSON,
				body: `{"name":"Partner","algorithm":"RS512","issuer":"https://partner.example.com","speaks_for":["role:partner"],"create_users":true,"new_user_roles":["partner"],"max_assertion_seconds":900,"one_time":true,"enabled":false}`,
			},
			func(c *client.Client) (any, error) {
				return c.CreatePlatform(t.Context(), api.NewPlatform{
					Name: "Partner", Algorithm: "RS512", Issuer: "https://partner.example.com", SpeaksFor: []string{"role:partner"}, CreateUsers: true,
					NewUserRoles: []string{"partner"}, MaxAssertionSeconds: 900, OneTime: true, Enabled: api.Some(false),
				})
			},
			api.IssuedPlatform{Platform: platform, PrivateKey: "NEW"},
		},
		"create for nobody": { // which must not become one for everybody
			exchange{method: "POST", uri: "/v1/platforms", body: `{"name":"Partner","secret":"s","speaks_for":[]}`, status: 201, answer: `{` + platformJSON},
			func(c *client.Client) (any, error) {
				return c.CreatePlatform(t.Context(), api.NewPlatform{Name: "Partner", Secret: "s", SpeaksFor: []string{}})
			},
			api.IssuedPlatform{Platform: platform},
		},
		"read": {
			exchange{method: "GET", uri: "/v1/platforms/AB12CD34", status: 200, header: map[string]string{"ETag": `"4"`}, answer: `{"keys":[{` + platformKeyJSON + `],` + platformJSON},
			func(c *client.Client) (any, error) {
				p, version, err := c.Platform(t.Context(), "AB12CD34")
				return []any{p.Name, p.Keys, version}, err
			},
			[]any{"Partner", []api.PlatformKey{platformKey}, client.ETag(`"4"`)},
		},
		"update": {
			exchange{
				method: "PATCH", uri: "/v1/platforms/6", ifMatch: `"4"`, status: 200, answer: `{` + platformJSON,
				body: `{"algorithm":"RS256","issuer":null,"speaks_for":[],"max_assertion_seconds":60,"enabled":false}`,
			},
			func(c *client.Client) (any, error) {
				return c.UpdatePlatform(t.Context(), "6", `"4"`, api.PlatformPatch{
					Algorithm: api.Some("RS256"), Issuer: api.Optional[string]{Set: true, Null: true}, SpeaksFor: api.Some([]string{}),
					MaxAssertionSeconds: api.Some(60), Enabled: api.Some(false),
				})
			},
			platform,
		},
		"delete": {
			exchange{method: "DELETE", uri: "/v1/platforms/6", status: 204, header: none},
			func(c *client.Client) (any, error) { return nil, c.DeletePlatform(t.Context(), "6") },
			nil,
		},
		"list keys": {
			exchange{method: "GET", uri: "/v1/platforms/6/keys", status: 200, answer: `{"items":[{` + platformKeyJSON + `]}`},
			func(c *client.Client) (any, error) { return first(c.PlatformKeys(t.Context(), "6")) },
			platformKey,
		},
		"create key": {
			exchange{method: "POST", uri: "/v1/platforms/6/keys", body: `{"public_key":"PEM","kid":"k1"}`, status: 201, answer: `{` + platformKeyJSON},
			func(c *client.Client) (any, error) {
				return c.CreatePlatformKey(t.Context(), "6", api.NewPlatformKey{PublicKey: "PEM", KeyID: "k1"})
			},
			api.IssuedPlatformKey{PlatformKey: platformKey},
		},
		"make key": {
			exchange{method: "POST", uri: "/v1/platforms/6/keys", body: `{}`, status: 201, answer: `{"secret":"NEW",` + platformKeyJSON},
			func(c *client.Client) (any, error) {
				return c.CreatePlatformKey(t.Context(), "6", api.NewPlatformKey{})
			},
			api.IssuedPlatformKey{PlatformKey: platformKey, Secret: "NEW"},
		},
		"delete key": {
			exchange{method: "DELETE", uri: "/v1/platforms/6/keys/8", status: 204, header: none},
			func(c *client.Client) (any, error) { return nil, c.DeletePlatformKey(t.Context(), "6", "8") },
			nil,
		},
		"explain": {
			exchange{
				method: "POST", uri: "/v1/platforms/6/explain", body: `{"assertion":"eyJCANARY"}`, status: 200,
				answer: `{"accepted":false,"reason":"expired","steps":[{"step":"form","passed":true,"found":"a JWT"},{"step":"times","passed":false,"found":"it ended","fix":"Sign anew."}]}`,
			},
			func(c *client.Client) (any, error) {
				return c.ExplainAssertion(t.Context(), "6", "eyJCANARY", false)
			},
			api.AssertionExplanation{Reason: "expired", Steps: []api.ExplainedStep{
				{Step: "form", Passed: true, Found: "a JWT"}, {Step: "times", Found: "it ended", Fix: "Sign anew."},
			}},
		},
		"explain a grant": {
			exchange{method: "POST", uri: "/v1/platforms/6/explain", body: `{"assertion":"eyJCANARY","grant":true}`, status: 200, answer: `{"accepted":true,"steps":[]}`},
			func(c *client.Client) (any, error) {
				return c.ExplainAssertion(t.Context(), "6", "eyJCANARY", true)
			},
			api.AssertionExplanation{Accepted: true, Steps: []api.ExplainedStep{}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := tt.call(strict(t, tt.wire))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("got (+), want (-):\n%s", diff)
			}
		})
	}
}

// TestPlatformErrors: what Jeton refuses, and what isn't sent at all.
func TestPlatformErrors(t *testing.T) {
	refused := func(method, uri, body string, status int, code string) exchange {
		return exchange{
			method: method, uri: uri, body: body, status: status,
			header: map[string]string{"Content-Type": "application/problem+json"}, answer: `{"code":"` + code + `"}`,
		}
	}
	c := strict(t,
		refused("POST", "/v1/platforms", `{"name":"Partner"}`, http.StatusConflict, "conflict"),
		refused("GET", "/v1/platforms/a%2Fb", "", http.StatusNotFound, "not_found"),
		refused("PATCH", "/v1/platforms/6", `{}`, http.StatusPreconditionFailed, "stale"),
		refused("POST", "/v1/platforms/6/keys", `{}`, http.StatusUnprocessableEntity, "invalid_field"),
	)
	_, err := c.CreatePlatform(t.Context(), api.NewPlatform{Name: "Partner"})
	wantError(t, err, client.ErrConflict, "creating a platform")
	_, _, err = c.Platform(t.Context(), "a/b")
	wantError(t, err, client.ErrNotFound, "reading a platform")
	_, err = c.UpdatePlatform(t.Context(), "6", client.AnyVersion, api.PlatformPatch{})
	wantError(t, err, client.ErrStale, "updating a platform")
	_, err = c.CreatePlatformKey(t.Context(), "6", api.NewPlatformKey{})
	wantError(t, err, client.ErrInvalid, "creating a key of a platform")

	const binary = "\xff" // JSON would make another secret of it
	_, err = c.CreatePlatform(t.Context(), api.NewPlatform{Name: "Partner", Secret: binary})
	wantError(t, err, client.ErrInvalid, "secret is not UTF-8")
	_, err = c.CreatePlatformKey(t.Context(), "6", api.NewPlatformKey{Secret: binary})
	wantError(t, err, client.ErrInvalid, "secret is not UTF-8")
	_, err = c.ExplainAssertion(t.Context(), "6", binary, false)
	wantError(t, err, client.ErrInvalid, "assertion is not UTF-8")
	if strings.Contains(err.Error(), binary) {
		t.Errorf("got %q, which repeats the assertion", err)
	}
	wantError(t, c.DeletePlatform(t.Context(), ".."), client.ErrNotFound, "deleting a platform")
}
