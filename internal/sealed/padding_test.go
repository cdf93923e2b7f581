package sealed_test

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strings"
	"testing"

	"github.com/jeton-io/jeton/internal/sealed"
)

// TestPaddings has for every fault of every padding a last block, and one that differs from it in one byte and opens. The blocks are
// sealed as they are, by the same key without padding.
func TestPaddings(t *testing.T) {
	text := func(n int) string { return blocks(1)[:n] }
	fill := func(c byte, n int) string { return strings.Repeat(string([]byte{c}), n) }
	for _, test := range []struct {
		padding     sealed.Padding
		fault       string
		bad, good   string
		goodPadding int // so many bytes of the good one
	}{
		{sealed.PKCS7, "length 0", text(15) + "\x00", text(15) + "\x01", 1},
		{sealed.PKCS7, "length 17", fill(16, 15) + "\x11", fill(16, 16), 16},
		{sealed.PKCS7, "length 255", text(15) + "\xff", text(15) + "\x01", 1},
		{sealed.PKCS7, "length 2 of one byte", text(15) + "\x02", text(15) + "\x01", 1},
		{sealed.PKCS7, "first byte of three", text(13) + "\x02\x03\x03", text(13) + "\x03\x03\x03", 3},
		{sealed.PKCS7, "middle byte of three", text(13) + "\x03\x00\x03", text(13) + "\x03\x03\x03", 3},
		{sealed.PKCS7, "first byte of sixteen", "\x0f" + fill(16, 15), fill(16, 16), 16},
		{sealed.PKCS7, "zeros", text(12) + "\x00\x00\x00\x04", text(12) + "\x00\x00\x00\x01", 1},
		{sealed.PKCS7, "no padding", blocks(1), text(15) + "\x01", 1},
		{sealed.ANSIX923, "length 0", text(12) + "\x00\x00\x00\x00", text(12) + "\x00\x00\x00\x04", 4},
		{sealed.ANSIX923, "length 17", fill(0, 15) + "\x11", fill(0, 15) + "\x10", 16},
		{sealed.ANSIX923, "length 255", fill(0, 15) + "\xff", fill(0, 15) + "\x10", 16},
		{sealed.ANSIX923, "first byte of four", text(12) + "\x01\x00\x00\x04", text(12) + "\x00\x00\x00\x04", 4},
		{sealed.ANSIX923, "last fill of four", text(12) + "\x00\x00\x04\x04", text(12) + "\x00\x00\x00\x04", 4},
		{sealed.ANSIX923, "first byte of sixteen", "\x01" + fill(0, 14) + "\x10", fill(0, 15) + "\x10", 16},
		{sealed.ANSIX923, "length beyond the fill", text(13) + "\x00\x00\x04", text(13) + "\x00\x00\x03", 3},
		{sealed.ISO10126, "length 0", text(15) + "\x00", text(15) + "\x10", 16},
		{sealed.ISO10126, "length 17", text(15) + "\x11", text(15) + "\x03", 3},
		{sealed.ISO10126, "length 255", text(15) + "\xff", text(15) + "\x01", 1},
		{sealed.Zeros, "a whole block", fill(0, 16), "x" + fill(0, 15), 15},
		{sealed.Zeros, "a whole block", fill(0, 16), fill(0, 15) + "x", 0},
	} {
		for _, s := range []sealed.Settings{cbc(test.padding), cbcRandom(test.padding), ecb(test.padding)} {
			bare := s
			bare.Padding = sealed.NoPadding
			as, c := newCipher(t, bare, keyText), newCipher(t, s, keyText)
			for _, before := range []string{"", blocks(1), blocks(3)} {
				plain, sound := c.Open(seal(t, as, before+test.bad, bound), bound)
				if sound != 0 || string(plain) != before+test.bad {
					t.Errorf("%s, %s: got %q, %d, want the whole text and 0", name(s), test.fault, plain, sound)
				}
				want := before + test.good[:16-test.goodPadding]
				if plain, sound = c.Open(seal(t, as, before+test.good, bound), bound); sound != 1 || string(plain) != want {
					t.Errorf("%s, beside %s: got %q, %d, want %q", name(s), test.fault, plain, sound, want)
				}
			}
		}
	}
}

