package proxy_test

import (
	"bufio"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jeton-io/jeton/internal/proxy"
)

// TestProxyLeftovers has an upstream send more than its answers have, to every second caller: a body to a HEAD, or a second answer in the
// same packet. The connection must be no other caller's before that has been seen, and a call that was to go out on it goes out on
// another, with its body. Without that some of these thousands of calls are answered by what was left, or by the answer to another.
func TestProxyLeftovers(t *testing.T) {
	const left = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nstray"
	for name, tc := range map[string]struct {
		method, behind string
		start          func(*httptest.Server)
	}{
		"a body to a HEAD":      {"HEAD", left, (*httptest.Server).Start},
		"two answers":           {"GET", left, (*httptest.Server).Start},
		"two answers over TLS":  {"GET", left, (*httptest.Server).StartTLS},
		"half an answer":        {"GET", "HTTP/1.1 200 OK\r\nX-A: ", (*httptest.Server).Start},
		"nothing more, as twin": {"GET", "", (*httptest.Server).Start},
	} {
		t.Run(name, func(t *testing.T) {
			upstream := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { leave(w, r, tc.behind) }))
			tc.start(upstream)
			t.Cleanup(upstream.Close)
			roots := x509.NewCertPool()
			if cert := upstream.Certificate(); cert != nil {
				roots.AddCert(cert)
			}
			s := open(t, func(c *proxy.Config) { c.Roots = roots })
			s.service(t, upstream.URL)
			var callers sync.WaitGroup
			for caller := range 48 {
				conn := s.dial(t, "127.0.0.1")
				callers.Go(func() {
					for i, in := 0, bufio.NewReader(conn); i < 80; i++ {
						method, path := "GET", fmt.Sprintf("/any/%d/%d", caller, i)
						if caller%2 == 0 {
							method, path = tc.method, path+"/more"
						}
						if err := s.own(conn, in, method, path, caller%3 == 0); err != nil {
							t.Errorf("%s: %v", path, err)
							return
						}
					}
				})
			}
			callers.Wait()
		})
	}
}

// leave answers all requests on a connection by their own paths, and sends more behind where they ask for it.
func leave(w http.ResponseWriter, r *http.Request, more string) {
	_, _ = io.Copy(io.Discard, r.Body)
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer func() { _ = conn.Close() }()
	for in := bufio.NewReader(conn); err == nil; r, err = http.ReadRequest(in) {
		body, err := io.ReadAll(r.Body)
		path := r.URL.Path
		if err != nil || len(body) != 0 && string(body) != "body" {
			return
		}
		answer := fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", len(path))
		if r.Method != http.MethodHead {
			answer += path
		}
		if strings.HasSuffix(path, "/more") {
			answer += more
		}
		if _, err := io.WriteString(conn, answer); err != nil {
			return
		}
	}
}

// own calls once, by a POST with a body in the place of a GET where post says so, and returns an error unless the answer is that to this
// very call.
func (s *stand) own(conn net.Conn, in *bufio.Reader, method, path string, post bool) error {
	raw := head(method, path, s.bearer())
	if post && method == http.MethodGet {
		raw = head("POST", path, s.bearer(), "Content-Length: 4") + "body"
	}
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil { // of this call: how long all of them take is the machine's business
		return err
	}
	if _, err := io.WriteString(conn, raw); err != nil {
		return err
	}
	res, err := http.ReadResponse(in, &http.Request{Method: method})
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err == nil && (res.StatusCode != http.StatusOK || method == http.MethodGet && string(body) != path || res.ContentLength != int64(len(path))) {
		err = fmt.Errorf("got %s %q", res.Status, body)
	}
	return err
}
