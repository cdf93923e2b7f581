package sealed_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jeton-io/jeton/internal/sealed"
)

// parsing is a text, and what is wrong with it: a part of the error, or nothing, and then its fields as name=value.
type parsing struct{ text, wrong, fields string }

// wantParsed parses texts. Each that is refused stands beside one that differs in little and isn't.
func wantParsed(t *testing.T, tests []parsing) {
	t.Helper()
	for _, test := range tests {
		got, err := sealed.ParseFields([]byte(test.text))
		short := fmt.Sprintf("%.120q", test.text)
		if test.wrong != "" {
			var wrong *sealed.TextError
			if got != nil || !errors.As(err, &wrong) || !strings.Contains(err.Error(), test.wrong) || wrong.At < 0 || wrong.At > len(test.text) {
				t.Errorf("%s: got %q, %v, want an error with %q", short, got, err, test.wrong)
			}
			continue
		}
		var fields []string
		for _, f := range got {
			fields = append(fields, f.Name+"="+f.Value)
		}
		if fields := strings.Join(fields, "|"); err != nil || fields != test.fields && test.fields != "…" {
			t.Errorf("%s: got %.200q, %v, want %.200q", short, fields, err, test.fields)
		}
	}
}

// many repeats a pattern with a number in it.
func many(n int, pattern string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, pattern, i)
	}
	return b.String()
}

