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
	projectJSON = `"number":1000,"name":"XDOC","security_context":"MySecurityContext","context_required":true,"token_required":true,"app_key_count":1,` +
		`"allowed_ips":["192.0.2.0/24"],"max_age_seconds":900,"create_users":true,"new_user_roles":["partner"],"service_account":"project-1000",` +
		`"created_at":"2026-11-02T03:04:05.000006Z","updated_at":"2026-11-02T03:04:05.000006Z"}`
	tokenSetJSON = `"id":"8","name":"old","active":true,"mode":"CBC","key_size":192,"padding":"PKCS7","iv":"@1B2c3D4","iv_expansion":"utf16le",` +
		`"key_derivation":"sha256","one_time":false,"forgeable":true,"warning":"Beware.","created_at":"2026-11-02T03:04:05.000006Z","updated_at":"2026-11-02T03:04:05.000006Z"}`
	sealedJSON = `{"plaintext":"<token/>","base64":"A+B=","url":"A%2BB%3D","fields":[{"name":"UserName","value":"amy"}],"problem":"It is old."}`
)

var (
	project = api.Project{
		Number: 1000, Name: "XDOC", SecurityContext: "MySecurityContext", ContextRequired: true, TokenRequired: true, AppKeyCount: 1,
		AllowedIPs: []string{"192.0.2.0/24"}, MaxAgeSeconds: 900, CreateUsers: true, NewUserRoles: []string{"partner"}, ServiceAccount: "project-1000",
		CreatedAt: at, UpdatedAt: at,
	}
	tokenSet = api.TokenSet{
		ID: "8", Name: "old", Active: true, Mode: "CBC", KeySize: 192, Padding: "PKCS7", IV: "@1B2c3D4", IVExpansion: "utf16le", KeyDerivation: "sha256",
		Forgeable: true, Warning: "Beware.", CreatedAt: at, UpdatedAt: at,
	}
	sealedText = api.SealedText{
		Plaintext: "<token/>", Base64: "A+B=", URL: "A%2BB%3D", Fields: []api.TokenField{{Name: "UserName", Value: "amy"}}, Problem: "It is old.",
	}
)

// projectCall is one request about projects: what stands on the wire, and what comes of the answer.
type projectCall struct {
	wire exchange
	call func(*client.Client) (any, error)
	want any
}

// TestProjects makes each request about projects once.
func TestProjects(t *testing.T) {
	testProjectCalls(t, map[string]projectCall{
		"list": {
			exchange{method: "GET", uri: "/v1/projects?limit=200", status: 200, answer: `{"items":[{` + projectJSON + `]}`},
			func(c *client.Client) (any, error) { return first(c.Projects(t.Context())) },
			project,
		},
		"create": {
			exchange{
				method: "POST", uri: "/v1/projects", status: 201, answer: `{` + projectJSON,
				body: `{"number":1000,"name":"XDOC","security_context":"MySecurityContext","context_required":true,"app_keys":["` + canary + `"],"allowed_ips":["192.0.2.0/24"],"create_users":true,"new_user_roles":["partner"]}`,
			},
			func(c *client.Client) (any, error) {
				return c.CreateProject(t.Context(), api.NewProject{
					Number: 1000, Name: "XDOC", SecurityContext: "MySecurityContext", ContextRequired: api.Some(true), AppKeys: []string{canary},
					AllowedIPs: []string{"192.0.2.0/24"}, CreateUsers: true, NewUserRoles: []string{"partner"},
				})
			},
			project,
		},
		"create with a user token alone": { // which must not become one that needs a security token
			exchange{method: "POST", uri: "/v1/projects", body: `{"number":7,"name":"a","token_required":false}`, status: 201, answer: `{` + projectJSON},
			func(c *client.Client) (any, error) {
				return c.CreateProject(t.Context(), api.NewProject{Number: 7, Name: "a", TokenRequired: api.Some(false)})
			},
			project,
		},
		"read": {
			exchange{method: "GET", uri: "/v1/projects/1000", status: 200, header: map[string]string{"ETag": `"4"`}, answer: `{"token_sets":[{` + tokenSetJSON + `],` + projectJSON},
			func(c *client.Client) (any, error) {
				p, version, err := c.Project(t.Context(), 1000)
				return []any{p.Name, p.TokenSets, version}, err
			},
			[]any{"XDOC", []api.TokenSet{tokenSet}, client.ETag(`"4"`)},
		},
		"update": {
			exchange{
				method: "PATCH", uri: "/v1/projects/1000", ifMatch: `"4"`, status: 200, answer: `{` + projectJSON,
				body: `{"security_context":null,"token_required":false,"app_keys":[],"max_age_seconds":60}`,
			},
			func(c *client.Client) (any, error) {
				return c.UpdateProject(t.Context(), 1000, `"4"`, api.ProjectPatch{
					SecurityContext: api.Optional[string]{Set: true, Null: true}, TokenRequired: api.Some(false), AppKeys: api.Some([]string{}), MaxAgeSeconds: api.Some(60),
				})
			},
			project,
		},
		"delete": {
			exchange{method: "DELETE", uri: "/v1/projects/1000", status: 204, header: map[string]string{"Content-Type": ""}},
			func(c *client.Client) (any, error) { return nil, c.DeleteProject(t.Context(), 1000) },
			nil,
		},
		"explain": {
			exchange{
				method: "POST", uri: "/v1/projects/1000/explain", body: `{"security_token":"A%2BB","context":"c","remote_ip":"192.0.2.1"}`, status: 200,
				answer: `{"accepted":false,"reason":"expired","steps":[{"step":"seal","passed":true,"found":"it opens"},{"step":"times","passed":false,"found":"it is old","fix":"Seal anew."}]}`,
			},
			func(c *client.Client) (any, error) {
				return c.ExplainSealed(t.Context(), 1000, api.SealedQuestion{SecurityToken: "A%2BB", Context: "c", RemoteIP: "192.0.2.1"})
			},
			api.SealedExplanation{Reason: "expired", Steps: []api.ExplainedStep{
				{Step: "seal", Passed: true, Found: "it opens"}, {Step: "times", Found: "it is old", Fix: "Seal anew."},
			}},
		},
	})
}

