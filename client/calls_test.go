package client_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/client"
)

const (
	userJSON    = `{"id":"1","kind":"person","username":"alice","roles":["partner"],"state":"active","has_password":true,"created_at":"2026-11-02T03:04:05.000006Z","updated_at":"2026-11-02T03:04:05.000006Z"}`
	serviceJSON = `{"id":"2","name":"reports","host":"api.example.com","path_prefix":"/","default":"deny","allow_in_path":"","verifiers":["bob"],"upstream":"http://a:1","profile":"xdoc","forward_query_tokens":true,"identity_token":true,"rate_limit":{"calls":6,"per_seconds":60},"created_at":"2026-11-02T03:04:05.000006Z","updated_at":"2026-11-02T03:04:05.000006Z"}`
)

var (
	at      = time.Date(2026, 11, 2, 3, 4, 5, 6000, time.UTC)
	user    = api.User{ID: "1", Kind: "person", Username: "alice", Roles: []string{"partner"}, State: "active", HasPassword: true, CreatedAt: at, UpdatedAt: at}
	service = api.Service{
		ID: "2", Name: "reports", Host: "api.example.com", PathPrefix: "/", Default: "deny", Verifiers: []string{"bob"}, Upstream: "http://a:1", Profile: "xdoc",
		ForwardQueryTokens: true, IdentityToken: true, RateLimit: &api.RateLimit{Calls: 6, PerSeconds: 60}, CreatedAt: at, UpdatedAt: at,
	}
)

