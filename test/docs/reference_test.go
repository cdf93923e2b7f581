// Package docs_test writes the reference in docs/reference from the code, and fails where that has moved on since.
// `go test ./test/docs -update` writes it anew.
package docs_test

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/config"
)

var update = flag.Bool("update", false, "write docs/reference anew")

// golden compares a page of the reference with what the code says.
func golden(t *testing.T, name, want string) {
	t.Helper()
	path := filepath.Join("../../docs/reference", name)
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s is not what the code says; run go test ./test/docs -update", path)
	}
}

func TestSettings(t *testing.T) {
	fs := pflag.NewFlagSet("serve", pflag.ContinueOnError)
	config.Flags(fs)
	c, err := config.Load(fs, nil)
	if err != nil {
		t.Fatal(err)
	}
	live := map[string]string{}
	for _, s := range c.Settings() {
		if s.Live {
			live[s.Name] = "yes"
		}
	}
	var b strings.Builder
	b.WriteString("# Settings of the server\n\nA flag goes before the environment, that before the file named by `--config`. " +
		"In the file the same names are keys: `public-url: https://tokens.example.com`. A key that isn't listed here is an error. " +
		"`jeton config check` prints every fault at once.\n\n" +
		"| flag | default | meaning | SIGHUP applies it |\n|---|---|---|---|\n")
	fs.VisitAll(func(f *pflag.Flag) {
		value := ""
		if f.DefValue != "" {
			value = "`" + f.DefValue + "`"
		}
		fmt.Fprintf(&b, "| `--%s` | %s | %s | %s |\n", f.Name, value, f.Usage, live[f.Name])
	})
	golden(t, "settings.md", b.String())
}

// door is the name of a door, where an edge makes it or has a constant of it.
var door = regexp.MustCompile(`(?:authority\.Door\{Name:|[a-z]Door =) "([a-z0-9_]+)"`)

// TestDoors holds the description of an event to the doors that there are.
func TestDoors(t *testing.T) {
	field, _ := reflect.TypeFor[api.Event]().FieldByName("Door")
	_, list, _ := strings.Cut(field.Tag.Get("doc"), ": ")
	var got []string
	err := filepath.WalkDir("../../internal", func(path string, _ os.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, found := range door.FindAllStringSubmatch(string(text), -1) {
			got = append(got, found[1])
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(got)
	want := strings.Split(list, ", ")
	slices.Sort(want)
	if got = slices.Compact(got); !slices.Equal(got, want) {
		t.Errorf("got the doors %q, want those that the description of api.Event tells of: %q", got, want)
	}
}

func TestCodes(t *testing.T) {
	var b strings.Builder
	b.WriteString("# Reasons, actions and problem codes\n\n## Why a call was refused\n\n" +
		"`reason` in the audit log, in the request log and in the answer of `POST /v1/verify`. Callers see only the status.\n\n" +
		"| reason | caller sees | meaning |\n|---|---|---|\n")
	for _, c := range constants(t, "../../internal/authority/reason.go", "Reason") {
		outcome := authority.Reason(c.value).Outcome()
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", c.value, outcome, c.doc)
	}
	b.WriteString("\n## What the audit log tells of\n\n| action | meaning |\n|---|---|\n")
	for _, c := range constants(t, "../../internal/audit/audit.go", "Action") {
		fmt.Fprintf(&b, "| `%s` | %s |\n", c.value, c.doc)
	}
	b.WriteString("\n## Problems of /v1\n\nEvery error is `application/problem+json` (RFC 9457) with one of these codes.\n\n" +
		"| code | status | title | fix |\n|---|---|---|---|\n")
	codes := api.Codes()
	slices.SortFunc(codes, func(x, y api.Code) int {
		if d := api.Lookup(x).Status - api.Lookup(y).Status; d != 0 {
			return d
		}
		return strings.Compare(string(x), string(y))
	})
	for _, code := range codes {
		d := api.Lookup(code)
		fmt.Fprintf(&b, "| `%s` | %d %s | %s | %s |\n", code, d.Status, http.StatusText(d.Status), d.Title, d.Fix)
	}
	golden(t, "codes.md", b.String())
}

// TestLists compares the lists of actions and reasons that the program has with its constants.
func TestLists(t *testing.T) {
	var actions, reasons []constant
	for _, a := range audit.Actions() {
		actions = append(actions, constant{value: string(a)})
	}
	for _, r := range authority.Reasons() {
		reasons = append(reasons, constant{value: string(r)})
	}
	sameValue := func(a, b constant) bool { return a.value == b.value }
	if want := constants(t, "../../internal/audit/audit.go", "Action"); !slices.EqualFunc(actions, want, sameValue) {
		t.Errorf("got actions %v, want %v", actions, want)
	}
	if want := constants(t, "../../internal/authority/reason.go", "Reason"); !slices.EqualFunc(reasons, want, sameValue) {
		t.Errorf("got reasons %v, want %v", reasons, want)
	}
}

// constant is a constant of a string type, with the comment behind it.
type constant struct{ value, doc string }

// constants reads the constants of a type from a file, in their order.
func constants(t *testing.T, path, typeName string) []constant {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	var all []constant
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 {
			return true
		}
		named, ok := spec.Type.(*ast.Ident)
		literal, isLiteral := spec.Values[0].(*ast.BasicLit)
		if !ok || !isLiteral || named.Name != typeName {
			return true
		}
		value, err := strconv.Unquote(literal.Value)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, constant{value, strings.TrimSpace(spec.Comment.Text())})
		return true
	})
	if len(all) == 0 {
		t.Fatalf("%s has no constants of type %s", path, typeName)
	}
	return all
}
