package httpapi

import (
	"context"
	"slices"
	"strings"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/policy"
)

// getPolicy tells what decides about the calls of a verifier's services, for it to decide by itself.
//
// It may know that, for it may ask about every call, one after the other. Of services that aren't its own it is told where they
// stand on the same hosts and nothing else: calls to them must not be judged by the policy of its own.
func (s *server) getPolicy(_ context.Context, c *call, _ *struct{}) (*answer[api.Policy], error) {
	revision := s.cfg.Feed.Revision() // before: the services are as new, or newer
	mine := map[string]bool{}
	for _, verified := range s.cfg.Catalog.Policy().VerifiedBy(c.principal.ID) {
		mine[verified.Name()] = true
	}
	all := c.principal.Admin()
	if len(mine) == 0 && !all {
		return nil, s.forbid(c, authority.ReasonNotAllowed, &s.door)
	}
	body := api.Policy{Revision: revision, Issuer: s.cfg.PublicURL, Services: []api.PolicyService{}, Others: []api.PolicyAddress{}}
	hosts := map[string]bool{}
	services := s.cfg.Catalog.Services()
	for _, service := range services {
		if all || mine[service.Name] {
			body.Services = append(body.Services, wirePolicy(service))
			hosts[hostName(service.Host)] = true
		}
	}
	for _, service := range services {
		if !all && !mine[service.Name] && hosts[hostName(service.Host)] {
			body.Others = append(body.Others, api.PolicyAddress{Host: service.Host, PathPrefix: service.PathPrefix})
		}
	}
	return &answer[api.Policy]{Body: body}, nil
}

// wirePolicy returns a service as the API tells what decides about it.
func wirePolicy(p policy.Service) api.PolicyService {
	out := api.PolicyService{
		ID: p.ID.String(), PolicyAddress: api.PolicyAddress{Host: p.Host, PathPrefix: p.PathPrefix}, Name: p.Name, Default: string(p.Default),
		AllowInPath: p.AllowInPath, AcceptAPITokens: p.AcceptAPITokens, Suspended: p.Suspended,
		AskAlways:  p.Calls != 0 || p.Project != [16]byte{},
		Operations: make([]api.PolicyOperation, len(p.Operations)),
	}
	for i, o := range p.Operations {
		audience := make([]string, len(o.Audience))
		for j, a := range o.Audience {
			audience[j] = a.String()
		}
		slices.Sort(audience)
		out.Operations[i] = api.PolicyOperation{Pattern: o.Pattern, Audience: audience, Scope: o.Scope}
	}
	return out
}

// hostName returns a service's host without its port: a service that names a port goes before those of the same name that don't.
func hostName(host string) string {
	if colon := strings.LastIndexByte(host, ':'); colon > strings.LastIndexByte(host, ']') {
		return host[:colon]
	}
	return host
}
