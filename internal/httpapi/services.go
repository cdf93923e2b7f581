package httpapi

import (
	"context"
	"net/url"
	"slices"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/catalog"
	"github.com/jeton-io/jeton/internal/policy"
)

// A service is named in URLs by its name, which is plain ASCII and of one spelling. Its verifiers are kept by ID, so that
// who gets a deleted verifier's name doesn't verify; the API takes and shows their names.

// wireService returns a service as the API shows it: its verifiers by name, in the order of their names. Those deleted
// since are left out.
func wireService(s catalog.Service, names map[uuid.UUID]string) api.Service {
	verifiers := make([]string, 0, len(s.Verifiers))
	for _, id := range s.Verifiers {
		if name, lives := names[id]; lives {
			verifiers = append(verifiers, name)
		}
	}
	slices.Sort(verifiers)
	return api.Service{
		ID: s.ID.String(), Name: s.Name, Host: s.Host, PathPrefix: s.PathPrefix, Default: string(s.Default),
		AllowInPath: s.AllowInPath, Verifiers: verifiers, AcceptAPITokens: s.AcceptAPITokens, Project: s.ProjectNumber, Suspended: s.Suspended,
		Upstream: s.Upstream, Profile: s.Profile, ForwardQueryTokens: s.ForwardQueryTokens, IdentityToken: s.IdentityToken, RateLimit: wireRate(s.Rate),
		CreatedAt: s.CreatedAt, UpdatedAt: s.UpdatedAt,
	}
}

// showService is wireService for one service whose verifiers' names aren't known yet. It may fail after a change was
// made; the caller then learns of a fault, and finds the change when it reads again.
func (s *server) showService(ctx context.Context, service catalog.Service) (api.Service, error) {
	names, err := s.cfg.Accounts.Names(ctx, service.Verifiers)
	return wireService(service, names), err
}

// listServices pages by name. The verifiers of a whole page are named in one question.
func (s *server) listServices(ctx context.Context, _ *call, in *pageInput) (*answer[api.List[api.Service]], error) {
	after, err := positionOf("services", in.Cursor)
	if err != nil {
		return nil, err
	}
	services, err := s.cfg.Catalog.List(ctx, after, in.Limit+1)
	if err != nil {
		return nil, err
	}
	var ids []uuid.UUID
	for _, service := range services {
		ids = append(ids, service.Verifiers...)
	}
	names, err := s.cfg.Accounts.Names(ctx, ids)
	if err != nil {
		return nil, err
	}
	return pageOf(services, in.Limit,
		func(service catalog.Service) api.Service { return wireService(service, names) },
		func(service catalog.Service) string { return cursorAt("services", service.Name) }), nil
}

// newServiceInput is a request for a new service.
type newServiceInput struct{ Body api.NewService }

// createService makes a service without operations. Until it has some, its default decides every call.
func (s *server) createService(ctx context.Context, c *call, in *newServiceInput) (*created[api.Service], error) {
	b := in.Body
	service, err := s.cfg.Catalog.Create(ctx, catalog.Draft{
		Name: b.Name, Host: b.Host, PathPrefix: b.PathPrefix, Default: policy.Default(b.Default),
		AllowInPath: b.AllowInPath, Verifiers: b.Verifiers, AcceptAPITokens: b.AcceptAPITokens, Project: b.Project, Rate: rateOf(b.RateLimit),
		Route: catalog.Route{Upstream: b.Upstream, Profile: b.Profile, ForwardQueryTokens: b.ForwardQueryTokens, IdentityToken: b.IdentityToken},
	}, c.actor())
	if err != nil {
		return nil, err
	}
	body, err := s.showService(ctx, service)
	return &created[api.Service]{
		Location: "/v1/services/" + url.PathEscape(service.Name), ETag: etag(service.ID, service.Version), Body: body,
	}, err
}

// serviceInput names a service.
type serviceInput struct {
	Name string `path:"name" doc:"The service's name."`
}

// getService shows a service, with the version that it shares with its operations: a change of either raises it.
func (s *server) getService(ctx context.Context, _ *call, in *serviceInput) (*versioned[api.Service], error) {
	e, err := s.cfg.Catalog.Service(ctx, in.Name)
	if err != nil {
		return nil, err
	}
	body, err := s.showService(ctx, e.Service)
	return &versioned[api.Service]{ETag: etag(e.ID, e.Version), Body: body}, err
}

// servicePatchInput is a merge patch of a service.
type servicePatchInput struct {
	Name    string `path:"name" doc:"The service's name."`
	IfMatch string `header:"If-Match" doc:"Change only this version."`
	Body    api.ServicePatch
}

// updateService changes a service. The catalog takes a service whole, so the patch is merged here into the version that
// was read, and stored only over that very version: of two patches of different members at once, none is lost. Each of them
// ends a suspension, so that a patch which asks for one, as of a program that sends back what it read, is refused rather than
// turned into its opposite.
func (s *server) updateService(ctx context.Context, c *call, in *servicePatchInput) (*versioned[api.Service], error) {
	match, err := preconditionOf(c.r.Header)
	if err != nil {
		return nil, err
	}
	if in.Body.Suspended.Value {
		return nil, &authority.FieldError{Field: "suspended", Problem: "can only be ended", Fix: "Give false once you have looked at who may call what, or delete the service."}
	}
	var updated catalog.Service
	err = match.try(func() error {
		e, err := s.cfg.Catalog.Service(ctx, in.Name)
		if err != nil {
			return err
		}
		if err := match.check(e.ID, e.Version); err != nil {
			return err
		}
		draft, err := s.cfg.Catalog.DraftOf(ctx, e.Service)
		if err != nil {
			return err
		}
		if err := merge(&draft, in.Body); err != nil {
			return err
		}
		updated, err = s.cfg.Catalog.Update(ctx, in.Name, e.Version, draft, c.actor())
		return err
	})
	if err != nil {
		return nil, err
	}
	body, err := s.showService(ctx, updated)
	return &versioned[api.Service]{ETag: etag(updated.ID, updated.Version), Body: body}, err
}

// merge writes a merge patch over a draft. What is null becomes empty, and with it what a new service has.
func merge(d *catalog.Draft, patch api.ServicePatch) (err error) {
	over(&d.Name, patch.Name)
	over(&d.Host, patch.Host)
	over(&d.PathPrefix, patch.PathPrefix)
	over((*string)(&d.Default), patch.Default)
	over(&d.AllowInPath, patch.AllowInPath)
	over(&d.Verifiers, patch.Verifiers)
	over(&d.AcceptAPITokens, patch.AcceptAPITokens)
	over(&d.Project, patch.Project)
	over(&d.Upstream, patch.Upstream)
	over(&d.Profile, patch.Profile)
	over(&d.ForwardQueryTokens, patch.ForwardQueryTokens)
	over(&d.IdentityToken, patch.IdentityToken)
	if patch.RateLimit.Set {
		d.Rate, err = patchedRate(d.Rate, patch.RateLimit)
	}
	return err
}

// over writes a member over a value, where the patch has it.
func over[T any](to *T, member api.Optional[T]) {
	if member.Set {
		*to = member.Value
	}
}

// deleteService removes a service with its operations. From then on calls to it are refused: there is no policy for them.
func (s *server) deleteService(ctx context.Context, c *call, in *serviceInput) (*done, error) {
	return nil, s.cfg.Catalog.Delete(ctx, in.Name, c.actor())
}
