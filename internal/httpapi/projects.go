package httpapi

import (
	"context"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/project"
	"github.com/jeton-io/jeton/internal/secret"
)

// Projects are named in URLs by their numbers, as calls name them. A number has one spelling: others are no project's.
//
// Of app keys no more is shown than how many there are. What a token must say, package project knows.

// wireProject returns a project as the API shows it, without its token sets. The names are those of service accounts.
func wireProject(p project.Project, names map[uuid.UUID]string) api.Project {
	shown := api.Project{
		Number: p.Number, Name: p.Name, SecurityContext: p.SecurityContext, ContextRequired: p.ContextRequired, TokenRequired: p.TokenRequired,
		AppKeyCount: p.AppKeyCount, MaxAgeSeconds: int(p.MaxAge / time.Second), CreateUsers: p.CreateUsers, NewUserRoles: p.NewUserRoles,
		ServiceAccount: names[p.ServiceAccount], CreatedAt: p.CreatedAt, UpdatedAt: p.UpdatedAt,
	}
	for _, network := range p.AllowedIPs {
		shown.AllowedIPs = append(shown.AllowedIPs, authority.NetworkText(network))
	}
	return shown
}

// showProject is wireProject with the token sets, for one project. It may fail after a change was made: see showService.
func (s *server) showProject(ctx context.Context, e project.Entry) (api.Project, error) {
	names, err := s.cfg.Accounts.Names(ctx, []uuid.UUID{e.ServiceAccount})
	shown := wireProject(e.Project, names)
	for _, set := range e.Sets {
		shown.TokenSets = append(shown.TokenSets, wireTokenSet(set))
	}
	return shown, err
}

// listProjects pages by number, which doesn't change.
func (s *server) listProjects(ctx context.Context, _ *call, in *pageInput) (*answer[api.List[api.Project]], error) {
	position, err := positionOf("projects", in.Cursor)
	if err != nil {
		return nil, err
	}
	after := 0
	if position != "" {
		if after, err = project.ParseNumber(position); err != nil {
			return nil, errCursor()
		}
	}
	projects, err := s.cfg.Projects.List(ctx, after, in.Limit+1)
	if err != nil {
		return nil, err
	}
	accounts := make([]uuid.UUID, len(projects))
	for i, p := range projects {
		accounts[i] = p.ServiceAccount
	}
	names, err := s.cfg.Accounts.Names(ctx, accounts)
	if err != nil {
		return nil, err
	}
	return pageOf(projects, in.Limit,
		func(p project.Project) api.Project { return wireProject(p, names) },
		func(p project.Project) string { return cursorAt("projects", strconv.Itoa(p.Number)) }), nil
}

// newProjectInput is a request for a new project.
type newProjectInput struct{ Body api.NewProject }

// createProject makes a project. Until it has a token set, no token counts at it.
func (s *server) createProject(ctx context.Context, c *call, in *newProjectInput) (*created[api.Project], error) {
	b := in.Body
	if err := checkBooleans(boolean{"context_required", b.ContextRequired}, boolean{"token_required", b.TokenRequired}); err != nil {
		return nil, err
	}
	from, err := networksOf(b.AllowedIPs)
	if err != nil {
		return nil, err
	}
	p, err := s.cfg.Projects.Create(ctx, project.Draft{
		Number: b.Number, Name: b.Name, SecurityContext: b.SecurityContext, ContextRequired: b.ContextRequired.Pointer(),
		TokenRequired: b.TokenRequired.Pointer(), AppKeys: secretsOf(b.AppKeys), AllowedIPs: from,
		MaxAge: time.Duration(b.MaxAgeSeconds) * time.Second, CreateUsers: b.CreateUsers, NewUserRoles: b.NewUserRoles,
	}, c.actor())
	if err != nil {
		return nil, err
	}
	shown, err := s.showProject(ctx, project.Entry{Project: p})
	return &created[api.Project]{Location: projectPath(p.Number), ETag: etag(p.ID, p.Version), Body: shown}, err
}

// projectInput names a project.
type projectInput struct {
	Number string `path:"number" doc:"The project's number."`
}

// findProject returns the project that a path names.
func (s *server) findProject(ctx context.Context, text string) (project.Entry, error) {
	number, err := project.ParseNumber(text)
	if err != nil {
		return project.Entry{}, err
	}
	return s.cfg.Projects.Find(ctx, number)
}

// getProject shows a project with its token sets: also from where these were last used, which tells a leak.
func (s *server) getProject(ctx context.Context, _ *call, in *projectInput) (*versioned[api.Project], error) {
	e, err := s.findProject(ctx, in.Number)
	if err != nil {
		return nil, err
	}
	shown, err := s.showProject(ctx, e)
	return &versioned[api.Project]{ETag: etag(e.ID, e.Version), Body: shown}, err
}

