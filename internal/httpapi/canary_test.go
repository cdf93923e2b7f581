package httpapi_test

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/accesstoken"
	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/apitoken"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/catalog"
	"github.com/jeton-io/jeton/internal/jose"
	"github.com/jeton-io/jeton/internal/platform"
	"github.com/jeton-io/jeton/internal/project"
	"github.com/jeton-io/jeton/internal/secret"
)

// shown are the members that are names by nature: they stand in the answer to whoever sends them. A canary is put there
// only where the name must be refused for it.
var shown = []string{"username", "email", "display_name", "roles", "name", "host", "pattern", "audience", "scope", "issuer", "kid", "new_user_roles", "security_context", "plaintext", "token"}

// canaryDesk is a desk with secrets that must show up nowhere.
type canaryDesk struct {
	*desk
	secrets map[string]string // by what they are
	doc     document
}

// document is what the tests read of the OpenAPI document.
type document struct {
	OpenAPI    string
	Info       struct{ Description string }
	Servers    []struct{ URL string }
	Paths      map[string]map[string]operation
	Components struct{ Schemas map[string]schema }
}

type operation struct {
	OperationID string
	Parameters  []struct{ Name, In string }
	RequestBody struct {
		Content map[string]struct{ Schema schema }
	}
	Responses map[string]struct {
		Description string
		Content     map[string]any
	}
}

type schema struct {
	Ref                  string `json:"$ref"`
	Type                 any
	Items                *schema
	Properties           map[string]schema
	Required             []string
	AdditionalProperties any
}

func newCanaryDesk(t *testing.T) *canaryDesk {
	t.Helper()
	d := &canaryDesk{desk: newDesk(t)}
	target, token := d.user(t, account.Draft{Username: "target"})
	signed, batch := d.issue(t, apitoken.Draft{Name: "batch", User: "target"})
	d.batch = batch
	d.secrets = map[string]string{
		"a password":      "canary:pass/word",
		"a live token":    token,
		"a password hash": "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$Y2FuYXJ5Y2FuYXJ5/2FuYXJ5",
		"the password":    adminPassword,
		"the admin token": d.adminToken,
		"a cookie":        d.logIn(t, target).Console.Reveal(),
		"an API token":    signed,
		"a client secret": d.client(t, "robot"),
		"an access token": d.exchange(t, signed, accesstoken.Ask{}),
		"a session token": d.session(t, target, uuid.Nil).Text.Reveal(),
	}
	partner, made := d.enrol(t, platform.Draft{Name: "Partner", Algorithm: jose.ES256, Enabled: true})
	d.partner, d.partnerKey = partner, made.Key.ID
	d.secrets["an assertion"] = d.assertion(t, signer(t, jose.ES256, made.PrivateKey.Reveal()), "target@example.com", "")
	d.secrets["a line of a private key"] = strings.Split(made.PrivateKey.Reveal(), "\n")[1]
	shared, made := d.enrol(t, platform.Draft{Name: "Shared", Algorithm: jose.HS256, Enabled: true})
	d.secrets["a shared secret"] = made.Secret.Reveal()
	d.want(t, ask{route: "GET /v1/platforms/" + shared.Code, token: d.adminToken}, http.StatusOK, "")
	d.secrets["an app key"] = "canary-app-key-0123"
	d.secrets["a key of a token set"] = d.application(t, d.secrets["an app key"], "GCM", "")
	d.secrets["a plaintext"] = "<SecurityToken><AppKey>" + d.secrets["an app key"] + "</AppKey></SecurityToken>"
	text, err := d.projects.Seal(t.Context(), project.Screen{Number: 1000, Set: d.set}, secret.Text(d.secrets["a plaintext"]), audit.Actor{})
	check(t, err)
	d.secrets["a sealed token"] = text.Base64
	d.service(t, catalog.Draft{Name: "reports", Host: "api.example.com"}, "GET /reports/{id} role:partner")
	decodeJSON(t, d.do(t, ask{route: "GET /v1/openapi.json"}).body, &d.doc)
	return d
}

// send sends a request with a canary and looks for it in the answer.
func (d *canaryDesk) try(t *testing.T, q ask) {
	t.Helper()
	a := d.do(t, q)
	text := a.body
	for name, values := range a.header {
		text += "\n" + name + ": " + strings.Join(values, ",")
	}
	d.look(t, q.route+" "+q.body, text)
}

// look looks for every canary, as it is and as it is written in JSON and in URLs.
func (d *canaryDesk) look(t *testing.T, where, text string) {
	t.Helper()
	for name, canary := range d.secrets {
		inJSON, _ := json.Marshal(canary)
		for _, form := range []string{canary, url.PathEscape(canary), url.QueryEscape(canary), strings.Trim(string(inJSON), `"`)} {
			if strings.Contains(text, form) {
				t.Errorf("%s: found %s in %s", where, name, text)
			}
		}
	}
}

