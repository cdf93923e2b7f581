package httpapi

import (
	"context"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/project"
	"github.com/jeton-io/jeton/internal/sealed"
	"github.com/jeton-io/jeton/internal/secret"
)

// The key of a token set is shown where it is made, and never again; one that was brought along, not even then. That tokens of a
// set can be forged is said wherever the set is shown, so that nobody learns it last.

// wireTokenSet returns a token set as the API shows it, without its key.
func wireTokenSet(set project.TokenSet) api.TokenSet {
	shown := api.TokenSet{
		ID: set.ID.String(), Name: set.Name, Active: set.Active, Mode: string(set.Mode), KeySize: set.KeySize, Padding: string(set.Padding),
		IV: set.IV, IVExpansion: string(set.IVExpansion), KeyDerivation: string(set.Derivation), Salt: set.Salt, Hash: set.Hash, Iterations: set.Iterations,
		OneTime: set.OneTime, Forgeable: set.Forgeable(), CreatedAt: set.CreatedAt, UpdatedAt: set.UpdatedAt,
		LastUsedAt: set.LastUsedAt, LastUsedIP: set.LastUsedIP,
	}
	if shown.Forgeable {
		shown.Warning = sealed.ForgeableWarning
	}
	return shown
}

// listTokenSets shows the token sets of a project. There are a few at most, so that the list has one page.
func (s *server) listTokenSets(ctx context.Context, _ *call, in *projectInput) (*answer[api.List[api.TokenSet]], error) {
	e, err := s.findProject(ctx, in.Number)
	if err != nil {
		return nil, err
	}
	return pageOf(e.Sets, len(e.Sets), wireTokenSet, nil), nil
}

// newTokenSetInput is a request for a new token set.
type newTokenSetInput struct {
	Number string `path:"number" doc:"The project's number."`
	Body   api.NewTokenSet
}

// createTokenSet makes a token set and shows the key that was made for it, this once. If the answer is lost, so is that: deleting
// the set and making it anew is the way out, for the name tells which it was.
func (s *server) createTokenSet(ctx context.Context, c *call, in *newTokenSetInput) (*created[api.IssuedTokenSet], error) {
	number, err := project.ParseNumber(in.Number)
	if err != nil {
		return nil, err
	}
	b := in.Body
	// As an empty text, null would choose a mode that a member left out doesn't.
	if err := checkTexts(text{"mode", b.Mode}, text{"padding", b.Padding}); err != nil {
		return nil, err
	}
	if err := checkBooleans(boolean{"active", b.Active}); err != nil {
		return nil, err
	}
	set, key, err := s.cfg.Projects.AddSet(ctx, number, project.SetDraft{
		Name: b.Name, Active: b.Active.Pointer(), Key: secret.Text(b.Key), KeySize: bitsOf(b.KeySize), Mode: b.Mode.Pointer(), Padding: b.Padding.Pointer(),
		IV: b.IV, IVExpansion: b.IVExpansion, KeyDerivation: b.KeyDerivation, Salt: b.Salt, Hash: b.Hash, Iterations: b.Iterations, OneTime: b.OneTime,
	}, c.actor())
	if err != nil {
		return nil, err
	}
	return &created[api.IssuedTokenSet]{
		Location: projectPath(number) + "/token-sets/" + set.ID.String(), ETag: etag(set.ID, set.Version),
		Body: api.IssuedTokenSet{TokenSet: wireTokenSet(set), Key: key.Reveal()},
	}, nil
}

// tokenSetInput names a token set.
type tokenSetInput struct {
	Number string `path:"number" doc:"The project's number."`
	ID     string `path:"id" doc:"The ID of the token set."`
}

// setOf returns the number and the ID in a path.
func setOf(number, id string) (int, uuid.UUID, error) {
	n, err := project.ParseNumber(number)
	if err != nil {
		return 0, uuid.Nil, err
	}
	set, err := idOf(id)
	return n, set, err
}

// getTokenSet shows a token set.
func (s *server) getTokenSet(ctx context.Context, _ *call, in *tokenSetInput) (*versioned[api.TokenSet], error) {
	number, id, err := setOf(in.Number, in.ID)
	if err != nil {
		return nil, err
	}
	set, err := s.cfg.Projects.FindSet(ctx, number, id)
	if err != nil {
		return nil, err
	}
	return &versioned[api.TokenSet]{ETag: etag(set.ID, set.Version), Body: wireTokenSet(set)}, nil
}

// tokenSetPatchInput is a merge patch of a token set.
type tokenSetPatchInput struct {
	Number  string `path:"number" doc:"The project's number."`
	ID      string `path:"id" doc:"The ID of the token set."`
	IfMatch string `header:"If-Match" doc:"Change only this version."`
	Body    api.TokenSetPatch
}

