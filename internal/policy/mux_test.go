package policy_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/jeton-io/jeton/internal/policy"
)

// choices turns bytes into decisions, so that a seeded generator and the
// fuzzer can drive the same test. When the bytes run out, the first is taken.
type choices struct{ data []byte }

func (c *choices) below(n int) int {
	if len(c.data) == 0 {
		return 0
	}
	b := c.data[0]
	c.data = c.data[1:]
	return int(b) % n
}

func (c *choices) of(options ...string) string { return options[c.below(len(options))] }

// pattern makes a good pattern of few words, so that many sets conflict and
// many paths match several patterns.
func (c *choices) pattern() string {
	var b strings.Builder
	b.WriteString(c.of("", "", "GET ", "GET ", "HEAD ", "POST ", "CONNECT "))
	for i := range c.below(4) {
		b.WriteString("/" + c.of("a", "b", "c%20d", "caf\u00e9", "caf%C3%A9", "a", "b", fmt.Sprintf("{v%d}", i), fmt.Sprintf("{w%d}", i)))
	}
	end := c.of("", "/", "/{$}", "/{r...}", "")
	if b.Len() == 0 || strings.HasSuffix(b.String(), " ") {
		end = c.of("/", "/{$}", "/{r...}")
	}
	return b.String() + end
}

// path makes a path of the same words, with strangers of the given list.
func (c *choices) path(strangers ...string) string {
	var b strings.Builder
	words := append([]string{"a", "b", "a", "b", "c d", "c%20d", "caf\u00e9", "caf%c3%a9", "x", "100%25", "v0", "ab"}, strangers...)
	for range c.below(5) {
		b.WriteString("/" + c.of(words...))
	}
	if b.Len() == 0 {
		return "/"
	}
	return b.String() + c.of("", "", "/")
}

// registered is the handler of a pattern, which tells it from ServeMux's own.
type registered struct{ http.Handler }

// handle reports whether mux accepts the pattern.
func handle(mux *http.ServeMux, pattern string) (accepted bool) {
	defer func() { accepted = recover() == nil }()
	mux.Handle(pattern, registered{})
	return true
}

// muxPattern asks a ServeMux which pattern a call matches. Where it would
// redirect to the path with a slash, the pattern that makes it do so is left
// out: it can't match the path as it is, and hides the one that does.
func muxPattern(t *testing.T, mux *http.ServeMux, patterns []string, method, rawPath string) string {
	t.Helper()
	for {
		ask := func(path string) (http.Handler, string) {
			u, err := url.ParseRequestURI(path)
			if err != nil {
				t.Fatal(err)
			}
			return mux.Handler(&http.Request{Method: method, URL: u})
		}
		h, pattern := ask(rawPath)
		if _, ok := h.(registered); ok {
			return pattern
		}
		if fmt.Sprintf("%T", h) != "*http.redirectHandler" {
			return ""
		}
		h, hiding := ask(rawPath + "/")
		if _, ok := h.(registered); !ok {
			t.Fatalf("%s %s with %q: a redirect not to the path with a slash", method, rawPath, patterns)
		}
		patterns = slices.DeleteFunc(slices.Clone(patterns), func(p string) bool { return p == hiding })
		mux = http.NewServeMux()
		for _, p := range patterns {
			mux.Handle(p, registered{})
		}
	}
}

// compatible picks patterns of which no two conflict, and checks that Compile
// and ServeMux refuse the same ones. It returns them with a ServeMux of them.
func compatible(t *testing.T, c *choices) ([]string, *http.ServeMux) {
	t.Helper()
	mux := http.NewServeMux()
	var kept []string
	for range 2 + c.below(7) {
		candidate := c.pattern()
		s := policy.Service{Name: "s", Host: "h", Operations: operations(append(slices.Clone(kept), candidate)...)}
		err := s.Validate()
		if accepted := handle(mux, candidate); accepted != (err == nil) {
			t.Fatalf("%q after %q: Compile says %v, ServeMux accepts: %t", candidate, kept, err, accepted)
		}
		var conflict *policy.ConflictError
		switch {
		case err == nil:
			kept = append(kept, candidate)
		case !errors.As(err, &conflict):
			t.Fatalf("%q after %q: got %v, want a ConflictError", candidate, kept, err)
		default:
			checkExample(t, conflict)
		}
	}
	return kept, mux
}