// TestCalls makes each request of /v1 once: what stands on the wire, and what comes of the answer.
func TestCalls(t *testing.T) {
	none := map[string]string{"Content-Type": ""}
	tests := map[string]struct {
		wire exchange
		call func(*client.Client) (any, error)
		want any
	}{
		"me": {
			exchange{method: "GET", uri: "/v1/me", status: 200, answer: `{"user":` + userJSON + `,"credential":{"kind":"personal_token","id":"3"}}`},
			func(c *client.Client) (any, error) { return c.Me(t.Context()) },
			api.Me{User: user, Credential: api.Credential{Kind: "personal_token", ID: "3"}},
		},
		"change password": {
			exchange{method: "PUT", uri: "/v1/me/password", body: `{"current":"` + canary + `","new":"other"}`, status: 204, header: none},
			func(c *client.Client) (any, error) { return nil, c.ChangePassword(t.Context(), canary, "other") },
			nil,
		},
		"rotate": {
			exchange{method: "POST", uri: "/v1/me/personal-token", status: 201, answer: `{"token":"jtpNEW","created_at":"2026-11-02T03:04:05.000006Z"}`},
			func(c *client.Client) (any, error) { return c.RotatePersonalToken(t.Context()) },
			api.IssuedPersonalToken{Token: "jtpNEW", CreatedAt: at},
		},
		"token": {
			exchange{method: "GET", uri: "/v1/me/personal-token", status: 200, answer: `{"created_at":"2026-11-02T03:04:05.000006Z","last_used_ip":"192.0.2.1"}`},
			func(c *client.Client) (any, error) { return c.PersonalToken(t.Context()) },
			api.PersonalToken{CreatedAt: at, LastUsedIP: "192.0.2.1"},
		},
		"revoke": {
			exchange{method: "DELETE", uri: "/v1/me/personal-token", status: 204, header: none},
			func(c *client.Client) (any, error) { return nil, c.RevokePersonalToken(t.Context()) },
			nil,
		},
		"create user": {
			exchange{method: "POST", uri: "/v1/users", body: `{"username":"alice","password":"` + canary + `","roles":["partner"]}`, status: 201, answer: userJSON},
			func(c *client.Client) (any, error) {
				return c.CreateUser(t.Context(), api.NewUser{Username: "alice", Password: canary, Roles: []string{"partner"}})
			},
			user,
		},
		"user": {
			exchange{method: "GET", uri: "/v1/users/al%20ice%2F%C3%A5%3F@x%25", status: 200, header: map[string]string{"ETag": `"3"`}, answer: userJSON},
			func(c *client.Client) (any, error) {
				u, version, err := c.User(t.Context(), "al ice/å?@x%")
				return []any{u, version}, err
			},
			[]any{user, client.ETag(`"3"`)},
		},
		"update user": {
			exchange{method: "PATCH", uri: "/v1/users/alice", ifMatch: `"3"`, body: `{"email":null,"roles":[],"state":"blocked"}`, status: 200, answer: userJSON},
			func(c *client.Client) (any, error) {
				return c.UpdateUser(t.Context(), "alice", `"3"`, api.UserPatch{
					Email: api.Optional[string]{Set: true, Null: true}, Roles: api.Some([]string{}), State: api.Some("blocked"),
				})
			},
			user,
		},
		"delete user": {
			exchange{method: "DELETE", uri: "/v1/users/alice", status: 204, header: none},
			func(c *client.Client) (any, error) { return nil, c.DeleteUser(t.Context(), "alice") },
			nil,
		},
		"create service": {
			exchange{method: "POST", uri: "/v1/services", body: `{"name":"reports","host":"api.example.com"}`, status: 201, answer: serviceJSON},
			func(c *client.Client) (any, error) {
				return c.CreateService(t.Context(), api.NewService{Name: "reports", Host: "api.example.com"})
			},
			service,
		},
		"create service behind the proxy": {
			exchange{method: "POST", uri: "/v1/services", body: `{"name":"reports","host":"api.example.com","upstream":"http://a:1","profile":"xdoc","forward_query_tokens":true,"identity_token":true,"rate_limit":{"calls":6,"per_seconds":60}}`, status: 201, answer: serviceJSON},
			func(c *client.Client) (any, error) {
				return c.CreateService(t.Context(), api.NewService{
					Name: "reports", Host: "api.example.com", Upstream: "http://a:1", Profile: "xdoc", ForwardQueryTokens: true, IdentityToken: true,
					RateLimit: &api.RateLimit{Calls: 6, PerSeconds: 60},
				})
			},
			service,
		},
		"take a service from behind the proxy": {
			exchange{method: "PATCH", uri: "/v1/services/reports", ifMatch: `"4"`, body: `{"upstream":null,"profile":"","forward_query_tokens":false,"identity_token":null,"rate_limit":null}`, status: 200, answer: serviceJSON},
			func(c *client.Client) (any, error) {
				return c.UpdateService(t.Context(), "reports", `"4"`, api.ServicePatch{
					Upstream: api.Optional[string]{Set: true, Null: true}, Profile: api.Some(""), ForwardQueryTokens: api.Some(false),
					IdentityToken: api.Optional[bool]{Set: true, Null: true}, RateLimit: api.Optional[api.RateLimitPatch]{Set: true, Null: true},
				})
			},
			service,
		},
		"change a part of a service's rate": {
			exchange{method: "PATCH", uri: "/v1/services/reports", body: `{"rate_limit":{"calls":7}}`, status: 200, answer: serviceJSON},
			func(c *client.Client) (any, error) {
				return c.UpdateService(t.Context(), "reports", client.AnyVersion, api.ServicePatch{RateLimit: api.Some(api.RateLimitPatch{Calls: api.Some(7)})})
			},
			service,
		},
		"service": {
			exchange{method: "GET", uri: "/v1/services/reports", status: 200, header: map[string]string{"ETag": `"4"`}, answer: serviceJSON},
			func(c *client.Client) (any, error) {
				s, version, err := c.Service(t.Context(), "reports")
				return []any{s, version}, err
			},
			[]any{service, client.ETag(`"4"`)},
		},
		"update service": {
			exchange{method: "PATCH", uri: "/v1/services/reports", body: `{"default":"authenticated","accept_api_tokens":false}`, status: 200, answer: serviceJSON},
			func(c *client.Client) (any, error) {
				return c.UpdateService(t.Context(), "reports", client.AnyVersion, api.ServicePatch{Default: api.Some("authenticated"), AcceptAPITokens: api.Some(false)})
			},
			service,
		},
		"delete service": {
			exchange{method: "DELETE", uri: "/v1/services/reports", status: 204, header: none},
			func(c *client.Client) (any, error) { return nil, c.DeleteService(t.Context(), "reports") },
			nil,
		},
		"replace operations": {
			exchange{method: "PUT", uri: "/v1/services/reports/operations", ifMatch: `"7"`, body: `[{"pattern":"GET /a","audience":["role:partner"]}]`, status: 204, header: map[string]string{"Content-Type": "", "ETag": `"8"`}},
			func(c *client.Client) (any, error) {
				return c.ReplaceOperations(t.Context(), "reports", `"7"`, []api.Operation{{Pattern: "GET /a", Audience: []string{"role:partner"}}})
			},
			client.ETag(`"8"`),
		},
		"replace operations by none": {
			exchange{method: "PUT", uri: "/v1/services/reports/operations", ifMatch: `"8"`, body: `[]`, status: 204, header: map[string]string{"ETag": `"9"`}},
			func(c *client.Client) (any, error) {
				return c.ReplaceOperations(t.Context(), "reports", `"8"`, nil)
			},
			client.ETag(`"9"`),
		},
		"verify": {
			exchange{method: "POST", uri: "/v1/verify", body: `{"authorization":"Bearer ` + canary + `","method":"GET","url":"https://api.example.com/a"}`, status: 200, answer: `{"allow":false,"reason":"expired"}`},
			func(c *client.Client) (any, error) {
				return c.Verify(t.Context(), api.VerifyRequest{Authorization: "Bearer " + canary, Method: "GET", URL: "https://api.example.com/a"})
			},
			api.Verdict{Reason: "expired"},
		},
	}
	for name, tt := range tests {
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

func TestOperations(t *testing.T) {
	c := strict(t,
		exchange{method: "GET", uri: "/v1/services/reports/operations", status: 200, header: map[string]string{"ETag": `"7"`}, answer: `[{"pattern":"GET /a","audience":[]}]`},
		exchange{method: "GET", uri: "/v1/services/reports/operations", status: 200, answer: `[]`},
	)
	ops, etag, err := c.Operations(t.Context(), "reports")
	if err != nil || etag != `"7"` || len(ops) != 1 || ops[0].Pattern != "GET /a" {
		t.Errorf("got %v, %q, %v", ops, etag, err)
	}
	_, _, err = c.Operations(t.Context(), "reports")
	wantError(t, err, client.ErrNotJeton, "ETag") // without one, a change couldn't say what it is for
}

// TestPages shows that a loop asks for the pages that it needs, and no more.
func TestPages(t *testing.T) {
	page := func(query, names, next string) exchange {
		if next != "" {
			next = `,"next":"` + next + `"`
		}
		return exchange{method: "GET", uri: "/v1/users" + query, status: 200, answer: `{"items":[` + names + `]` + next + `}`}
	}
	a, b := `{"username":"a"}`, `{"username":"b"}`
	unavailable := exchange{
		method: "GET", uri: "/v1/users?cursor=1&limit=200", status: http.StatusServiceUnavailable,
		header: map[string]string{"Content-Type": "application/problem+json"}, answer: `{"code":"unavailable"}`,
	}
	tests := map[string]struct {
		wire []exchange
		stop int // after so many users
		want string
		err  error
	}{
		"none":           {[]exchange{page("?limit=200", "", "")}, 9, "", nil},
		"one page":       {[]exchange{page("?limit=200", a+","+b, "")}, 9, "ab", nil},
		"pages":          {[]exchange{page("?limit=200", a, "1/ +"), page("?cursor=1%2F+%2B&limit=200", "", "2"), page("?cursor=2&limit=200", b, "")}, 9, "ab", nil},
		"left":           {[]exchange{page("?limit=200", a+","+b, "1")}, 2, "ab", nil},
		"fault":          {[]exchange{page("?limit=200", a, "1"), unavailable}, 9, "a", client.ErrUnavailable},
		"endless":        {[]exchange{page("?limit=200", a, "1"), page("?cursor=1&limit=200", b, "1")}, 9, "ab", client.ErrNotJeton},
		"endless circle": {[]exchange{page("?limit=200", "", "1"), page("?cursor=1&limit=200", "", "2"), page("?cursor=2&limit=200", "", "1")}, 9, "", client.ErrNotJeton},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, failed := "", error(nil)
			for u, err := range strict(t, tt.wire...).Users(t.Context()) {
				if failed = err; err != nil {
					break
				}
				if got += u.Username; len(got) == tt.stop {
					break
				}
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if tt.err != nil || failed != nil {
				wantError(t, failed, tt.err, "listing users")
			}
		})
	}
}

// TestPagesTwice shows that a listing can be gone through again from its beginning.
func TestPagesTwice(t *testing.T) {
	first := exchange{method: "GET", uri: "/v1/services?limit=200", status: 200, answer: `{"items":[{"name":"a"}],"next":"1"}`}
	second := exchange{method: "GET", uri: "/v1/services?cursor=1&limit=200", status: 200, answer: `{"items":[{"name":"b"}]}`}
	all := strict(t, first, second, first, second).Services(t.Context())
	got := ""
	for range 2 {
		for s, err := range all {
			got += fmt.Sprint(s.Name, err, " ")
		}
	}
	if want := "a<nil> b<nil> a<nil> b<nil> "; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestEventFilter(t *testing.T) {
	c := strict(t,
		exchange{method: "GET", uri: "/v1/events?limit=200", status: 200, answer: `{"items":[]}`},
		exchange{
			method: "GET", uri: "/v1/events?action=refused&actor=alice&limit=5&reason=expired&since=2026-11-02T03%3A04%3A05.000006Z&target=1&until=2026-11-02T04%3A04%3A05.000006Z",
			status: 200, answer: `{"items":[{"action":"refused","count":3}]}`,
		},
	)
	for _, f := range []client.EventFilter{{}, {
		Action: "refused", Reason: "expired", Actor: "alice", Target: "1", PageSize: 5,
		Since: at.In(time.FixedZone("", 3600)), Until: at.Add(time.Hour),
	}} {
		for e, err := range c.Events(t.Context(), f) {
			if err != nil || e.Count != 3 {
				t.Errorf("got %+v, %v", e, err)
			}
		}
	}
}
