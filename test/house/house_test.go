// Package house_test holds the shape of the house: who may import whom, what a package may be called, what its
// comment and its files must be. It judges packages that don't exist yet, too: whoever adds one finds its rules here.
//
// Tests may import what they like. A folder with a go.mod of its own, such as tools, isn't part of the house.
package house_test

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/jeton-io/jeton"

// The packages of the house. A * stands for one element of a path; "..." at the end for any number, none included.
var (
	ground    = []string{"internal/secret", "internal/jose", "internal/policy", "internal/audit", "internal/sealed"}
	codec     = []string{"internal/sealed"}
	authority = []string{"internal/authority"}
	services  = []string{"internal/account", "internal/keyring", "internal/catalog", "internal/feed"}
	// internal/identity is no way in, since its tokens are no credentials, but stands on the same things as they, and knows none.
	waysIn = []string{"internal/personal", "internal/apitoken", "internal/accesstoken", "internal/clientauth", "internal/session", "internal/platform", "internal/project", "internal/link", "internal/identity"}
	// What a passkey is, a library knows that no other package does: docs/adr/036-second-factors.md.
	passkey = []string{"internal/factor/passkey"}
	factor  = []string{"internal/factor"}
	inside  = slices.Concat(ground, authority, services, waysIn, passkey, factor)

	list    = []string{"internal/store"}   // of what a store does
	archive = []string{"internal/archive"} // a store's records on their way elsewhere: docs/adr/016-archive.md
	stores  = []string{"internal/store/*"}
	calls   = []string{"internal/jwks"}  // what Jeton asks of others
	mail    = []string{"internal/mail"}  // what Jeton tells people who aren't there: docs/adr/037-mail.md
	engine  = []string{"internal/h1"}    // HTTP/1.1 before net/http: docs/adr/029-plain-requests.md
	words   = []string{"internal/words"} // what people read, in their languages
	web     = []string{"internal/web"}
	edges   = []string{"internal/httpapi", "internal/oauth", "internal/gateway", "internal/extauthz", "internal/proxy", "internal/profile/*", "internal/console"}

	api       = []string{"api"}
	client    = []string{"client"}
	jetontest = []string{"jetontest"}
	verifying = []string{"internal/jose", "internal/policy"} // the ground that a verifier away from Jeton needs

	config  = []string{"internal/config"}
	app     = []string{"internal/app"}
	demo    = []string{"internal/demo"}
	cli     = []string{"internal/cli"}
	command = []string{"cmd/jeton"}
	bench   = []string{"bench/..."}
	tests   = []string{"test/..."}

	nothing   = []string{}
	anything  = []string{"..."}
	protocols = []string{"net/http", "database/sql"} // the edges' and the stores' business
	uuid      = "github.com/google/uuid"             // docs/adr/001-uuid-in-the-ground.md
	golang    = "golang.org/x"
)

