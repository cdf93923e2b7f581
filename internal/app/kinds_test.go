package app_test

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/internal/app"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/jose"
)

// kindsByDoors says what becomes of a good credential of each kind at each door: the status, and the reason in the audit log
// where it is refused. All belong to administrators, so that the kind alone decides.
//
// "verify" is the caller of /v1/verify, "told" the call that an administrator asks about there. Of OAuth's endpoints, "exchange"
// is the subject of a token exchange, "client" who asks for a token of its own, "introspect" and "revoke" who asks there, and
// "introspected" what is asked about.
//
// Below BitCanuck's paths, "assertion" is what is sent in the place of one, and "logout" who logs out; "grant" is what is sent as
// an assertion to /oauth/token.
//
// "xdoc" is /XDocApi/, whose status says nothing. Sealed tokens come in the query, which OAuth's endpoints take from nobody. "xdoc,
// before" is the same address before an upstream, for a method of the product's own; "proxy" any other.
//
// The services' operations are for administrators, of one scope; "raw" takes API tokens as they are. The scope of some tokens is power
// over Jeton, and of no operation. A page of the console leads whoever it doesn't know to the log-in, and counts no refusal.
const kindsByDoors = `
                         | gateway                | gateway, raw           | me                | users             | verify            | told                   | matrix42              | exchange              | client                | introspect            | introspected              | revoke                | console | assertion       | grant                | logout                | xdoc                 | proxy                  | xdoc, before
password                 | 200                    | 200                    | 200               | 200               | 200               | 200                    | 401 not_accepted_here | 400 malformed         | 401 not_accepted_here | 401 not_accepted_here | 200 malformed inactive    | 401 not_accepted_here | 303     | 401 malformed   | 400 malformed        | 401 not_accepted_here | 200 not_accepted_here | 200                    | 200
console_session          | 401 no_credential      | 401 no_credential      | 200               | 200               | 200               | 200 no_credential      | 401 no_credential     | 400 unrecognized      | 401 no_credential     | 401 no_credential     | 200 unrecognized inactive | 401 no_credential     | 200     | 401 malformed   | 400 malformed        | 401 no_credential     | 200 no_credential     | 401 no_credential      | 200 no_credential
api_session              | 200                    | 200                    | 401 no_credential | 401 no_credential | 401 no_credential | 200                    | 401 no_credential     | 400 unrecognized      | 401 no_credential     | 401 no_credential     | 200 unrecognized inactive | 401 no_credential     | 303     | 401 malformed   | 400 malformed        | 401 no_credential     | 200 no_credential     | 200                    | 200
personal_token           | 200                    | 200                    | 200               | 200               | 200               | 200                    | 401 not_accepted_here | 400 not_accepted_here | 401 not_accepted_here | 200                   | 200                       | 401 not_accepted_here | 303     | 401 malformed   | 400 malformed        | 401 not_accepted_here | 200 not_accepted_here | 200                    | 200
client_secret            | 401 not_accepted_here  | 401 not_accepted_here  | 200               | 403 not_allowed   | 200               | 200 not_accepted_here  | 401 not_accepted_here | 400 unrecognized      | 200                   | 200                   | 200 unrecognized inactive | 200                   | 303     | 401 malformed   | 400 malformed        | 401 not_accepted_here | 200 not_accepted_here | 401 not_accepted_here  | 200 not_accepted_here
api_token                | 401 exchange_first     | 200                    | 200               | 403 not_allowed   | 403 not_allowed   | 200 exchange_first     | 200                   | 200                   | 401 not_accepted_here | 401 not_accepted_here | 200                       | 401 not_accepted_here | 303     | 401 unknown_key | 400 unknown_platform | 401 not_accepted_here | 200 not_accepted_here | 401 exchange_first     | 200 exchange_first
api_token jeton.admin    | 401 exchange_first     | 403 insufficient_scope | 200               | 403 not_allowed   | 403 not_allowed   | 200 exchange_first     | 200                   | 200                   | 401 not_accepted_here | 401 not_accepted_here | 200                       | 401 not_accepted_here | 303     | 401 unknown_key | 400 unknown_platform | 401 not_accepted_here | 200 not_accepted_here | 401 exchange_first     | 200 exchange_first
access_token             | 200                    | 200                    | 200               | 403 not_allowed   | 403 not_allowed   | 200                    | 401 not_accepted_here | 400 not_accepted_here | 401 not_accepted_here | 401 not_accepted_here | 200                       | 401 not_accepted_here | 303     | 401 unknown_key | 400 unknown_platform | 401 not_accepted_here | 200 not_accepted_here | 200                    | 200
access_token jeton.admin | 403 insufficient_scope | 403 insufficient_scope | 200               | 200               | 200               | 200 insufficient_scope | 401 not_accepted_here | 400 not_accepted_here | 401 not_accepted_here | 401 not_accepted_here | 200                       | 401 not_accepted_here | 303     | 401 unknown_key | 400 unknown_platform | 401 not_accepted_here | 200 not_accepted_here | 403 insufficient_scope | 200 insufficient_scope
session_token            | 200                    | 200                    | 200               | 403 not_allowed   | 403 not_allowed   | 200                    | 401 not_accepted_here | 400 not_accepted_here | 401 not_accepted_here | 401 not_accepted_here | 200                       | 401 not_accepted_here | 303     | 401 malformed   | 400 malformed        | 204                   | 200 not_accepted_here | 200                    | 200
assertion                | 401 unknown_key        | 401 unknown_key        | 401 unknown_key   | 401 unknown_key   | 401 unknown_key   | 200 unknown_key        | 401 not_accepted_here | 400 not_accepted_here | 401 not_accepted_here | 401 not_accepted_here | 200 unknown_key inactive  | 401 not_accepted_here | 303     | 200             | 200                  | 401 not_accepted_here | 200 not_accepted_here | 401 unknown_key        | 200 unknown_key
sealed                   | 200                    | 200                    | 401 no_credential | 401 no_credential | 401 no_credential | 200                    | 401 no_credential     | 400 unrecognized      | 400                   | 400                   | 200 unrecognized inactive | 400                   | 303     | 401 malformed   | 400 malformed        | 401 no_credential     | 200                   | 200                    | 200
second_factor            | 401 unrecognized       | 401 unrecognized       | 401 unrecognized  | 401 unrecognized  | 401 unrecognized  | 200 unrecognized       | 401 unrecognized      | 400 unrecognized      | 401 unrecognized      | 401 unrecognized      | 200 unrecognized inactive | 401 unrecognized      | 303     | 401 malformed   | 400 malformed        | 401 unrecognized      | 200 unrecognized      | 401 unrecognized       | 200 unrecognized
link                     | 401 unrecognized       | 401 unrecognized       | 401 unrecognized  | 401 unrecognized  | 401 unrecognized  | 200 unrecognized       | 401 unrecognized      | 400 unrecognized      | 401 unrecognized      | 401 unrecognized      | 200 unrecognized inactive | 401 unrecognized      | 303     | 401 malformed   | 400 malformed        | 401 unrecognized      | 200 unrecognized      | 401 unrecognized       | 200 unrecognized
`

