package app_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/jeton-io/jeton/internal/app"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/web"
)

// toy is the profile of a fifth product, as a package of its own would be: who is logged in writes to a guest book and is told who
// that was. Its clients send their token bare, in a field of their own.
type toy struct {
	authority *authority.Authority
	peers     *web.Peers
	door      authority.Door
}

const toyPath = "/toy/guestbook"

// ServeHTTP implements http.Handler.
func (p *toy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	client, _ := p.peers.Client(r)
	in := web.PresentedHere(r, client)
	in.Authorization = []string{"Bearer " + r.Header.Get("X-Toy-Key")}
	entry, err := io.ReadAll(r.Body)
	if err == nil {
		var caller authority.Principal
		if caller, err = p.authority.Identify(r.Context(), &in, &p.door); err == nil {
			_, _ = io.WriteString(w, caller.Username+" wrote "+string(entry[:min(5, len(entry))]))
			return
		}
	}
	web.WriteError(w, r, err)
}

// addToy puts the product into the list, turned on or off.
func addToy(on bool) func(*app.Options) {
	return func(o *app.Options) {
		o.AddProduct("toy", on, []string{"X-Toy-Key"}, func(path string) bool { return path == toyPath }, func(a *authority.Authority, peers *web.Peers) http.Handler {
			return &toy{a, peers, authority.Door{Name: "toy", Kinds: authority.KindsOf(authority.PersonalToken)}}
		})
	}
}

// TestFifthProduct: a new product is one new profile. It takes a line in the list of products, and is then served on the public
// listener, and on the proxy's where a service names it, within the same bounds; no other package knows of it.
func TestFifthProduct(t *testing.T) {
	f := newFrontWith(t, addToy(true))
	key := "X-Toy-Key: " + f.texts["personal_token"]
	if status, body := f.send(t, "POST "+f.public+toyPath, "hello", key); status != http.StatusOK || string(body) != "admin wrote hello" {
		t.Errorf("got %d %s of the public listener", status, body)
	}
	if res, answer, seen := f.call(t, "POST "+toyPath, "hello", key, f.shown["personal_token"]); answer != "the API's" || !strings.Contains(seen, "X-Toy-Key") {
		t.Errorf("got %d %s before a service names the profile, and the API saw %q, want the call there", res.status, answer, seen)
	}
	f.make(t, "PATCH /v1/services/reports", `{"profile":"toy"}`)
	for name, tc := range map[string]struct {
		path, body string
		status     int
		answer     string
	}{
		"its path":             {toyPath, "hello", 200, "admin wrote hello"},
		"the longest body":     {toyPath, strings.Repeat("h", 1<<20), 200, "admin wrote hhhhh"},
		"one byte more":        {toyPath, strings.Repeat("h", 1<<20+1), 413, `"code":"body_too_large"`},
		"another path":         {toyPath + "s", "hello", 200, "the API's"},
		"a body for the API":   {toyPath + "s", strings.Repeat("h", 1<<20+1), 200, "the API's"},
		"another spelling":     {"/toy/guestboo%6b", "hello", 403, `"code":"not_allowed"`},
		"an empty segment":     {"/toy//guestbook", "hello", 403, `"code":"not_allowed"`},
		"another product's":    {loginLine[5:] + "/s", "", 200, "the API's"},
		"the path with a host": {"http://api.example.com" + toyPath, "hello", 200, "admin wrote hello"},
	} {
		t.Run(name, func(t *testing.T) {
			headers := []string{key}
			if !strings.Contains(tc.path, toyPath) || strings.HasSuffix(tc.path, "s") {
				headers = append(headers, f.shown["personal_token"])
			}
			res, answer, seen := f.call(t, "POST "+tc.path, tc.body, headers...)
			if res.status != tc.status || !strings.Contains(answer, tc.answer) || strings.Contains(seen, f.texts["personal_token"]) {
				t.Errorf("got %d %.200s, and the API saw %.500q, want %d %s, and no token there", res.status, answer, seen, tc.status, tc.answer)
			}
			if own := !strings.HasSuffix(tc.path, "s") && (res.status == http.StatusRequestEntityTooLarge || strings.HasPrefix(answer, "admin")); own != (res.header.Get("Cross-Origin-Opener-Policy") == "same-origin") {
				t.Errorf("got header %v, want what every answer of Jeton's own has: %t", res.header, own)
			}
		})
	}
}
