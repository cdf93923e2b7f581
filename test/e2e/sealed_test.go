package e2e_test

import (
	"crypto/aes"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/jeton-io/jeton/api"
)

// sealers are the programs that the guide shows, by what they are written in, and the modes that each knows. Each makes the seed's
// two sample plaintexts with the time of now, seals them, and prints the part of a query that they are: XST=…&XUT=…
var sealers = map[string]struct {
	command []string
	modes   []string
}{
	"openssl": {[]string{"bash", "clients/sealed/openssl.sh"}, []string{"CBC"}},
	"go":      {[]string{"go", "run", "./clients/sealed/go"}, []string{"CBC", "ECB", "GCM"}},
	"node":    {[]string{"node", "clients/sealed/seal.mjs"}, []string{"CBC", "ECB", "GCM"}},
	"python":  {[]string{"/usr/bin/python3", "clients/sealed/seal.py"}, []string{"CBC", "ECB", "GCM"}},
}

// notations are how a token's plaintext may be written.
var notations = []string{"xml", "json", "form"}

// application is XDOC's project 1000 as the seed's samples need it: a token set for each mode, all active.
type application struct {
	*stack
	keys map[string]string // the file with the key's text, by mode
	sets map[string]string // IDs of token sets, by mode

	clients int // so many addresses have called
}

// TestSealedTokens has the tokens of each recipe get through: at the product's own address, and by each proxy to the API behind.
// Then it changes them, byte by byte.
func TestSealedTokens(t *testing.T) {
	s := newStack(t, usual())
	a := s.newApplication(t)
	for name, sealer := range sealers {
		for _, mode := range sealer.modes {
			t.Run(name+" "+mode, func(t *testing.T) { a.testSealer(t, sealer.command, mode) })
		}
	}
	for _, mode := range []string{"CBC", "ECB", "GCM"} {
		for _, form := range notations {
			t.Run(mode+" "+form, func(t *testing.T) { a.testForm(t, mode, form) })
		}
	}
	t.Run("changed", a.testChanged)
	for _, p := range s.proxies {
		s.stop(t, p.cmd)
	}
	s.stop(t, s.jeton)
	s.searchSecrets(t)
}

// newApplication makes the project with a token set for each mode, and a service for which its tokens count.
func (s *stack) newApplication(t *testing.T) *application {
	t.Helper()
	a := &application{stack: s, keys: map[string]string{}, sets: map[string]string{}}
	s.v1(t, http.MethodPost, "/projects", object{
		"number": 1000, "name": "XDOC", "security_context": "MySecurityContext", "app_keys": []string{"MyAppKey"},
	}, http.StatusCreated)
	for _, mode := range []string{"CBC", "ECB", "GCM"} {
		set := s.v1(t, http.MethodPost, "/projects/1000/token-sets", object{"name": mode, "mode": mode}, http.StatusCreated)
		key := set.text("key")
		if forgeable := set["forgeable"] == true; key == "" || forgeable != (mode != "GCM") || forgeable != (set["warning"] != nil) {
			t.Errorf("%s: got a key: %t, forgeable: %v, warning: %v", mode, key != "", set["forgeable"], set["warning"])
		}
		s.secrets = append(s.secrets, key)
		a.sets[mode], a.keys[mode] = set.text("id"), filepath.Join(t.TempDir(), mode)
		must(t, os.WriteFile(a.keys[mode], []byte(key+"\n"), 0o600))
	}
	s.service(t, api.NewService{Name: "documents", Host: "api.example.com", PathPrefix: "/documents", Project: 1000},
		"GET /{id} user:admin", "GET /own/{id} user:project-1000", "GET /alice/{id} user:alice", "DELETE /{id} role:admin")
	return a
}

// seal returns the part of a query that a recipe prints, with its tokens in one of the notations.
func (a *application) seal(t *testing.T, command []string, mode, form string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), command[0], command[1:]...)
	cmd.Env = append(os.Environ(), "KEY_FILE="+a.keys[mode], "MODE="+mode, "FORM="+form, "PROJECT=1000")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v; is all installed that test/deps.sh names?", strings.Join(command, " "), err)
	}
	query := strings.TrimSpace(string(out))
	values, err := url.ParseQuery(query)
	must(t, err)
	for _, name := range []string{"XST", "XUT"} {
		if values.Get(name) == "" {
			t.Fatalf("got %q, want a query with %s", query, name)
		}
		a.secrets = append(a.secrets, values.Get(name), url.QueryEscape(values.Get(name)))
	}
	return query
}

