package console_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/jeton-io/jeton/internal/console"
	"github.com/jeton-io/jeton/internal/words"
)

// TestEveryLanguageHasTheWords looks for whatever the console says, in its templates and in its source, and demands it of each
// language; and that no language has what nobody says any more.
func TestEveryLanguageHasTheWords(t *testing.T) {
	said := map[string]bool{}
	inTemplates(t, said)
	inSource(t, said)
	english := slices.DeleteFunc(slices.Sorted(maps.Keys(said)), func(text string) bool {
		return !strings.ContainsFunc(strings.ReplaceAll(text, "%s", ""), unicode.IsLetter)
	})
	if len(english) < 100 {
		t.Fatalf("found %d texts, want more than a hundred", len(english))
	}
	inside := saidInside(t)
	for _, w := range words.All() {
		for _, lacks := range w.Missing(english) {
			t.Errorf("%s lacks %q", w.Code(), lacks)
		}
		for _, key := range w.Keys() {
			if !said[key] && !inside(key) && key != "%d tokens" { // which package words tests itself by
				t.Errorf("%s has %q, which nobody says", w.Code(), key)
			}
			if got, want := verbs(w.Of(words.Say(key))), verbs(key); w.Code() != "en" && got != want && !strings.Contains(key, "%d") {
				t.Errorf("%s says %q with %s, want %s", w.Code(), key, got, want)
			}
		}
	}
}

// TestPlainSentencesAreOfTheInside looks for what the console says in other words: the inside that no longer says it would be shown as it
// speaks to programs.
func TestPlainSentencesAreOfTheInside(t *testing.T) {
	inside := saidInside(t)
	for _, said := range console.SaidPlainly() {
		if field, problem, _ := strings.Cut(said, " "); !inside(field) || !inside(problem) {
			t.Errorf("nobody inside says %q", said)
		}
	}
}

// verbs returns which verbs a text has, sorted. Where they lack an argument, package fmt says so of each.
func verbs(text string) string {
	all := regexp.MustCompile(`%(\[\d\])?[sd]|%!s\(BADINDEX\)|%!s\(MISSING\)|%!d\(MISSING\)`).FindAllString(text, -1)
	return strconv.Itoa(len(all))
}

// inTemplates looks for {{t "…"}} and {{marked "…"}}, also within another call.
func inTemplates(t *testing.T, said map[string]bool) {
	t.Helper()
	calls := regexp.MustCompile(`\b(?:t|marked) ("(?:[^"\\]|\\.)*")`)
	for _, name := range templates(t) {
		text, err := os.ReadFile(name)
		check(t, err)
		for _, found := range calls.FindAllStringSubmatch(string(text), -1) {
			key, err := strconv.Unquote(found[1])
			check(t, err)
			said[key] = true
		}
	}
}

// inSource looks for words.Say("…").
func inSource(t *testing.T, said map[string]bool) {
	t.Helper()
	names, err := filepath.Glob("*.go")
	check(t, err)
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		check(t, err)
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			if f, ok := call.Fun.(*ast.SelectorExpr); !ok || f.Sel.Name != "Say" || len(call.Args) == 0 {
				return true
			}
			if text, ok := call.Args[0].(*ast.BasicLit); ok {
				key, err := strconv.Unquote(text.Value)
				check(t, err)
				said[key] = true
			}
			return true
		})
	}
}

// saidInside returns what reports whether a text can be one of the packages whose errors forms show: it stands there, or its beginning
// does, before a number or a name.
func saidInside(t *testing.T) func(text string) bool {
	t.Helper()
	whole, begun := map[string]bool{}, []string{}
	names, err := filepath.Glob("../*/*.go")
	check(t, err)
	stores, err := filepath.Glob("../store/*/*.go")
	check(t, err)
	for _, name := range slices.Concat(names, stores) {
		if strings.HasSuffix(name, "_test.go") || strings.HasPrefix(name, "../console/") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		check(t, err)
		ast.Inspect(file, func(n ast.Node) bool {
			e, ok := n.(ast.Expr)
			if !ok {
				return true
			}
			text, ok := literal(e)
			if !ok {
				return true
			}
			whole[text] = true
			for part := range strings.SplitSeq(strings.TrimSuffix(text, ": "), ": ") {
				whole[part] = true
				if begins, _, _ := strings.Cut(part, "%"); len(begins) > 3 && strings.HasSuffix(begins, " ") {
					begun = append(begun, begins)
				}
			}
			return true
		})
	}
	return func(text string) bool {
		return whole[text] || slices.ContainsFunc(begun, func(b string) bool { return strings.HasPrefix(text, b) })
	}
}

// literal returns the text of a literal, or of several that are put together.
func literal(e ast.Expr) (text string, ok bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		if e.Kind == token.STRING {
			text, err := strconv.Unquote(e.Value)
			return text, err == nil
		}
	case *ast.BinaryExpr:
		left, one := literal(e.X)
		right, other := literal(e.Y)
		return left + right, one && other && e.Op == token.ADD
	}
	return "", false
}

// TestTemplatesWriteNoPath demands that templates have paths from the code, which has each in one place.
func TestTemplatesWriteNoPath(t *testing.T) {
	for _, name := range templates(t) {
		text, err := os.ReadFile(name)
		check(t, err)
		if strings.Contains(string(text), "/console") {
			t.Errorf("%s writes a path, want {{path.…}}", name)
		}
	}
}

// templates returns the names of the templates' files.
func templates(t *testing.T) []string {
	t.Helper()
	pages, err := filepath.Glob("templates/*.html")
	check(t, err)
	shared, err := filepath.Glob("templates/shared/*.html")
	check(t, err)
	return slices.Concat(pages, shared)
}

// TestLanguages asks for a page in each language, and keeps the one that is chosen.
func TestLanguages(t *testing.T) {
	d := newDesk(t)
	b := d.browser()
	for accept, want := range map[string]string{"de-CH": "Anmelden", "fr": "Se connecter", "it": "Log in"} {
		a := b.want(t, ask{route: "GET /console/login", header: map[string]string{"Accept-Language": accept}}, 200)
		if got := a.one(t, "h1").text(); got != want {
			t.Errorf("%s: got the heading %q, want %q", accept, got, want)
		}
	}
	b.to(t, ask{route: "POST /console/language", form: form("language", "fr", "next", "/console/login?next=%2Fconsole%2Fprofile")}, "/console/login?next=%2Fconsole%2Fprofile")
	a := b.want(t, ask{route: "GET /console/login", header: map[string]string{"Accept-Language": "de"}}, 200)
	if got := a.one(t, "h1").text(); got != "Se connecter" || a.one(t, "html[lang=fr]") == nil {
		t.Errorf("got the heading %q, want French, which was chosen", got)
	}
	b.want(t, ask{route: "POST /console/language", form: form("language", "xx")}, 400)
	b.to(t, ask{route: "POST /console/language", form: form("language", "de", "next", "https://evil.example/")}, "/console/")
}

// TestLanguageOfTheSetting has a browser that asks for none of the languages read that of the setting.
func TestLanguageOfTheSetting(t *testing.T) {
	d := newDesk(t)
	d.language = "fr"
	d.serve(t, console.NewCookies("http://127.0.0.1:8080", ""))
	for accept, want := range map[string]string{"": "Se connecter", "it": "Se connecter", "en-US": "Log in", "de": "Anmelden"} {
		a := d.browser().want(t, ask{route: "GET /console/login", header: map[string]string{"Accept-Language": accept}}, 200)
		if got := a.one(t, "h1").text(); got != want {
			t.Errorf("%s: got the heading %q, want %q", accept, got, want)
		}
	}
}
