package project

import (
	"context"
	"net/netip"
	"time"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/secret"
)

// Draft is what a project is made of. What its fields mean stands at Project.
type Draft struct {
	Number          int    // 1 to 2,147,483,647
	Name            string // 1 to 128 characters on one line, unique in its canonical form
	SecurityContext string // 256 characters at most
	ContextRequired *bool  // whether there is a security context where nil
	TokenRequired   *bool  // true where nil
	AppKeys         []secret.Text
	AllowedIPs      []netip.Prefix
	MaxAge          time.Duration // 10 seconds to a day, in whole seconds; 15 minutes where 0
	CreateUsers     bool
	NewUserRoles    []string // never admin
}

// Patch is a change of a project; nil fields stay as they are. The others are held to what Draft says of them.
type Patch struct {
	Name, SecurityContext          *string
	ContextRequired, TokenRequired *bool
	AppKeys                        *[]secret.Text // all of them
	AllowedIPs                     *[]netip.Prefix
	MaxAge                         *time.Duration
	CreateUsers                    *bool
	NewUserRoles                   *[]string
}

// Create makes a project, with the service account that is its own. It has no token set yet. Errors are a *authority.FieldError for
// what is wrong with the draft, beside ErrConflict where a living project has the number or the name; or a store's.
func (p *Projects) Create(ctx context.Context, d Draft, actor audit.Actor) (Project, error) {
	return Project{}, nil
}

// Update changes a project, if its version is the given one (0 for any). It ends the browser sessions that the project's tokens
// began, before it returns. A patch that changes nothing leaves neither event nor version. Errors are as those of Create, and
// ErrNotFound, ErrStale; after one of Applied the change is made all the same.
func (p *Projects) Update(ctx context.Context, number int, version int64, patch Patch, actor audit.Actor) (Project, error) {
	return Project{}, nil
}
