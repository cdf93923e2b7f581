package policy_test

import (
	"errors"
	"net/url"
	"path"
	"strings"
	"testing"

	"github.com/jeton-io/jeton/internal/policy"
)

// pathTests pairs each refused path with a twin, one byte or one escape away,
// that is admitted: a refusal alone might have another reason.
func pathTests() []struct{ name, allow, bad, good string } {
	return []struct{ name, allow, bad, good string }{
		{"no slash at the start", "", "a", "/"},
		{"empty path", "", "", "/"},
		{"asterisk form", "", "*", "/*"},
		{"absolute URL", "", "http://h/a", "/http:/h/a"},
		{"dot segment", "", "/a/./b", "/a/x/b"},
		{"dot segment at the end", "", "/a/.", "/a/.x"},
		{"parent segment", "", "/a/../b", "/a/.../b"},
		{"parent segment at the start", "", "/..", "/..a"},
		{"parent segment at the end", "", "/a/..", "/a/..b"},
		{"empty segment", "", "/a//b", "/a/x/b"},
		{"empty segment at the start", "", "//a", "/x/a"},
		{"two slashes at the end", "", "/a//", "/a/"},
		{"semicolon", "", "/a;b", "/a:b"},
		{"backslash", "", `/a\b`, "/a|b"},
		{"encoded slash, upper case", "", "/a%2Fb", "/a%2Bb"},
		{"encoded slash, lower case", "", "/a%2fb", "/a%2bb"},
		{"encoded backslash, upper case", "", "/a%5Cb", "/a%5Bb"},
		{"encoded backslash, lower case", "", "/a%5cb", "/a%5bb"},
		{"encoded dot", "", "/a%2Eb", "/a%2Cb"},
		{"encoded parent segment", "", "/a/%2e%2e/b", "/a/%2c%2c/b"},
		{"half-encoded parent segment", "", "/a/.%2e/b", "/a/.%2c/b"},
		{"encoded NUL", "", "/a%00", "/a%20"},
		{"encoded letter", "", "/%61", "/%60"},
		{"encoded capital", "", "/%5A", "/%5B"},
		{"encoded digit", "", "/%30", "/%20"},
		{"encoded hyphen", "", "/%2D", "/%2C"},
		{"encoded underscore", "", "/%5F", "/%5E"},
		{"encoded tilde", "", "/%7E", "/%7D"},
		{"percent alone", "", "/100%", "/100%25"},
		{"percent and one digit", "", "/a%2", "/a%20"},
		{"percent and no digit", "", "/a%zz", "/a%25zz"},
		{"percent and a half", "", "/a%2x", "/a%252x"},
		{"IIS escape", "", "/a%u002f", "/a%25u002f"},
		{"fragment", "", "/a#b", "/a%23b"},
		{"query", "", "/a?b", "/a%3Fb"},
		{"control character", "", "/a\x1fb", "/a\x20b"},
		{"line break", "", "/a\nb", "/a b"},
		{"NUL", "", "/a\x00b", "/a b"},
		{"delete", "", "/a\x7fb", "/a\x7eb"},
		{"encoded twice", "", "/a%252e", "/a%25x2e"},
		{"encoded twice, letters", "", "/100%25ab", "/100%25xb"},
		{"encoded thrice", "", "/%25252f", "/%25"},
		{"overlong slash", "", "/%c0%af", "/%c3%af"},
		{"overlong slash, half raw", "", "/\xc0%af", "/\xc3%af"},
		{"overlong slash of three bytes", "", "/%e0%80%af", "/%e1%80%af"},
		{"overlong slash of four bytes", "", "/%f0%80%80%af", "/%f0%90%80%af"},
		{"parent segment before an encoded semicolon", "", "/a/..%3B/b", "/a/..%2B/b"},
		{"nothing before an encoded semicolon", "", "/a/%3bx", "/a/x%3b"},

		{"semicolon allowed, empty segment not", ";", "/a;x//b", "/a;x/b"},
		{"parent segment with parameters", ";", "/a/..;x/b", "/a/..,x/b"},
		{"dot segment with parameters", ";", "/a/.;/b", "/a/_;/b"},
		{"parameters alone", ";", "/a/;x", "/a/x;"},
		{"semicolon allowed, backslash not", ";", `/a;\b`, "/a;|b"},
		{"empty segments allowed, semicolon not", "//", "/a//b;c", "/a//b:c"},
		{"empty segments allowed, dot segment not", "//", "//../b", "//.../b"},
		{"both allowed, parameters alone not", ";//", "//;/b", "//x;/b"},
		{"both allowed, encoded slash not", "//;", "//a;%2f", "//a;%2b"},
	}
}

