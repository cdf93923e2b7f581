package httpapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/jeton-io/jeton/api"
)

// The document is made of the routes and the types in api, so that it can't fall behind them; api/openapi.yaml is a copy
// for readers, and a test compares the two. What huma doesn't know of, because it happens before huma, is added here.

// document returns huma's configuration, and in it the beginning of the OpenAPI document.
func document(publicURL, cookie string) huma.Config {
	cfg := huma.DefaultConfig("Jeton", "1")
	cfg.CreateHooks = nil // they would add $schema members and links, built from the request's Host
	cfg.OpenAPIPath, cfg.DocsPath, cfg.SchemasPath = "", "", ""
	cfg.Formats = map[string]huma.Format{"application/json": jsonFormat(), "json": jsonFormat()} // "json" is for +json
	cfg.RejectUnknownQueryParameters = true
	cfg.Info.Description = "The native API of Jeton, the token desk of an API.\n\nErrors are application/problem+json " +
		"(RFC 9457) with a stable code:\n\n" + codeTable()
	cfg.Servers = []*huma.Server{{URL: strings.TrimSuffix(publicURL, "/")}}
	cfg.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"personalToken": {Type: "http", Scheme: "bearer", Description: "A personal token."},
		"accessToken":   {Type: "http", Scheme: "bearer", Description: "An access token of the scope jeton.admin; for GET /v1/me, any access token, API token or session token."},
		"password":      {Type: "http", Scheme: "basic", Description: "User name and password (RFC 7617, UTF-8)."},
		"consoleSession": {
			Type: "apiKey", In: "cookie", Name: cookie,
			Description: "The session of a browser that is logged in to the console; writes must come from Jeton's own origin.",
		},
	}
	cfg.Security = []map[string][]string{{"personalToken": {}}, {"accessToken": {}}, {"password": {}}, {"consoleSession": {}}}

	schemas := cfg.Components.Schemas
	schemas.RegisterTypeAlias(reflect.TypeFor[problem](), reflect.TypeFor[api.Problem]())
	// A member of a merge patch has the schema of its value; that it may be null, the tags in api say.
	schemas.RegisterTypeAlias(reflect.TypeFor[api.Optional[string]](), reflect.TypeFor[string]())
	schemas.RegisterTypeAlias(reflect.TypeFor[api.Optional[[]string]](), reflect.TypeFor[[]string]())
	schemas.RegisterTypeAlias(reflect.TypeFor[api.Optional[bool]](), reflect.TypeFor[bool]())
	schemas.RegisterTypeAlias(reflect.TypeFor[api.Optional[int]](), reflect.TypeFor[int]())
	schemas.RegisterTypeAlias(reflect.TypeFor[api.Optional[api.RateLimitPatch]](), reflect.TypeFor[api.RateLimitPatch]())
	schemas.RegisterTypeAlias(reflect.TypeFor[api.KeySize](), reflect.TypeFor[keySize]())
	return cfg
}

// keySize has the schema of an api.KeySize, which no Go type has by itself.
type keySize struct{}

// Schema implements huma.SchemaProvider. Which numbers are sizes of a key, the inside says, in its own words.
func (keySize) Schema(huma.Registry) *huma.Schema {
	s := &huma.Schema{AnyOf: []*huma.Schema{{Type: "integer"}, {Type: "string", Enum: []any{"", "128", "192", "196", "256"}}}}
	for _, form := range s.AnyOf {
		form.PrecomputeMessages()
	}
	return s
}

// op describes an operation by its method and path, its name, a line about it, and with which codes it may answer beside
// those of every operation like it.
func op(route, id, summary string, codes ...api.Code) huma.Operation {
	method, path, _ := strings.Cut(route, " ")
	resource, _, _ := strings.Cut(strings.TrimPrefix(path, "/v1/"), "/")
	o := huma.Operation{
		Method: method, Path: path, OperationID: id, Summary: summary, Tags: []string{resource},
		Metadata: map[string]any{codesKey: codes},
		Errors:   []int{http.StatusBadRequest}, // for huma to put in the schema of a problem; finish adds the others
		// Some more than readBody lets through: huma takes a body of exactly its limit for one that is too large.
		MaxBodyBytes: maxBody + 1,
	}
	if method == http.MethodPost && !asks(path) {
		o.DefaultStatus = http.StatusCreated
	}
	return o
}

// asks reports whether a POST to the path is a question, and makes nothing.
func asks(path string) bool {
	return path == "/v1/verify" || strings.HasSuffix(path, "/explain") || strings.HasSuffix(path, "/encrypt") || strings.HasSuffix(path, "/decrypt")
}