// TestCanaries sends secrets to every route of the document, in every member of a body, rightly and wrongly put, and in
// every other place. They show up in no answer and in no line of the log.
func TestCanaries(t *testing.T) {
	d := newCanaryDesk(t)
	for _, s := range samples() {
		if s.route == "DELETE /v1/me/personal-token" || strings.HasPrefix(s.route, "DELETE /v1/services/") || strings.HasPrefix(s.route, "DELETE /v1/api-tokens/") || strings.HasPrefix(s.route, "DELETE /v1/platforms/") || strings.HasPrefix(s.route, "DELETE /v1/projects/") ||
			strings.Contains(s.route, "/client-") && !strings.HasPrefix(s.route, "GET ") && s.body == "" {
			continue // what the others need
		}
		method, path, _ := strings.Cut(patternOf(s.route), " ")
		op, ok := d.doc.Paths[path][strings.ToLower(method)]
		if !ok {
			t.Fatalf("the document lacks %s %s", method, path)
		}
		for name, canary := range d.secrets {
			d.outside(t, s, op, canary)
			if s.body == "" {
				continue
			}
			for _, body := range d.bodies(t, s, op, name, canary) {
				q := s.ask(d.adminToken)
				q.body = body
				d.try(t, q)
			}
		}
	}
	d.look(t, "the log", d.log.String())
	if !strings.Contains(d.log.String(), `"path":"/v1/users/{user}"`) {
		t.Error("the log lacks the requests")
	}
}

// outside puts a canary into a request beside its body.
func (d *canaryDesk) outside(t *testing.T, s sample, op operation, canary string) {
	t.Helper()
	escaped := url.PathEscape(canary)
	d.try(t, ask{route: s.route + "?" + url.QueryEscape(canary) + "=1", token: d.adminToken})
	d.try(t, ask{route: s.route, token: canary})
	d.try(t, ask{route: s.route, header: map[string]string{"Authorization": canary}})
	d.try(t, ask{route: s.route, header: map[string]string{"Cookie": consoleCookie + "=" + canary, "Sec-Fetch-Site": "same-origin"}})
	for _, name := range []string{"If-Match", "Accept", "Content-Type", "X-Forwarded-For", "X-Real-Ip", "X-Request-Id", "Origin", "Sec-Fetch-Site", "Cookie"} {
		d.try(t, ask{route: s.route, token: d.adminToken, body: `{"` + canary, header: map[string]string{name: canary}})
	}
	for _, p := range op.Parameters {
		switch p.In {
		case "query":
			d.try(t, ask{route: s.route + "?" + p.Name + "=" + url.QueryEscape(canary), token: d.adminToken})
		case "path":
			q := s.ask(d.adminToken)
			q.route = strings.NewReplacer("target", escaped, "reports", escaped, sampleKey, escaped, "{batch}", escaped, "{secret}", escaped, "{key}", escaped, "robot", escaped, "{partner key}", escaped, "{partner}", escaped, "{mine}", escaped, "{theirs}", escaped, "{set}", escaped, "/1000", "/"+escaped).Replace(q.route)
			d.try(t, q)
		}
	}
	d.try(t, ask{route: "GET /v1/" + escaped, token: d.adminToken})
	d.try(t, ask{route: "GET /v1/users/x/" + escaped, token: d.adminToken})
}

// bodies returns a route's bodies with a canary in each place.
func (d *canaryDesk) bodies(t *testing.T, s sample, op operation, name, canary string) []string {
	t.Helper()
	text, _ := json.Marshal(canary)
	c := string(text)
	bodies := []string{
		c, "{" + c, "{" + c + ":1}", `{"a":` + c + `,"a":` + c + `}`, "[" + c + "]", s.body + c, `{"a":` + c, c[1:], canary,
	}
	content := op.RequestBody.Content["application/json"].Schema
	base, wrap := s.body, "%"
	if content.Items != nil {
		content, base, wrap = *content.Items, `{"pattern":"GET /a","audience":[]}`, "[%]"
	}
	properties := d.doc.Components.Schemas[strings.TrimPrefix(content.Ref, "#/components/schemas/")].Properties
	if len(properties) == 0 {
		t.Fatalf("%s has a body without members", s.route)
	}
	for _, member := range slices.Sorted(maps.Keys(properties)) {
		for _, value := range []string{c, "[" + c + "]", "[[" + c + "]]", `{"a":` + c + `}`, "{" + c + ":1}"} {
			refused := strings.ContainsAny(canary, ":/") && member != "display_name" && member != "pattern" && member != "scope" &&
				(member != "name" || !strings.Contains(s.route, "/api-tokens")) && !strings.Contains(s.route, "/platforms") && !strings.Contains(s.route, "/projects")
			if slices.Contains(shown, member) && !refused && (value == c || value == "["+c+"]") {
				continue
			}
			if member == "username" && name == "a password hash" {
				continue // it has no colon and may be a name
			}
			var all map[string]json.RawMessage
			decodeJSON(t, base, &all)
			all[member] = json.RawMessage(value)
			whole, err := json.Marshal(all)
			check(t, err)
			bodies = append(bodies, strings.Replace(wrap, "%", string(whole), 1))
		}
	}
	return bodies
}

// TestTokenIsShownOnce: a new token is in the answer that makes it and in nothing after, by whatever credential.
func TestTokenIsShownOnce(t *testing.T) {
	d := newCanaryDesk(t)
	var issued struct{ Token string }
	decodeJSON(t, d.want(t, ask{route: "POST /v1/me/personal-token", token: "root:" + adminPassword}, http.StatusCreated, "").body, &issued)
	d.secrets = map[string]string{"the new token": issued.Token, "the password": adminPassword, "Basic": base64.StdEncoding.EncodeToString([]byte("root:" + adminPassword))}
	for _, s := range samples() {
		if s.route != "POST /v1/me/personal-token" {
			d.try(t, s.ask(issued.Token))
		}
	}
	d.look(t, "the log", d.log.String())
	events, err := json.Marshal(d.actions(t))
	check(t, err)
	d.look(t, "the audit log", string(events))
}
