package project

import (
	"context"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/secret"
)

// SetDraft is what a token set is made of, in the words of the API. A field that is nil, or empty where it is no pointer, takes the
// default of today. A pointer to nothing is XDOC's blank: a mode of CBC, a padding of PKCS7, a key of 256 bits.
type SetDraft struct {
	Name          string // 1 to 128 characters on one line, unique in the project in its canonical form
	Active        *bool  // true where nil
	Key           secret.Text
	KeySize       *int    // in bits; 0 is the blank
	Mode          *string // GCM where nil
	Padding       *string
	IV            string
	IVExpansion   string
	KeyDerivation string
	Salt          string
	Hash          string
	Iterations    int
	OneTime       bool
}

// SetPatch is a change of a token set; nil fields stay as they are. A pointer to nothing takes the default, or XDOC's blank, as in a
// SetDraft. Where the mode or the derivation of the key changes, what belonged to the former goes, but for what is given beside.
type SetPatch struct {
	Name          *string
	Active        *bool
	Key           *secret.Text
	KeySize       *int
	Mode          *string
	Padding       *string
	IV            *string
	IVExpansion   *string
	KeyDerivation *string
	Salt          *string
	Hash          *string
	Iterations    *int
	OneTime       *bool
}

// AddSet gives a project a token set, and returns the text of its key, if it was made here. Errors are a *authority.FieldError for
// what is wrong with the draft, beside ErrConflict where another has the name or there are MaxSets; ErrNotFound where there is no
// such project; or a store's.
func (p *Projects) AddSet(ctx context.Context, number int, d SetDraft, actor audit.Actor) (TokenSet, secret.Text, error) {
	return TokenSet{}, "", nil
}

// FindSet returns a living token set of a project, or ErrNotFound.
func (p *Projects) FindSet(ctx context.Context, number int, id uuid.UUID) (TokenSet, error) {
	return TokenSet{}, nil
}

// UpdateSet changes a token set, if its version is the given one (0 for any). It ends the browser sessions that the project's tokens
// began, before it returns. A patch that changes nothing leaves neither event nor version. Errors are as those of AddSet, and
// ErrStale; after one of Applied the change is made all the same.
func (p *Projects) UpdateSet(ctx context.Context, number int, id uuid.UUID, version int64, patch SetPatch, actor audit.Actor) (TokenSet, error) {
	return TokenSet{}, nil
}

// DeleteSet ends a token set for good, and forgets its key. It ends the browser sessions that the project's tokens began. It returns
// ErrNotFound.
func (p *Projects) DeleteSet(ctx context.Context, number int, id uuid.UUID, actor audit.Actor) error {
	return nil
}
