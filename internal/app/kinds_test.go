package app_test

import (
	"encoding/json"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/internal/authority"
)

// kindsByDoors says what becomes of a good credential of each kind at each door: the status, and the reason in the audit log
// where it is refused. All belong to administrators, so that the kind alone decides.
//
// "verify" is the caller of /v1/verify, "told" the call that an administrator asks about there. The services have one
// operation, for administrators; that of "raw" takes API tokens as they are. A page of the console leads whoever it doesn't
// know to the log-in, and counts no refusal. The scope of some tokens is power over Jeton, and of no operation.
const kindsByDoors = `
                         | gateway                | gateway, raw           | me                | users             | verify            | told                   | matrix42              | console
password                 | 200                    | 200                    | 200               | 200               | 200               | 200                    | 401 not_accepted_here | 303
console_session          | 401 no_credential      | 401 no_credential      | 200               | 200               | 200               | 200 no_credential      | 401 no_credential     | 200
api_session              | 200                    | 200                    | 401 no_credential | 401 no_credential | 401 no_credential | 200                    | 401 no_credential     | 303
personal_token           | 200                    | 200                    | 200               | 200               | 200               | 200                    | 401 not_accepted_here | 303
api_token                | 401 exchange_first     | 200                    | 200               | 403 not_allowed   | 403 not_allowed   | 200 exchange_first     | 200                   | 303
api_token jeton.admin    | 401 exchange_first     | 403 insufficient_scope | 200               | 403 not_allowed   | 403 not_allowed   | 200 exchange_first     | 200                   | 303
access_token             | 200                    | 200                    | 200               | 403 not_allowed   | 403 not_allowed   | 200                    | 401 not_accepted_here | 303
access_token jeton.admin | 403 insufficient_scope | 403 insufficient_scope | 200               | 200               | 200               | 200 insufficient_scope | 401 not_accepted_here | 303
`

// notBuilt are the kinds for which there is no way in yet.
var notBuilt = []string{"session_token", "client_secret", "assertion", "sealed"}

// TestKindsByDoors presents each kind at each door.
func TestKindsByDoors(t *testing.T) {
	d := newDoors(t)
	columns, rows := cells(kindsByDoors)
	for name := range rows {
		if d.shown[name] == "" {
			t.Errorf("the table has %s, of which there is no credential", name)
		}
	}
	for kind := authority.Password; kind.String() != "unknown"; kind++ {
		if rows[kind.String()] == nil && !slices.Contains(notBuilt, kind.String()) {
			t.Errorf("the table lacks the kind %s", kind)
		}
	}
	for name, row := range rows {
		for i, door := range columns {
			t.Run(door+"/"+name, func(t *testing.T) {
				if got := d.knock(t, door, name); got != row[i] {
					t.Errorf("got %s, want %s", got, row[i])
				}
			})
		}
	}
}

// cells reads the table: its columns, and its rows by their names.
func cells(table string) (columns []string, rows map[string][]string) {
	rows = map[string][]string{}
	for line := range strings.Lines(strings.TrimLeft(table, "\n")) {
		row := strings.Split(line, "|")
		for i := range row {
			row[i] = strings.TrimSpace(row[i])
		}
		if columns == nil {
			columns = row[1:]
			continue
		}
		rows[row[0]] = row[1:]
	}
	return columns, rows
}

// doors are a Jeton with its doors, and good credentials as header fields, "Name: value".
type doors struct {
	public, gateway string
	data            string // the data folder
	shown           map[string]string
	refused         map[string]int64 // in the audit log so far, by door and reason
}

// The calls that the gateway is asked about.
const (
	subject    = "https://api.example.com/reports/7"
	rawSubject = "https://raw.example.com/reports/7"
)

// newDoors starts a Jeton, and makes a credential of each kind for its administrator.
func newDoors(t *testing.T) *doors {
	t.Helper()
	file := filepath.Join(t.TempDir(), "password")
	write(t, file, "correct horse battery")
	data := t.TempDir()
	i := run(t, configure(t, data, "--admin-password-file", file))
	d := &doors{data: data, public: "http://" + i.addresses.Public.String(), gateway: "http://" + i.addresses.Gateway.String(), shown: map[string]string{}}
	for _, c := range logIn(t, i.addresses.Public) {
		d.shown[map[string]string{"jeton": "console_session", "jeton_api": "api_session"}[c.Name]] = "Cookie: " + c.Name + "=" + c.Value
	}
	d.shown["password"] = "Authorization: Basic YWRtaW46Y29ycmVjdCBob3JzZSBiYXR0ZXJ5"
	d.make(t, "POST /v1/services", `{"name":"reports","host":"api.example.com"}`)
	d.make(t, "POST /v1/services", `{"name":"raw","host":"raw.example.com","accept_api_tokens":true}`)
	for _, service := range []string{"reports", "raw"} {
		d.make(t, "PUT /v1/services/"+service+"/operations", `[{"pattern":"GET /reports/{id}","audience":["role:admin"],"scope":"reports.read"}]`)
	}
	d.shown["personal_token"] = "Authorization: Bearer " + d.make(t, "POST /v1/me/personal-token", "").Token
	for suffix, scopes := range map[string]string{"": "", " jeton.admin": `,"scopes":["jeton.admin"]`} {
		token := d.make(t, "POST /v1/api-tokens", `{"name":"for the table`+suffix+`","user":"admin","never_expires":true`+scopes+`}`).Token
		d.shown["api_token"+suffix] = "Authorization: Bearer " + token
		_, body := d.send(t, "POST "+d.public+"/m42Services/api/ApiToken/GenerateAccessTokenFromApiToken", "", d.shown["api_token"+suffix])
		var got struct{ RawToken string }
		if err := json.Unmarshal(body, &got); err != nil || got.RawToken == "" {
			t.Fatalf("exchanging: got %s, %v", body, err)
		}
		d.shown["access_token"+suffix] = "Authorization: Bearer " + got.RawToken
	}
	d.refused = d.refusals(t)
	return d
}

