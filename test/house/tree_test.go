package house_test

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// pkg is one folder with Go files, at its path below the module.
type pkg struct {
	path  string
	files []file
}

// file is what the rules look at in one Go file.
type file struct {
	name    string
	pkg     string // as its package clause has it
	doc     string // the comment on the package clause
	test    bool
	lines   int
	imports []string
	jsonTag string // the first struct tag that names a member of JSON
}

// readTree reads the packages below root from their sources, whatever their build tags.
func readTree(t *testing.T, root string) []pkg {
	t.Helper()
	byPath := map[string]*pkg{}
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			return notOurs(root, name)
		}
		if filepath.Ext(name) != ".go" {
			return nil
		}
		f, err := readFile(name)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, filepath.Dir(name))
		if err != nil {
			return err
		}
		at := filepath.ToSlash(rel)
		if byPath[at] == nil {
			byPath[at] = &pkg{path: at}
		}
		byPath[at].files = append(byPath[at].files, f)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	var tree []pkg
	for _, p := range byPath {
		tree = append(tree, *p)
	}
	slices.SortFunc(tree, func(a, b pkg) int { return strings.Compare(a.path, b.path) })
	return tree
}

// notOurs returns fs.SkipDir for a folder that the go command would leave out, too.
func notOurs(root, dir string) error {
	if dir == root {
		return nil
	}
	base := filepath.Base(dir)
	_, err := os.Stat(filepath.Join(dir, "go.mod"))
	if err == nil || base == "testdata" || base == "vendor" || strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") {
		return fs.SkipDir
	}
	return nil
}

func readFile(name string) (file, error) {
	src, err := os.ReadFile(name)
	if err != nil {
		return file{}, err
	}
	syntax, err := parser.ParseFile(token.NewFileSet(), name, src, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return file{}, err
	}
	f := file{
		name:    filepath.Base(name),
		pkg:     syntax.Name.Name,
		doc:     syntax.Doc.Text(),
		test:    strings.HasSuffix(name, "_test.go"),
		lines:   bytes.Count(src, []byte("\n")),
		jsonTag: firstJSONTag(syntax),
	}
	for _, spec := range syntax.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return file{}, err
		}
		f.imports = append(f.imports, imported)
	}
	return f, nil
}

func firstJSONTag(syntax *ast.File) string {
	found := ""
	ast.Inspect(syntax, func(n ast.Node) bool {
		field, ok := n.(*ast.Field)
		if !ok || field.Tag == nil || found != "" {
			return found == ""
		}
		tag, err := strconv.Unquote(field.Tag.Value)
		if _, is := reflect.StructTag(tag).Lookup("json"); is && err == nil {
			found = field.Tag.Value
		}
		return true
	})
	return found
}
