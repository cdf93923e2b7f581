package cli_test

import (
	"net/http"
	"testing"

	"github.com/jeton-io/jeton/internal/cli"
)

// TestKeyStates shows since when each key is what it is.
func TestKeyStates(t *testing.T) {
	env := api(t, answer(t, "GET /v1/keys", 200, `{"items":[
		{"id":"c","purpose":"api_token","algorithm":"RS256","state":"active","created_at":"2026-11-02T03:04:05.000006Z"},
		{"id":"b","purpose":"api_token","algorithm":"RS256","state":"retired","created_at":"2026-08-02T03:04:05Z","retired_at":"2026-11-02T03:04:05Z"},
		{"id":"a","purpose":"access_token","algorithm":"ES256","state":"revoked","created_at":"2026-05-02T03:04:05Z","retired_at":"2026-08-02T03:04:05Z","revoked_at":"2026-09-01T00:00:00Z"},
		{"id":"0","purpose":"later","algorithm":"later","state":"later","created_at":"2026-05-01T03:04:05Z"}
	]}`))
	got := run(t, cli.Env{Environ: env}, "keys", "list")
	got.want(t, 0)
	const want = "ID  PURPOSE       ALGORITHM  STATE    SINCE\n" +
		"c   api_token     RS256      active   2026-11-02T03:04:05Z\n" +
		"b   api_token     RS256      retired  2026-11-02T03:04:05Z\n" +
		"a   access_token  ES256      revoked  2026-09-01T00:00:00Z\n" +
		"0   later         later      later    2026-05-01T03:04:05Z\n"
	if got.stdout != want {
		t.Errorf("got\n%s\nwant\n%s", got.stdout, want)
	}
}

// TestKeyRotationLost has the answer lost on its way, and another administrator rotate in the same moment.
func TestKeyRotationLost(t *testing.T) {
	lost := func(w http.ResponseWriter, _ *http.Request) {
		c, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_ = c.Close()
	}
	run(t, cli.Env{Environ: api(t, lost)}, "keys", "rotate", "access_token").
		want(t, 1, "jeton keys list shows whether there is a new key.")
	stale := answer(t, "POST /v1/keys", 412, problem("stale_version", 412))
	run(t, cli.Env{Environ: api(t, stale)}, "keys", "rotate", "access_token").
		want(t, 1, "jeton: rotating a signing key: A title.\n", "  Some advice.\n")
}