// updateTokenSet changes a token set. From the moment of the answer no token counts that was sealed as the set said before.
func (s *server) updateTokenSet(ctx context.Context, c *call, in *tokenSetPatchInput) (*versioned[api.TokenSet], error) {
	match, err := preconditionOf(c.r.Header)
	if err != nil {
		return nil, err
	}
	number, id, err := setOf(in.Number, in.ID)
	if err != nil {
		return nil, err
	}
	patch, err := tokenSetPatchOf(in.Body)
	if err != nil {
		return nil, err
	}
	var updated project.TokenSet
	err = match.try(func() error {
		set, err := s.cfg.Projects.FindSet(ctx, number, id)
		if err != nil {
			return err
		}
		if err := match.check(set.ID, set.Version); err != nil {
			return err
		}
		patch.Version = set.Version
		updated, err = s.cfg.Projects.UpdateSet(ctx, number, id, patch, c.actor())
		return err
	})
	if err != nil {
		return nil, err
	}
	return &versioned[api.TokenSet]{ETag: etag(updated.ID, updated.Version), Body: wireTokenSet(updated)}, nil
}

// tokenSetPatchOf returns the change that a merge patch asks for. What is null becomes what a new set has; where an empty text is
// something else, null is refused.
func tokenSetPatchOf(b api.TokenSetPatch) (project.SetPatch, error) {
	p := project.SetPatch{
		Name: b.Name.Pointer(), Active: b.Active.Pointer(), Key: (*secret.Text)(b.Key.Pointer()), KeySize: bitsOf(b.KeySize), Mode: b.Mode.Pointer(),
		Padding: b.Padding.Pointer(), IV: b.IV.Pointer(), IVExpansion: b.IVExpansion.Pointer(), KeyDerivation: b.KeyDerivation.Pointer(),
		Salt: b.Salt.Pointer(), Hash: b.Hash.Pointer(), Iterations: b.Iterations.Pointer(), OneTime: b.OneTime.Pointer(),
	}
	if err := checkTexts(text{"mode", b.Mode}, text{"key", b.Key}); err != nil {
		return p, err
	}
	return p, checkBooleans(boolean{"active", b.Active}, boolean{"one_time", b.OneTime})
}

// bitsOf returns the size of a key, or nil where none was given.
func bitsOf(size api.KeySize) *int {
	if !size.Set {
		return nil
	}
	return &size.Bits
}

// text is a member that is a text, if it is there.
type text struct {
	name  string
	value api.Optional[string]
}

// checkTexts refuses null.
func checkTexts(members ...text) error {
	for _, m := range members {
		if m.value.Null {
			return &authority.FieldError{Field: m.name, Problem: "is null", Fix: "Give a text, or leave it out."}
		}
	}
	return nil
}

// deleteTokenSet ends a token set: what was sealed by it is refused from then on.
func (s *server) deleteTokenSet(ctx context.Context, c *call, in *tokenSetInput) (*done, error) {
	number, id, err := setOf(in.Number, in.ID)
	if err != nil {
		return nil, err
	}
	return nil, s.cfg.Projects.DeleteSet(ctx, number, id, c.actor())
}

// sealInput is a text to seal.
type sealInput struct {
	Number string `path:"number" doc:"The project's number."`
	ID     string `path:"id" doc:"The ID of the token set."`
	Body   api.SealRequest
}

// encryptToken seals a text as the application would. The token counts as if it came from there: only administrators come here,
// who could give themselves any key.
func (s *server) encryptToken(ctx context.Context, c *call, in *sealInput) (*answer[api.SealedText], error) {
	number, id, err := setOf(in.Number, in.ID)
	if err != nil {
		return nil, err
	}
	found, err := s.cfg.Projects.Seal(ctx, project.Screen{Number: number, Set: id, Parameter: in.Body.Parameter}, secret.Text(in.Body.Plaintext), c.actor())
	return wireSealed(found), err
}

// unsealInput is a token to open.
type unsealInput struct {
	Number string `path:"number" doc:"The project's number."`
	ID     string `path:"id" doc:"The ID of the token set."`
	Body   api.UnsealRequest
}

// decryptToken opens a token. It is for administrators alone, who may know what nobody else may be told: how far a token opens is
// an oracle by which others are made.
func (s *server) decryptToken(ctx context.Context, c *call, in *unsealInput) (*answer[api.SealedText], error) {
	number, id, err := setOf(in.Number, in.ID)
	if err != nil {
		return nil, err
	}
	found, err := s.cfg.Projects.Unseal(ctx, project.Screen{Number: number, Set: id, Parameter: in.Body.Parameter}, secret.Text(in.Body.Token), c.actor())
	return wireSealed(found), err
}

// wireSealed returns a token in the three steps of its making as the API shows them.
func wireSealed(found project.SealedText) *answer[api.SealedText] {
	shown := api.SealedText{Plaintext: found.Plaintext, Base64: found.Base64, URL: found.URL, Problem: found.Problem}
	for _, f := range found.Fields {
		shown.Fields = append(shown.Fields, api.TokenField{Name: f.Name, Value: f.Value})
	}
	return &answer[api.SealedText]{Body: shown}
}
