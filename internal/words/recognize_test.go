package words_test

import (
	"testing"

	"github.com/jeton-io/jeton/internal/words"
)

func TestRecognize(t *testing.T) {
	forms := []words.Text{
		words.Say("it is empty"), words.Say("write %s"), words.Say("no path is like %s (%s): mend it"), words.Say("%s must end it"), words.Say("Active"),
	}
	french, _ := words.For("fr")
	for sentence, want := range map[string]string{
		"it is empty":                               "it is empty",
		"write %20 with a stranger's %s":            "write %20 with a stranger's %s",
		"no path is like /a (it is empty): mend it": "no path is like /a (it is empty): mend it",
		"{$} must end it":                           "{$} must end it",
		"nobody knows 100% of this":                 "nobody knows 100% of this",
		"write Active":                              "write Actif",
		"write Expired":                             "write Expired", // a value is no sentence
		"Expired":                                   "Expiré",
		"":                                          "",
	} {
		if got := french.Of(words.Recognize(sentence, forms)); got != want {
			t.Errorf("%q: got %q, want %q", sentence, got, want)
		}
	}
}