// mediaOf returns the type of an operation's answer.
func mediaOf(o *huma.Operation) string {
	if o.Path == feedPath {
		return eventStream
	}
	return "application/json"
}

// codesKey is the key of an operation's codes among its metadata, which huma leaves alone.
const codesKey = "codes"

// describe adds the codes with which every operation of that sort may answer. 405 is in the table of codes alone: it
// belongs to a path and no operation.
func describe(o *huma.Operation, who access) {
	codes, _ := o.Metadata[codesKey].([]api.Code)
	codes = append(codes, api.CodeMalformedRequest, api.CodeTwoCredentials, api.CodeNotAuthenticated, api.CodeNotAcceptable,
		api.CodeInvalidField, api.CodeTooManyRequests, api.CodeInternal, api.CodeUnavailable)
	if strings.Contains(o.Path, "{") {
		codes = append(codes, api.CodeNotFound)
	}
	if who != identified {
		codes = append(codes, api.CodeCredentialTooWeak)
	}
	if who == administrators || who == verifiers || o.Method != http.MethodGet { // a write from elsewhere is not allowed to anybody
		codes = append(codes, api.CodeNotAllowed)
	}
	if o.Method != http.MethodGet && !asks(o.Path) {
		codes = append(codes, api.CodeStorageFull)
	}
	o.Metadata[codesKey] = codes
}

// finish completes the document once every operation is in it, and returns it as JSON. It is written once, at the start:
// nothing of a request is in it.
func finish(doc *huma.OpenAPI) ([]byte, error) {
	sent := map[string]bool{} // the schemas of bodies that clients send
	for _, item := range doc.Paths {
		for _, o := range []*huma.Operation{item.Get, item.Post, item.Put, item.Patch, item.Delete} {
			if o != nil {
				finishOperation(doc, o, sent)
			}
		}
	}
	for name, schema := range doc.Components.Schemas.Map() {
		if !sent["#/components/schemas/"+name] {
			schema.AdditionalProperties = nil // answers grow: a client must ignore members that it doesn't know
		}
	}
	spec, err := json.Marshal(doc)
	if err != nil {
		return nil, fmt.Errorf("writing the OpenAPI document: %w", err)
	}
	return spec, nil
}

// finishOperation documents what stands before huma: the forms of a body, and the codes of every refusal. It notes the
// schema of a body that is sent.
func finishOperation(doc *huma.OpenAPI, o *huma.Operation, sent map[string]bool) {
	codes, _ := o.Metadata[codesKey].([]api.Code)
	if o.RequestBody != nil {
		codes = append(codes, api.CodeMalformedJSON, api.CodeTooLarge, api.CodeUnsupportedMediaType)
		body := o.RequestBody.Content["application/json"]
		if o.Method == http.MethodPatch {
			o.RequestBody.Content["application/merge-patch+json"] = body
		}
		noteSent(doc, body.Schema, sent)
	}
	slices.Sort(codes)
	descriptions := map[int][]string{}
	for _, code := range codes {
		status := api.Lookup(code).Status
		descriptions[status] = append(descriptions[status], string(code))
	}
	content := o.Responses["400"].Content
	for status, list := range descriptions {
		o.Responses[strconv.Itoa(status)] = &huma.Response{Description: strings.Join(list, ", "), Content: content}
	}
}

// noteSent notes a schema that is sent, and those of its items and members: what is closed at the top and open below would
// pass over a misspelt limit.
func noteSent(doc *huma.OpenAPI, schema *huma.Schema, sent map[string]bool) {
	if schema.Items != nil {
		noteSent(doc, schema.Items, sent)
	}
	if schema.Ref != "" && !sent[schema.Ref] {
		sent[schema.Ref] = true
		schema = doc.Components.Schemas.SchemaFromRef(schema.Ref)
	}
	for _, member := range schema.Properties {
		noteSent(doc, member, sent)
	}
}

// codesOf returns the codes of a status, sorted.
func codesOf(status int) []string {
	var codes []string
	for _, code := range api.Codes() {
		if api.Lookup(code).Status == status {
			codes = append(codes, string(code))
		}
	}
	slices.Sort(codes)
	return codes
}

// codeTable lists all codes, by status, as Markdown.
func codeTable() string {
	var b strings.Builder
	b.WriteString("| status | code | meaning | what to do |\n|---|---|---|---|\n")
	for status := http.StatusBadRequest; status <= http.StatusInsufficientStorage; status++ {
		for _, code := range codesOf(status) {
			d := api.Lookup(api.Code(code))
			fmt.Fprintf(&b, "| %d | %s | %s | %s |\n", status, code, d.Title, d.Fix)
		}
	}
	return b.String()
}
