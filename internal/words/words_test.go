package words_test

import (
	"testing"
	"time"

	"github.com/jeton-io/jeton/internal/words"
)

func TestOf(t *testing.T) {
	for _, tc := range []struct {
		code string
		text words.Text
		want string
	}{
		{"en", words.Say("%d tokens", 1), "1 token"},
		{"en", words.Say("%d tokens", 1234), "1,234 tokens"},
		{"fr", words.Say("%d tokens", 0), "0 jeton"},
		{"fr", words.Say("%d tokens", 2), "2 jetons"},
		{"de", words.Say("%d tokens", 1234567), "1.234.567 Token"},
		{"de", words.Say("A text of which no language has another form: %s", "<b>"), "A text of which no language has another form: <b>"},
		{"de", words.Say("%s", words.Say("%d tokens", 2)), "2 Token"},
		{"fr", words.Say("Request ID:"), "ID de la requête\u00a0:"},
		{"fr", words.Text{}, ""},
	} {
		w, ok := words.For(tc.code)
		if got := w.Of(tc.text); !ok || got != tc.want {
			t.Errorf("%s: got %q, want %q", tc.code, got, tc.want)
		}
	}
	if _, ok := words.For("it"); ok {
		t.Error("got words of Italian, want none")
	}
}

func TestPreferred(t *testing.T) {
	const other = "other"
	for accept, want := range map[string]string{
		"": other, "de-CH,de;q=0.9,en;q=0.8": "de", "fr-CA": "fr", "it,fr;q=0.5": "fr", "it": other, "en;q=0.1,de;q=0.2": "de", "en-US": "en",
		"ja, *": other, "de;q=0, fr": "fr", ";;;": other, "x-nonsense": other,
	} {
		for _, setting := range words.All() {
			if got := words.Preferred(accept, setting).Code(); got != want && (want != other || got != setting.Code()) {
				t.Errorf("%q, set to %s: got %s, want %s", accept, setting.Code(), got, want)
			}
		}
	}
}

func TestMoment(t *testing.T) {
	at := time.Date(2026, time.March, 1, 23, 5, 59, 0, time.FixedZone("", -3600))
	for code, want := range map[string]string{"en": "2 March 2026, 00:05 UTC", "fr": "2 mars 2026, 00:05 UTC", "de": "2. März 2026, 00:05 UTC"} {
		if w, _ := words.For(code); w.Moment(at) != want {
			t.Errorf("%s: got %q, want %q", code, w.Moment(at), want)
		}
	}
}

// TestPlurals holds all languages to the plurals of one.
func TestPlurals(t *testing.T) {
	english, _ := words.For("en")
	for _, w := range words.All() {
		if missing := w.Missing(english.Keys()); len(missing) > 0 {
			t.Errorf("%s lacks %q", w.Code(), missing)
		}
	}
}
