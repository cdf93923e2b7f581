package httpapi

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/jose"
	"github.com/jeton-io/jeton/internal/platform"
	"github.com/jeton-io/jeton/internal/secret"
)

// Platforms are named in URLs by ID or by code, letter by letter as they were given out. Whom a platform speaks for is kept by
// ID and shown by name, as the verifiers of a service are.
//
// What a platform has for signing is shown where it is made, and never again; of a shared secret that it brought along, not
// even then. Which keys are weak, and what an assertion must say, package platform knows.

// wirePlatform returns a platform as the API shows it, without its keys.
func wirePlatform(p platform.Platform, speaksFor []string) api.Platform {
	return api.Platform{
		ID: p.ID.String(), Code: p.Code, Name: p.Name, Algorithm: string(p.Algorithm), Enabled: p.Enabled,
		Issuer: p.Issuer, Audience: p.Audience, SpeaksFor: append([]string{}, speaksFor...), Administrators: p.Administrators,
		CreateUsers: p.CreateUsers, NewUserRoles: p.NewUserRoles, MaxAssertionSeconds: int(p.MaxLife / time.Second), OneTime: p.OneTime,
		CreatedAt: p.CreatedAt, UpdatedAt: p.UpdatedAt, LastUsedAt: p.LastUsedAt, LastUsedIP: p.LastUsedIP,
	}
}

// wirePlatformKey returns a key as the API shows it: a public half, an address, or that there is a secret.
func wirePlatformKey(k platform.Key) api.PlatformKey {
	return api.PlatformKey{
		ID: k.ID.String(), Algorithm: string(k.Algorithm), KeyID: k.KeyID, PublicKey: k.PublicKey, JWKSURI: k.JWKSURI,
		Shared: len(k.Wrapped) > 0, CreatedAt: k.CreatedAt, LastUsedAt: k.LastUsedAt, LastUsedIP: k.LastUsedIP,
	}
}

// showPlatform is wirePlatform with the keys, for one platform. It may fail after a change was made: see showService.
func (s *server) showPlatform(ctx context.Context, p platform.Platform) (api.Platform, error) {
	speaksFor, err := s.cfg.Platforms.SpeaksFor(ctx, p)
	if err != nil {
		return api.Platform{}, err
	}
	keys, err := s.cfg.Platforms.Keys(ctx, p.ID.String())
	shown := wirePlatform(p, speaksFor)
	for _, k := range keys {
		shown.Keys = append(shown.Keys, wirePlatformKey(k))
	}
	return shown, err
}

// listPlatforms pages by canonical name, as listUsers does.
func (s *server) listPlatforms(ctx context.Context, _ *call, in *pageInput) (*answer[api.List[api.Platform]], error) {
	after, err := positionOf("platforms", in.Cursor)
	if err != nil {
		return nil, err
	}
	platforms, err := s.cfg.Platforms.List(ctx, after, in.Limit+1)
	if err != nil {
		return nil, err
	}
	speaksFor := map[uuid.UUID][]string{}
	for _, p := range platforms {
		if speaksFor[p.ID], err = s.cfg.Platforms.SpeaksFor(ctx, p); err != nil {
			return nil, err
		}
	}
	return pageOf(platforms, in.Limit,
		func(p platform.Platform) api.Platform { return wirePlatform(p, speaksFor[p.ID]) },
		func(p platform.Platform) string { return cursorAt("platforms", account.Key(p.Name)) }), nil
}

// newPlatformInput is a request for a new platform.
type newPlatformInput struct{ Body api.NewPlatform }

