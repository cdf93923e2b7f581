package oauth

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/internal/jose"
)

// document is a public answer that was built before anybody asked for it. Its values are shared by all answers, and never
// written.
type document struct {
	body                        []byte
	etag                        string
	contentType, control, etags []string
}

// newDocument returns a document that others may keep for as long as control says.
func newDocument(body []byte, control string) document {
	sum := sha256.Sum256(body)
	etag := `"` + base64.RawURLEncoding.EncodeToString(sum[:16]) + `"`
	return document{body, etag, []string{"application/json"}, []string{control}, []string{etag}}
}

// serve answers with the document, or with 304 whoever has it.
func (d *document) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h["Cache-Control"], h["Etag"] = d.control, d.etags
	if d.known(r.Header["If-None-Match"]) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h["Content-Type"] = d.contentType
	_, _ = w.Write(d.body) // the caller may have gone
}

// known reports whether a caller has the document (RFC 9110 section 13.1.2): entity tags are compared weakly, for a proxy
// that compresses makes ours weak.
func (d *document) known(fields []string) bool {
	for _, f := range fields {
		for tag := range strings.SplitSeq(f, ",") {
			tag = strings.TrimSpace(tag)
			if tag == "*" || strings.TrimPrefix(tag, "W/") == d.etag {
				return true
			}
		}
	}
	return false
}

// newMetadata builds what a client that knows the issuer's URL finds the rest by (RFC 8414).
func newMetadata(issuer string) (document, error) {
	var algorithms []string
	for _, a := range jose.Algorithms() {
		if !a.Symmetric() {
			algorithms = append(algorithms, string(a))
		}
	}
	methods := []string{"client_secret_basic", "client_secret_post", "private_key_jwt"}
	body, err := json.Marshal(api.OAuthServer{
		Issuer: issuer, TokenEndpoint: issuer + tokenPath, JWKSURI: issuer + keysPath,
		ResponseTypes: []string{},
		GrantTypes:    []string{grantExchange, grantJWTBearer, grantClient},
		// An exchange needs no client: its subject token suffices. Nor does a log-in, whose assertion does.
		TokenAuthMethods: append(methods[:3:3], "none"), TokenAuthAlgorithms: algorithms,
		IntrospectionEndpoint: issuer + introspectPath,
		// RFC 8414 section 2 lets the names of HTTP's schemes stand here.
		IntrospectAuthMethods: append(methods[:3:3], "Bearer"), IntrospectAuthAlgorithms: algorithms,
		// A session is ended by its token alone.
		RevocationEndpoint: issuer + revokePath, RevocationAuthMethods: append(methods[:3:3], "none"), RevocationAuthAlgorithms: algorithms,
	})
	if err != nil {
		return document{}, fmt.Errorf("encoding the metadata: %w", err)
	}
	return newDocument(body, "public, max-age=3600"), nil
}

// Audiences returns the names by which a client's assertion may mean this issuer (RFC 7523 section 3): the issuer itself,
// which is what a client should name, and the endpoints, which clients name that are older than that advice.
func Audiences(issuer string) []string {
	return []string{issuer, issuer + tokenPath, issuer + introspectPath, issuer + revokePath}
}
