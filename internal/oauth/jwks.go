package oauth

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/jeton-io/jeton/internal/keyring"
	"github.com/jeton-io/jeton/internal/web"
)

// keySet is a JWK Set as it was built last. Without that it is the set of a purpose before its first key.
type keySet struct {
	purpose keyring.Purpose // of the keys that it publishes
	built   atomic.Pointer[builtKeys]
}

// builtKeys is a JWK Set and the keys that it was built of.
type builtKeys struct {
	ids []string
	document
}

// keysKept is how long others may keep the set. Who meets a token of a newer key asks again; who doesn't is ignorant of a
// revoked key for as long: that is what asking Jeton about a token is for.
const keysKept = "public, max-age=300"

// serve serves the set: the public keys of its purpose, those that are active and those that are retired, whose tokens live
// on. Those of access tokens are for resource servers that check these by themselves, and those of identity tokens for APIs
// behind the proxy. Each has a URL of its own, and neither key stands in the other's set: an API that took an access token,
// which its client has, for the word of the proxy would believe the client (RFC 8725 section 3.12). The keys of API tokens
// aren't published: an API token is for Jeton alone to check, and a resource server that could would take one for an access
// token sooner or later.
//
// The type is application/json and not RFC 7517's application/jwk-set+json: all clients take the first, and some not the
// second.
func (k *keySet) serve(keys *keyring.Keyring) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		built, err := k.of(keys.SigningKeys())
		if err != nil {
			web.WriteError(w, r, err)
			return
		}
		built.serve(w, r)
	}
}

// of returns the set of the keys that are published, building it anew where they aren't those of the last time.
func (k *keySet) of(all []keyring.SigningKey) (*builtKeys, error) {
	published := slices.DeleteFunc(all, func(key keyring.SigningKey) bool {
		return key.Purpose != k.purpose || key.State() == keyring.KeyRevoked
	})
	known := k.built.Load()
	if known != nil && slices.EqualFunc(known.ids, published, func(id string, key keyring.SigningKey) bool { return id == key.ID }) {
		return known, nil
	}
	fresh := &builtKeys{ids: make([]string, len(published))}
	texts := make([]string, len(published))
	for i, key := range published {
		text, err := key.Key.JWK(key.ID)
		if err != nil {
			return nil, fmt.Errorf("encoding the key %s: %w", key.ID, err)
		}
		fresh.ids[i], texts[i] = key.ID, string(text)
	}
	control := keysKept
	if len(published) == 0 { // until the first token is issued, and then at once no longer
		control = "no-cache"
	}
	fresh.document = newDocument([]byte(`{"keys":[`+strings.Join(texts, ",")+`]}`), control)
	k.built.Store(fresh)
	return fresh, nil
}
