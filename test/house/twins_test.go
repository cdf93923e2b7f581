package house_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// importing is a made-up package whose only file imports those named; below "/" is short for the house.
func importing(path string, imports ...string) pkg {
	f := file{name: "a.go"}
	for _, imported := range imports {
		if below, ours := strings.CutPrefix(imported, "/"); ours {
			imported = module + "/" + below
		}
		f.imports = append(f.imports, imported)
	}
	return pkg{path, []file{f}}
}

// TestTwins shows of every rule that it can fail, and that what it refuses has a twin that it lets in.
func TestTwins(t *testing.T) {
	const refused, admitted = true, false
	tests := []struct {
		rule string
		pkg  pkg
		want bool
	}{
		{"imports", importing("internal/jose", "crypto/rsa", "golang.org/x/crypto/hkdf", "github.com/google/uuid"), admitted},
		{"imports", importing("internal/jose", "github.com/go-jose/go-jose/v4"), refused},
		{"imports", importing("internal/jose", "golang.org/xenial"), refused},
		{"imports", importing("internal/jose", "/internal/secret"), refused},
		{"imports", importing("internal/policy", "net/url"), admitted},
		{"imports", importing("internal/policy", "net/http"), refused},
		{"imports", importing("internal/policy", "net/http/httptrace"), refused},
		{"imports", importing("internal/authority", "/internal/policy"), admitted},
		{"imports", importing("internal/authority", "/internal/account"), refused},
		{"imports", importing("internal/sealed", "/internal/secret"), admitted},
		{"imports", importing("internal/sealed", "/internal/jose"), refused},
		{"imports", importing("internal/authority", "database/sql/driver"), refused},
		{"imports", importing("internal/account", "/internal/authority", "/internal/secret"), admitted},
		{"imports", importing("internal/account", "/internal/keyring"), refused},
		{"imports", importing("internal/account", "/api"), refused},
		{"imports", importing("internal/personal", "/internal/account", "/internal/authority", "/internal/secret"), admitted},
		{"imports", importing("internal/personal", "/internal/session"), refused},
		{"imports", importing("internal/personal", "/internal/config"), refused},
		{"imports", importing("internal/personal", "/internal/store/sqlite"), refused},

		{"imports", importing("internal/store/sqlite", "database/sql", "modernc.org/sqlite", "/internal/personal"), admitted},
		{"imports", importing("internal/store/sqlite", "/internal/store/postgres"), refused},
		{"imports", importing("internal/store/sqlite", "/internal/web"), refused},
		{"imports", importing("internal/web", "net/http", "/api", "/internal/authority"), admitted},
		{"imports", importing("internal/web", "/internal/httpapi"), refused},
		{"imports", importing("internal/h1", "net/http", "crypto/tls"), admitted},
		{"imports", importing("internal/h1", "/internal/web"), refused},
		{"imports", importing("internal/h1", "github.com/valyala/fasthttp"), refused},
		{"imports", importing("internal/web", "/internal/h1"), admitted},
		{"imports", importing("internal/gateway", "/internal/h1"), admitted},
		{"imports", importing("internal/authority", "/internal/h1"), refused},
		{"imports", importing("internal/httpapi", "net/http", "/internal/web", "/internal/personal", "/api"), admitted},
		{"imports", importing("internal/httpapi", "/internal/oauth"), refused},
		{"imports", importing("internal/httpapi", "/internal/store/sqlite"), refused},
		{"imports", importing("internal/profile/toy", "/internal/web", "/internal/sealed"), admitted},
		{"imports", importing("internal/profile/toy", "/internal/profile/xdoc"), refused},
		{"imports", importing("internal/extauthz", "/internal/web", "google.golang.org/grpc"), admitted},
		{"imports", importing("internal/extauthz", "/internal/gateway"), refused},
		{"gRPC", importing("internal/extauthz", "google.golang.org/grpc/codes", "github.com/envoyproxy/go-control-plane/envoy/type/v3"), admitted},
		{"gRPC", importing("internal/gateway", "google.golang.org/grpc/codes"), refused},
		{"gRPC", importing("internal/app", "github.com/envoyproxy/go-control-plane/envoy/type/v3"), refused},
		{"gRPC", importing("internal/app", "google.golang.org/grpcs"), admitted},

		{"stores compute", importing("internal/store/sqlite", "/internal/keyring", "crypto/tls"), admitted},
		{"stores compute", importing("internal/store/sqlite", "crypto/rand"), refused},
		{"stores compute", importing("internal/store/postgres", "crypto/hmac"), refused},
		{"stores compute", importing("internal/store/postgres", "/internal/jose"), refused},
		{"stores compute", importing("internal/store/postgres", "golang.org/x/crypto/argon2"), refused},
		{"stores compute", pkg{"internal/store/sqlite", []file{{name: "reserve.go", imports: []string{"crypto/rand"}}}}, admitted},
		{"stores compute", pkg{"internal/store/sqlite", []file{{name: "reserve.go", imports: []string{"crypto/sha256"}}}}, refused},
		{"stores compute", importing("internal/keyring", "crypto/hmac"), admitted},

		{"imports", importing("api", "encoding/json", "net/http"), admitted},
		{"imports", importing("api", "github.com/danielgtaylor/huma/v2"), refused},
		{"imports", importing("api", "/internal/audit"), refused},
		{"imports", importing("client", "net/http", "/api", "/internal/jose", "golang.org/x/oauth2"), admitted},
		{"imports", importing("client", "/internal/authority"), refused},
		{"imports", importing("client", "github.com/spf13/cobra"), refused},
		{"imports", importing("jetontest", "/internal/app"), admitted},
		{"imports", importing("jetontest", "/internal/store/sqlite"), refused},

		{"imports", importing("internal/config", "github.com/knadh/koanf/v2", "/internal/secret"), admitted},
		{"imports", importing("internal/config", "/internal/app"), refused},
		{"imports", importing("internal/app", "/internal/store/sqlite", "/internal/gateway", "/internal/config"), admitted},
		{"imports", importing("internal/app", "/internal/cli"), refused},
		{"imports", importing("internal/demo", "/internal/app", "/client", "/internal/sealed"), admitted},
		{"imports", importing("internal/demo", "/internal/platform"), refused},
		{"imports", importing("internal/cli", "/internal/app", "/client", "github.com/spf13/cobra"), admitted},
		{"imports", importing("internal/cli", "/internal/account"), refused},
		{"imports", importing("cmd/jeton", "/internal/cli"), admitted},
		{"imports", importing("cmd/jeton", "/internal/app"), refused},
		{"imports", importing("bench", "/internal/store/postgres", "net/http"), admitted},
		{"imports", importing("bench/load", "/internal/store/postgres"), admitted},
		{"imports", importing("test/faults", "/internal/store/postgres"), admitted},
		{"imports", importing("testing/faults"), refused},
		{"imports", importing("internal/stores"), refused},
		{"imports", importing("internal/store", "database/sql"), refused},
		{"imports", importing("internal/store", "/internal/personal"), admitted},
		{"imports", importing("internal/store/sqlite", "/internal/store"), admitted},
		{"imports", importing("internal/leaked"), refused},
		{"imports", pkg{"internal/policy", []file{{name: "a_test.go", test: true, imports: []string{"net/http"}}}}, admitted},

		{"package comment", pkg{"a", []file{{pkg: "a"}, {pkg: "a", doc: "Package a is one thing."}}}, admitted},
		{"package comment", pkg{"a", []file{{pkg: "a"}, {pkg: "a_test", test: true, doc: "Package a_test tests."}}}, refused},
		{"package comment", pkg{"a", []file{{pkg: "a", doc: "Copyright"}}}, refused},
		{"package comment", pkg{"a", []file{{pkg: "a_test", test: true, doc: "Package a_test tests."}}}, admitted},
		{"package comment", pkg{"a", []file{{pkg: "main", doc: "Command a does one thing."}}}, admitted},
		{"package comment", pkg{"a", []file{{pkg: "a", doc: "Command a does one thing."}}}, refused},

		{"package name", pkg{path: "internal/policy"}, admitted},
		{"package name", pkg{path: "internal/models"}, refused},
		{"package name", pkg{path: "internal/util/strings"}, refused},

		{"file length", pkg{files: []file{{lines: 1000}}}, admitted},
		{"file length", pkg{files: []file{{lines: 1000}, {lines: 1001, test: true}}}, refused},

		{"JSON tags", pkg{"api", []file{{jsonTag: "`json:\"a\"`"}}}, admitted},
		{"JSON tags", pkg{"internal/profile/toy", []file{{jsonTag: "`json:\"a\"`"}}}, admitted},
		{"JSON tags", pkg{"internal/account", []file{{}, {jsonTag: "`json:\"a\"`"}}}, refused},
		{"JSON tags", pkg{"internal/account", []file{{jsonTag: "`json:\"a\"`", test: true}}}, admitted},
	}
	shown := map[string]bool{}
	for _, tt := range tests {
		got := rules[tt.rule](tt.pkg)
		if (len(got) > 0) != tt.want {
			t.Errorf("%s of %+v: got complaints %q, want any: %v", tt.rule, tt.pkg, got, tt.want)
		}
		shown[tt.rule] = shown[tt.rule] || tt.want
	}
	for rule := range rules {
		if !shown[rule] {
			t.Errorf("no twin shows that the rule %q can fail", rule)
		}
	}
}