// made is what is needed of an answer to a request that makes something.
type made struct{ Token string }

// make has the administrator make something.
func (d *doors) make(t *testing.T, route, body string) (m made) {
	t.Helper()
	method, path, _ := strings.Cut(route, " ")
	status, answer := d.send(t, method+" "+d.public+path, body, d.shown["password"], "If-Match: *")
	if status >= 300 {
		t.Fatalf("%s: got %d %s", route, status, answer)
	}
	_ = json.Unmarshal(answer, &m) // some answers are lists
	return m
}

// send sends a request, as from a page of the same origin, and returns status and body.
func (d *doors) send(t *testing.T, route, body string, header ...string) (int, []byte) {
	t.Helper()
	method, url, _ := strings.Cut(route, " ")
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for _, field := range header {
		name, value, _ := strings.Cut(field, ": ")
		req.Header.Set(name, value)
	}
	res, err := http.DefaultTransport.RoundTrip(req) // follows no redirect
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, answer
}

// knock presents a credential at a door, and returns the status and why it was refused.
func (d *doors) knock(t *testing.T, door, name string) string {
	t.Helper()
	shown := d.shown[name]
	gateway, about := "GET "+d.gateway+"/auth-request", `","method":"GET","url":"`+subject+`"}`
	var status int
	switch door {
	case "gateway":
		status, _ = d.send(t, gateway, "", shown, "X-Original-URL: "+subject, "X-Original-Method: GET")
	case "gateway, raw":
		status, _ = d.send(t, gateway, "", shown, "X-Original-URL: "+rawSubject, "X-Original-Method: GET")
	case "me", "users":
		status, _ = d.send(t, "GET "+d.public+"/v1/"+door, "", shown)
	case "verify":
		status, _ = d.send(t, "POST "+d.public+"/v1/verify", `{"authorization":"`+strings.TrimPrefix(d.shown["personal_token"], "Authorization: ")+about, shown)
	case "told":
		field, value, _ := strings.Cut(shown, ": ")
		status, _ = d.send(t, "POST "+d.public+"/v1/verify", `{"`+strings.ToLower(field)+`":"`+value+about, d.shown["password"])
	case "matrix42":
		status, _ = d.send(t, "POST "+d.public+"/m42Services/api/ApiToken/GenerateAccessTokenFromApiToken/?", "", shown)
	case "console":
		status, _ = d.send(t, "GET "+d.public+"/console/", "", shown)
	default:
		t.Fatalf("there is no door %q", door)
	}
	return d.told(t, door, status)
}

// told returns a status, and the reasons of the refusals that the audit log tells of since it was last asked.
func (d *doors) told(t *testing.T, door string, status int) string {
	t.Helper()
	got := strconv.Itoa(status)
	now := d.refusals(t)
	for refusal, count := range now {
		for range count - d.refused[refusal] {
			at, reason, _ := strings.Cut(refusal, " ")
			if got += " " + reason; at != auditedAs(door) {
				got += " at " + at
			}
		}
	}
	d.refused = now
	return got
}

// auditedAs returns the name of a door in the audit log.
func auditedAs(door string) string {
	switch door {
	case "me", "users", "verify":
		return "v1"
	case "told":
		return "verify"
	}
	door, _, _ = strings.Cut(door, ",")
	return door
}

// refusals returns how often the audit log has a refusal, by "door reason".
func (d *doors) refusals(t *testing.T) map[string]int64 {
	t.Helper()
	_, body := d.send(t, "GET "+d.public+"/v1/events?action=refused&limit=200", "", d.shown["password"])
	var page struct{ Items []api.Event }
	if err := json.Unmarshal(body, &page); err != nil {
		t.Fatalf("reading refusals: got %s, %v", body, err)
	}
	counts := map[string]int64{}
	for _, e := range page.Items {
		counts[e.Door+" "+e.Reason] += e.Count
	}
	return counts
}
