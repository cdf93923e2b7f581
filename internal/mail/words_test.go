package mail_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jeton-io/jeton/internal/mail"
	"github.com/jeton-io/jeton/internal/words"
)

// TestEveryLanguageHasTheWords looks for whatever mails say, here and where they are made, and demands it of each language.
func TestEveryLanguageHasTheWords(t *testing.T) {
	var said []string
	for _, pattern := range []string{"*.go", "../app/*.go"} {
		names, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if !strings.HasSuffix(name, "_test.go") {
				said = append(said, saidIn(t, name)...)
			}
		}
	}
	slices.Sort(said)
	if said = slices.Compact(said); len(said) < 25 {
		t.Fatalf("found %d texts, want more", len(said))
	}
	for _, w := range words.All() {
		for _, lacks := range w.Missing(said) {
			if w.Code() != "en" && lacks != "%s" {
				t.Errorf("%s lacks %q", w.Code(), lacks)
			}
		}
	}
}

// saidIn returns the texts of words.Say in a file.
func saidIn(t *testing.T, name string) (said []string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || len(call.Args) == 0 {
			return true
		}
		text, literal := call.Args[0].(*ast.BasicLit)
		if f, ok := call.Fun.(*ast.SelectorExpr); ok && literal && f.Sel.Name == "Say" {
			english, err := strconv.Unquote(text.Value)
			if err != nil {
				t.Fatal(err)
			}
			said = append(said, english)
		}
		return true
	})
	return said
}

// TestLetters writes each letter in each language: whose it is, what it is about and where it leads stand in it.
func TestLetters(t *testing.T) {
	at := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	to := mail.Person{Name: "ann <b>%s", Email: "ann@example.com"}
	for _, w := range words.All() {
		d := mail.Desk{Words: w, URL: "https://tokens.example.com"}
		for name, l := range map[string]mail.Letter{
			"invitation": d.Invitation(to, "https://tokens.example.com/x", at), "login": d.Login(to, "https://tokens.example.com/x", at),
			"changed": d.Changed(to, mail.Change{What: words.Say("The password of your account was reset."), At: at, By: "root", From: "192.0.2.1"}),
			"by":      d.Changed(to, mail.Change{What: words.Say("The password of your account was reset."), At: at, By: "root"}),
			"from":    d.Changed(to, mail.Change{What: words.Say("The password of your account was reset."), At: at, From: "192.0.2.1"}),
			"alone":   d.Changed(to, mail.Change{What: words.Say("The password of your account was reset."), At: at}),
			"ending":  d.TokenEnds(to, "tokens.example.com %d", at),
		} {
			if l.To != to.Email || !strings.Contains(l.Body, to.Name) || !strings.Contains(l.Body, "tokens.example.com") || !strings.Contains(l.Subject, "tokens.example.com") ||
				!strings.Contains(l.Body, "2026, 12:00") && name != "alone" || strings.Contains(l.Body+l.Subject, "%!") || !strings.HasSuffix(l.Body, "\n") {
				t.Errorf("%s, %s: got %+v", w.Code(), name, l)
			}
			if once := name == "invitation" || name == "login"; once != l.Until.Equal(at) || once != strings.Contains(l.Body, "\n\nhttps://tokens.example.com/x\n\n") {
				t.Errorf("%s, %s: got %+v", w.Code(), name, l)
			}
		}
	}
}