func TestXML(t *testing.T) {
	const declaration = `<?xml version="1.0" encoding="utf-8"?>`
	wantParsed(t, []parsing{
		{"<token><A>1</A><B>2</B></token>", "", "A=1|B=2"},
		{"\uFEFF" + declaration + "\r\n<token>\r\n\t<A>1</A> <B>2</B>\r\n</token>\r\n", "", "A=1|B=2"},
		{`<?xml version="1.0"?><token><A>1</A></token>`, "", "A=1"},
		{"  \r\n<UserToken><A>1</A></UserToken>\n ", "", "A=1"},
		{"<SecurityToken ><A >1</A ></SecurityToken >", "", "A=1"},
		{"<token><A></A><B/><C /></token>", "", "A=|B=|C="},
		{"<token><A> a  b\r\n\tc </A></token>", "", "A= a  b\n\tc "},
		{"<token><A>a&lt;b&gt;c&amp;d&quot;e&apos;f&#233;&#xe9;</A></token>", "", "A=a<b>c&d\"e'féé"},
		{"<token><Größe>1</Größe></token>", "a field's name", ""},
		{"<token><Display>José 😀</Display></token>", "", "Display=José 😀"},
		{"<token><A-.9_>1</A-.9_></token>", "", "A-.9_=1"},
		{`<token xmlns="urn:x" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd='urn:y'><A>1</A></token>`, "", "A=1"},

		// DOCTYPE, entities, a billion laughs.
		{"<!DOCTYPE token><token><A>1</A></token>", "DOCTYPE", ""},
		{declaration + "<!DOCTYPE token SYSTEM \"http://example.com/x.dtd\"><token><A>1</A></token>", "DOCTYPE", ""},
		{`<!DOCTYPE token [<!ENTITY x "y">]><token><A>&x;</A></token>`, "DOCTYPE", ""},
		{`<!DOCTYPE t [<!ENTITY x SYSTEM "file:///etc/passwd">]><token><A>&x;</A></token>`, "DOCTYPE", ""},
		{"<!DOCTYPE lolz [<!ENTITY l0 \"lol\">" + many(9, `<!ENTITY m%d "&l0;&l0;&l0;&l0;&l0;&l0;&l0;&l0;&l0;&l0;">`) + "]><token><A>&m8;</A></token>", "DOCTYPE", ""},
		{"<token><A>&x;</A></token>", "entity", ""},
		{"<token><A>&nbsp;</A></token>", "entity", ""},
		{"<token><A>&lt</A></token>", "well-formed", ""},
		{"<token><A>&</A></token>", "well-formed", ""},
		{"<token><A>&#0;</A></token>", "well-formed", ""},
		{"<token><A>&#xD800;</A></token>", "character that is none", ""},
		{"<token><A>&#xD7FF;</A></token>", "", "A=\uD7FF"},
		{"<token><A>&#x110000;</A></token>", "well-formed", ""},
		{"<token><A>&#27;</A></token>", "well-formed", ""},
		{"<token><A>&#x85;</A></token>", "control character", ""},
		{"<token><A>&#x7f;</A></token>", "control character", ""},
		{"<token><A>&#x20;</A></token>", "", "A= "},

		// Comments, sections, instructions.
		{"<token><UserName>ad<!-- -->min</UserName></token>", "a comment", ""},
		{"<token><UserName>ad min</UserName></token>", "", "UserName=ad min"},
		{"<!-- --><token><A>1</A></token>", "a comment", ""},
		{"<token><A>1</A></token><!-- -->", "a comment", ""},
		{"<token><A><![CDATA[1]]></A></token>", "CDATA", ""},
		{"<token><A>]]></A></token>", "well-formed", ""},
		{"<token><A>]]&gt;</A></token>", "", "A=]]>"},
		{"<token><A>&lt;!--&#60;?</A></token>", "", "A=<!--<?"},
		{"<token><?php x?><A>1</A></token>", "instruction", ""},
		{"<token><A>1<?x?></A></token>", "instruction", ""},
		{"<?xml-stylesheet href='x'?><token><A>1</A></token>", "instruction", ""},
		{" " + declaration + "<token><A>1</A></token>", "instruction", ""},
		{declaration + declaration + "<token><A>1</A></token>", "instruction", ""},
		{"<token><A>1</A></token>" + declaration, "instruction", ""},
		{`<?xml version="1.1"?><token><A>1</A></token>`, "well-formed", ""},
		{`<?xml version="1.0" encoding="utf-17"?><token><A>1</A></token>`, "another encoding", ""},
		{`<?xml version="1.0" encoding="utf-16"?><token><A>1</A></token>`, "", "A=1"},
		{`<?xml version="1.0" encoding="UTF-8"?><token><A>1</A></token>`, "", "A=1"},

		// The root and what stands around it.
		{"<Token><A>1</A></Token>", "root", ""},
		{"<securitytoken><A>1</A></securitytoken>", "root", ""},
		{"<x><token><A>1</A></token></x>", "root", ""},
		{"<html><body>noise</body></html>", "root", ""},
		{"x<token><A>1</A></token>", "without '='", ""},
		{"<token><A>1</A></token>x", "outside of its fields", ""},
		{"<token><A>1</A></token>\x00", "well-formed", ""},
		{"<token><A>1</A></token><token><A>1</A></token>", "follows", ""},
		{"<token><A>1</A></token></token>", "didn't begin", ""},
		{"</token><token><A>1</A></token>", "didn't begin", ""},
		{"<token>x<A>1</A></token>", "outside of its fields", ""},
		{"<token>&#32;<A>1</A></token>", "", "A=1"},
		{"<token><A>1</A>\u00a0</token>", "outside of its fields", ""},
		{"<token>", "too early", ""},
		{"<token><A>1</A>", "too early", ""},
		{"<token><A>1", "too early", ""},
		{"<token><A>1</A></token", "well-formed", ""},
		{"<", "well-formed", ""},
		{"<token></token>", "no fields", ""},
		{"<token/>", "no fields", ""},
		{"\uFEFF\uFEFF<token><A>1</A></token>", "without '='", ""},

		// Elements and attributes.
		{"<token><A><B>1</B></A></token>", "element in it", ""},
		{"<token><A>1</B></token>", "didn't begin", ""},
		{"<token><A>1</a></token>", "didn't begin", ""},
		{"<token><A>1</token></A>", "didn't begin", ""},
		{"<token><x:A>1</x:A></token>", "namespace", ""},
		{"<x:token><A>1</A></x:token>", "namespace", ""},
		{"<token><A>1</x:A></token>", "didn't begin", ""},
		{`<token><A b="c">1</A></token>`, "attributes", ""},
		{`<token><A xmlns="urn:x">1</A></token>`, "attributes", ""},
		{`<token id="1"><A>1</A></token>`, "attributes", ""},
		{`<token xml:lang="en"><A>1</A></token>`, "attributes", ""},
		{`<token xmlns:x="1" xmlns:x="1"><A>1</A></token>`, "twice", ""},
		{`<token xmlns:x="1" xmlns:y="1"><A>1</A></token>`, "", "A=1"},
		{`<token xmlns:x=1><A>1</A></token>`, "well-formed", ""},
		{"<token><A>1</A><A>1</A></token>", "there twice", ""},
		{"<token><A>1</A><a>1</a></token>", "there twice", ""},
		{"<token><A>1</A><AA>1</AA></token>", "", "A=1|AA=1"},
		{"<token><" + strings.Repeat("a", 64) + "/></token>", "", strings.Repeat("a", 64) + "="},
		{"<token><" + strings.Repeat("a", 65) + "/></token>", "a field's name", ""},

		// Bounds.
		{"<token>" + many(64, "<f%d/>") + "</token>", "", "…"},
		{"<token>" + many(65, "<f%d/>") + "</token>", "more than 64", ""},
		{"<token><A>" + strings.Repeat("x", 8192-22) + "</A></token>", "", "A=" + strings.Repeat("x", 8192-22)},
		{"<token><A>" + strings.Repeat("x", 8192-21) + "</A></token>", "longer", ""},
		{"<token>" + strings.Repeat("<A>", 100_000), "longer", ""},
		{"<token>" + strings.Repeat("<A>", 2000), "element in it", ""},
		{strings.Repeat("<token>", 1000), "element in it", ""},
	})
}