// rooms says who may import whom. A package that none of them names is refused.
var rooms = []room{
	// The inside: no HTTP, no SQL, no wire types, no settings.
	{"codec", codec, []string{"internal/secret"}, protocols, []string{golang}}, // of the ground, but a key is a secret
	{"ground", ground, nothing, protocols, []string{golang, uuid}},
	{"authority", authority, ground, protocols, []string{golang, uuid}},
	{"services", services, slices.Concat(authority, ground), protocols, []string{golang, uuid}},
	{"ways in", waysIn, slices.Concat(services, authority, ground), protocols, []string{golang, uuid}}, // never each other
	{"passkey", passkey, nothing, protocols, []string{"github.com/go-webauthn/webauthn"}},
	{"second factors", factor, slices.Concat(passkey, []string{"internal/keyring"}, authority, ground), protocols, []string{golang, uuid, "github.com/pquerna/otp"}},

	// What stands around it.
	{"list", list, inside, protocols, nothing},
	{"archive", archive, inside, protocols, []string{golang, uuid, "filippo.io/age"}},
	{"stores", stores, slices.Concat(list, archive, inside), nothing, anything}, // never each other
	{"calls", calls, ground, []string{"database/sql"}, []string{golang}},        // by an interface of the inside
	{"mail", mail, slices.Concat(words, ground), []string{"database/sql"}, []string{golang, "github.com/wneessen/go-mail"}},
	{"engine", engine, nothing, []string{"database/sql"}, nothing}, // it answers whoever hands it a handler, and knows nothing of Jeton
	{"words", words, nothing, protocols, []string{golang}},
	{"web", web, slices.Concat(engine, api, inside), nothing, anything},
	{"edges", edges, slices.Concat(web, words, engine, api, inside), nothing, anything}, // never each other, never a store

	// What other people's programs import.
	{"api", api, nothing, nothing, nothing},
	{"client", client, slices.Concat(api, verifying), nothing, []string{golang}},
	{"jetontest", jetontest, slices.Concat(app, config, api, client), nothing, anything},

	// What puts it together: only app sees everything.
	{"config", config, ground, nothing, anything},
	{"app", app, slices.Concat(inside, list, archive, stores, calls, mail, words, engine, web, edges, config, api, client), nothing, anything},
	{"demo", demo, slices.Concat(app, config, api, client, []string{"internal/sealed", "internal/secret"}), nothing, anything},
	{"cli", cli, slices.Concat(demo, client, api, app, config, []string{"internal/sealed", "internal/secret"}), nothing, anything},
	{"command", command, cli, nothing, anything},
	{"bench", bench, anything, nothing, anything},
	{"tests", tests, anything, nothing, anything},
}

// room is one line of the rules.
type room struct {
	name     string
	packages []string
	house    []string // what it may import of the house
	never    []string // what it may not import of the standard library, nor what lies below it
	modules  []string // what it may import from elsewhere, and what lies below it
}

// Where struct tags may name members of JSON. Elsewhere a type isn't a wire type, and api or a profile has its twin.
var jsonTags = slices.Concat(api, config, bench, tests,
	[]string{"internal/audit", "internal/jose", "internal/sealed", "internal/profile/*"})

// Where gRPC, and the types of Envoy that come with it, may be known: docs/adr/026-envoy.md.
var (
	grpc  = []string{"google.golang.org/grpc", "google.golang.org/protobuf", "google.golang.org/genproto", "github.com/envoyproxy"}
	knows = []string{"internal/extauthz"}
)

// What no store has a use for: see checkStores.
var computing = []string{"crypto", "hash", "math/rand", "golang.org/x/crypto", module + "/internal/jose", module + "/internal/sealed"}

// Names that say nothing of what a package is for.
var emptyNames = []string{
	"util", "utils", "common", "helper", "helpers", "type", "types", "model", "models", "impl", "misc", "shared",
}

// maxLines is what a reader is asked to bear of one file.
const maxLines = 1000

// rules are the checks, each for one package; a check returns its complaints.
var rules = map[string]func(pkg) []string{
	"imports":         checkImports,
	"gRPC":            checkGRPC,
	"stores compute":  checkStores,
	"package comment": checkComment,
	"package name":    checkName,
	"file length":     checkLength,
	"JSON tags":       checkTags,
}

// TestHouse asks every rule about every package of the tree.
func TestHouse(t *testing.T) {
	tree := readTree(t, "../..")
	for _, path := range []string{"cmd/jeton", "test/house"} {
		if !slices.ContainsFunc(tree, func(p pkg) bool { return p.path == path }) {
			t.Fatalf("the tree that was read lacks %s", path)
		}
	}
	for name, rule := range rules {
		t.Run(name, func(t *testing.T) {
			for _, p := range tree {
				for _, complaint := range rule(p) {
					t.Errorf("%s: %s", p.path, complaint)
				}
			}
		})
	}
}

func checkImports(p pkg) []string {
	i := slices.IndexFunc(rooms, func(r room) bool { return matchAny(r.packages, p.path) })
	if i < 0 {
		return []string{"stands in no room of the house: say in test/house/house_test.go and in .golangci.yml which room it belongs to, or argue for a new one in docs/adr"}
	}
	var complaints []string
	for _, f := range p.files {
		for _, imported := range f.imports {
			if why := rooms[i].refuses(imported); why != "" && !f.test {
				complaints = append(complaints, fmt.Sprintf("%s imports %s: %s", f.name, imported, why))
			}
		}
	}
	return complaints
}

