package demo_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jeton-io/jeton/internal/demo"
)

// TestSampleAPI shows that the API tells apart what a proxy must not let through, and that what it then says of a call is no good
// answer to an integrator: else the demo would praise a proxy that passes everything on.
func TestSampleAPI(t *testing.T) {
	url, calls := demo.StartAPI(t)
	for _, tt := range []struct {
		name, query string
		header      http.Header
		want        string // what the integrator makes of it
		fault       string
	}{
		{"as it should be", "", http.Header{"Remote-User": {"alice"}, "X-Jeton-Credential-Kind": {"password"}}, "the API saw alice, by password", ""},
		{"of nobody", "", nil, "", "saw no caller"},
		{"with the credential", "", http.Header{"Remote-User": {"alice"}, "Authorization": {"Bearer CANARY"}}, "", "saw credentials: Authorization"},
		{"with a cookie", "", http.Header{"Remote-User": {"alice"}, "Cookie": {"jeton_api=CANARY"}}, "", "saw credentials: Cookie"},
		{"with sealed tokens", "?XUT=CANARY&xst=CANARY", http.Header{"Remote-User": {"alice"}}, "", "saw credentials: XST, XUT"},
		{"with another query", "?XSTX=1", http.Header{"Remote-User": {"alice"}}, "the API saw alice, by ", ""},
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/reports/7"+tt.query, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header = tt.header.Clone()
		if r.Header == nil {
			r.Header = http.Header{}
		}
		r.Header.Set("User-Agent", tt.name)
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(answer.Body)
		if err := errors.Join(err, answer.Body.Close()); err != nil {
			t.Fatal(err)
		}
		got, err := demo.Saw(body)
		if got != tt.want || (err != nil) != (tt.fault != "") || err != nil && !strings.Contains(err.Error(), tt.fault) {
			t.Errorf("%s: got %q, %v, want %q, %q", tt.name, got, err, tt.want, tt.fault)
		}
		if strings.Contains(string(body), "CANARY") || calls(tt.name) != 1 {
			t.Errorf("%s: got %s, and %d calls counted, want the credential's name alone, and one", tt.name, body, calls(tt.name))
		}
	}
}

// TestRunEnds shows that a demo whose context has ended before it begins leaves nothing and is no failure, and that one that can't
// make its folder says so.
func TestRunEnds(t *testing.T) {
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	cfg := demo.Config{Every: time.Millisecond, Out: io.Discard, Now: time.Now}
	if err := demo.Run(ctx, cfg); err != nil {
		t.Errorf("got %v, want no error", err)
	}
	if left, err := os.ReadDir(tmp); err != nil || len(left) > 0 {
		t.Errorf("got %v, %v, want nothing left", left, err)
	}
	t.Setenv("TMPDIR", tmp+"/none")
	if err := demo.Run(t.Context(), cfg); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "TMPDIR=") {
		t.Errorf("got %v, want that the folder can't be made, and how to name another", err)
	}
}

// TestColour shows that statuses are coloured where that is wanted, and that nothing else that a terminal would obey is printed.
func TestColour(t *testing.T) {
	var out strings.Builder
	if err := demo.Run(t.Context(), demo.Config{Calls: 5, Every: time.Millisecond, Colour: true, Out: &out, Now: time.Now}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"\x1b[32m200\x1b[0m", "\x1b[31m403\x1b[0m"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("got no %q in\n%s", want, out.String())
		}
	}
	if got := demo.Printable("a\x1b[31mb\u009bc é"); got != "a\uFFFD[31mb\uFFFDc é" {
		t.Errorf("got %q", got)
	}
}

// TestQuoted has a shell read words as they were.
func TestQuoted(t *testing.T) {
	for _, want := range []string{"/tmp/jeton-demo-1/x", "it's", "$(false)", "a b\nc", `\`, "é*"} {
		out, err := exec.CommandContext(t.Context(), "bash", "-c", "printf %s "+demo.Quoted(want)).Output()
		if err != nil || string(out) != want {
			t.Errorf("got %q, %v, want %q", out, err, want)
		}
	}
	if got := demo.Quoted("/tmp/jeton-demo-1/x"); got != "/tmp/jeton-demo-1/x" {
		t.Errorf("got %q, want no quotes where none are needed", got)
	}
}

// TestStartFails has Jeton find a file where its folder belongs: the fault is told once.
func TestStartFails(t *testing.T) {
	if err := demo.StartDesk(t.Context(), t.TempDir()); err != nil {
		t.Errorf("got %v, want it to start", err)
	}
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "data"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	err := demo.StartDesk(t.Context(), folder)
	if text := fmt.Sprint(err); err == nil || !strings.HasPrefix(text, "starting Jeton: ") || strings.Count(text, "not a directory") != 1 {
		t.Errorf("got %q, want the fault, once", text)
	}
}
