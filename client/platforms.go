package client

import (
	"context"
	"iter"
	"net/http"

	"github.com/jeton-io/jeton/api"
)

// Platforms goes through all platforms, in the order of their names, without their keys.
func (c *Client) Platforms(ctx context.Context) iter.Seq2[api.Platform, error] {
	return pages[api.Platform](ctx, c, list("listing platforms", "platforms", pageSize))
}

// CreatePlatform enrols a platform. Where it has no key of its own, the answer is the only time that what was made for it is
// shown. The error is ErrInvalid for a field that can't be used, a weak key above all; ErrConflict for a name, an issuer or a
// key that another has. After ErrUnreachable the platform may have been made, and its private key is lost: delete what has its
// name.
func (c *Client) CreatePlatform(ctx context.Context, p api.NewPlatform) (api.IssuedPlatform, error) {
	const doing = "creating a platform"
	if err := checkText(doing, "secret", p.Secret); err != nil {
		return api.IssuedPlatform{}, err
	}
	issued, _, err := send[api.IssuedPlatform](ctx, c, request{
		doing: doing, method: http.MethodPost, path: []string{"platforms"}, body: p,
	})
	return issued, err
}

// Platform returns the platform of that ID or code with its keys and its version, or ErrNotFound.
func (c *Client) Platform(ctx context.Context, idOrCode string) (api.Platform, ETag, error) {
	platform, header, err := send[api.Platform](ctx, c, ofPlatform("reading a platform", http.MethodGet, idOrCode))
	return platform, etagOf(header), err
}

// UpdatePlatform changes those members of a platform that the patch has. Where it may speak for fewer than before, or is disabled,
// the session tokens that it has got end. Errors are those of CreatePlatform, ErrNotFound, and ErrStale where the platform is no
// longer of the given version.
func (c *Client) UpdatePlatform(ctx context.Context, idOrCode string, version ETag, patch api.PlatformPatch) (api.Platform, error) {
	q := ofPlatform("updating a platform", http.MethodPatch, idOrCode)
	q.ifMatch, q.body = version, patch
	platform, _, err := send[api.Platform](ctx, c, q)
	return platform, err
}

// DeletePlatform ends a platform for good, with its keys and the session tokens that it has got. The error is ErrNotFound.
func (c *Client) DeletePlatform(ctx context.Context, idOrCode string) error {
	_, _, err := send[nothing](ctx, c, ofPlatform("deleting a platform", http.MethodDelete, idOrCode))
	return err
}

// PlatformKeys goes through the keys of a platform, the oldest first. The error is ErrNotFound.
func (c *Client) PlatformKeys(ctx context.Context, idOrCode string) iter.Seq2[api.PlatformKey, error] {
	return pages[api.PlatformKey](ctx, c, ofPlatform("listing the keys of a platform", http.MethodGet, idOrCode, "keys"))
}

// CreatePlatformKey adds a key by which assertions of a platform are checked, beside those that there are. Where the key isn't
// the platform's own, the answer is the only time that what was made for it is shown. Errors are those of CreatePlatform,
// ErrNotFound, and ErrConflict where there are too many. After ErrUnreachable one may have been made, and is lost: delete it.
func (c *Client) CreatePlatformKey(ctx context.Context, idOrCode string, k api.NewPlatformKey) (api.IssuedPlatformKey, error) {
	const doing = "creating a key of a platform"
	if err := checkText(doing, "secret", k.Secret); err != nil {
		return api.IssuedPlatformKey{}, err
	}
	q := ofPlatform(doing, http.MethodPost, idOrCode, "keys")
	q.body = k
	issued, _, err := send[api.IssuedPlatformKey](ctx, c, q)
	return issued, err
}

// DeletePlatformKey ends a key for good: what it has signed is refused from then on. Sessions that were got with it go on. The
// error is ErrNotFound.
func (c *Client) DeletePlatformKey(ctx context.Context, idOrCode, id string) error {
	_, _, err := send[nothing](ctx, c, ofPlatform("deleting a key of a platform", http.MethodDelete, idOrCode, "keys", id))
	return err
}

// ExplainAssertion says step by step whether an assertion of a platform is good, and why not: by the rules of
// /api/v1/authenticate-jwt/{platform}, or with grant by those of the jwt-bearer grant. The assertion is not used up by that.
// The error is ErrNotFound where there is no such platform.
func (c *Client) ExplainAssertion(ctx context.Context, idOrCode string, assertion Secret, grant bool) (api.AssertionExplanation, error) {
	const doing = "explaining an assertion"
	if err := checkText(doing, "assertion", assertion.Reveal()); err != nil {
		return api.AssertionExplanation{}, err
	}
	q := ofPlatform(doing, http.MethodPost, idOrCode, "explain")
	q.body = api.AssertionQuestion{Assertion: assertion.Reveal(), Grant: grant}
	explanation, _, err := send[api.AssertionExplanation](ctx, c, q)
	return explanation, err
}

// ofPlatform is a request about a platform, or something of it.
func ofPlatform(doing, method, idOrCode string, path ...string) request {
	return request{doing: doing, method: method, path: append([]string{"platforms", idOrCode}, path...)}
}
