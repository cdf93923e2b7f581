package client

import (
	"context"
	"fmt"
	"iter"
	"net/http"

	"github.com/jeton-io/jeton/api"
)

// Services goes through all services, in the order of their names.
func (c *Client) Services(ctx context.Context) iter.Seq2[api.Service, error] {
	return pages[api.Service](ctx, c, list("listing services", "services", pageSize))
}

// CreateService makes a service without operations. The error is ErrInvalid for a field that can't be used, ErrConflict
// for a name, or a host and path prefix, that are taken.
func (c *Client) CreateService(ctx context.Context, s api.NewService) (api.Service, error) {
	service, _, err := send[api.Service](ctx, c, request{
		doing: "creating a service", method: http.MethodPost, path: []string{"services"}, body: s,
	})
	return service, err
}

// Service returns the service of that name with its version, or ErrNotFound.
func (c *Client) Service(ctx context.Context, name string) (api.Service, ETag, error) {
	service, header, err := send[api.Service](ctx, c, request{
		doing: "reading a service", method: http.MethodGet, path: []string{"services", name},
	})
	return service, etagOf(header), err
}

// UpdateService changes those fields of a service that the patch has. Errors are those of CreateService, ErrNotFound,
// and ErrStale where the service is no longer of the given version.
func (c *Client) UpdateService(ctx context.Context, name string, version ETag, patch api.ServicePatch) (api.Service, error) {
	service, _, err := send[api.Service](ctx, c, request{
		doing: "updating a service", method: http.MethodPatch, path: []string{"services", name}, ifMatch: version, body: patch,
	})
	return service, err
}

// DeleteService removes a service with its operations: calls to it are refused from then on. The error is ErrNotFound.
func (c *Client) DeleteService(ctx context.Context, name string) error {
	_, _, err := send[nothing](ctx, c, request{
		doing: "deleting a service", method: http.MethodDelete, path: []string{"services", name},
	})
	return err
}

// Operations returns all operations of a service, with their version for ReplaceOperations. The error is ErrNotFound.
func (c *Client) Operations(ctx context.Context, service string) ([]api.Operation, ETag, error) {
	const doing = "reading operations"
	ops, header, err := send[[]api.Operation](ctx, c, request{
		doing: doing, method: http.MethodGet, path: []string{"services", service, "operations"},
	})
	if err != nil {
		return nil, AnyVersion, err
	}
	version := etagOf(header)
	if version == AnyVersion { // a change of them couldn't say what it is for
		return nil, AnyVersion, fmt.Errorf("%s: %w: it has no ETag", doing, ErrNotJeton)
	}
	return ops, version, nil
}

// ReplaceOperations replaces all operations of a service, if their version is still the one that Operations returned,
// and returns the new version. The error is ErrStale where it isn't; ErrInvalid for a pattern or an audience that can't
// be used; ErrConflict where two patterns conflict; ErrNotFound. It does not take AnyVersion.
func (c *Client) ReplaceOperations(ctx context.Context, service string, version ETag, ops []api.Operation) (ETag, error) {
	if ops == nil {
		ops = []api.Operation{} // null is not a list
	}
	_, header, err := send[nothing](ctx, c, request{
		doing: "replacing operations", method: http.MethodPut, path: []string{"services", service, "operations"},
		ifMatch: version, body: ops,
	})
	return etagOf(header), err
}