// plainUnpad is unpad as one would write it who had nothing to hide.
func plainUnpad(padding sealed.Padding, last [16]byte) (n, sound int) {
	n = int(last[15])
	switch {
	case padding == sealed.NoPadding:
		return 0, 1
	case padding == sealed.Zeros:
		n = 16 - len(bytes.TrimRight(last[:], "\x00"))
		return n, btoi(n < 16)
	case n < 1 || n > 16:
		return n, 0
	case padding == sealed.ISO10126:
		return n, 1
	}
	want := byte(0)
	if padding == sealed.PKCS7 {
		want = last[15]
	}
	return n, btoi(!slices.ContainsFunc(last[16-n:15], func(c byte) bool { return c != want }))
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// TestUnpadAgrees compares unpad with its plain twin: every last byte behind every fill, whole or with one byte changed, and noise.
func TestUnpadAgrees(t *testing.T) {
	compare := func(last [16]byte) {
		for _, padding := range paddings {
			n, sound := sealed.Unpad(padding, &last)
			if wantN, want := plainUnpad(padding, last); sound != want || sound == 1 && n != wantN {
				t.Fatalf("%s of %x: got %d, %d, want %d, %d", padding, last, n, sound, wantN, want)
			}
		}
	}
	for n := range 256 {
		for _, fill := range []byte{0, byte(n), 'x'} {
			for from := range 17 {
				last := [16]byte([]byte(blocks(1)))
				for i := from; i < 16; i++ {
					last[i] = fill
				}
				last[15] = byte(n)
				compare(last)
				for i := range 16 {
					last[i] ^= 1
					compare(last)
					last[i] ^= 0x81
					compare(last)
					last[i] ^= 0x80
				}
			}
		}
	}
	var last [16]byte
	for range 100_000 {
		_, _ = rand.Read(last[:])
		last[15] &= 0x1f
		compare(last)
	}
}

// TestUnpadBranches reads the code of unpad: but for the one choice by the padding's name and loops over all sixteen bytes, nothing in
// it may branch, and nothing be indexed by what isn't counted. It stands for a measurement, which a busy machine would blur.
func TestUnpadBranches(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "padding.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, decl := range file.Decls {
		f, ok := decl.(*ast.FuncDecl)
		if !ok || !strings.HasPrefix(f.Name.Name, "unpad") {
			continue
		}
		found++
		ast.Inspect(f.Body, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.IfStmt, *ast.RangeStmt, *ast.SliceExpr, *ast.TypeSwitchStmt, *ast.SelectStmt, *ast.BranchStmt:
				t.Errorf("%s: got a %T", f.Name.Name, n)
			case *ast.SwitchStmt:
				if fmt.Sprint(n.Tag) != "padding" {
					t.Errorf("%s: got a switch by %v", f.Name.Name, n.Tag)
				}
			case *ast.BinaryExpr:
				if n.Op == token.LAND || n.Op == token.LOR || n.Op == token.EQL || n.Op == token.NEQ || n.Op == token.LSS || n.Op == token.GTR {
					t.Errorf("%s: got a comparison by %s", f.Name.Name, n.Op)
				}
			case *ast.ForStmt: // over the distance from the end; its own comparison is by <= with a constant
				if c, ok := n.Cond.(*ast.BinaryExpr); !ok || fmt.Sprint(c.X) != "back" || fmt.Sprint(c.Y) != "blockSize" {
					t.Errorf("%s: got a loop that doesn't go over all bytes", f.Name.Name)
				}
			case *ast.IndexExpr:
				i, ok := n.Index.(*ast.BinaryExpr)
				if !ok || fmt.Sprint(i.X) != "blockSize" {
					t.Errorf("%s: got an index other than the distance from the end", f.Name.Name)
				}
			}
			return true
		})
	}
	if found != 4 {
		t.Errorf("got %d functions, want the four of unpad", found)
	}
}