// testSealer presents what a recipe has made.
func (a *application) testSealer(t *testing.T, command []string, mode string) {
	a.wantHonoured(t, a.seal(t, command, mode, "xml"), mode)
}

// testForm presents tokens in each of the notations.
func (a *application) testForm(t *testing.T, mode, form string) {
	a.wantHonoured(t, a.seal(t, sealers["node"].command, mode, form), mode)
}

// wantHonoured checks that tokens count for the seed's user: at the product's address and, by each proxy, at the API, which must
// be told of the administrator's role only where the tokens can't be forged.
func (a *application) wantHonoured(t *testing.T, query, mode string) {
	t.Helper()
	if code, body := a.apiTest(t, query); code != "0" {
		t.Errorf("%s: got the result code %s at /XDocApi/, want 0: %s", mode, code, body)
	}
	for _, a.via = range a.proxies {
		a.api.seen()
		if got := a.send(t, get("/documents/7?"+query)).status; got != http.StatusOK {
			t.Errorf("%s by %s: got %d, want 200", mode, a.via.name, got)
		}
		heads := a.api.seen()
		if !slices.ContainsFunc(heads, func(head string) bool { return strings.Contains(strings.ToLower(head), "\nremote-user: admin\r\n") }) {
			t.Errorf("%s by %s: the API wasn't told of admin", mode, a.via.name)
		}
		want := http.StatusForbidden
		if mode == "GCM" {
			want = http.StatusOK
		}
		if got := a.send(t, head("DELETE", "/documents/7?"+query)).status; got != want {
			t.Errorf("%s by %s: got %d for what administrators alone may do, want %d", mode, a.via.name, got, want)
		}
	}
}

// apiTest calls App.ApiTest, as the product's clients try a token, and returns the result's code. Each call comes from another
// client, lest so many changed tokens in a row be throttled.
func (a *application) apiTest(t *testing.T, query string) (code, body string) {
	t.Helper()
	a.clients++
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, a.url+"/XDocApi/?XM=App.ApiTest&InputData=hello&XSC=MySecurityContext&ProjectId=1000&"+query, nil)
	must(t, err)
	req.Header.Set("X-Real-Ip", fmt.Sprintf("198.51.%d.%d", a.clients/256, a.clients%256))
	res, err := http.DefaultClient.Do(req)
	must(t, err)
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	must(t, err)
	body = string(text)
	if code = res.Header.Get("XwsResultCode"); code == "0" && (!strings.Contains(body, `ReturnData="hello"`) || res.Header.Get("XwsResultInfo") != "Success") {
		t.Errorf("got %q, %s, want what was sent", res.Header.Get("XwsResultInfo"), body)
	}
	return code, body
}

// testChanged changes either token: in GCM anywhere, in CBC in the first block of the ciphertext, where the IV isn't in front.
func (a *application) testChanged(t *testing.T) {
	for _, mode := range []string{"GCM", "CBC"} {
		query := a.seal(t, sealers["node"].command, mode, "xml")
		for _, name := range []string{"XST", "XUT"} {
			values, err := url.ParseQuery(query)
			must(t, err)
			token, err := base64.StdEncoding.DecodeString(values.Get(name))
			must(t, err)
			upTo := len(token)
			if mode == "CBC" {
				upTo = aes.BlockSize
			}
			for i := range upTo {
				changed := slices.Clone(token)
				changed[i] ^= 1
				values.Set(name, base64.StdEncoding.EncodeToString(changed))
				if code, _ := a.apiTest(t, values.Encode()); code != "403" {
					t.Errorf("%s, %s, byte %d of %d: got the result code %s, want 403", mode, name, i, len(token), code)
				}
			}
		}
		if code, _ := a.apiTest(t, query); code != "0" {
			t.Errorf("%s: got the result code %s for the unchanged tokens, want 0", mode, code)
		}
	}
}
