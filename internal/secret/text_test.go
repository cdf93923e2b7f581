package secret_test

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"strings"
	"testing"

	"github.com/jeton-io/jeton/internal/secret"
)

// canary must come out of no test but by Reveal.
const canary = "jtpCANARY00000000000000000000000000000000000000001"

// shown reports whether a text gives the canary away, in any of the spellings that fmt's verbs know.
func shown(text string) bool {
	text = strings.ToLower(text)
	decimal := strings.Trim(fmt.Sprintf("%d", []byte(canary)), "[]")
	for _, spelling := range []string{canary, fmt.Sprintf("%x", canary), fmt.Sprintf("% x", canary), decimal} {
		if strings.Contains(text, strings.ToLower(spelling)) {
			return true
		}
	}
	return false
}

type holder struct {
	Name string
	Text secret.Text
}

// holders are the ways to hold a Text that every printer respects.
func holders() map[string]any {
	text := secret.Text(canary)
	h := holder{"a", text}
	return map[string]any{
		"itself": text, "a pointer": &text, "a struct": h, "a struct's pointer": &h,
		"a struct in structs": struct{ In struct{ H holder } }{struct{ H holder }{h}},
		"a map":               map[string]secret.Text{"a": text}, "a map of structs": map[string]holder{"a": h},
		"a slice": []secret.Text{text}, "an array": [1]secret.Text{text}, "an interface": []any{text, h},
	}
}

func TestTextFormats(t *testing.T) {
	verbs := []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "% x", "%d", "%c", "%U", "%t", "%08.3f", "%10v", "%-60s", "%.5s", "%+q", "%#q", "%!", "no verb at all"}
	all := holders()
	all["a map's key"] = map[secret.Text]int{canary: 1}
	for name, value := range all {
		for _, verb := range verbs {
			if got := fmt.Sprintf(verb, value); shown(got) {
				t.Errorf("%s by %s: got %s, want it redacted", name, verb, got)
			}
		}
		if got := fmt.Sprint(value) + fmt.Sprintln(value); shown(got) {
			t.Errorf("%s by Sprint: got %s, want it redacted", name, got)
		}
	}
	text := secret.Text(canary)
	for _, verb := range []string{"%v", "%s", "%q", "%x", "%#v"} {
		if got := fmt.Sprintf(verb, text); got != "[secret]" {
			t.Errorf("by %s: got %s, want [secret]", verb, got)
		}
	}
	if got := text.String() + text.GoString() + text.LogValue().String(); shown(got) {
		t.Errorf("got %s, want it redacted", got)
	}
	if text.Reveal() != canary {
		t.Error("want Reveal to give the secret itself")
	}
}

// TestTextEncodes prints a Text by the encoders of the standard library, each with a twin that shows that it would.
func TestTextEncodes(t *testing.T) {
	page := template.Must(template.New("").Parse(`<p title="{{.}}">{{.}}</p><script>let a = {{.}}</script>`))
	printers := map[string]func(any) (string, error){
		"encoding/json": func(v any) (string, error) { b, err := json.Marshal(v); return string(b), err },
		"html/template": func(v any) (string, error) {
			var b strings.Builder
			err := page.Execute(&b, v)
			return b.String(), err
		},
		"slog as JSON": func(v any) (string, error) {
			return logged(func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) }, v), nil
		},
		"slog as text": func(v any) (string, error) {
			return logged(func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) }, v), nil
		},
		"an error": func(v any) (string, error) {
			return errors.Join(fmt.Errorf("doing: %w", fmt.Errorf("failed for %v", v))).Error(), nil
		},
	}
	for printer, print := range printers {
		for name, value := range holders() {
			if got, err := print(value); err != nil || shown(got) {
				t.Errorf("%s by %s: got %s, %v, want it redacted", name, printer, got, err)
			}
		}
		if got, err := print(canary); err != nil || !shown(got) {
			t.Errorf("a string by %s: got %s, %v, want it shown", printer, got, err)
		}
	}
	if b, err := xml.Marshal(holder{"a", canary}); err != nil || shown(string(b)) {
		t.Errorf("by encoding/xml: got %s, %v, want it redacted", b, err)
	}
}