func TestJSON(t *testing.T) {
	wantParsed(t, []parsing{
		{`{"Context":"axws","AppId":"MyApp","AppKey":"MyPassKey","GenDT":"2010-03-01T10:32:56Z","Client":"127.0.0.1"}`, "", "Context=axws|AppId=MyApp|AppKey=MyPassKey|GenDT=2010-03-01T10:32:56Z|Client=127.0.0.1"},
		{"\uFEFF\r\n{ \"A\" : \"1\" ,\t\"B\" : 2 }\n", "", "A=1|B=2"},
		{`{"A":"1",}`, "", "A=1"},
		{"{\"A\":\"1\" , \n}\n", "", "A=1"},
		{`{"A":"1",,}`, "isn't one object", ""},
		{`{,}`, "no fields", ""},
		{`{}`, "no fields", ""},
		{`{,"A":"1"}`, "isn't one object", ""},
		{`{"A":"x,}`, "isn't one object", ""},
		{`{"A":"x,}"}`, "", "A=x,}"},
		{`{"ExtFlags":5,"B":-1.50e+3,"C":0}`, "", "ExtFlags=5|B=-1.50e+3|C=0"},
		{`{"A":05}`, "isn't one object", ""},
		{`{"A":+5}`, "isn't one object", ""},
		{`{"A":NaN}`, "isn't one object", ""},
		{`{"A":null,"B":"1"}`, "", "B=1"},
		{`{"A":null}`, "no fields", ""},
		{`{"A":null,"a":"1"}`, "there twice", ""},
		{`{"A":"1","a":null}`, "there twice", ""},
		{`{"A":"1","A":"1"}`, "there twice", ""},
		{`{"A":"1","\u0041":"1"}`, "there twice", ""},
		{`{"A":"1","\u0042":"1"}`, "", "A=1|B=1"},
		{`{"A":"1","a":"1"}`, "there twice", ""},
		{`{"A":true}`, "neither a string nor a number", ""},
		{`{"A":false}`, "neither a string nor a number", ""},
		{`{"A":[]}`, "neither a string nor a number", ""},
		{`{"A":{}}`, "neither a string nor a number", ""},
		{`{"A":{"B":"1"}}`, "neither a string nor a number", ""},
		{`[{"A":"1"}]`, "without '='", ""},
		{`"A"`, "without '='", ""},
		{`{"A":"1"}x`, "follows", ""},
		{`{"A":"1"}{"A":"1"}`, "follows", ""},
		{`{"A":"1"}}`, "follows", ""},
		{"{\"A\":\"1\"}\x00", "follows", ""},
		{`{"A":"1"`, "isn't one object", ""},
		{`{"A":"1`, "isn't one object", ""},
		{`{"A"}`, "isn't one object", ""},
		{`{"A":}`, "isn't one object", ""},
		{`{"A" "1"}`, "isn't one object", ""},
		{`{"A":"1" "B":"1"}`, "isn't one object", ""},
		{`{A:"1"}`, "isn't one object", ""},
		{`{'A':'1'}`, "isn't one object", ""},
		{`{5:"1"}`, "isn't one object", ""},
		{`{null:"1"}`, "isn't one object", ""},
		{`{"A":"1"/**/}`, "isn't one object", ""},
		{`{`, "isn't one object", ""},
		{`{"":"1"}`, "a field's name", ""},
		{`{"A B":"1"}`, "a field's name", ""},
		{`{"A\u0000":"1"}`, "a field's name", ""},
		{`{"9":"1"}`, "a field's name", ""},
		{"{\"\u212a\":\"1\"}", "a field's name", ""}, // the Kelvin sign, which folds to k

		// Strings.
		{`{"A":"\"\\\/\n\t\r\u00e9\ud83d\ude00é😀"}`, "", "A=\"\\/\n\t\ré😀é😀"},
		{`{"A":"\ud83d"}`, "character that is none", ""},
		{`{"A":"\ude00\ud83d"}`, "character that is none", ""},
		{`{"A":"\ud83dx\ude00"}`, "character that is none", ""},
		{`{"A":"\ud83d\u0041"}`, "character that is none", ""},
		{`{"A":"\ud83d\\ude00"}`, "character that is none", ""},
		{`{"A":"\\ud83d"}`, "", `A=\ud83d`},
		{`{"A":"\\\ud83d"}`, "character that is none", ""},
		{`{"\udc00":"1"}`, "a field's name", ""},
		{`{"A":"\uFFFD"}`, "character that is none", ""},
		{`{"A":"\uFFFC"}`, "", "A=\uFFFC"},
		{`{"A":"\u12"}`, "isn't one object", ""},
		{`{"A":"\x41"}`, "isn't one object", ""},
		{`{"A":"\u0000"}`, "control character", ""},
		{`{"A":"\u001b"}`, "control character", ""},
		{`{"A":"\b"}`, "control character", ""},
		{`{"A":"\u0085"}`, "control character", ""},
		{`{"A":"\u0020"}`, "", "A= "},
		{"{\"A\":\"\n\"}", "isn't one object", ""},
		{"{\"A\":\"\xff\"}", "isn't UTF-8", ""},
		{"{\"A\":\"\xed\xa0\x80\"}", "isn't UTF-8", ""}, // half a pair in UTF-8's manner
		{"{\"A\":\"\xc0\x80\"}", "isn't UTF-8", ""},

		// Bounds.
		{"{" + many(64, `"f%d":1,`) + "}", "", "…"},
		{"{" + many(65, `"f%d":1,`) + "}", "more than 64", ""},
		{"{" + many(63, `"f%d":1,`) + `"n":null}`, "", "…"},
		{"{" + many(65, `"f%d":null,`) + "}", "more than 64", ""},
		{`{"A":"` + strings.Repeat("x", 8192-8) + `"}`, "", "…"},
		{`{"A":"` + strings.Repeat("x", 8192-7) + `"}`, "longer", ""},
		{`{"A":` + strings.Repeat("[", 100_000), "longer", ""},
		{`{"A":` + strings.Repeat("[", 8000), "neither a string nor a number", ""},
		{strings.Repeat(`{"A":`, 1500), "neither a string nor a number", ""},
	})
}

