package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// sampleAPI is the API that is protected: a plain net/http server that asks nobody for a credential and believes the identity
// headers. It can do so because only Jeton reaches it, and Jeton sets every one of them.
type sampleAPI struct {
	url    string
	every  time.Duration // between two events of a stream
	report func(visit)   // hears of each call
	server *http.Server
	ended  chan error
	ending chan struct{} // closed when streams are to end
	once   sync.Once

	mu   sync.Mutex
	seen map[string]int // calls by User-Agent
}

// visit is a call as the API sees it.
type visit struct {
	caller, credential string   // as the identity headers say
	method, path       string   // path has the query that arrived
	leaked             []string // credentials that should not have arrived
	status             int
}

// startAPI starts the API on a free port of loopback.
func startAPI(ctx context.Context, every time.Duration, report func(visit)) (*sampleAPI, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("starting the sample API: %w", err)
	}
	a := &sampleAPI{
		url: "http://" + listener.Addr().String(), every: every, report: report,
		ended: make(chan error, 1), ending: make(chan struct{}), seen: map[string]int{},
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /me", a.answer(http.StatusOK, func(*http.Request) (string, any) { return "message", "it is you" }))
	mux.HandleFunc("GET /reports/{id}", a.answer(http.StatusOK, func(r *http.Request) (string, any) { return "report", r.PathValue("id") }))
	mux.HandleFunc("POST /reports", a.answer(http.StatusCreated, func(*http.Request) (string, any) { return "report", "8" }))
	mux.HandleFunc("GET /users/{userId}/reports", a.answer(http.StatusOK, func(*http.Request) (string, any) { return "reports", []string{"7", "8"} }))
	mux.HandleFunc("GET /invoices/{id}", a.answer(http.StatusOK, func(r *http.Request) (string, any) { return "invoice", r.PathValue("id") }))
	mux.HandleFunc("GET /XDocApi/", a.answer(http.StatusOK, func(r *http.Request) (string, any) { return "method", r.URL.Query().Get("XM") }))
	mux.HandleFunc("GET /events", a.events)
	a.server = &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, IdleTimeout: time.Minute}
	go func() { a.ended <- a.server.Serve(listener) }()
	return a, nil
}

// end ends the streams.
func (a *sampleAPI) end() { a.once.Do(func() { close(a.ending) }) }

// stop stops the API. Nobody calls it any longer: Jeton, which alone does, has stopped before.
func (a *sampleAPI) stop() error {
	a.end()
	err := a.server.Close()
	if served := <-a.ended; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	if err != nil {
		return fmt.Errorf("stopping the sample API: %w", err)
	}
	return nil
}

// calls returns how many calls of a program the API has seen.
func (a *sampleAPI) calls(agent string) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.seen[agent]
}

// visited notes a call, and returns what the API sees of its caller.
func (a *sampleAPI) visited(r *http.Request, status int) visit {
	v := visit{
		caller: r.Header.Get("Remote-User"), credential: r.Header.Get("X-Jeton-Credential-Kind"),
		method: r.Method, path: r.URL.RequestURI(), status: status,
	}
	for _, name := range []string{"Authorization", "Cookie"} {
		if len(r.Header.Values(name)) > 0 {
			v.leaked = append(v.leaked, name)
		}
	}
	for name := range r.URL.Query() {
		if name = strings.ToUpper(name); name == "XST" || name == "XUT" {
			v.leaked = append(v.leaked, name)
		}
	}
	slices.Sort(v.leaked)
	a.mu.Lock()
	a.seen[r.UserAgent()]++
	a.mu.Unlock()
	a.report(v)
	return v
}

// answer returns a handler that answers with one member of its own, and with what the API saw of the caller.
func (a *sampleAPI) answer(status int, member func(*http.Request) (string, any)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v := a.visited(r, status)
		name, value := member(r)
		body, err := json.Marshal(map[string]any{name: value, "seen": v.members(r.Header.Get("Remote-Groups"))})
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = w.Write(append(body, '\n')) // the caller may be gone
	}
}

// members are what the API tells its caller of what it saw. Of a credential that should not have arrived it tells the name.
func (v *visit) members(roles string) map[string]any {
	return map[string]any{"caller": v.caller, "credential": v.credential, "roles": roles, "leaked": append([]string{}, v.leaked...)}
}

// events streams server-sent events: so many as n asks for, or without end.
func (a *sampleAPI) events(w http.ResponseWriter, r *http.Request) {
	n, err := strconv.Atoi(r.URL.Query().Get("n"))
	if err != nil || n < 1 {
		n = 0
	}
	v := a.visited(r, http.StatusOK)
	data, err := json.Marshal(map[string]any{"seen": v.members(r.Header.Get("Remote-Groups"))})
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	flush := http.NewResponseController(w).Flush
	tick := time.NewTicker(a.every)
	defer tick.Stop()
	for i := 1; ; i++ {
		fmt.Fprintf(w, "id: %d\ndata: %s\n\n", i, data)
		if err := flush(); err != nil || i == n {
			return
		}
		select {
		case <-tick.C:
		case <-a.ending:
			return
		case <-r.Context().Done():
			return
		}
	}
}