// createPlatform enrols a platform and shows what was made for it, this once. If the answer is lost, so is that: deleting the
// platform and enrolling it anew is the way out, for the name tells which it was.
func (s *server) createPlatform(ctx context.Context, c *call, in *newPlatformInput) (*created[api.IssuedPlatform], error) {
	b := in.Body
	if err := checkEnabled(b.Enabled); err != nil {
		return nil, err
	}
	enrolled, made, err := s.cfg.Platforms.Enrol(ctx, platform.Draft{
		Name: b.Name, Algorithm: jose.Algorithm(b.Algorithm),
		Key:    platform.KeyDraft{PublicKey: b.PublicKey, JWKSURI: b.JWKSURI, Secret: secret.Text(b.Secret), KeyID: b.KeyID},
		Issuer: b.Issuer, Audience: b.Audience, SpeaksFor: b.SpeaksFor, Administrators: b.Administrators, CreateUsers: b.CreateUsers,
		NewUserRoles: b.NewUserRoles, MaxLife: time.Duration(b.MaxAssertionSeconds) * time.Second, OneTime: b.OneTime,
		Enabled: !b.Enabled.Set || b.Enabled.Value,
	}, c.actor())
	if err != nil {
		return nil, err
	}
	speaksFor, err := s.cfg.Platforms.SpeaksFor(ctx, enrolled)
	shown := wirePlatform(enrolled, speaksFor)
	shown.Keys = []api.PlatformKey{wirePlatformKey(made.Key)}
	return &created[api.IssuedPlatform]{
		Location: "/v1/platforms/" + enrolled.ID.String(), ETag: etag(enrolled.ID, enrolled.Version),
		Body: api.IssuedPlatform{Platform: shown, PrivateKey: made.PrivateKey.Reveal(), Secret: made.Secret.Reveal()},
	}, err
}

// platformInput names a platform.
type platformInput struct {
	Platform string `path:"platform" doc:"The platform's ID or code."`
}

// getPlatform shows a platform with its keys: also from where it was last used, which tells a leak.
func (s *server) getPlatform(ctx context.Context, _ *call, in *platformInput) (*versioned[api.Platform], error) {
	p, err := s.cfg.Platforms.Find(ctx, in.Platform)
	if err != nil {
		return nil, err
	}
	shown, err := s.showPlatform(ctx, p)
	return &versioned[api.Platform]{ETag: etag(p.ID, p.Version), Body: shown}, err
}

// platformPatchInput is a merge patch of a platform.
type platformPatchInput struct {
	Platform string `path:"platform" doc:"The platform's ID or code."`
	IfMatch  string `header:"If-Match" doc:"Change only this version."`
	Body     api.PlatformPatch
}

// updatePlatform changes a platform. From the moment of the answer nobody is logged in, by what it said before, whom it couldn't
// log in now.
func (s *server) updatePlatform(ctx context.Context, c *call, in *platformPatchInput) (*versioned[api.Platform], error) {
	match, err := preconditionOf(c.r.Header)
	if err != nil {
		return nil, err
	}
	patch, err := platformPatchOf(in.Body)
	if err != nil {
		return nil, err
	}
	var updated platform.Platform
	err = match.try(func() error {
		p, err := s.cfg.Platforms.Find(ctx, in.Platform)
		if err != nil {
			return err
		}
		if err := match.check(p.ID, p.Version); err != nil {
			return err
		}
		updated, err = s.cfg.Platforms.Update(ctx, p.ID.String(), p.Version, patch, c.actor())
		return err
	})
	if err != nil {
		return nil, err
	}
	shown, err := s.showPlatform(ctx, updated)
	return &versioned[api.Platform]{ETag: etag(updated.ID, updated.Version), Body: shown}, err
}

// platformPatchOf returns the change that a merge patch asks for. What is null becomes empty, and where that can't be (a name, an
// algorithm, a life, for whom it speaks) it is refused as an empty one is. What is true or false can't be empty either.
func platformPatchOf(b api.PlatformPatch) (platform.Patch, error) {
	p := platform.Patch{
		Name: b.Name.Pointer(), Algorithm: (*jose.Algorithm)(b.Algorithm.Pointer()), Issuer: b.Issuer.Pointer(), Audience: b.Audience.Pointer(),
		SpeaksFor: b.SpeaksFor.Pointer(), Administrators: b.Administrators.Pointer(), CreateUsers: b.CreateUsers.Pointer(),
		NewUserRoles: b.NewUserRoles.Pointer(), OneTime: b.OneTime.Pointer(), Enabled: b.Enabled.Pointer(),
	}
	if b.MaxAssertionSeconds.Set {
		life := time.Duration(b.MaxAssertionSeconds.Value) * time.Second
		p.MaxLife = &life
	}
	for _, member := range []struct {
		name  string
		value api.Optional[bool]
	}{{"administrators", b.Administrators}, {"create_users", b.CreateUsers}, {"one_time", b.OneTime}, {"enabled", b.Enabled}} {
		if member.value.Null {
			return p, &authority.FieldError{Field: member.name, Problem: "is neither true nor false"}
		}
	}
	return p, nil
}

