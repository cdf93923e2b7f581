package proxy_test

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
)

// TestProxyQuotesNothing has an upstream write heads and bodies that can't be read, with a secret of its own in them: neither the log nor
// the client gets it.
func TestProxyQuotesNothing(t *testing.T) {
	s, api := behind(t)
	const canary, ok = "canary", "HTTP/1.1 200 OK\r\n"
	for i, text := range []string{
		"canary\r\n\r\n", "HTTP/canary 200 OK\r\n\r\n", "HTTP/1.1 canary OK\r\n\r\n", ok + "Set-Cookie canary\r\n\r\n", ok + "X: a\x00canary\r\n\r\n",
		ok + "X: \"a\\\"canary\x00\r\n\r\n", ok + "Content-Length: canary\r\n\r\n", ok + "Content-Length: 1\r\nContent-Length: canary\r\n\r\n",
		ok + "Transfer-Encoding: canary\r\n\r\n", ok + "Transfer-Encoding: chunked\r\n\r\ncanary\r\n", ok + "Transfer-Encoding: chunked\r\n\r\n0\r\ncanary\r\n\r\n",
	} {
		api.answers(func(conn net.Conn, _ string) bool {
			_, _ = io.WriteString(conn, text)
			return false
		})
		path := fmt.Sprintf("/any/%d", i)
		conn := s.dial(t, "127.0.0.1")
		_, _ = io.WriteString(conn, get(path, s.bearer(), "Connection: close"))
		answer, _ := io.ReadAll(conn) // cut off where the head was good
		line := fmt.Sprint(s.requestLine(t, path))
		if strings.Contains(line, canary) || strings.Contains(string(answer), canary) {
			t.Errorf("%q: got %q and the line %s", text, answer, line)
		}
		if !strings.Contains(line, "http://"+api.address+": ") {
			t.Errorf("%q: got the line %s, want it to say where, and what is wrong", text, line)
		}
	}
}
