package httpapi_test

import (
	"bytes"
	"flag"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2/yaml"
	"github.com/google/go-cmp/cmp"

	"github.com/jeton-io/jeton/api"
)

var update = flag.Bool("update", false, "write api/openapi.yaml anew")

// TestOpenAPI compares the document with the one in api, which its readers know. To write that anew:
//
//	go test ./internal/httpapi -run TestOpenAPI -update
func TestOpenAPI(t *testing.T) {
	const golden = "../../api/openapi.yaml"
	d := newDesk(t)
	a := d.want(t, ask{route: "GET /v1/openapi.json", header: map[string]string{"Host": "evil.example.com"}}, http.StatusOK, "")
	if got := a.header.Get("Content-Type"); got != "application/json" {
		t.Errorf("got Content-Type %q", got)
	}
	var got bytes.Buffer
	got.WriteString("# Written by internal/httpapi: go test ./internal/httpapi -run TestOpenAPI -update\n")
	check(t, yaml.Convert(&got, strings.NewReader(a.body)))
	if *update {
		check(t, os.WriteFile(golden, got.Bytes(), 0o644))
	}
	want, err := os.ReadFile(golden)
	check(t, err)
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("%s (-) and what is served (+) differ; if that is meant, run this test with -update: %s", golden, diff)
	}
}

func TestDocument(t *testing.T) {
	d := newDesk(t)
	var doc document
	a := d.do(t, ask{route: "GET /v1/openapi.json"})
	decodeJSON(t, a.body, &doc)
	if !strings.HasPrefix(doc.OpenAPI, "3.1") {
		t.Errorf("got OpenAPI %q, want 3.1", doc.OpenAPI)
	}
	if len(doc.Servers) != 1 || doc.Servers[0].URL != publicURL || strings.Contains(a.body, "127.0.0.1") {
		t.Errorf("got servers %v, want the public URL alone", doc.Servers)
	}
	for path, item := range doc.Paths {
		for method, op := range item {
			for status, answer := range op.Responses {
				if status >= "400" && (answer.Description == "" || len(answer.Content) != 1 || answer.Content["application/problem+json"] == nil) {
					t.Errorf("%s %s: got %+v for %s, want a problem and its codes", method, path, answer, status)
				}
			}
			_, merge := op.RequestBody.Content["application/merge-patch+json"]
			if merge != (method == "patch") {
				t.Errorf("%s %s: got merge patch %v", method, path, merge)
			}
		}
	}
	patch := doc.Components.Schemas["UserPatch"]
	if fmt.Sprint(patch.Properties["email"].Type) != "[string null]" || fmt.Sprint(patch.Properties["roles"].Type) != "[array null]" || len(patch.Required) != 0 {
		t.Errorf("got %+v, want members that may be absent, and those that may be emptied null", patch)
	}
	if doc.Components.Schemas["UserPatch"].AdditionalProperties != false || doc.Components.Schemas["User"].AdditionalProperties != nil {
		t.Error("got a schema of requests that is open, or one of answers that is closed")
	}
}

// TestCodes: every code is in the document's table, once and with its one status, and the operations name no other.
func TestCodes(t *testing.T) {
	d := newDesk(t)
	var doc document
	decodeJSON(t, d.do(t, ask{route: "GET /v1/openapi.json"}).body, &doc)
	var listed, want []string
	for line := range strings.Lines(doc.Info.Description) {
		cells := strings.Split(line, " | ")
		if len(cells) == 4 && !strings.HasPrefix(cells[0], "| status") {
			listed = append(listed, strings.TrimPrefix(cells[0], "| ")+" "+cells[1])
		}
	}
	for _, code := range api.Codes() {
		want = append(want, fmt.Sprintf("%d %s", api.Lookup(code).Status, code))
	}
	slices.Sort(listed)
	slices.Sort(want)
	if diff := cmp.Diff(want, listed); diff != "" {
		t.Errorf("table (-want +got): %s", diff)
	}
	for path, item := range doc.Paths {
		for method, op := range item {
			for status, answer := range op.Responses {
				if status < "400" {
					continue
				}
				for code := range strings.SplitSeq(answer.Description, ", ") {
					if !slices.Contains(want, status+" "+code) {
						t.Errorf("%s %s: %s has the code %s, want one of its own", method, path, status, code)
					}
				}
			}
		}
	}
}
