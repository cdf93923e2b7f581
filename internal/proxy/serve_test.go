package proxy_test

import (
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/jeton-io/jeton/test/desk"
)

// serve opens an upstream that speaks HTTP/1.1, and HTTP/2 without TLS.
func serve(t testing.TB, handler http.HandlerFunc) (address string) {
	t.Helper()
	s := httptest.NewUnstartedServer(handler)
	s.Config.Protocols = new(http.Protocols)
	s.Config.Protocols.SetHTTP1(true)
	s.Config.Protocols.SetUnencryptedHTTP2(true)
	s.Start()
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
	})
	return s.URL
}

// do sends a request and reads the answer.
func do(t testing.TB, client *http.Client, r *http.Request) answer {
	t.Helper()
	res, err := client.Do(r)
	desk.Check(t, err)
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	desk.Check(t, err)
	return answer{res.StatusCode, res.Header, string(body), res.Trailer}
}

// discardLog is for a server whose clients turn away by design.
func discardLog() *log.Logger { return log.New(io.Discard, "", 0) }

// silent is a log that nobody reads, at the level of production: its lines are made, or the proxy would be measured without them.
func silent() *slog.Logger {
	return slog.New(slog.NewJSONHandler(struct{ io.Writer }{io.Discard}, nil))
}
