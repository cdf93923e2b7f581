package xdoc_test

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write testdata anew")

// What differs between any two answers, and is not of the profile's making.
var (
	date  = regexp.MustCompile(`(?m)^Date: .*\r$`)
	token = regexp.MustCompile(`=jtq[0-9A-Za-z]{48};`)
)

// golden compares every byte of an answer with a file, whose lines end as text files' do, the last one too.
func (d *edge) golden(t *testing.T, name string, a answer) {
	t.Helper()
	got := date.ReplaceAllString(strings.ReplaceAll(a.raw, a.header.Get("X-Request-Id"), "<id>"), "Date: <date>\r")
	got = strings.ReplaceAll(token.ReplaceAllString(got, `=<51 characters>;`), "\r\n", "\n") + "\n"
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

// apiTest is the query of the call by which clients try a token.
const apiTest = "/XDocApi/?XM=App.ApiTest&InputData=hello+%26+%3Cworld%3E&XEXTKEY=42&XEXTINFO=%22info%22&XSC=MySecurityContext&ProjectId=1000&XST="

// link is that of a page.
const link = "/XDocUi/?AppLink=Doc.View&XSC=MySecurityContext&ProjectId=1000&XST="

// TestGolden holds the answers to their bytes, since clients that nobody can change read them.
func TestGolden(t *testing.T) {
	d := newEdge(t)
	for name, q := range map[string]request{
		"api-success":        get(apiTest + goodURL),
		"api-simulated":      get(apiTest + goodURL + "&IsError=1"),
		"api-refused":        get(apiTest + "bad_seal"),
		"api-unknown-method": get("/XDocApi/?XM=Container.ContainerInfo&XST=" + goodURL),
		"api-twice":          get(apiTest + goodURL + "&XST=" + goodURL),
		"api-credentials":    get(apiTest + goodURL).plus("Authorization: Bearer x"),
		"api-too-long":       post("/XDocApi/", "XM=App.ApiTest&XST="+strings.Repeat("A", 8<<10+1)),
		"api-too-large":      post("/XDocApi/", strings.Repeat("A", 64<<10+1)),
		"api-method":         {line: "PUT " + apiTest + goodURL},
		"api-throttled":      get(apiTest + "throttled"),
		"api-unavailable":    get(apiTest + "fault"),

		"ui-begun":       get(link + goodURL),
		"ui-refused":     get(link + "bad_seal"),
		"ui-no-token":    get("/XDocUi/?AppLink=Doc.View"),
		"ui-twice":       get(link + goodURL + "&XST=" + goodURL),
		"ui-credentials": get(link + goodURL).plus("Authorization: Bearer x"),
		"ui-too-long":    post("/XDocUi/", "XST="+strings.Repeat("A", 8<<10+1)),
		"ui-too-large":   post("/XDocUi/", strings.Repeat("A", 64<<10+1)),
		"ui-method":      {line: "DELETE " + link + goodURL},
		"ui-throttled":   get(link + "throttled"),
		"ui-unavailable": get(link + "fault"),
	} {
		d.golden(t, name, d.send(t, q))
	}
}