// deletePlatform ends a platform, and with it every session that was got by its assertions.
func (s *server) deletePlatform(ctx context.Context, c *call, in *platformInput) (*done, error) {
	return nil, s.cfg.Platforms.Delete(ctx, in.Platform, c.actor())
}

// listPlatformKeys shows the keys of a platform. There are a few at most, so that the list has one page.
func (s *server) listPlatformKeys(ctx context.Context, _ *call, in *platformInput) (*answer[api.List[api.PlatformKey]], error) {
	keys, err := s.cfg.Platforms.Keys(ctx, in.Platform)
	if err != nil {
		return nil, err
	}
	return pageOf(keys, len(keys), wirePlatformKey, nil), nil
}

// newPlatformKeyInput is a request for a new key.
type newPlatformKeyInput struct {
	Platform string `path:"platform" doc:"The platform's ID or code."`
	Body     api.NewPlatformKey
}

// createPlatformKey adds a key, and shows what was made for it, this once.
func (s *server) createPlatformKey(ctx context.Context, c *call, in *newPlatformKeyInput) (*made[api.IssuedPlatformKey], error) {
	b := in.Body
	added, err := s.cfg.Platforms.AddKey(ctx, in.Platform, platform.KeyDraft{
		Algorithm: jose.Algorithm(b.Algorithm), PublicKey: b.PublicKey, JWKSURI: b.JWKSURI, Secret: secret.Text(b.Secret), KeyID: b.KeyID,
	}, c.actor())
	if err != nil {
		return nil, err
	}
	return &made[api.IssuedPlatformKey]{
		Location: "/v1/platforms/" + added.Key.PlatformID.String() + "/keys/" + added.Key.ID.String(),
		Body: api.IssuedPlatformKey{
			PlatformKey: wirePlatformKey(added.Key), PrivateKey: added.PrivateKey.Reveal(), Secret: added.Secret.Reveal(),
		},
	}, nil
}

// platformKeyInput names a key of a platform.
type platformKeyInput struct {
	Platform string `path:"platform" doc:"The platform's ID or code."`
	ID       string `path:"id" doc:"The ID of the key."`
}

// deletePlatformKey ends a key: what it has signed is refused from then on.
func (s *server) deletePlatformKey(ctx context.Context, c *call, in *platformKeyInput) (*done, error) {
	id, err := idOf(in.ID)
	if err != nil {
		return nil, err
	}
	return nil, s.cfg.Platforms.DeleteKey(ctx, in.Platform, id, c.actor())
}

// assertionInput is a question about an assertion.
type assertionInput struct {
	Platform string `path:"platform" doc:"The platform's ID or code."`
	Body     api.AssertionQuestion
}

// explainAssertion says why an assertion is refused, which whoever presents it never learns. It is a question: nothing is used
// up, and an answer that says no is no failure, so that it is 200 like one that says yes.
func (s *server) explainAssertion(ctx context.Context, _ *call, in *assertionInput) (*answer[api.AssertionExplanation], error) {
	found, err := s.cfg.Platforms.Explain(ctx, platform.Question{
		Platform: in.Platform, Assertion: secret.Text(in.Body.Assertion), Grant: in.Body.Grant,
	})
	if err != nil {
		return nil, err
	}
	return &answer[api.AssertionExplanation]{Body: api.AssertionExplanation{Accepted: found.Accepted, Reason: string(found.Reason), Steps: stepsOf(found.Steps)}}, nil
}

// stepsOf returns the steps of an explanation, of whatever was examined.
func stepsOf(steps []authority.Step) []api.ExplainedStep {
	told := make([]api.ExplainedStep, len(steps))
	for i, s := range steps {
		told[i] = api.ExplainedStep{Step: s.Name, Passed: s.Passed, Found: s.Found, Fix: s.Fix}
	}
	return told
}
