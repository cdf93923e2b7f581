package cli_test

import (
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/jeton-io/jeton/internal/cli"
)

// TestEventTimes shows which moment each way of naming one means; it is 2026-11-02T03:04:05Z in these tests.
func TestEventTimes(t *testing.T) {
	for value, want := range map[string]string{
		"2026-01-31T12:00:00Z":      "2026-01-31T12:00:00Z",
		"2026-01-31T12:00:00+01:00": "2026-01-31T11:00:00Z",
		"2026-01-31T12:00:00.5Z":    "2026-01-31T12:00:00.5Z",
		"2026-01-31":                "2026-01-31T00:00:00Z",
		"90m":                       "2026-11-02T01:34:05Z",
		"36h":                       "2026-10-31T15:04:05Z",
		"7d":                        "2026-10-26T03:04:05Z",
		"0s":                        "2026-11-02T03:04:05Z",
	} {
		asked := func(w http.ResponseWriter, r *http.Request) {
			if got := r.URL.Query().Get("since"); got != want || r.URL.Query().Has("until") {
				t.Errorf("%s: got the query %s, want since %s alone", value, r.URL.RawQuery, want)
			}
			answer(t, "GET /v1/events", 200, `{"items":[]}`)(w, r)
		}
		run(t, cli.Env{Environ: api(t, asked)}, "events", "--since", value).want(t, 0)
	}
	for _, value := range []string{"-1h", "-1d", "1.5d", "d", "2026-02-30", "2026-01-31 12:00", "12:00", "9999999999h"} {
		run(t, cli.Env{Environ: api(t)}, "events", "--until="+value).want(t, 2, "--until is no time")
	}
}