func logged(handler func(*bytes.Buffer) slog.Handler, v any) string {
	var b bytes.Buffer
	log := slog.New(handler(&b))
	log.With("v", v).WithGroup("g").Info("message", "v", v, slog.Group("deep", "v", v))
	return b.String()
}

// TestTextLimits shows the three ways round that the comment on Text warns of: should Go close one, the comment goes.
func TestTextLimits(t *testing.T) {
	hidden := struct{ text secret.Text }{canary}
	deep := struct{ inner holder }{holder{"a", canary}}
	pointing := struct{ H *holder }{&holder{"a", canary}}
	leaks := []struct {
		format string
		value  any
	}{
		{"%v", hidden}, {"%#v", hidden}, {"%+v", deep}, {"%p", secret.Text(canary)}, {"%w", secret.Text(canary)}, {"%s", pointing},
	}
	for _, l := range leaks {
		if got := fmt.Errorf(l.format, l.value).Error(); !shown(got) {
			t.Errorf("%T by %s: got %s, want it shown, as the comment says", l.value, l.format, got)
		}
	}
	if keyed, err := json.Marshal(map[secret.Text]int{canary: 1}); err != nil || !shown(string(keyed)) {
		t.Errorf("a map's key in JSON: got %s, %v, want it shown, as the comment says", keyed, err)
	}
	// A pointer keeps even these.
	text := secret.Text(canary)
	if got := fmt.Sprintf("%+v %s", struct{ text *secret.Text }{&text}, &text); shown(got) {
		t.Errorf("a pointer in an unexported field: got %s, want it redacted", got)
	}
}

