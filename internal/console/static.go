package console

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/jeton-io/jeton/internal/authority"
)

//go:embed static templates
var files embed.FS

// assets are the files that pages refer to. Each has the digest of its content in its name, so that browsers may keep it
// for good, and a new version is another file:
//
//	style.css ─▶ /console/static/style.0b1f8a52c3d4e5f6.css
type assets struct {
	byName map[string]asset  // as in URLs
	urls   map[string]string // by the name in the folder
}

type asset struct {
	body        []byte
	zipped      []byte // by gzip
	etag        string
	contentType string
}

// readAssets reads the folder. The types are written down here, since those that package mime knows differ from one
// machine to the next.
func readAssets() (*assets, error) {
	types := map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
	entries, err := fs.ReadDir(files, "static")
	if err != nil {
		return nil, fmt.Errorf("listing the console's files: %w", err)
	}
	a := &assets{byName: make(map[string]asset), urls: make(map[string]string)}
	for _, entry := range entries {
		name, extension := entry.Name(), path.Ext(entry.Name())
		body, err := fs.ReadFile(files, "static/"+name)
		if err != nil {
			return nil, fmt.Errorf("reading the console's files: %w", err)
		}
		if types[extension] == "" {
			return nil, fmt.Errorf("the console's file %s has no type", name)
		}
		sum := sha256.Sum256(body)
		digest := hex.EncodeToString(sum[:8])
		named := strings.TrimSuffix(name, extension) + "." + digest + extension
		zipped, err := zip(body)
		if err != nil {
			return nil, fmt.Errorf("compressing the console's file %s: %w", name, err)
		}
		a.byName[named] = asset{body: body, zipped: zipped, etag: `"` + digest + `"`, contentType: types[extension]}
		a.urls[name] = "/console/static/" + named
	}
	return a, nil
}

// url returns the path of a file, for templates: naming one that isn't there is an error of theirs.
func (a *assets) url(name string) (string, error) {
	if a.urls[name] == "" {
		return "", fmt.Errorf("the console has no file %s", name)
	}
	return a.urls[name], nil
}

// static serves a file. They are the same for everybody, logged in or not.
func (s *server) static(c *call) error {
	found, ok := s.assets.byName[c.r.PathValue("name")]
	if !ok {
		return authority.ErrNotFound
	}
	h := c.w.Header()
	h.Set("Content-Type", found.contentType)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("Vary", "Accept-Encoding")
	body, etag := found.body, found.etag
	if takesGzip(c.r.Header.Values("Accept-Encoding")) {
		h.Set("Content-Encoding", "gzip")
		body, etag = found.zipped, strings.TrimSuffix(etag, `"`)+`-gzip"`
	}
	h.Set("ETag", etag)
	http.ServeContent(c.w, c.r, "", time.Time{}, bytes.NewReader(body))
	return nil
}

// zip compresses a file. Pages aren't compressed: what strangers put into one would tell by its length of the secrets beside it (BREACH).
func zip(body []byte) ([]byte, error) {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(body); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// takesGzip reports whether a browser takes a compressed answer (RFC 9110, section 12.5.3).
func takesGzip(accepted []string) bool {
	for _, field := range accepted {
		for coding := range strings.SplitSeq(field, ",") {
			name, parameter, _ := strings.Cut(coding, ";")
			_, weight, weighed := strings.Cut(parameter, "=")
			if strings.EqualFold(strings.TrimSpace(name), "gzip") {
				q, err := strconv.ParseFloat(strings.TrimSpace(weight), 64)
				return !weighed || err == nil && q > 0
			}
		}
	}
	return false
}