func TestForm(t *testing.T) {
	wantParsed(t, []parsing{
		{"Context=axws&AppKey=My+Key&GenDT=2010-03-01T10%3A32%3A56%2b01:00", "", "Context=axws|AppKey=My Key|GenDT=2010-03-01T10:32:56+01:00"},
		{"\uFEFFA=1", "", "A=1"},
		{"A=", "", "A="},
		{"A=1=2==", "", "A=1=2=="},
		{"A=José&B=Jos%C3%A9", "", "A=José|B=José"},
		{"%41=1", "", "A=1"},
		{"A=1;B=2", "", "A=1;B=2"},
		{"A=<!-- {", "", "A=<!-- {"},
		{"", "without '='", ""},
		{"A", "without '='", ""},
		{"A&B=1", "without '='", ""},
		{"A=1&", "without '='", ""},
		{"&A=1", "without '='", ""},
		{"A=1&&B=1", "without '='", ""},
		{"=1", "a field's name", ""},
		{"A+B=1", "a field's name", ""},
		{" A=1", "a field's name", ""},
		{"A=1&\nB=1", "a field's name", ""},
		{"A%00=1", "a field's name", ""},
		{"A[]=1", "a field's name", ""},
		{"A=1\n", "control character", ""},
		{"A=1\r\n", "control character", ""},
		{"A=1 ", "", "A=1 "},
		{"A=1%0A", "", "A=1\n"},
		{"A=%00", "control character", ""},
		{"A=\x00", "control character", ""},
		{"A=\x1b[31m", "control character", ""},
		{"A=%7F", "control character", ""},
		{"A=%20", "", "A= "},
		{"A=%", "begins no byte", ""},
		{"A=%4", "begins no byte", ""},
		{"A=%4g", "begins no byte", ""},
		{"%=1", "begins no byte", ""},
		{"A=%ff", "a value isn't UTF-8", ""},
		{"A=%C3%A9", "", "A=é"},
		{"A=\xff", "the text isn't UTF-8", ""},
		{"A=%ed%a0%80", "a value isn't UTF-8", ""},
		{"A=1&A=1", "there twice", ""},
		{"A=1&a=1", "there twice", ""},
		{"A=1&%61=1", "there twice", ""},
		{"A=1&%62=1", "", "A=1|b=1"},
		{strings.TrimSuffix(many(64, "f%d=&"), "&"), "", "…"},
		{strings.TrimSuffix(many(65, "f%d=&"), "&"), "more than 64", ""},
		{strings.TrimSuffix(many(20_000, "f%d=&"), "&"), "longer", ""},
		{strings.TrimSuffix(many(1_000, "f%d=&"), "&"), "more than 64", ""},
		{"A=" + strings.Repeat("x", 8190), "", "…"},
		{"A=" + strings.Repeat("x", 8191), "longer", ""},
	})
}