func TestCheckPath(t *testing.T) {
	for _, test := range pathTests() {
		t.Run(test.name, func(t *testing.T) {
			if err := policy.CheckPath(test.bad, test.allow); !errors.Is(err, policy.ErrAmbiguousPath) {
				t.Errorf("CheckPath(%q, %q): got %v, want ErrAmbiguousPath", test.bad, test.allow, err)
			}
			if err := policy.CheckPath(test.good, test.allow); err != nil {
				t.Errorf("CheckPath(%q, %q): got %v, want nil", test.good, test.allow, err)
			}
		})
	}
}

func TestCheckPathAdmitsHonestPaths(t *testing.T) {
	for _, raw := range []string{
		"/", "/a", "/a/", "/a/b/c", "/caf\u00e9", "/caf%C3%A9", "/caf%c3%a9", "/caf%E9", "/a b", "/a%20b",
		"/100%25", "/100%25/x", "/a%25zz", "/a+b", "/a%2Bb", "/a@b,c!$&'()*=:", "/a%40b", "/{x}", "/a|b", "/-._~",
		"/%E6%97%A5%E6%9C%AC", "/\u65e5\u672c", "/...", "/.well-known/x", "/a.b", "/a%3Bb", "/%3F", "/%23", "/%0A",
	} {
		if err := policy.CheckPath(raw, ""); err != nil {
			t.Errorf("CheckPath(%q): got %v, want nil", raw, err)
		}
	}
}

func TestCheckPathRefusesUnknownAllowance(t *testing.T) {
	for _, allow := range []string{"/", ";;", "..", " ;", "//;//"} {
		err := policy.CheckPath("/a", allow)
		if err == nil || errors.Is(err, policy.ErrAmbiguousPath) {
			t.Errorf("CheckPath with allowance %q: got %v, want an error of another kind", allow, err)
		}
	}
}

// FuzzCheckPath holds that what passes has one meaning for every reader: one
// that decodes once, one that decodes twice, and one that cleans.
func FuzzCheckPath(f *testing.F) {
	for _, test := range pathTests() {
		f.Add(test.bad)
		f.Add(test.good)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		strict := policy.CheckPath(raw, "")
		lax := policy.CheckPath(raw, ";//")
		if strict == nil && lax != nil {
			t.Errorf("%q: an allowance refuses what passes without: %v", raw, lax)
		}
		if lax == nil {
			checkOneMeaning(t, withoutAllowed(raw))
		}
		if strict == nil {
			checkOneMeaning(t, raw)
			if got := policy.CheckPath(flipHex(raw), ""); got != nil {
				t.Errorf("%q: hexadecimal digits in the other case: got %v, want nil", raw, got)
			}
		}
	})
}

// withoutAllowed leaves parameters and empty segments out, in other steps than
// the product does.
func withoutAllowed(raw string) string {
	var kept []string
	segments := strings.Split(raw, "/")[1:]
	for i, segment := range segments {
		segment = strings.NewReplacer("%3b", ";", "%3B", ";").Replace(segment)
		segment, _, _ = strings.Cut(segment, ";")
		if segment != "" || i == len(segments)-1 {
			kept = append(kept, segment)
		}
	}
	return "/" + strings.Join(kept, "/")
}

func checkOneMeaning(t *testing.T, raw string) {
	t.Helper()
	once, err := url.PathUnescape(raw)
	if err != nil {
		t.Fatalf("%q passed and can't be decoded: %v", raw, err)
	}
	if strings.Count(once, "/") != strings.Count(raw, "/") || strings.ContainsAny(once, "\\\x00") {
		t.Errorf("%q passed and decodes to %q", raw, once)
	}
	if twice, err := url.PathUnescape(once); err == nil && twice != once {
		t.Errorf("%q passed and decodes twice: first to %q, then to %q", raw, once, twice)
	}
	cleaned := path.Clean(once)
	if strings.HasSuffix(once, "/") && cleaned != "/" {
		cleaned += "/"
	}
	if cleaned != once {
		t.Errorf("%q passed and is cleaned to %q", raw, cleaned)
	}
}

// flipHex changes the case of the digits of each escape.
func flipHex(raw string) string {
	flipped := []byte(raw)
	for i := 0; i+2 < len(flipped); i++ {
		if flipped[i] != '%' {
			continue
		}
		for _, at := range []int{i + 1, i + 2} {
			if flipped[at] > '9' {
				flipped[at] ^= 0x20
			}
		}
	}
	return string(flipped)
}