// TestKindsByDoors presents each kind at each door.
func TestKindsByDoors(t *testing.T) {
	d := newFront(t)
	d.make(t, "PATCH /v1/services/reports", `{"profile":"xdoc","default":"deny"}`)
	columns, rows := cells(kindsByDoors)
	for name := range rows {
		if d.shown[name] == "" {
			t.Errorf("the table has %s, of which there is no credential", name)
		}
	}
	for kind := authority.Password; kind.String() != "unknown"; kind++ {
		if rows[kind.String()] == nil {
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
	*instance

	public, gateway string
	data            string            // the data folder
	shown           map[string]string // by the names of the rows
	texts           map[string]string // the same, without what stands around them
	platform        string            // the code of the one that speaks for the administrator
	refused         map[string]int64  // in the audit log so far, by door and reason
}

// The calls that the gateway is asked about.
const (
	subject    = "https://api.example.com/reports/7"
	rawSubject = "https://raw.example.com/reports/7"
)

// newDoors starts a Jeton, and makes a credential of each kind for its administrator.
func newDoors(t *testing.T, flags ...string) *doors {
	t.Helper()
	return newDoorsWith(t, func(*app.Options) {}, flags...)
}

// newDoorsWith is newDoors with changes to the options.
func newDoorsWith(t *testing.T, changes func(*app.Options), flags ...string) *doors {
	t.Helper()
	file := filepath.Join(t.TempDir(), "password")
	write(t, file, "correct horse battery")
	data := t.TempDir()
	i := run(t, configure(t, data, append(flags, "--admin-password-file", file)...), changes)
	d := &doors{instance: i, data: data, public: "http://" + i.addresses.Public.String(), gateway: "http://" + i.addresses.Gateway.String(), shown: map[string]string{}, texts: map[string]string{}}
	for _, c := range logIn(t, i.addresses.Public) {
		d.add(map[string]string{"jeton": "console_session", "jeton_api": "api_session"}[c.Name], "Cookie: "+c.Name+"=", c.Value)
	}
	d.texts["password"] = "correct horse battery"
	d.shown["password"] = basicField("admin", d.texts["password"])
	d.add("sealed", queryField, d.seal(t))
	d.make(t, "POST /v1/services", `{"name":"reports","host":"api.example.com","project":1000}`)
	d.make(t, "POST /v1/services", `{"name":"raw","host":"raw.example.com","accept_api_tokens":true,"project":1000}`)
	for _, service := range []string{"reports", "raw"} {
		d.make(t, "PUT /v1/services/"+service+"/operations", `[{"pattern":"GET /reports/{id}","audience":["role:admin"],"scope":"reports.read"},{"pattern":"GET /XDocApi/","audience":["role:admin"],"scope":"reports.read"}]`)
	}
	d.add("personal_token", bearerField, d.make(t, "POST /v1/me/personal-token", "").Token)
	d.make(t, "POST /v1/users", `{"username":"robot","kind":"service","roles":["admin"]}`)
	d.texts["client_secret"] = d.make(t, "POST /v1/users/robot/client-secrets", "").Secret
	d.shown["client_secret"] = basicField("robot", d.texts["client_secret"])
	for suffix, scopes := range map[string]string{"": "", " jeton.admin": `,"scopes":["jeton.admin"]`} {
		d.add("api_token"+suffix, bearerField, d.make(t, "POST /v1/api-tokens", `{"name":"for the table`+suffix+`","user":"admin","never_expires":true`+scopes+`}`).Token)
		_, body := d.send(t, "POST "+d.public+"/m42Services/api/ApiToken/GenerateAccessTokenFromApiToken", "", d.shown["api_token"+suffix])
		var got struct{ RawToken string }
		if err := json.Unmarshal(body, &got); err != nil || got.RawToken == "" {
			t.Fatalf("exchanging: got %s, %v", body, err)
		}
		d.add("access_token"+suffix, bearerField, got.RawToken)
	}
	d.add("session_token", bearerField, d.session(t))
	d.add("assertion", bearerField, d.enrol(t))
	address := d.make(t, "POST /v1/users/admin/invitation", "").URL
	d.add("second_factor", bearerField, "0t3kh-9w2mz") // a recovery code, which counts beside the ticket of a first step alone, and at the console
	d.add("link", bearerField, address[strings.LastIndex(address, "/")+1:])
	d.refused = d.refusals(t)
	return d
}

// session logs the administrator in as BitCanuck's clients do, and returns the session token.
func (d *doors) session(t *testing.T) string {
	t.Helper()
	_, body := d.send(t, "POST "+d.public+"/api/v1/authenticate", `{"email":"admin","password":"`+d.texts["password"]+`"}`)
	var got struct{ Data struct{ ID string } }
	if err := json.Unmarshal(body, &got); err != nil || got.Data.ID == "" {
		t.Fatalf("logging in: got %s, %v", body, err)
	}
	return got.Data.ID
}

// enrol makes a platform that speaks for administrators, too, and returns an assertion of it about this one.
func (d *doors) enrol(t *testing.T) string {
	t.Helper()
	d.make(t, "PATCH /v1/users/admin", `{"email":"admin@example.com"}`)
	signer, err := jose.GenerateSigner(jose.ES256, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	public, err := signer.Key().PEM()
	if err != nil {
		t.Fatal(err)
	}
	body, err := json.Marshal(api.NewPlatform{Name: "Partner", Algorithm: "ES256", PublicKey: string(public), Administrators: true})
	if err != nil {
		t.Fatal(err)
	}
	d.platform = d.make(t, "POST /v1/platforms", string(body)).Code
	claims := fmt.Sprintf(`{"iss":%q,"email":"admin@example.com","aud":%q,"exp":%d}`, d.platform, d.public, time.Now().Add(5*time.Minute).Unix())
	text, err := signer.Sign(rand.Reader, jose.Header{}, []byte(claims))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// seal makes XDOC's project, whose applications speak for administrators by GCM, and returns a token of it about this one.
func (d *doors) seal(t *testing.T) string {
	t.Helper()
	d.make(t, "POST /v1/projects", `{"number":1000,"name":"Applications"}`)
	set := d.make(t, "POST /v1/projects/1000/token-sets", `{"name":"GCM"}`)
	return d.make(t, "POST /v1/projects/1000/token-sets/"+set.ID+"/encrypt", `{"plaintext":"UserName=admin&GenDT=`+time.Now().UTC().Format(time.RFC3339)+`"}`).URL
}

const (
	bearerField = "Authorization: Bearer "
	// queryField stands before what is no field, but part of the query of a call.
	queryField = "Query: XST="
)

func basicField(name, password string) string {
	return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(name+":"+password))
}

// add keeps a credential for its row, with what stands before its text in the header.
func (d *doors) add(name, before, text string) { d.shown[name], d.texts[name] = before+text, text }

// made is what is needed of an answer to a request that makes something.
type made struct{ Token, Secret, Code, ID, URL string }

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
	method, target, _ := strings.Cut(route, " ")
	for _, field := range header {
		target = asked(target, field)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for _, field := range header {
		switch name, value, ok := strings.Cut(field, ": "); {
		case name == "Host":
			req.Host = value
		case ok && name != "Query":
			req.Header.Set(name, value)
		}
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

// asked is the URL of a call with what belongs to its query, if a credential does.
func asked(target, shown string) string {
	query, ok := strings.CutPrefix(shown, "Query: ")
	if !ok {
		return target
	}
	path, had, _ := strings.Cut(target, "?")
	return path + "?" + strings.TrimPrefix(had+"&"+query, "&")
}

// knock presents a credential at a door, and returns the status and why it was refused.
func (d *doors) knock(t *testing.T, door, name string) string {
	t.Helper()
	shown := d.shown[name]
	gateway, about := "GET "+d.gateway+"/auth-request", `","method":"GET","url":"`+subject+`"}`
	var status int
	switch door {
	case "gateway":
		status, _ = d.send(t, gateway, "", shown, "X-Original-URL: "+asked(subject, shown), "X-Original-Method: GET")
	case "gateway, raw":
		status, _ = d.send(t, gateway, "", shown, "X-Original-URL: "+asked(rawSubject, shown), "X-Original-Method: GET")
	case "me", "users":
		status, _ = d.send(t, "GET "+d.public+"/v1/"+door, "", shown)
	case "verify":
		status, _ = d.send(t, "POST "+d.public+"/v1/verify", `{"authorization":"`+strings.TrimPrefix(d.shown["personal_token"], "Authorization: ")+about, shown)
	case "told":
		field, value, _ := strings.Cut(shown, ": ")
		status, _ = d.send(t, "POST "+d.public+"/v1/verify", `{"`+strings.ToLower(field)+`":"`+value+about, d.shown["password"])
	case "matrix42":
		status, _ = d.send(t, "POST "+d.public+"/m42Services/api/ApiToken/GenerateAccessTokenFromApiToken/?", "", shown)
	case "assertion":
		status, _ = d.send(t, "POST "+d.public+"/api/v1/authenticate-jwt/"+d.platform, "", "Token: "+d.texts[name])
	case "logout":
		if name == "session_token" {
			shown = bearerField + d.session(t) // the other is still needed
		}
		status, _ = d.send(t, "POST "+d.public+"/api/v1/logout", "", shown)
	case "xdoc":
		status, _ = d.send(t, "GET "+d.public+"/XDocApi/?XM=App.ApiTest", "", shown)
	case "proxy":
		status, _ = d.send(t, "GET http://"+d.addresses.Proxy.String()+"/reports/7", "", shown, "Host: api.example.com")
	case "xdoc, before":
		status, _ = d.send(t, "GET http://"+d.addresses.Proxy.String()+"/XDocApi/?XM=Container.ContainerInfo", "", shown, "Host: api.example.com")
	case "console":
		status, _ = d.send(t, "GET "+d.public+"/console/", "", shown)
	default:
		return d.knockOAuth(t, door, name)
	}
	return d.told(t, door, status)
}

// knockOAuth is knock for OAuth's endpoints. Of a token that is asked about it also returns whether it is inactive.
func (d *doors) knockOAuth(t *testing.T, door, name string) string {
	t.Helper()
	path, by, form := door, d.shown[name], url.Values{}
	switch door {
	case "exchange": // as the subject of one (RFC 8693), whatever it is
		path, by, form = "token", "", exchange(d.texts[name])
	case "client": // as a client's own (RFC 6749 section 4.4)
		path = "token"
		form.Set("grant_type", "client_credentials")
	case "grant": // as a platform's assertion (RFC 7523)
		path, by = "token", ""
		form.Set("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer")
		form.Set("assertion", d.texts[name])
	case "introspect": // as the asker's own (RFC 7662), about a good token
		form.Set("token", d.texts["access_token"])
	case "introspected":
		path, by = "introspect", d.shown["client_secret"]
		form.Set("token", d.texts[name])
	case "revoke": // as the asker's own (RFC 7009), about a token that nobody has
		form.Set("token", "x")
	default:
		t.Fatalf("there is no door %q", door)
	}
	status, answer := d.send(t, "POST "+d.public+"/oauth/"+path, form.Encode(), "Content-Type: application/x-www-form-urlencoded", by)
	told := d.told(t, door, status)
	if string(answer) == `{"active":false}` {
		told += " inactive"
	}
	return told
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
	case "exchange", "client", "grant":
		return "oauth_token"
	case "assertion", "logout":
		return "bitcanuck"
	case "introspected":
		return "introspect"
	case "xdoc, before":
		return "proxy"
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