// TestGet finds fields by name, whatever the case.
func TestGet(t *testing.T) {
	f := sealed.Fields{{"UserName", "admin"}, {"Email", ""}}
	for name, want := range map[string]string{"UserName": "admin", "username": "admin", "USERNAME": "admin", "Email": ""} {
		if got, ok := f.Get(name); !ok || got != want {
			t.Errorf("%s: got %q, %t", name, got, ok)
		}
	}
	for _, name := range []string{"", "User", "UserName ", "AppKey"} {
		if got, ok := f.Get(name); ok || got != "" {
			t.Errorf("%s: got %q, which isn't there", name, got)
		}
	}
}

// TestErrorsQuoteNothing parses texts with a secret in every place.
func TestErrorsQuoteNothing(t *testing.T) {
	const canary = "hunter2"
	for _, text := range []string{
		canary, "<" + canary, "<" + canary + "/>", "<token>" + canary + "</token>", "<token><A " + canary + "='1'/></token>", "<token><A>&" + canary + ";</A></token>",
		"<token><" + canary + "></x></token>", `<?xml version="` + canary + `"?><token/>`, `<?xml version="1.0" encoding="` + canary + `"?><token/>`,
		`{"` + canary, `{"A":"` + canary, `{"A":` + canary + `}`, `{"` + canary + `":true}`, `{"A":1}` + canary, `{"` + canary + `":1,"` + canary + `":1}`,
		canary + "=%zz", canary + "=1&" + canary + "=2", "A=%" + canary, "A=\x00" + canary, "A=%ff" + canary,
	} {
		if _, err := sealed.ParseFields([]byte(text)); err == nil || strings.Contains(err.Error(), canary) {
			t.Errorf("%q: got %v", text, err)
		}
	}
	if _, err := sealed.ParseTime(canary); err == nil || strings.Contains(err.Error(), canary) {
		t.Errorf("got %v", err)
	}
}

// TestNotationsAgree reads the same fields from each notation.
func TestNotationsAgree(t *testing.T) {
	want := sealed.Fields{{"UserName", "admin"}, {"Display", `J. "O'Doe" <&> é`}, {"ExtFlags", "5"}}
	for _, text := range []string{
		"<UserToken><UserName>admin</UserName><Display>J. &quot;O&apos;Doe&quot; &lt;&amp;&gt; é</Display><ExtFlags>5</ExtFlags></UserToken>",
		`{"UserName":"admin","Display":"J. \"O'Doe\" <&> \u00e9","ExtFlags":5,}`,
		"UserName=admin&Display=J.+%22O'Doe%22+%3C%26%3E+%C3%A9&ExtFlags=5",
	} {
		if got, err := sealed.ParseFields([]byte(text)); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: got %q, %v", text, got, err)
		}
	}
}
