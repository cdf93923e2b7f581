package client

import (
	"context"
	"net/http"

	"github.com/jeton-io/jeton/api"
)

// Verify asks whether a call that a service received may pass: administrators may ask for every service, others for
// those that name them as verifiers. A call that may not pass is no error: the Verdict says so. An error says nothing
// about the call, and then it must not pass either.
func (c *Client) Verify(ctx context.Context, call api.VerifyRequest) (api.Verdict, error) {
	verdict, _, err := send[api.Verdict](ctx, c, request{
		doing: "asking for a verdict", method: http.MethodPost, path: []string{"verify"}, body: call,
	})
	return verdict, err
}
