package client

import (
	"context"
	"iter"
	"net/http"
	"strconv"

	"github.com/jeton-io/jeton/api"
)

// Projects goes through all projects, in the order of their numbers, without their token sets.
func (c *Client) Projects(ctx context.Context) iter.Seq2[api.Project, error] {
	return pages[api.Project](ctx, c, list("listing projects", "projects", pageSize))
}

// CreateProject makes a project, and the service account that is its own. It has no token set yet, so that no token counts. The
// error is ErrInvalid for a field that can't be used, ErrConflict for a number or a name that another has.
func (c *Client) CreateProject(ctx context.Context, p api.NewProject) (api.Project, error) {
	const doing = "creating a project"
	if err := checkTexts(doing, "app_keys", p.AppKeys); err != nil {
		return api.Project{}, err
	}
	project, _, err := send[api.Project](ctx, c, request{
		doing: doing, method: http.MethodPost, path: []string{"projects"}, body: p,
	})
	return project, err
}

// Project returns the project of that number with its token sets and its version, or ErrNotFound.
func (c *Client) Project(ctx context.Context, number int) (api.Project, ETag, error) {
	project, header, err := send[api.Project](ctx, c, ofProject("reading a project", http.MethodGet, number))
	return project, etagOf(header), err
}

// UpdateProject changes those members of a project that the patch has, and ends the browser sessions that were begun by its
// tokens. Errors are those of CreateProject, ErrNotFound, and ErrStale where the project is no longer of the given version.
func (c *Client) UpdateProject(ctx context.Context, number int, version ETag, patch api.ProjectPatch) (api.Project, error) {
	const doing = "updating a project"
	if err := checkTexts(doing, "app_keys", patch.AppKeys.Value); err != nil {
		return api.Project{}, err
	}
	q := ofProject(doing, http.MethodPatch, number)
	q.ifMatch, q.body = version, patch
	project, _, err := send[api.Project](ctx, c, q)
	return project, err
}

// DeleteProject ends a project for good, with its token sets, its service account and the browser sessions that were begun by
// its tokens. The error is ErrNotFound.
func (c *Client) DeleteProject(ctx context.Context, number int) error {
	_, _, err := send[nothing](ctx, c, ofProject("deleting a project", http.MethodDelete, number))
	return err
}

// ExplainSealed says step by step whether sealed tokens are good at a project, and why not. They are not used up by that, and
// nobody is made. The error is ErrNotFound where there is no such project, ErrInvalid for a question that asks for nothing.
func (c *Client) ExplainSealed(ctx context.Context, number int, question api.SealedQuestion) (api.SealedExplanation, error) {
	const doing = "explaining sealed tokens"
	for _, member := range [][2]string{
		{"query", question.Query}, {"security_token", question.SecurityToken}, {"user_token", question.UserToken}, {"context", question.Context},
	} {
		if err := checkText(doing, member[0], member[1]); err != nil {
			return api.SealedExplanation{}, err
		}
	}
	q := ofProject(doing, http.MethodPost, number, "explain")
	q.body = question
	explanation, _, err := send[api.SealedExplanation](ctx, c, q)
	return explanation, err
}

// TokenSets goes through the token sets of a project, the oldest first. The error is ErrNotFound.
func (c *Client) TokenSets(ctx context.Context, number int) iter.Seq2[api.TokenSet, error] {
	return pages[api.TokenSet](ctx, c, ofProject("listing token sets", http.MethodGet, number, tokenSets))
}

// CreateTokenSet makes a token set, beside those that a project has. Where the draft has no key, one is made, and the answer is
// the only time that it is shown. The error is ErrInvalid for a setting that can't be used, ErrConflict for a name that another
// set of the project has or where there are too many, ErrNotFound. After ErrUnreachable the set may have been made, and its key
// is lost: delete what has its name.
func (c *Client) CreateTokenSet(ctx context.Context, number int, s api.NewTokenSet) (api.IssuedTokenSet, error) {
	const doing = "creating a token set"
	if err := checkText(doing, "key", s.Key); err != nil {
		return api.IssuedTokenSet{}, err
	}
	q := ofProject(doing, http.MethodPost, number, tokenSets)
	q.body = s
	issued, _, err := send[api.IssuedTokenSet](ctx, c, q)
	return issued, err
}

// TokenSet returns the token set of that ID with its version, or ErrNotFound.
func (c *Client) TokenSet(ctx context.Context, number int, id string) (api.TokenSet, ETag, error) {
	set, header, err := send[api.TokenSet](ctx, c, ofProject("reading a token set", http.MethodGet, number, tokenSets, id))
	return set, etagOf(header), err
}

// UpdateTokenSet changes those members of a token set that the patch has, and ends the browser sessions that were begun by the
// project's tokens. Tokens that were sealed by other settings or another key count no more. Errors are those of CreateTokenSet,
// and ErrStale where the set is no longer of the given version.
func (c *Client) UpdateTokenSet(ctx context.Context, number int, id string, version ETag, patch api.TokenSetPatch) (api.TokenSet, error) {
	const doing = "updating a token set"
	if err := checkText(doing, "key", patch.Key.Value); err != nil {
		return api.TokenSet{}, err
	}
	q := ofProject(doing, http.MethodPatch, number, tokenSets, id)
	q.ifMatch, q.body = version, patch
	set, _, err := send[api.TokenSet](ctx, c, q)
	return set, err
}

// DeleteTokenSet ends a token set for good, and with it the browser sessions that were begun by the project's tokens. The error
// is ErrNotFound.
func (c *Client) DeleteTokenSet(ctx context.Context, number int, id string) error {
	_, _, err := send[nothing](ctx, c, ofProject("deleting a token set", http.MethodDelete, number, tokenSets, id))
	return err
}

// Seal has Jeton seal a plaintext by a token set, good or not, as its application would: it counts like any other token of that
// set. The error is ErrInvalid where it can't be sealed, ErrNotFound.
func (c *Client) Seal(ctx context.Context, number int, id string, r api.SealRequest) (api.SealedText, error) {
	const doing = "sealing a token"
	if err := checkText(doing, "plaintext", r.Plaintext); err != nil {
		return api.SealedText{}, err
	}
	q := ofProject(doing, http.MethodPost, number, tokenSets, id, "encrypt")
	q.body = r
	text, _, err := send[api.SealedText](ctx, c, q)
	return text, err
}

// Unseal has Jeton open a token by a token set. What it says may break the rules: see SealedText.Problem. The error is ErrInvalid
// where it doesn't open, ErrNotFound.
func (c *Client) Unseal(ctx context.Context, number int, id string, r api.UnsealRequest) (api.SealedText, error) {
	const doing = "opening a token"
	if err := checkText(doing, "token", r.Token); err != nil {
		return api.SealedText{}, err
	}
	q := ofProject(doing, http.MethodPost, number, tokenSets, id, "decrypt")
	q.body = r
	text, _, err := send[api.SealedText](ctx, c, q)
	return text, err
}

// tokenSets is the segment of a path below which the token sets of a project are.
const tokenSets = "token-sets"

// ofProject is a request about a project, or something of it.
func ofProject(doing, method string, number int, path ...string) request {
	return request{doing: doing, method: method, path: append([]string{"projects", strconv.Itoa(number)}, path...)}
}

// checkTexts is checkText for a list.
func checkTexts(doing, field string, texts []string) error {
	for i, text := range texts {
		if err := checkText(doing, field+"["+strconv.Itoa(i)+"]", text); err != nil {
			return err
		}
	}
	return nil
}
