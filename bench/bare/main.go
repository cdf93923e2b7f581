// Command bare is what the benchmark compares Jeton with: servers of Go's standard library that decide nothing. What Jeton reaches is
// told as a ratio to them, because the same machine gives twice as much in one hour as in another.
//
//	bare                   answers every request with 200 and an empty body
//	bare plain             does so by internal/h1, before net/http: docs/adr/029-plain-requests.md
//	bare api ADDRESS       the API behind the proxies: says which caller it was told of, sends ?bytes=N, counts what is sent to it
//	bare proxy UPSTREAM    passes every request on to the API by httputil.ReverseProxy
//
// It prints the address that it listens on, which is always loopback, and serves until it is killed.
package main

import (
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"strconv"
	"time"

	"github.com/jeton-io/jeton/internal/h1"
)

func main() {
	handler, address, err := server(os.Args[1:])
	if err == nil {
		err = serve(handler, address)
	}
	fmt.Fprintln(os.Stderr, "bare:", err)
	os.Exit(1)
}

// server returns what the arguments ask for.
func server(args []string) (handler http.Handler, address string, err error) {
	const free = "127.0.0.1:0"
	switch {
	case len(args) == 0 || len(args) == 1 && args[0] == "plain":
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }), free, nil
	case len(args) == 2 && args[0] == "api":
		return http.HandlerFunc(api), args[1], nil
	case len(args) == 2 && args[0] == "proxy":
		upstream, err := url.Parse(args[1])
		if err != nil {
			return nil, "", err
		}
		return proxy(upstream), free, nil
	}
	return nil, "", fmt.Errorf("got the arguments %q, want none, plain, api ADDRESS or proxy UPSTREAM", args)
}

func serve(handler http.Handler, address string) error {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	fmt.Println(l.Addr())
	if len(os.Args) > 1 && os.Args[1] == "plain" {
		l = h1.NewListener(l, h1.Config{
			Handler: well{}, Logger: slog.New(slog.DiscardHandler),
			HeadTimeout: 5 * time.Second, IdleTimeout: 2 * time.Minute, WriteTimeout: 30 * time.Second,
		})
	}
	return (&http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second}).Serve(l)
}

// well answers every plain request with 200 and an empty body.
type well struct{}

func (well) AnswerPlain(_ *h1.Request, a *h1.Answer) bool {
	a.Status(http.StatusOK)
	return true
}

// proxy is the least that passes requests on as Jeton does: by one transport that keeps its connections, so many that none of the
// load's has to wait for one or to make its own. With the two connections that Go keeps unless it is told otherwise, the unit would
// be one of dialling.
func proxy(upstream *url.URL) http.Handler {
	return &httputil.ReverseProxy{
		Rewrite:  func(r *httputil.ProxyRequest) { r.SetURL(upstream) },
		ErrorLog: log.New(io.Discard, "", 0), // of the calls that are under way when the load hangs up
		Transport: &http.Transport{
			MaxIdleConns: 0, MaxIdleConnsPerHost: 1024, IdleConnTimeout: time.Minute, DisableCompression: true,
		},
	}
}

// api answers a call with whom it was told of, after it has read all of its body, and with so many bytes as are asked for.
func api(w http.ResponseWriter, r *http.Request) {
	sent, err := io.Copy(io.Discard, r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if wanted, err := strconv.ParseInt(r.URL.Query().Get("bytes"), 10, 64); err == nil {
		w.Header().Set("Content-Length", strconv.FormatInt(wanted, 10))
		_, _ = io.CopyN(w, nulls{}, wanted) // who hangs up has enough
		return
	}
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"caller":%q,"sent":%d}`, r.Header.Get("Remote-User"), sent)
}

// nulls is a body without end.
type nulls struct{}

func (nulls) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