// projectPatchInput is a merge patch of a project.
type projectPatchInput struct {
	Number  string `path:"number" doc:"The project's number."`
	IfMatch string `header:"If-Match" doc:"Change only this version."`
	Body    api.ProjectPatch
}

// updateProject changes a project. From the moment of the answer no token counts, by what the project said before, that wouldn't
// count now; nor does a session that was begun by one.
func (s *server) updateProject(ctx context.Context, c *call, in *projectPatchInput) (*versioned[api.Project], error) {
	match, err := preconditionOf(c.r.Header)
	if err != nil {
		return nil, err
	}
	patch, err := projectPatchOf(in.Body)
	if err != nil {
		return nil, err
	}
	var e project.Entry
	err = match.try(func() error {
		if e, err = s.findProject(ctx, in.Number); err != nil {
			return err
		}
		if err := match.check(e.ID, e.Version); err != nil {
			return err
		}
		e.Project, err = s.cfg.Projects.Update(ctx, e.Number, e.Version, patch, c.actor())
		return err
	})
	if err != nil {
		return nil, err
	}
	shown, err := s.showProject(ctx, e)
	return &versioned[api.Project]{ETag: etag(e.ID, e.Version), Body: shown}, err
}

// projectPatchOf returns the change that a merge patch asks for. What is null becomes empty, and where that can't be (a name, an
// age) it is refused as an empty one is. What is true or false can't be empty either.
func projectPatchOf(b api.ProjectPatch) (project.Patch, error) {
	p := project.Patch{
		Name: b.Name.Pointer(), SecurityContext: b.SecurityContext.Pointer(), ContextRequired: b.ContextRequired.Pointer(),
		TokenRequired: b.TokenRequired.Pointer(), CreateUsers: b.CreateUsers.Pointer(), NewUserRoles: b.NewUserRoles.Pointer(),
	}
	if b.AppKeys.Set {
		keys := secretsOf(b.AppKeys.Value)
		p.AppKeys = &keys
	}
	if b.AllowedIPs.Set {
		from, err := networksOf(b.AllowedIPs.Value)
		if err != nil {
			return p, err
		}
		p.AllowedIPs = &from
	}
	if b.MaxAgeSeconds.Set {
		age := time.Duration(b.MaxAgeSeconds.Value) * time.Second
		p.MaxAge = &age
	}
	return p, checkBooleans(boolean{"context_required", b.ContextRequired}, boolean{"token_required", b.TokenRequired}, boolean{"create_users", b.CreateUsers})
}

// boolean is a member that is true or false, if it is there.
type boolean struct {
	name  string
	value api.Optional[bool]
}

// checkBooleans refuses null, which says neither: see checkEnabled.
func checkBooleans(members ...boolean) error {
	for _, m := range members {
		if m.value.Null {
			return &authority.FieldError{Field: m.name, Problem: "is neither true nor false"}
		}
	}
	return nil
}

// deleteProject ends a project, and with it all that is its own: token sets, service account, sessions.
func (s *server) deleteProject(ctx context.Context, c *call, in *projectInput) (*done, error) {
	number, err := project.ParseNumber(in.Number)
	if err != nil {
		return nil, err
	}
	return nil, s.cfg.Projects.Delete(ctx, number, c.actor())
}

// sealedInput is a question about sealed tokens.
type sealedInput struct {
	Number string `path:"number" doc:"The project's number."`
	Body   api.SealedQuestion
}

// explainSealed says why sealed tokens are refused, which whoever presents them never learns. It is a question: see
// explainAssertion.
func (s *server) explainSealed(ctx context.Context, _ *call, in *sealedInput) (*answer[api.SealedExplanation], error) {
	number, err := project.ParseNumber(in.Number)
	if err != nil {
		return nil, err
	}
	b := in.Body
	from, err := remoteIPOf(b.RemoteIP)
	if err != nil {
		return nil, err
	}
	found, err := s.cfg.Projects.Explain(ctx, number, project.Question{
		Query: secret.Text(b.Query), Security: secret.Text(b.SecurityToken), User: secret.Text(b.UserToken), Context: secret.Text(b.Context), From: from,
	})
	if err != nil {
		return nil, err
	}
	return &answer[api.SealedExplanation]{Body: api.SealedExplanation{Accepted: found.Accepted, Reason: string(found.Reason), Steps: stepsOf(found.Steps)}}, nil
}

func projectPath(number int) string { return "/v1/projects/" + strconv.Itoa(number) }

// secretsOf returns secrets of a body; nil for none.
func secretsOf(texts []string) (secrets []secret.Text) {
	for _, text := range texts {
		secrets = append(secrets, secret.Text(text))
	}
	return secrets
}
