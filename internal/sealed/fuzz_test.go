package sealed_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/jeton-io/jeton/internal/sealed"
)

// FuzzOpen opens anything by every kind of settings: what is sound seals to the same bytes again, where no randomness is in it.
func FuzzOpen(f *testing.F) {
	var ciphers []*sealed.Cipher
	for _, s := range everySetting() {
		c := newCipher(f, s, keyText)
		ciphers = append(ciphers, c)
		f.Add(seal(f, c, blocks(2), bound), bound)
	}
	for n := range 50 {
		f.Add(make([]byte, n), "")
	}
	f.Fuzz(func(t *testing.T, token []byte, bound string) {
		for i, s := range everySetting() {
			before := slices.Clone(token)
			plain, sound := ciphers[i].Open(token, bound)
			if plain == nil || len(plain) > len(token) || sound != 0 && sound != 1 || !bytes.Equal(token, before) {
				t.Fatalf("%s: got %x, %d", name(s), plain, sound)
			}
			if s.Mode == sealed.GCM && sound == 0 && !zeros(plain) {
				t.Fatalf("%s: got %x of a text that wasn't authenticated", name(s), plain)
			}
			if sound == 0 || s.Padding == sealed.ISO10126 {
				continue
			}
			front := token[:map[sealed.IVExpansion]int{sealed.RandomIV: 16}[s.IVExpansion]]
			if s.Mode == sealed.GCM {
				front = token[:12]
			}
			if again, err := ciphers[i].Seal(bytes.NewReader(front), plain, bound); err != nil || !bytes.Equal(again, token) {
				t.Fatalf("%s: got %x, %v again, want %x", name(s), again, err, token)
			}
		}
	})
}

// FuzzParseFields reads anything: what can be read keeps the bounds, and is the same once it has been written in each notation.
func FuzzParseFields(f *testing.F) {
	for _, text := range []string{
		"", securityText, userText, "\uFEFF<?xml version=\"1.0\" encoding=\"utf-8\"?>\r\n<token xmlns:a='b'><A>&lt;&#233;</A><B/></token>\n",
		`{"Context":"axws","ExtFlags":-1.5e3,"Email":null,"D":"\ud83d\ude00\n",}`, "A=%C3%A9+&B==", "<!DOCTYPE a>", "{,}", `{"a":{}}`, "&&", "<a><b></a></b>",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		before := slices.Clone(text)
		fields, err := sealed.ParseFields(text)
		if !bytes.Equal(text, before) {
			t.Fatal("reading changed the text")
		}
		if err != nil {
			if fields != nil || !utf8.ValidString(err.Error()) || len(err.Error()) > 200 {
				t.Fatalf("got %q, %v", fields, err)
			}
			return
		}
		checkBounds(t, text, fields)
		for notation, write := range map[string]func(sealed.Fields) string{"xml": writeXML, "json": writeJSON, "form": writeForm} {
			again := write(fields)
			if len(again) > sealed.MaxText {
				continue
			}
			if got, err := sealed.ParseFields([]byte(again)); err != nil || !slices.Equal(got, fields) {
				t.Fatalf("%s: got %q, %v from %q, want %q", notation, got, err, again, fields)
			}
		}
	})
}

func checkBounds(t *testing.T, text []byte, fields sealed.Fields) {
	t.Helper()
	names := map[string]bool{}
	for _, field := range fields {
		names[strings.ToLower(field.Name)] = true
		if got, ok := fields.Get(field.Name); !ok || got != field.Value || !utf8.ValidString(got) || strings.ContainsAny(got, "\x00\x1b\uFFFD") {
			t.Fatalf("got %q of %q", got, fields)
		}
	}
	if len(names) != len(fields) || len(fields) == 0 || len(fields) > sealed.MaxFields || len(text) > sealed.MaxText || !utf8.Valid(text) || names[""] {
		t.Fatalf("got %q from %q", fields, text)
	}
}

func writeXML(fields sealed.Fields) string {
	var b strings.Builder
	b.WriteString("<token>")
	for _, f := range fields {
		b.WriteString("<" + f.Name + ">")
		_ = xml.EscapeText(&b, []byte(f.Value))
		b.WriteString("</" + f.Name + ">")
	}
	return b.String() + "</token>"
}

func writeJSON(fields sealed.Fields) string {
	members := make([]string, len(fields))
	for i, f := range fields {
		value, _ := json.Marshal(f.Value)
		members[i] = `"` + f.Name + `":` + string(value)
	}
	return "{" + strings.Join(members, ",") + "}"
}

func writeForm(fields sealed.Fields) string {
	pairs := make([]string, len(fields))
	for i, f := range fields {
		pairs[i] = f.Name + "=" + url.QueryEscape(f.Value)
	}
	return strings.Join(pairs, "&")
}

// FuzzDecode decodes anything: what can be decoded is Base64 of its bytes, but for what Decode bears with.
func FuzzDecode(f *testing.F) {
	for _, text := range []string{"", userSample, userSampleURL, "++//AA==", "  __AA", "'AAAA'", "AAAA\n", "AB=="} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		token, ok := sealed.Decode(text)
		if !ok {
			return
		}
		canonical, query := sealed.Encode(token)
		spelled := strings.NewReplacer("-", "+", "_", "/", " ", "+").Replace(strings.Trim(text, `"'`))
		if strings.TrimRight(spelled, "=") != strings.TrimRight(canonical, "=") || canonical != base64.StdEncoding.EncodeToString(token) || len(token) == 0 {
			t.Fatalf("got %x from %q, which is Base64 of other bytes", token, text)
		}
		if again, ok := sealed.DecodeQuery(query); !ok || !bytes.Equal(again, token) {
			t.Fatalf("got %x, %t again, want %x", again, ok, token)
		}
	})
}

// FuzzParseTime reads anything: what can be read is the same once it has been written by the standard library.
func FuzzParseTime(f *testing.F) {
	for _, text := range []string{"", "2010-03-01T10:32:56Z", "2023-03-08T14:15:53 08:00", "20100301T103256.123456789-0800"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		at, err := sealed.ParseTime(text)
		if err != nil || at.Year() < 0 || at.Year() > 9999 { // by its offset it may be beyond
			return
		}
		if again, err := sealed.ParseTime(at.Format(time.RFC3339Nano)); err != nil || !again.Equal(at) || len(text) > 40 {
			t.Fatalf("got %s and %s, %v from %q", at, again, err, text)
		}
	})
}
