package client_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/client"
)

const apiTokenJSON = `"id":"5","name":"export","user":"alice","user_id":"1","key_id":"k","enabled":true,"scopes":["reports.read"],` +
	`"allowed_ips":["192.0.2.0/24"],"rate_limit":{"calls":600,"per_seconds":60},"created_at":"2026-11-02T03:04:05.000006Z"}`

var apiToken = api.APIToken{
	ID: "5", Name: "export", User: "alice", UserID: "1", KeyID: "k", Enabled: true, Scopes: []string{"reports.read"},
	AllowedIPs: []string{"192.0.2.0/24"}, RateLimit: &api.RateLimit{Calls: 600, PerSeconds: 60}, CreatedAt: at,
}

// TestAPITokens makes each request about API tokens once: what stands on the wire, and what comes of the answer.
func TestAPITokens(t *testing.T) {
	none := map[string]string{"Content-Type": ""}
	for name, tt := range map[string]struct {
		wire exchange
		call func(*client.Client) (any, error)
		want any
	}{
		"create": {
			exchange{
				method: "POST", uri: "/v1/api-tokens", status: 201, answer: `{"token":"eyJNEW",` + apiTokenJSON,
				body: `{"name":"export","user":"alice","expires_in_days":30,"scopes":["reports.read"],"allowed_ips":["192.0.2.0/24"],"rate_limit":{"calls":600,"per_seconds":60},"enabled":false}`,
			},
			func(c *client.Client) (any, error) {
				return c.CreateAPIToken(t.Context(), api.NewAPIToken{
					Name: "export", User: "alice", ExpiresInDays: 30, Scopes: []string{"reports.read"}, AllowedIPs: []string{"192.0.2.0/24"},
					RateLimit: &api.RateLimit{Calls: 600, PerSeconds: 60}, Enabled: api.Some(false),
				})
			},
			api.IssuedAPIToken{Token: "eyJNEW", APIToken: apiToken},
		},
		"create for ever": {
			exchange{method: "POST", uri: "/v1/api-tokens", body: `{"name":"export","user":"alice","never_expires":true}`, status: 201, answer: `{"token":"eyJNEW",` + apiTokenJSON},
			func(c *client.Client) (any, error) {
				return c.CreateAPIToken(t.Context(), api.NewAPIToken{Name: "export", User: "alice", NeverExpires: true})
			},
			api.IssuedAPIToken{Token: "eyJNEW", APIToken: apiToken},
		},
		"create narrowed to nothing": { // which must not become one that isn't narrowed
			exchange{method: "POST", uri: "/v1/api-tokens", body: `{"name":"export","user":"alice","never_expires":true,"scopes":[]}`, status: 201, answer: `{"token":"eyJNEW",` + apiTokenJSON},
			func(c *client.Client) (any, error) {
				return c.CreateAPIToken(t.Context(), api.NewAPIToken{Name: "export", User: "alice", NeverExpires: true, Scopes: []string{}})
			},
			api.IssuedAPIToken{Token: "eyJNEW", APIToken: apiToken},
		},
		"read": {
			exchange{method: "GET", uri: "/v1/api-tokens/5", status: 200, header: map[string]string{"ETag": `"4"`}, answer: `{` + apiTokenJSON},
			func(c *client.Client) (any, error) {
				token, version, err := c.APIToken(t.Context(), "5")
				return []any{token, version}, err
			},
			[]any{apiToken, client.ETag(`"4"`)},
		},
		"update": {
			exchange{
				method: "PATCH", uri: "/v1/api-tokens/5", ifMatch: `"4"`, status: 200, answer: `{` + apiTokenJSON,
				body: `{"name":"export","enabled":false,"scopes":null,"allowed_ips":[],"rate_limit":{"calls":5}}`,
			},
			func(c *client.Client) (any, error) {
				return c.UpdateAPIToken(t.Context(), "5", `"4"`, api.APITokenPatch{
					Name: api.Some("export"), Enabled: api.Some(false), Scopes: api.Optional[[]string]{Set: true, Null: true},
					AllowedIPs: api.Some([]string{}), RateLimit: api.Some(api.RateLimitPatch{Calls: api.Some(5)}),
				})
			},
			apiToken,
		},
		"delete": {
			exchange{method: "DELETE", uri: "/v1/api-tokens/5", status: 204, header: none},
			func(c *client.Client) (any, error) { return nil, c.DeleteAPIToken(t.Context(), "5") },
			nil,
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

func TestAPITokenFilter(t *testing.T) {
	c := strict(t,
		exchange{method: "GET", uri: "/v1/api-tokens?limit=200", status: 200, answer: `{"items":[{` + apiTokenJSON + `]}`},
		exchange{method: "GET", uri: "/v1/api-tokens?enabled=false&expiring_in_days=14&limit=5&user=al+ice", status: 200, answer: `{"items":[{` + apiTokenJSON + `]}`},
		exchange{method: "GET", uri: "/v1/api-tokens?limit=200&q=n%26&sort=-name", status: 200, answer: `{"items":[{` + apiTokenJSON + `]}`},
	)
	for _, f := range []client.APITokenFilter{{}, {User: "al ice", Enabled: new(false), ExpiringInDays: 14, PageSize: 5}, {Find: "n&", Sort: "-name"}} {
		for got, err := range c.APITokens(t.Context(), f) {
			if diff := cmp.Diff(apiToken, got); diff != "" || err != nil {
				t.Errorf("got (+), want (-):\n%s; %v", diff, err)
			}
		}
	}
}