// refuses says why a package of the room may not import the one named, or nothing where it may.
func (r room) refuses(imported string) string {
	inHouse, ours := strings.CutPrefix(imported, module+"/")
	first, _, _ := strings.Cut(imported, "/")
	switch {
	case ours && !matchAny(r.house, inHouse):
		return fmt.Sprintf("of the house, %s may import %s", r.name, oneOf(r.house))
	case !ours && !strings.Contains(first, ".") && below(r.never, imported): // the standard library's names have no dot
		return fmt.Sprintf("%s never may", r.name)
	case !ours && strings.Contains(first, ".") && !matchAny(r.modules, imported) && !below(r.modules, imported):
		return fmt.Sprintf("from elsewhere, %s may import %s", r.name, oneOf(r.modules))
	}
	return ""
}

func checkGRPC(p pkg) []string {
	var complaints []string
	for _, f := range p.files {
		for _, imported := range f.imports {
			if below(grpc, imported) && !f.test && !matchAny(knows, p.path) {
				complaints = append(complaints, fmt.Sprintf("%s imports %s, which only %s may", f.name, imported, oneOf(knows)))
			}
		}
	}
	return complaints
}

// checkStores keeps signatures, hashes and randomness out of the stores: all writers wait while a transaction of theirs runs, and a
// signature alone takes as long as several of them. What a store writes was computed before its method was called, since what
// it is given has no methods that compute. A reserve is made of what a file system can't make small, and TLS is the driver's.
func checkStores(p pkg) []string {
	if !matchAny(stores, p.path) || p.path == "internal/store/storetest" {
		return nil
	}
	var complaints []string
	for _, f := range p.files {
		for _, imported := range f.imports {
			reserved := strings.HasSuffix(f.name, "reserve.go") && imported == "crypto/rand"
			if below(computing, imported) && !f.test && !reserved && imported != "crypto/tls" {
				complaints = append(complaints, fmt.Sprintf("%s imports %s: compute before the store is called", f.name, imported))
			}
		}
	}
	return complaints
}

func checkComment(p pkg) []string {
	onlyTests := !slices.ContainsFunc(p.files, func(f file) bool { return !f.test })
	for _, f := range p.files {
		if f.test == onlyTests && (strings.HasPrefix(f.doc, "Package "+f.pkg+" ") || f.pkg == "main" && strings.HasPrefix(f.doc, "Command ")) {
			return nil
		}
	}
	return []string{"has no package comment that begins with its name: say what it is, why, and what it refuses"}
}

func checkName(p pkg) []string {
	for _, element := range strings.Split(p.path, "/") {
		if slices.Contains(emptyNames, strings.ToLower(element)) {
			return []string{fmt.Sprintf("%q says nothing: name the package after the one thing it is", element)}
		}
	}
	return nil
}

func checkLength(p pkg) []string {
	var complaints []string
	for _, f := range p.files {
		if f.lines > maxLines {
			complaints = append(complaints, fmt.Sprintf("%s has %d lines, more than %d: split it by subject", f.name, f.lines, maxLines))
		}
	}
	return complaints
}

func checkTags(p pkg) []string {
	if matchAny(jsonTags, p.path) {
		return nil
	}
	var complaints []string
	for _, f := range p.files {
		if f.jsonTag != "" && !f.test {
			complaints = append(complaints, fmt.Sprintf("%s has the JSON tag %s: wire types live in %s", f.name, f.jsonTag, oneOf(jsonTags)))
		}
	}
	return complaints
}

// matchAny reports whether one of the patterns names the path.
func matchAny(patterns []string, p string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		if parent, open := strings.CutSuffix(pattern, "..."); open {
			return strings.HasPrefix(p+"/", parent)
		}
		ok, err := path.Match(pattern, p)
		return ok && err == nil
	})
}

// below reports whether the path is one of those named or lies below one.
func below(parents []string, p string) bool {
	return slices.ContainsFunc(parents, func(parent string) bool { return strings.HasPrefix(p+"/", parent+"/") })
}

func oneOf(patterns []string) string {
	if len(patterns) == 0 {
		return "nothing"
	}
	return strings.Join(patterns, ", ")
}