// TestTokenSets makes each request about token sets once.
func TestTokenSets(t *testing.T) {
	testProjectCalls(t, map[string]projectCall{
		"list": {
			exchange{method: "GET", uri: "/v1/projects/1000/token-sets", status: 200, answer: `{"items":[{` + tokenSetJSON + `]}`},
			func(c *client.Client) (any, error) { return first(c.TokenSets(t.Context(), 1000)) },
			tokenSet,
		},
		"make": { // with whatever is the default of today
			exchange{method: "POST", uri: "/v1/projects/1000/token-sets", body: `{"name":"new"}`, status: 201, answer: `{"key":"NEW",` + tokenSetJSON},
			func(c *client.Client) (any, error) {
				return c.CreateTokenSet(t.Context(), 1000, api.NewTokenSet{Name: "new"})
			},
			api.IssuedTokenSet{TokenSet: tokenSet, Key: "NEW"},
		},
		"create": { // blank is a value of its own
			exchange{
				method: "POST", uri: "/v1/projects/1000/token-sets", status: 201, answer: `{` + tokenSetJSON,
				body: `{"name":"old","active":false,"key":"` + canary + `","key_size":"","mode":"","padding":"","iv":"@1B2c3D4"}`,
			},
			func(c *client.Client) (any, error) {
				return c.CreateTokenSet(t.Context(), 1000, api.NewTokenSet{
					Name: "old", Active: api.Some(false), Key: canary, KeySize: api.KeySize{Set: true}, Mode: api.Some(""), Padding: api.Some(""), IV: "@1B2c3D4",
				})
			},
			api.IssuedTokenSet{TokenSet: tokenSet},
		},
		"read": {
			exchange{method: "GET", uri: "/v1/projects/1000/token-sets/8", status: 200, header: map[string]string{"ETag": `"4"`}, answer: `{` + tokenSetJSON},
			func(c *client.Client) (any, error) {
				set, version, err := c.TokenSet(t.Context(), 1000, "8")
				return []any{set, version}, err
			},
			[]any{tokenSet, client.ETag(`"4"`)},
		},
		"update": {
			exchange{
				method: "PATCH", uri: "/v1/projects/1000/token-sets/8", ifMatch: `"4"`, status: 200, answer: `{` + tokenSetJSON,
				body: `{"active":false,"key_size":192,"iv":null,"iterations":1000}`,
			},
			func(c *client.Client) (any, error) {
				return c.UpdateTokenSet(t.Context(), 1000, "8", `"4"`, api.TokenSetPatch{
					Active: api.Some(false), KeySize: api.KeySize{Set: true, Bits: 192}, IV: api.Optional[string]{Set: true, Null: true}, Iterations: api.Some(1000),
				})
			},
			tokenSet,
		},
		"delete": {
			exchange{method: "DELETE", uri: "/v1/projects/1000/token-sets/8", status: 204, header: map[string]string{"Content-Type": ""}},
			func(c *client.Client) (any, error) { return nil, c.DeleteTokenSet(t.Context(), 1000, "8") },
			nil,
		},
		"seal": {
			exchange{method: "POST", uri: "/v1/projects/1000/token-sets/8/encrypt", body: `{"plaintext":"<token/>","parameter":"XUT"}`, status: 200, answer: sealedJSON},
			func(c *client.Client) (any, error) {
				return c.Seal(t.Context(), 1000, "8", api.SealRequest{Plaintext: "<token/>", Parameter: "XUT"})
			},
			sealedText,
		},
		"unseal": {
			exchange{method: "POST", uri: "/v1/projects/1000/token-sets/8/decrypt", body: `{"token":"A%2BB%3D"}`, status: 200, answer: sealedJSON},
			func(c *client.Client) (any, error) {
				return c.Unseal(t.Context(), 1000, "8", api.UnsealRequest{Token: "A%2BB%3D"})
			},
			sealedText,
		},
	})
}

