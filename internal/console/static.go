package console

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
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
		a.byName[named] = asset{body: body, etag: `"` + digest + `"`, contentType: types[extension]}
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
	h.Set("ETag", found.etag)
	http.ServeContent(c.w, c.r, "", time.Time{}, bytes.NewReader(found.body))
	return nil
}