// TestEventTable shows each sort of row: of a person, of Jeton itself, of somebody unknown, of a record without a name, and by
// each kind of credential of which a user may have several.
func TestEventTable(t *testing.T) {
	rows := `{"items":[
		{"at":"2026-11-02T03:04:05.678Z","action":"user.create","actor":{"user_id":"1","username":"admin","address":"192.0.2.1"},"target":{"kind":"user","id":"2","name":"alice"},"count":1},
		{"at":"2026-11-02T03:04:04Z","action":"server.first_start","count":1},
		{"at":"2026-11-02T03:04:03Z","action":"refused","actor":{"address":"2001:db8::/64"},"reason":"unknown","door":"gateway","count":12,"detail":{"call":"GET api.example.com/\u001b[2J"}},
		{"at":"2026-11-02T03:04:03Z","action":"refused","reason":"not_allowed","actor":{"user_id":"2","username":"alice","address":"192.0.2.1"},"door":"v1","count":1,"detail":{"call":"GET /v1/users/{user}"}},
		{"at":"2026-11-02T03:04:02Z","action":"user.update","actor":{"username":"admin"},"target":{"kind":"user","id":"2","name":"alice"},"count":1,"detail":{"state":"blocked","roles":"+partner"}},
		{"at":"2026-11-02T03:04:02Z","action":"personal_token.rotate","actor":{"username":"alice"},"target":{"kind":"personal_token","id":"2","name":"alice"},"count":1},
		{"at":"2026-11-02T03:04:02Z","action":"operations.replace","actor":{"username":"admin"},"target":{"kind":"service","id":"3","name":"reports"},"count":1},
		{"at":"2026-11-02T03:04:02Z","action":"user.delete","actor":{"user_id":"1"},"target":{"kind":"user","id":"2"},"count":1},
		{"at":"2025-11-02T03:04:02Z","action":"refused","reason":"unknown","count":2},
		{"at":"2026-11-02T03:04:01Z","action":"refused","reason":"disabled","actor":{"username":"robot","credential_kind":"api_token","credential_id":"5","credential_name":"Nightly, export:\u001b"},"door":"oauth_token","count":3},
		{"at":"2026-11-02T03:04:01Z","action":"refused","reason":"not_in_audience","actor":{"username":"robot","credential_kind":"access_token","credential_id":"5","credential_name":"Nightly"},"door":"gateway","count":1,"detail":{"call":"GET a.example/x"}},
		{"at":"2026-11-02T03:04:01Z","action":"refused","reason":"deleted","actor":{"username":"robot","credential_kind":"client_secret","credential_id":"6"},"door":"oauth_token","count":1},
		{"at":"2026-11-02T03:04:01Z","action":"refused","reason":"unknown_user","actor":{"credential_kind":"client_secret"},"door":"oauth_token","count":1},
		{"at":"2026-11-02T03:04:01Z","action":"refused","reason":"superseded","actor":{"username":"alice","credential_kind":"personal_token","credential_id":"2"},"door":"v1","count":1},
		{"at":"2026-11-02T03:04:01Z","action":"client_secret.create","actor":{"username":"admin"},"target":{"kind":"client_secret","id":"6","name":"robot"},"count":1},
		{"at":"2026-11-02T03:04:01Z","action":"client_key.delete","actor":{"username":"robot","credential_kind":"access_token","credential_id":"5","credential_name":"Nightly"},"target":{"kind":"client_key","id":"7","name":"robot"},"count":1},
		{"at":"2026-11-02T03:04:01Z","action":"refused","reason":"expired","actor":{"credential_kind":"assertion","credential_id":"9","credential_name":"Partner"},"door":"bitcanuck","count":2},
		{"at":"2026-11-02T03:04:01Z","action":"session_token.create","actor":{"user_id":"2","username":"alice","credential_kind":"assertion","credential_id":"9","credential_name":"Partner"},"target":{"kind":"session_token","id":"10","name":"alice"},"count":1},
		{"at":"2026-11-02T03:04:01Z","action":"refused","reason":"ended","actor":{"username":"alice","credential_kind":"session_token","credential_id":"10"},"door":"gateway","count":1},
		{"at":"2026-11-02T03:04:01Z","action":"user.create","actor":{"username":"Partner","credential_kind":"assertion","credential_id":"9","credential_name":"Partner"},"target":{"kind":"user","id":"2","name":"alice"},"count":1},
		{"at":"2026-11-02T03:04:01Z","action":"platform_key.delete","actor":{"username":"admin"},"target":{"kind":"platform_key","id":"10","name":"Partner"},"count":1},
		{"at":"2026-11-02T03:04:01Z","action":"refused","reason":"expired","actor":{"credential_kind":"sealed","credential_id":"11","credential_name":"XDOC, current"},"door":"gateway","count":2},
		{"at":"2026-11-02T03:04:01Z","action":"user.create","actor":{"username":"XDOC","credential_kind":"sealed","credential_id":"11","credential_name":"XDOC, current"},"target":{"kind":"user","id":"2","name":"alice"},"count":1},
		{"at":"2026-11-02T03:04:01Z","action":"token_set.update","actor":{"username":"admin"},"target":{"kind":"token_set","id":"11","name":"current"},"count":1,"detail":{"project":"1000"}},
		{"at":"2026-11-02T03:04:01Z","action":"api_token.create","actor":{"username":"admin"},"target":{"kind":"api_token","id":"8","name":"odd:"},"count":1}
	]}`
	got := run(t, cli.Env{Environ: api(t, answer(t, "GET /v1/events", 200, rows))}, "events")
	got.want(t, 0)
	want := []string{
		"TIME ACTION WHO FROM WHAT",
		"11-02 03:04:05 user.create admin 192.0.2.1 alice",
		"11-02 03:04:04 server.first_start (Jeton) - -",
		"11-02 03:04:03 refused unknown - 2001:db8::/64 12x GET api.example.com/\uFFFD[2J",
		"11-02 03:04:03 refused not_allowed alice 192.0.2.1 v1: GET /v1/users/{user}",
		"11-02 03:04:02 user.update admin - alice roles=+partner state=blocked",
		"11-02 03:04:02 personal_token.rotate alice - -",
		"11-02 03:04:02 operations.replace admin - service reports",
		"11-02 03:04:02 user.delete 1 - 2",
		"2025-11-02 refused unknown - - 2x",
		"11-02 03:04:01 refused disabled robot - 3x by Nightly, export:\uFFFD, oauth_token",
		"11-02 03:04:01 refused not_in_audience robot - by Nightly, GET a.example/x",
		"11-02 03:04:01 refused deleted robot - by 6, oauth_token",
		"11-02 03:04:01 refused unknown_user - - oauth_token",
		"11-02 03:04:01 refused superseded alice - v1",
		"11-02 03:04:01 client_secret.create admin - robot 6",
		"11-02 03:04:01 client_key.delete robot - by Nightly, robot 7",
		"11-02 03:04:01 refused expired - - 2x by Partner, bitcanuck",
		"11-02 03:04:01 session_token.create alice - by Partner, alice 10",
		"11-02 03:04:01 refused ended alice - by 10, gateway",
		"11-02 03:04:01 user.create Partner - alice",
		"11-02 03:04:01 platform_key.delete admin - Partner 10",
		"11-02 03:04:01 refused expired - - 2x by XDOC, current, gateway",
		"11-02 03:04:01 user.create XDOC - alice",
		"11-02 03:04:01 token_set.update admin - current project=1000",
		"11-02 03:04:01 api_token.create admin - odd:",
		"",
	}
	for i, line := range strings.Split(got.stdout, "\n") {
		if line = strings.Join(strings.Fields(line), " "); i >= len(want) || line != want[i] {
			t.Errorf("line %d: got %q, want %q", i, line, want[min(i, len(want)-1)])
		}
	}
}