func testProjectCalls(t *testing.T, calls map[string]projectCall) {
	t.Helper()
	for name, tt := range calls {
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

// TestProjectErrors: what Jeton refuses.
func TestProjectErrors(t *testing.T) {
	refused := func(method, uri, body string, status int, code string) exchange {
		return exchange{
			method: method, uri: uri, body: body, status: status,
			header: map[string]string{"Content-Type": "application/problem+json"}, answer: `{"code":"` + code + `"}`,
		}
	}
	c := strict(t,
		refused("POST", "/v1/projects", `{"number":1000,"name":"a"}`, http.StatusConflict, "conflict"),
		refused("GET", "/v1/projects/-1", "", http.StatusNotFound, "not_found"),
		refused("PATCH", "/v1/projects/1000", `{}`, http.StatusPreconditionFailed, "stale"),
		refused("POST", "/v1/projects/1000/token-sets", `{"name":"a"}`, http.StatusUnprocessableEntity, "invalid_field"),
		refused("PATCH", "/v1/projects/1000/token-sets/8", `{}`, http.StatusNotFound, "not_found"),
		refused("POST", "/v1/projects/1000/token-sets/8/encrypt", `{"plaintext":""}`, http.StatusUnprocessableEntity, "invalid_field"),
	)
	_, err := c.CreateProject(t.Context(), api.NewProject{Number: 1000, Name: "a"})
	wantError(t, err, client.ErrConflict, "creating a project")
	_, _, err = c.Project(t.Context(), -1)
	wantError(t, err, client.ErrNotFound, "reading a project")
	_, err = c.UpdateProject(t.Context(), 1000, client.AnyVersion, api.ProjectPatch{})
	wantError(t, err, client.ErrStale, "updating a project")
	_, err = c.CreateTokenSet(t.Context(), 1000, api.NewTokenSet{Name: "a"})
	wantError(t, err, client.ErrInvalid, "creating a token set")
	_, err = c.UpdateTokenSet(t.Context(), 1000, "8", client.AnyVersion, api.TokenSetPatch{})
	wantError(t, err, client.ErrNotFound, "updating a token set")
	_, err = c.Seal(t.Context(), 1000, "8", api.SealRequest{})
	wantError(t, err, client.ErrInvalid, "sealing a token")
	wantError(t, c.DeleteTokenSet(t.Context(), 1000, ".."), client.ErrNotFound, "deleting a token set") // which isn't asked at all
}

// TestProjectTexts: what JSON would make something else of isn't sent.
func TestProjectTexts(t *testing.T) {
	const binary = "\xff"
	c := strict(t)
	for field, call := range map[string]func() error{
		"app_keys[1]": func() error {
			_, err := c.CreateProject(t.Context(), api.NewProject{Number: 1000, Name: "a", AppKeys: []string{"a", binary}})
			return err
		},
		"app_keys[0]": func() error {
			_, err := c.UpdateProject(t.Context(), 1000, client.AnyVersion, api.ProjectPatch{AppKeys: api.Some([]string{binary})})
			return err
		},
		"key": func() error {
			_, err := c.CreateTokenSet(t.Context(), 1000, api.NewTokenSet{Name: "a", Key: binary})
			return err
		},
		"key ": func() error {
			_, err := c.UpdateTokenSet(t.Context(), 1000, "8", client.AnyVersion, api.TokenSetPatch{Key: api.Some(binary)})
			return err
		},
		"plaintext": func() error {
			_, err := c.Seal(t.Context(), 1000, "8", api.SealRequest{Plaintext: binary})
			return err
		},
		"token": func() error {
			_, err := c.Unseal(t.Context(), 1000, "8", api.UnsealRequest{Token: binary})
			return err
		},
		"user_token": func() error {
			_, err := c.ExplainSealed(t.Context(), 1000, api.SealedQuestion{UserToken: binary})
			return err
		},
	} {
		err := call()
		wantError(t, err, client.ErrInvalid, strings.TrimSpace(field)+" is not UTF-8")
		if strings.Contains(err.Error(), binary) {
			t.Errorf("%s: got %q, which repeats what was sent", field, err)
		}
	}
}