// checkExample holds a conflict to its claim that both patterns match a call.
func checkExample(t *testing.T, conflict *policy.ConflictError) {
	t.Helper()
	method, path, ok := strings.Cut(conflict.Example, " ")
	if !ok {
		method, path = "PUT", conflict.Example
	}
	for _, p := range []string{conflict.A, conflict.B} {
		s := compiled(t, policy.Service{Operations: operations(p)})
		if got := outcome(s.Authorize(method, path, alice())); got != p {
			t.Errorf("%v: for %s the example yields %s", conflict, p, got)
		}
	}
}

func matchAgainstServeMux(t *testing.T, c *choices) {
	t.Helper()
	patterns, mux := compatible(t, c)
	s := compiled(t, policy.Service{Operations: operations(patterns...)})
	for range 3 {
		method, path := c.of("GET", "HEAD", "POST", "CONNECT", "DELETE"), c.path("..", "", "%61", "a;b")
		got := outcome(s.Authorize(method, path, alice()))
		if policy.CheckPath(path, "") != nil {
			if got != "ambiguous_path" {
				t.Errorf("%s %s with %q: got %s, want ambiguous_path", method, path, patterns, got)
			}
			continue
		}
		want := muxPattern(t, mux, patterns, method, path)
		if want == "" {
			want = "no_operation"
		}
		if got != want {
			t.Errorf("%s %s with %q: got %s, want %s", method, path, patterns, got, want)
		}
	}
}

// readings checks the argument beside CompiledService.agrees: when a call with
// parameters and empty segments is decided, then leaving any one of them out
// decides it alike.
func readings(t *testing.T, c *choices) {
	t.Helper()
	patterns, _ := compatible(t, c)
	s := compiled(t, policy.Service{Operations: operations(patterns...), AllowInPath: ";//", Default: policy.DefaultAuthenticated})
	path := c.path("a;p", "b%3bp", "x;p", "", "", "c%20d;")
	want := outcome(s.Authorize("GET", path, alice()))
	if want == "ambiguous_path" {
		return
	}
	segments := strings.Split(path[1:], "/")
	for i, segment := range segments {
		other := slices.Clone(segments)
		name, _, _ := strings.Cut(strings.ReplaceAll(segment, "%3b", ";"), ";")
		if other[i] = name; name == "" && i < len(segments)-1 {
			other = slices.Delete(other, i, i+1)
		}
		reading := "/" + strings.Join(other, "/")
		if got := outcome(s.Authorize("GET", reading, alice())); got != want {
			t.Errorf("%s with %q: got %s, want %s as for %s", reading, patterns, got, want, path)
		}
	}
}

func TestMatchAgainstServeMux(t *testing.T) {
	for seed := range uint64(20_000) {
		matchAgainstServeMux(t, seeded(seed))
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

func TestReadingsAgree(t *testing.T) {
	for seed := range uint64(20_000) {
		readings(t, seeded(seed))
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

func seeded(seed uint64) *choices {
	random := rand.New(rand.NewPCG(seed, 0))
	data := make([]byte, 128)
	for i := range data {
		data[i] = byte(random.Uint32())
	}
	return &choices{data: data}
}

func FuzzMatchAgainstServeMux(f *testing.F) {
	for seed := range uint64(20) {
		f.Add(seeded(seed).data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		matchAgainstServeMux(t, &choices{data: data})
		readings(t, &choices{data: data})
	})
}
