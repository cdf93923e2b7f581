package docs_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/jeton-io/jeton/internal/app"
	"github.com/jeton-io/jeton/internal/config"
	"github.com/jeton-io/jeton/test/pg"
)

// marked is a shell block of a guide that is executed here.
var marked = regexp.MustCompile("(?s)<!-- executed by test/docs/howto_test.go(; exits with 1)? -->\n```sh\n(.*?)```")

// before is what the README has made before anybody turns to the guides.
const before = `echo 'correct horse battery' | bin/jeton user create alice --role partner --password-stdin
bin/jeton service create reports --host api.example.com
bin/jeton service allow reports 'GET /reports/{id}' role:partner
bin/jeton user create ExternalApp < /dev/null
bin/jeton service allow reports 'GET /reports/{id}' role:partner user:ExternalApp
bin/jeton api-token create 'Worker of ExternalApp' --user ExternalApp --expires-in 30d --out worker.token
bin/jeton api-token disable 'Worker of ExternalApp'
echo 'quiet river stone' | bin/jeton user create john --email john@example.com --role partner --password-stdin
openssl genrsa -out partner.pem 2048 && openssl rsa -in partner.pem -pubout -out partner-public.pem
bin/jeton platform create Partner --public-key partner-public.pem --speaks-for role:partner
(umask 077; echo MyAppKey > app.secret)
bin/jeton project create 7 Portal --security-context MySecurityContext --app-key-file app.secret
bin/jeton token-set create 7 portal --out sealing.secret
bin/jeton service update reports --project 7
bin/jeton token-set disable 7 portal
`

// TestHowTo types the guides word for word, one after the other, as the administrator.
func TestHowTo(t *testing.T) {
	dir := t.TempDir()
	build := exec.Command("go", "build", "-o", filepath.Join(dir, "bin", "jeton"), "../../cmd/jeton")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building: %v\n%s", err, out)
	}
	const password = "administrator's own"
	url := serve(t, filepath.Join(dir, "jeton-data"), password)
	environ := append(os.Environ(), "JETON_URL="+url, "JETON_USERNAME=admin", "JETON_PASSWORD="+password, "JETON_TO="+pg.Start(t).DSN("postgres"))
	execute := func(name, script string, want int) string {
		cmd := exec.CommandContext(t.Context(), "bash", "-eo", "pipefail", "-c", script)
		cmd.Dir, cmd.Env = dir, environ
		out, _ := cmd.CombinedOutput()
		if got := cmd.ProcessState.ExitCode(); got != want {
			t.Fatalf("%s: got exit code %d, want %d of\n%s\n%s", name, got, want, script, out)
		}
		return string(out)
	}
	execute("README.md", before, 0)
	said := ""
	for _, name := range []string{"users-and-tokens.md", "services.md", "api-tokens.md", "refusals.md", "matrix42.md", "signing-keys.md", "oauth-clients.md", "session-tokens.md", "platforms.md", "sealed-tokens.md", "backup.md"} {
		text, err := os.ReadFile(filepath.Join("../../docs/how-to", name))
		if err != nil {
			t.Fatal(err)
		}
		blocks := marked.FindAllStringSubmatch(string(text), -1)
		if len(blocks) < 3 {
			t.Fatalf("%s: got %d blocks to execute, want the guide's", name, len(blocks))
		}
		for _, block := range blocks {
			code := 0
			if block[1] != "" {
				code = 1
			}
			said += execute(name, block[2], code)
		}
	}
	for _, want := range []string{
		"Allowed: bob by personal_token", "Refused: superseded", "service orders",
		"Wrote the API token nightly export of nightly-export to export.token", "600 calls in 60 s", "of nightly-export to export.secret",
		"The API token order import is disabled", "accepted as they are", "nightly import", "GET /orders/{id}", "for access_token, with EdDSA", "for access_token, with ES256",
		"Revoked the key", "signing_key.revoke", "Allowed: ExternalApp by access_token", "Refused: exchange_first",
		"Refused: disabled", "of report-client to report-client.secret", "Added the client key",
		"Allowed: bob by session_token", "Refused: not_in_audience", "Refused: ended", "token, by password", "Ended all the user's sessions",
		"Enrolled the platform Partner portal", "Wrote the assertion to grant.token", "Accepted: it would log the user in", "Deleted the key",
		"The platform Partner portal is disabled", "session_token.create", "Wrote the private key of the platform Shop", "dora@example.com", "Refused: unknown_user",
		"Made the project 1000, XDOC. Its service account is project-1000", "XwsResultCode: 0", `ReturnData="hello"`, "Allowed: bob by sealed", "Tokens of this mode can be forged",
		"The token set portal is disabled", "Refused: bad_seal", "Allowed: dagmar by sealed",
		"tables to jeton.backup", "The journal tells of no change since", "The database stays as it stands", "and compared them",
	} {
		if !strings.Contains(said, want) {
			t.Errorf("the guides lack %q; they printed:\n%s", want, said)
		}
	}
}

// serve runs a Jeton on free ports until the test ends, and returns its URL.
func serve(t *testing.T, data, password string) string {
	t.Helper()
	flags := pflag.NewFlagSet("serve", pflag.ContinueOnError)
	config.Flags(flags)
	cfg, err := config.Load(flags, []string{
		"JETON_LISTEN=127.0.0.1:0", "JETON_GATEWAY_LISTEN=127.0.0.1:0", "JETON_ADMIN_LISTEN=127.0.0.1:0",
		"JETON_DATA=" + data, "JETON_ADMIN_PASSWORD=" + password,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	started, ended := make(chan net.Addr, 1), make(chan error, 1)
	go func() {
		ended <- app.Run(ctx, app.Options{Config: cfg, Started: func(a app.Addresses) { started <- a.Public }})
	}()
	select {
	case err := <-ended:
		stop()
		t.Fatal(fmt.Errorf("starting Jeton: %w", err))
		return ""
	case at := <-started:
		t.Cleanup(func() {
			stop()
			if err := <-ended; err != nil {
				t.Error(err)
			}
		})
		return "http://" + at.String()
	}
}
