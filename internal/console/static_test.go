package console_test

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"strings"
	"testing"
)

// TestHtmx holds the file of others to what was published, as NOTICE says it.
func TestHtmx(t *testing.T) {
	file, err := os.ReadFile("static/htmx.min.js")
	check(t, err)
	const published = "d6fdc75f204e6bdefa99b69bf1e6d4ac69b8a364f77929f45c13476b4000f717" // of htmx.org 2.0.11, dist/htmx.min.js
	if sum := sha256.Sum256(file); hex.EncodeToString(sum[:]) != published {
		t.Errorf("got %x, want the file as it was published", sum)
	}
}

// TestAssetsAreCompressed asks for a file with and without gzip: it is the same file.
func TestAssetsAreCompressed(t *testing.T) {
	d := newDesk(t)
	b := d.browser()
	src := b.want(t, ask{route: "GET /console/login"}, 200).all("script")[0].attribute("src")
	plain := b.want(t, ask{route: "GET " + src, header: map[string]string{"Accept-Encoding": "identity"}}, 200)
	for _, accepted := range []string{"gzip", "br, gzip;q=0.5", "GZIP"} {
		a := b.want(t, ask{route: "GET " + src, header: map[string]string{"Accept-Encoding": accepted}}, 200)
		if a.header.Get("Content-Encoding") != "gzip" || a.header.Get("Vary") != "Accept-Encoding" || a.header.Get("ETag") == plain.header.Get("ETag") {
			t.Fatalf("%s: got %v, want it compressed and told apart from the other", accepted, a.header)
		}
		unzipped, err := gzip.NewReader(strings.NewReader(a.body))
		check(t, err)
		text, err := io.ReadAll(unzipped)
		check(t, err)
		if !bytes.Equal(text, []byte(plain.body)) {
			t.Errorf("%s: got another file", accepted)
		}
	}
	for _, refused := range []string{"gzip;q=0", "br", "gzip; q=0.000, br"} {
		if a := b.want(t, ask{route: "GET " + src, header: map[string]string{"Accept-Encoding": refused}}, 200); a.header.Get("Content-Encoding") != "" || a.body != plain.body {
			t.Errorf("%s: got it compressed", refused)
		}
	}
}