// TestEventsOnTerminal shows that a terminal's lines don't wrap, that older events are told of, and that there are none.
func TestEventsOnTerminal(t *testing.T) {
	row := `{"at":"2026-11-02T03:04:05.678Z","action":"refused","reason":"not_in_audience","actor":{"username":"alice","address":"192.0.2.1"},` +
		`"door":"gateway","count":1,"detail":{"call":"GET api.example.com/` + strings.Repeat("x", 300) + `"}}`
	for width, want := range map[int]int{0: 379, 80: 80, 100: 100, 10: 80} {
		env := cli.Env{Environ: api(t, answer(t, "GET /v1/events", 200, `{"items":[`+row+`]}`)), Width: width}
		got := run(t, env, "events", "--limit", "1")
		got.want(t, 0, "There may be older ones: --limit 4, or --until 2026-11-02T03:04:05.678Z")
		line := strings.Split(got.stdout, "\n")[1]
		if n := utf8.RuneCountInString(line); n != want && width != 10 || n > want && width == 10 {
			t.Errorf("width %d: got %d characters, want %d: %s", width, n, want, line)
		}
	}
	got := run(t, cli.Env{Environ: api(t, answer(t, "GET /v1/events", 200, `{"items":[]}`))}, "events")
	if got.want(t, 0); got.stdout != "(no events)\n" || got.stderr != "" {
		t.Errorf("got %q and %q, want that there are none", got.stdout, got.stderr)
	}
}

// TestEventPages shows that no more is asked for than is wanted.
func TestEventPages(t *testing.T) {
	page := func(limit, next string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if got := r.URL.Query().Get("limit"); got != limit {
				t.Errorf("got limit %s, want %s", got, limit)
			}
			answer(t, "GET /v1/events", 200, `{"items":[{"action":"a"},{"action":"b"}]`+next+`}`)(w, r)
		}
	}
	const more = `,"next":"n"`
	tests := []struct {
		limit string
		pages []http.HandlerFunc
		lines int
	}{
		{"1", []http.HandlerFunc{page("1", more)}, 1},
		{"2", []http.HandlerFunc{page("2", more)}, 2},
		{"3", []http.HandlerFunc{page("3", more), page("3", more)}, 3},
		{"500", []http.HandlerFunc{page("200", more), page("200", "")}, 4},
		{"0", []http.HandlerFunc{page("200", more), page("200", "")}, 4},
	}
	for _, tt := range tests {
		got := run(t, cli.Env{Environ: api(t, tt.pages...)}, "events", "--limit", tt.limit)
		got.want(t, 0)
		if lines := strings.Count(got.stdout, "\n") - 1; lines != tt.lines {
			t.Errorf("limit %s: got %d events, want %d", tt.limit, lines, tt.lines)
		}
	}
}

// TestListingThatBreaksOff shows that nobody gets to see its first half.
func TestListingThatBreaksOff(t *testing.T) {
	for _, output := range []string{"text", "json"} {
		env := api(t,
			answer(t, "GET /v1/users", 200, `{"items":[{"username":"a"}],"next":"n"}`),
			answer(t, "GET /v1/users", 503, problem("unavailable", 503)),
		)
		got := run(t, cli.Env{Environ: env}, "user", "list", "--output", output)
		if got.want(t, 1); got.stdout != "" {
			t.Errorf("got %q, want nothing", got.stdout)
		}
	}
}
