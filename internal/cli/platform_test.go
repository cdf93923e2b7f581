package cli_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/jeton-io/jeton/client"
	"github.com/jeton-io/jeton/internal/cli"
)

const madePlatform = `{"id":"6","code":"K7PX2MQA","name":"Partner","keys":[{"id":"8"}],"private_key":"` + canary + `\n"}`

// TestKeyThatNobodySaw shows that a private key that could not be printed, or whose answer was lost, is not passed over in
// silence: who doesn't know of it would hand over nothing, and enrol the platform again.
func TestKeyThatNobodySaw(t *testing.T) {
	cut := func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
	public := textFile(t, "-----BEGIN PUBLIC KEY-----\n")
	for _, output := range []string{"text", "json"} {
		made := answer(t, "POST /v1/platforms", 201, madePlatform)
		run(t, cli.Env{Environ: api(t, made), Stdout: brokenPipe{}}, "platform", "create", "Partner", "-o", output).
			want(t, 1, "writing the output", "The platform was enrolled and its private key is lost: delete K7PX2MQA, and enrol it again.")
		key := answer(t, "POST /v1/platforms/K7PX2MQA/keys", 201, `{"id":"8","secret":"`+canary+`"}`)
		run(t, cli.Env{Environ: api(t, key), Stdout: brokenPipe{}}, "platform", "key", "create", "K7PX2MQA", "-o", output).
			want(t, 1, "writing the output", "The secret was made and is lost: delete the key 8, and make another.")
	}
	for line, want := range map[string]string{
		"platform create Partner":                        "what was made for it is lost: jeton platform list shows its code, by which you delete it.",
		"platform create Partner --public-key " + public: "If the request had arrived, the platform is enrolled: jeton platform list shows its code.",
		"platform key create K7PX2MQA":                   "jeton platform key list shows its ID, by which you delete it.",
	} {
		run(t, cli.Env{Environ: api(t, cut)}, strings.Fields(line)...).want(t, 1, "no answer", want)
	}
}

// TestKeyOnTerminal shows the one hint more that a terminal gets, and that a key of several lines comes whole.
func TestKeyOnTerminal(t *testing.T) {
	const key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"
	for terminal, lines := range map[bool]int{false: 1, true: 2} {
		made := answer(t, "POST /v1/platforms", 201, `{"code":"K7PX2MQA","private_key":"`+strings.ReplaceAll(key, "\n", `\n`)+`"}`)
		got := run(t, cli.Env{Environ: api(t, made), Terminal: terminal}, "platform", "create", "Partner")
		got.want(t, 0, "The code of the platform is K7PX2MQA.")
		if n := strings.Count(got.stderr, "\n"); got.stdout != key || n != lines {
			t.Errorf("terminal %v: got %q and %d lines of advice, want the key and %d", terminal, got.stdout, n, lines)
		}
	}
}

// TestExplainAtTerminal asks for the assertion without showing it, and shows steps that could move the cursor as text.
func TestExplainAtTerminal(t *testing.T) {
	hidden := func(context.Context) (client.Secret, error) { return canary, nil }
	told := answer(t, "POST /v1/platforms/K7PX2MQA/explain", 200,
		`{"accepted":false,"reason":"bad_signature","steps":[{"step":"form","passed":true,"found":"A \u001b[31mtoken."},{"step":"signature","passed":false,"found":"It is wrong.","fix":"Mend it."}]}`)
	got := run(t, cli.Env{Environ: api(t, told), Hidden: hidden}, "platform", "explain", "K7PX2MQA", "--assertion-file", "-")
	got.want(t, 1, "Assertion: ")
	const want = "ok       form       A \ufffd[31mtoken.\nrefused  signature  It is wrong.\n                    Mend it.\nRefused: bad_signature.\n"
	if got.stdout != want {
		t.Errorf("got\n%s\nwant\n%s", got.stdout, want)
	}
}
