package proxy_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// TestProxyLeftovers has an upstream send more than its answers have, to every second caller: a body to a HEAD, or a second answer in the
// same packet. The connection must be no other caller's before that has been seen. Without that some of these thousands of calls are
// answered by what was left, or by the answer to another.
func TestProxyLeftovers(t *testing.T) {
	const left = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nstray"
	for name, tc := range map[string]struct{ method, behind string }{
		"a body to a HEAD":  {"HEAD", left},
		"two answers":       {"GET", left},
		"half an answer":    {"GET", "HTTP/1.1 200 OK\r\nX-A: "},
		"nothing, the twin": {"GET", ""},
	} {
		t.Run(name, func(t *testing.T) {
			s, api := behind(t)
			api.answers(func(conn net.Conn, head string) bool {
				path := strings.Fields(head)[1]
				answer := fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", len(path))
				if !strings.HasPrefix(head, "HEAD ") {
					answer += path
				}
				if strings.HasSuffix(path, "/more") {
					answer += tc.behind
				}
				_, err := io.WriteString(conn, answer)
				return err == nil
			})
			var callers sync.WaitGroup
			for caller := range 48 {
				conn := s.dial(t, "127.0.0.1")
				callers.Go(func() {
					method, end := "GET", ""
					if caller%2 == 0 {
						method, end = tc.method, "/more"
					}
					for i, in := 0, bufio.NewReader(conn); i < 150; i++ {
						path := fmt.Sprintf("/any/%d/%d%s", caller, i, end)
						if _, err := io.WriteString(conn, head(method, path, s.bearer())); err != nil {
							t.Error(err)
							return
						}
						res, err := http.ReadResponse(in, &http.Request{Method: method})
						if err != nil {
							t.Error(err)
							return
						}
						body, err := io.ReadAll(res.Body)
						_ = res.Body.Close()
						if err != nil || res.StatusCode != http.StatusOK || method == "GET" && string(body) != path || res.ContentLength != int64(len(path)) {
							t.Errorf("%s: got %s %q, %v", path, res.Status, body, err)
							return
						}
					}
				})
			}
			callers.Wait()
		})
	}
}
