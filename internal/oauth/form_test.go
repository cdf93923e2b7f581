package oauth_test

import (
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/jeton-io/jeton/internal/oauth"
)

// FuzzForm: whatever the form reader takes, net/url reads alike, and no parameter is there twice that may be there once.
func FuzzForm(f *testing.F) {
	for _, seed := range []string{
		"", "a=b", "a=b&a=c", "a", "=", "&&", "a=%20+b", "a=%zz", "a;b", "resource=1&resource=2", "a=\x00", "a=%c3%a9", "a=b=c", "%61=1&a=2", "a=\xff",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := oauth.ParseForm(text)
		if err != nil {
			return
		}
		want, err := url.ParseQuery(text)
		if err != nil {
			t.Fatalf("net/url refuses %q: %v", text, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q (-net/url +got): %s", text, diff)
		}
		for name, values := range got {
			if len(values) > 1 && name != "resource" && name != "audience" {
				t.Errorf("%q: %q is there %d times", text, name, len(values))
			}
		}
	})
}