func TestRedact(t *testing.T) {
	text, err := secret.Make(secret.Personal, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	token := text.Reveal()
	const signed = "eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9.eyJzdWIiOiJqdCJ9.c2ln-bmF0dXJl_c2lnbmF0dXJl_jt" + "jteyJ"
	tests := []struct{ name, text, want string }{
		{"alone", token, "[secret]"},
		{"in a path", "/reports/" + token + "/x", "/reports/[secret]/x"},
		{"twice", token + "," + token, "[secret],[secret]"},
		{"glued to a word", "x" + token, "x[secret]"},
		{"cut", "/" + token[:40] + "/", "/[secret]/"},
		{"too short to be one", "/" + token[:39] + "/", "/" + token[:39] + "/"},
		{"a mistyped character", "/" + token[:20] + "-" + token[21:], "/" + token[:20] + "-" + token[21:]},
		{"a word with jt", "/jt/ajtb/" + "jtp", "/jt/ajtb/jtp"},
		{"nothing", "", ""},
		{"at every turn", strings.Repeat("/"+token, 1000), strings.Repeat("/[secret]", 1000)},
		{"a beginning within a run", "/jtjtjt" + token, "/[secret]"},
		{"signed", "/reports/" + signed + "/x", "/reports/[secret]/x"},
		{"signed, with its dots percent-encoded", "/reports/" + strings.ReplaceAll(signed, ".", "%2e") + "/x", "/reports/[secret]/x"},
		{"signed, in capitals and padded", "/" + strings.ReplaceAll(signed, ".", "%2E") + "%3D%3D/x", "/[secret]/x"},
		{"signed, its claims alone", signed[41:] + "/", "[secret]/"},
		{"signed, cut", "/" + signed[:40] + "/", "/[secret]/"},
		{"signed, too short to be one", "/" + signed[:39] + "/", "/" + signed[:39] + "/"},
		{"signed, glued to a tag", "jtp" + signed, "jtp[secret]"},
		{"signed, glued to a secret", token + signed, "[secret][secret]"},
		{"signed, beside a secret", signed + "/" + token, "[secret]/[secret]"},
		{"a word with eyJ", "/eyJ/keyJ.-_", "/eyJ/keyJ.-_"},
		{"sealed, in a path", "/XDocApi/XST=C15O/Egi+93==", "/XDocApi/XST=[secret]"},
		{"sealed, both", "/a?XST=b&XSC=c&XUT=d&e=f", "/a?XST=[secret]&XSC=c&XUT=[secret]&e=f"},
		{"sealed, in any case", "xst=a&Xut=b", "xst=[secret]&Xut=[secret]"},
		{"sealed, percent-encoded", "/a%3FXST%3Da%2Fb%26XUT%3db/c", "/a%3FXST%3D[secret]"},
		{"sealed, twice percent-encoded", "/XST%253Da/XUT%252525253db", "/XST%253D[secret]"},
		{"sealed, with spaces", "GET /xst=a b c&d", "GET /xst=[secret]&d"},
		{"sealed, in quotes", `/XST="a"`, "/XST=[secret]"},
		{"sealed, in a line", "XST=a\nb", "XST=[secret]\nb"},
		{"sealed, in what isn't UTF-8", "\xffXST=\xff\xfe", "\xffXST=[secret]"},
		{"sealed, glued to a word", "/aXST=b", "/aXST=[secret]"},
		{"sealed, of a like name", "XSXST=XST=a", "XSXST=[secret]"},
		{"sealed, beside others", token + "/XST=" + signed + "&" + signed, "[secret]/XST=[secret]&[secret]"},
		{"sealed, empty", "/XST=&XUT=", "/XST=&XUT="},
		{"sealed, cut", "/XST%3", "/XST%3"},
		{"the names alone", "/XST/xut%20/XST", "/XST/xut%20/XST"},
		{"other names", "/XSC=a&XT=b&ST=c&X\u017fT=d&XST2=e", "/XSC=a&XT=b&ST=c&X\u017fT=d&XST2=e"},
	}
	for _, tt := range tests {
		if got := secret.Redact(tt.text); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

// TestRedactAllocates nothing where there is nothing to redact: every line of the log comes through it.
func TestRedactAllocates(t *testing.T) {
	for _, text := range []string{"/documents/7", "/a=b/c%20d/XST", "api.example.com"} {
		if n := testing.AllocsPerRun(100, func() { secret.Redact(text) }); n != 0 {
			t.Errorf("%s: got %v allocations, want none", text, n)
		}
	}
}

// TestExcerpt: what is cut is cut between characters, and after a secret in it is gone.
func TestExcerpt(t *testing.T) {
	long := strings.Repeat("ü", 121)
	for value, want := range map[string]string{
		"a\nb": "a\nb", long[2:]: long[2:], long: long[2:] + "…", strings.Repeat("a", 119) + " XST=" + long: strings.Repeat("a", 119) + " …",
		"?XST=" + long: "?XST=[secret]",
	} {
		if got := secret.Excerpt(value); got != want {
			t.Errorf("got %q of %q, want %q", got, value, want)
		}
	}
}

// FuzzRedact holds Redact to leaving nothing behind a name, and to leaving alone what it has done.
func FuzzRedact(f *testing.F) {
	for _, text := range []string{"XST=a", "/xut%3Da b", "XST%253D", "XST=[secret]&XUT=b", "XSXST==XST=\n"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := secret.Redact(text)
		if again := secret.Redact(got); again != got {
			t.Errorf("%q: got %q, and then %q", text, got, again)
		}
		upper := strings.ToUpper(text)
		if at := strings.Index(upper, "XST="); at >= 0 && len(upper) == len(text) {
			value, _, _ := strings.Cut(text[at+4:], "&")
			if len(value) > 0 && value[0] >= ' ' && !strings.Contains(got, "[secret]") {
				t.Errorf("%q: got %q, want the value redacted", text, got)
			}
		}
	})
}
