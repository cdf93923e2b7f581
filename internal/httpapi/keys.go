package httpapi

import (
	"context"
	"errors"
	"net/url"
	"slices"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/jose"
	"github.com/jeton-io/jeton/internal/keyring"
)

// A signing key is named by its kid, which every token that it has signed shows in its header. A key is never changed by
// name: rotating asks for a new one, and deleting revokes. So its answers have no entity tag, and the row of a revoked
// key stays in the listing: what was refused for its sake can be understood years later.

// wireKey returns a signing key as the API shows it.
func wireKey(k keyring.SigningKey) api.SigningKey {
	return api.SigningKey{
		ID: k.ID, Purpose: string(k.Purpose), Algorithm: string(k.Algorithm), State: string(k.State()),
		CreatedAt: k.CreatedAt, RetiredAt: k.RetiredAt, RevokedAt: k.RevokedAt,
	}
}

// listKeys pages by the keys' order, the newest first. The keyring has them all in memory, as of the last change that this
// process has heard of; so it hears first, lest an administrator take a key for active that was revoked at another node.
func (s *server) listKeys(ctx context.Context, _ *call, in *pageInput) (*answer[api.List[api.SigningKey]], error) {
	after, err := positionOf("keys", in.Cursor)
	if err != nil {
		return nil, err
	}
	if err := s.cfg.Feed.Hear(ctx); err != nil {
		return nil, err
	}
	keys := s.cfg.Keys.SigningKeys()
	if after != "" {
		at := slices.IndexFunc(keys, func(k keyring.SigningKey) bool { return k.ID == after })
		if at < 0 {
			return nil, errCursor()
		}
		keys = keys[at+1:]
	}
	return pageOf(keys, in.Limit, wireKey, func(k keyring.SigningKey) string { return cursorAt("keys", k.ID) }), nil
}

// rotationInput is a request for a new signing key.
type rotationInput struct{ Body api.KeyRotation }

// rotateKey makes a new active key. No token dies of it.
//
// Where another node has rotated the same key at the same moment, the answer is that, and not a second rotation: whoever
// asked has a new key, though it may be of another algorithm.
func (s *server) rotateKey(ctx context.Context, c *call, in *rotationInput) (*made[api.SigningKey], error) {
	key, err := s.cfg.Keys.RotateSigningKey(ctx, keyring.Purpose(in.Body.Purpose), jose.Algorithm(in.Body.Algorithm), c.actor())
	if errors.Is(err, authority.ErrStale) {
		p := api.NewProblem(api.CodeStale, "Another has rotated this key in the same moment.")
		p.Fix = "List the keys, and rotate again if the one that is active now doesn't do."
		return nil, p
	}
	if err != nil {
		return nil, err
	}
	return &made[api.SigningKey]{Location: "/v1/keys/" + url.PathEscape(key.ID), Body: wireKey(key)}, nil
}

// keyInput names a signing key.
type keyInput struct {
	ID string `path:"id" doc:"The key's ID, which is the kid of the tokens that it has signed."`
}

// revokeKey refuses every token of a key from now on, at every node. One that was revoked before isn't found: there is
// nothing left to revoke.
func (s *server) revokeKey(ctx context.Context, c *call, in *keyInput) (*done, error) {
	return nil, s.cfg.Keys.RevokeSigningKey(ctx, in.ID, c.actor())
}
