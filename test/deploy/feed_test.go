package deploy_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jeton-io/jeton/client"
	"github.com/jeton-io/jeton/jetontest"
)

// TestFeedByNginx: the example passes the feed on as it comes, so that a verifier behind it is fresh all the time, and hears of what is
// taken away without asking.
func TestFeedByNginx(t *testing.T) {
	j := jetontest.New(t)
	j.User("alice", "partner")
	j.Service("reports", "api.example.com", "GET /reports/{id} role:partner")
	name, secret := j.VerifierAccount("reports")
	c, err := client.New(client.Config{BaseURL: behindNginx(t, j.URL), Username: name, Password: secret})
	check(t, err)
	v, err := client.NewVerifier(client.VerifierConfig{Client: c, Service: "reports"})
	check(t, err)
	defer v.Close()
	check(t, v.WaitReady(t.Context()))

	token := j.Token("alice")
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for range 7 * 20 { // for longer than what is heard counts
		<-tick.C
		if _, err := v.Verify(t.Context(), token.Reveal()); err != nil || !v.Fresh() {
			t.Fatalf("got %v, stale for %s", err, v.Staleness())
		}
	}
	j.SetState("alice", "blocked")
	for began := time.Now(); ; {
		if _, err := v.Verify(t.Context(), token.Reveal()); err != nil {
			break
		}
		if time.Since(began) > 5*time.Second {
			t.Fatal("a blocked user is let in after 5s")
		}
	}
}

// behindNginx runs nginx with the example of Jeton's own host, and returns its URL.
func behindNginx(t *testing.T, jeton string) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	check(t, err)
	address := l.Addr().String()
	check(t, l.Close())
	dir := t.TempDir()
	public := read(t, "../../deploy/nginx/jeton-public.conf")
	conf := fmt.Sprintf(`daemon off; pid %[1]s/pid; error_log %[1]s/error.log; events {}
http {
    access_log off; client_body_temp_path %[1]s/body; proxy_temp_path %[1]s/proxy; fastcgi_temp_path %[1]s/fastcgi; uwsgi_temp_path %[1]s/uwsgi; scgi_temp_path %[1]s/scgi;
    upstream jeton_public { server %[2]s; }
    server { listen %[3]s; %[4]s }
}`, dir, strings.TrimPrefix(jeton, "http://"), address, public)
	check(t, os.WriteFile(filepath.Join(dir, "nginx.conf"), []byte(conf), 0o600))
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	cmd := exec.CommandContext(ctx, "nginx", "-p", dir, "-c", "nginx.conf", "-g", "master_process off;")
	check(t, cmd.Start())
	t.Cleanup(func() { cancel(); _ = cmd.Wait() })
	return "http://" + address
}
