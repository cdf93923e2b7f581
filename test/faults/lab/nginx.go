package lab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Where clients find nginx, in the namespace of the harness.
const (
	ProxiedAPI = "127.0.0.1:8000" // the protected API, before which nginx asks Jeton
	ProxiedV1  = "127.0.0.1:8080" // Jeton's public listeners
	demoAPI    = "127.0.0.1:9000"
)

// ServiceHost is the host of the protected API.
const ServiceHost = "api.example.com"

// nginxConf is deploy/nginx/demo.conf in the foreground, with a second server for Jeton's own host.
const nginxConf = `
daemon    off;
pid       run/nginx.pid;
error_log run/error.log notice;
events { worker_connections 1024; }
http {
    client_body_temp_path run/body;
    proxy_temp_path       run/proxy;
    fastcgi_temp_path     run/fastcgi;
    uwsgi_temp_path       run/uwsgi;
    scgi_temp_path        run/scgi;
    keepalive_requests    1000000;
    include jeton-http.conf;
    include demo-server.conf;
    include demo-api.conf;

    server {
        listen      ` + ProxiedV1 + `;
        server_name tokens.example.com;
        access_log  run/v1.log jeton;
        include jeton-public.conf;
    }
}
`

// startNginx starts nginx on a copy of deploy/nginx, with the upstreams of three nodes.
func (l *Lab) startNginx(ctx context.Context) error {
	prefix := filepath.Join(runDir, "nginx")
	if err := os.MkdirAll(filepath.Join(prefix, "run"), 0o755); err != nil {
		return err
	}
	files, err := filepath.Glob(filepath.Join(l.Source, "deploy/nginx/*.conf"))
	files = slices.DeleteFunc(files, func(f string) bool { return filepath.Base(f) == "jeton-upstream.conf" }) // of one node
	if err != nil || len(files) == 0 {
		return errors.Join(err, errors.New("deploy/nginx has no files"))
	}
	for _, from := range files {
		text, err := os.ReadFile(from)
		if err != nil {
			return err
		}
		name := strings.Replace(filepath.Base(from), "jeton-upstream-three.conf", "jeton-upstream.conf", 1)
		if err := os.WriteFile(filepath.Join(prefix, name), []byte(l.upstreams(string(text))), 0o644); err != nil {
			return err
		}
	}
	if err := os.WriteFile(filepath.Join(prefix, "faults.conf"), []byte(nginxConf), 0o644); err != nil {
		return err
	}
	as, uid, err := nobody("nobody")
	if err != nil {
		return err
	}
	if err := l.run("chown", "-R", fmt.Sprint(uid), prefix); err != nil {
		return err
	}
	if l.nginx, err = l.start("", "nginx", nil, append(as, "nginx", "-p", prefix, "-c", "faults.conf")...); err != nil {
		return err
	}
	return l.awaitNginx(ctx)
}

// upstreams names the nodes in the place of those of the example, and changes nothing else.
func (l *Lab) upstreams(conf string) string {
	for i, n := range l.Nodes {
		conf = strings.ReplaceAll(conf, fmt.Sprintf("server 127.0.0.1%d:", i+1), "server "+n.Address+":")
	}
	return conf
}

func (l *Lab) awaitNginx(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		if c, err := new(net.Dialer).DialContext(ctx, "tcp", ProxiedAPI); err == nil {
			return c.Close()
		}
		select {
		case <-ctx.Done():
			return errors.New("nginx doesn't answer: see logs/nginx.log")
		case <-l.nginx.done:
			return errors.New("nginx ended as it started: see logs/nginx.log")
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// NginxVersion returns what nginx says of itself.
func NginxVersion(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "nginx", "-v").CombinedOutput()
	return strings.TrimPrefix(strings.TrimSpace(string(out)), "nginx version: "), err
}
