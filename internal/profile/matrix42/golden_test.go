package matrix42_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/jeton-io/jeton/internal/apitoken"
	"github.com/jeton-io/jeton/internal/authority"
)

var update = flag.Bool("update", false, "write testdata anew")

// What differs between any two answers, and is not of the profile's making.
var (
	date = regexp.MustCompile(`(?m)^Date: .*\r$`)
	jwt  = regexp.MustCompile(`"eyJ[0-9A-Za-z_-]+\.[0-9A-Za-z_-]+\.[0-9A-Za-z_-]+"`)
)

// golden compares every byte of an answer with a file, whose lines end as text files' do, the last one too.
func golden(t *testing.T, name string, a answer) {
	t.Helper()
	got := date.ReplaceAllString(strings.ReplaceAll(a.raw, a.header.Get("X-Request-Id"), "<id>"), "Date: <date>\r")
	got = jwt.ReplaceAllString(got, `"<jwt>"`)
	got = strings.ReplaceAll(got, "\r\n", "\n") + "\n"
	path := filepath.Join("testdata", name+".http")
	if *update {
		check(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	check(t, err)
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

// TestGolden holds the answers to their bytes, since clients that nobody can change read them.
func TestGolden(t *testing.T) {
	d := newEdge(t)
	text, _ := d.token(t)
	rated, _ := d.token(t, func(draft *apitoken.Draft) { draft.Limits.Rate = authority.Rate{Calls: 1, Per: time.Minute} })
	send(t, d.Server, exchange(rated))
	get := exchange(text)
	get.line = "GET " + path
	golden(t, "exchanged", send(t, d.Server, exchange(text)))
	golden(t, "refused", send(t, d.Server, with()))
	golden(t, "refused-200", send(t, d.serve(t, 200), with()))
	golden(t, "two-credentials", send(t, d.Server, with(bearer(text), bearer(text))))
	golden(t, "used-too-often", send(t, d.Server, exchange(rated)))
	golden(t, "method", send(t, d.Server, get))
	fault := errors.New("no database")
	d.access.err.Store(&fault)
	golden(t, "unavailable", send(t, d.Server, exchange(text)))
}