// TestReadTree shows that the rules see what stands in the files, and only in those of the house.
func TestReadTree(t *testing.T) {
	root := t.TempDir()
	for name, text := range map[string]string{
		"a/a.go":           "//go:build never\n\n// Package a is made up.\npackage a\n\nimport _ \"net/http\"\n\ntype t struct {\n\tN int `db:\"n\" json:\"n\"`\n}\n",
		"a/a_test.go":      "package a_test\n",
		"a/testdata/b.go":  "not Go",
		"tools/go.mod":     "module tools\n",
		"tools/c/tools.go": "package c\n",
		".cache/d.go":      "package d\n",
	} {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	tree := readTree(t, root)
	if len(tree) != 1 || tree[0].path != "a" || len(tree[0].files) != 2 {
		t.Fatalf("got %+v, want package a with two files", tree)
	}
	got, other := tree[0].files[0], tree[0].files[1]
	if got.pkg != "a" || got.doc != "Package a is made up.\n" || got.lines != 10 || got.test || len(got.imports) != 1 || got.imports[0] != "net/http" || got.jsonTag == "" {
		t.Errorf("got %+v, want the comment, the import, the tag and 10 lines", got)
	}
	if !other.test || other.pkg != "a_test" || other.jsonTag != "" {
		t.Errorf("got %+v, want a test file of a_test", other)
	}
}
