package project

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/secret"
)

// How long a token counts from its GenDT. Within that, whoever reads one on its way can use it, unless it counts once: XDOC's quarter of
// an hour lets a clock be wrong and a page stay open.
const (
	defaultMaxAge = 15 * time.Minute
	minMaxAge     = 10 * time.Second
	maxMaxAge     = 24 * time.Hour
)

// Draft is what a project is made of. What its fields mean stands at Project.
type Draft struct {
	Number          int            // 1 to 2,147,483,647
	Name            string         // 1 to 128 characters on one line, unique in its canonical form
	SecurityContext string         // 256 characters at most
	ContextRequired *bool          // whether there is a security context where nil
	TokenRequired   *bool          // true where nil
	AppKeys         []secret.Text  // 16 at most, each 1 to 256 printable characters
	AllowedIPs      []netip.Prefix // 100 at most
	MaxAge          time.Duration  // 10 seconds to a day, in whole seconds; 15 minutes where 0
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

// accountName is the name of the service account of a project.
func accountName(number int) string { return accountPrefix + strconv.Itoa(number) }

const accountPrefix = "project-"

// isAccountName reports whether a canonical name may be that of the service account of a project, living or not.
func isAccountName(key string) bool {
	number, ok := strings.CutPrefix(key, accountPrefix)
	return ok && number != "" && strings.Trim(number, "0123456789") == ""
}

// Create makes a project, with the service account that is its own. It has no token set yet. Errors are a *authority.FieldError for
// what is wrong with the draft, beside ErrConflict where a living project has the number or the name; or a store's.
func (p *Projects) Create(ctx context.Context, d Draft, actor audit.Actor) (Project, error) {
	now := p.now()
	made := Project{
		Number: d.Number, Name: d.Name, SecurityContext: d.SecurityContext, ContextRequired: d.SecurityContext != "", TokenRequired: true,
		AllowedIPs: d.AllowedIPs, MaxAge: cmp.Or(d.MaxAge, defaultMaxAge), CreateUsers: d.CreateUsers, NewUserRoles: d.NewUserRoles,
		Version: 1, CreatedAt: now, UpdatedAt: now,
	}
	set(&made.ContextRequired, d.ContextRequired)
	set(&made.TokenRequired, d.TokenRequired)
	if err := made.check(); err != nil {
		return Project{}, err
	}
	ids, err := newIDs(2)
	if err != nil {
		return Project{}, err
	}
	made.ID, made.ServiceAccount = ids[0], ids[1]
	if err := p.setAppKeys(&made, d.AppKeys); err != nil {
		return Project{}, err
	}
	ev := audit.New(audit.ProjectCreate, actor, made.target(), now, made.detail()...)
	if err := p.cfg.Store.AddProject(ctx, made, account.Key(made.Name), made.account(actor), ev); err != nil {
		return Project{}, fmt.Errorf("storing a project: %w", err)
	}
	return made, p.cfg.Applied(ctx)
}

// account is the service account of a new project. It has no password, nor any other credential but the project's tokens.
func (p *Project) account(maker audit.Actor) OwnAccount {
	name := accountName(p.Number)
	u := account.User{
		ID: p.ServiceAccount, Kind: account.Service, Username: name, State: account.Active, Version: 1, CreatedAt: p.CreatedAt, UpdatedAt: p.CreatedAt,
	}
	of := audit.Target{Kind: "user", ID: u.ID, Name: name}
	return OwnAccount{
		Record: account.Record{User: u, UsernameKey: account.Key(name)},
		Event:  audit.New(audit.UserCreate, maker, of, p.CreatedAt, "kind", string(u.Kind), "roles", ""),
	}
}

// newIDs makes IDs.
func newIDs(count int) ([]uuid.UUID, error) {
	ids := make([]uuid.UUID, count)
	for i := range ids {
		id, err := uuid.NewV7()
		if err != nil {
			return nil, fmt.Errorf("making an ID: %w", err)
		}
		ids[i] = id
	}
	return ids, nil
}

// setAppKeys checks and wraps a project's app keys.
func (p *Projects) setAppKeys(to *Project, keys []secret.Text) (err error) {
	if err := checkAppKeys(keys); err != nil {
		return err
	}
	to.AppKeyCount = len(keys)
	to.AppKeys, err = p.wrapAppKeys(to.ID, keys)
	return err
}

// detail is what the audit log tells of a project, as pairs of a field and its value. Of app keys it tells how many there are.
func (p *Project) detail() []string {
	from := make([]string, len(p.AllowedIPs))
	for i, prefix := range p.AllowedIPs {
		from[i] = prefix.String()
	}
	return []string{
		"number", strconv.Itoa(p.Number), "security_context", secret.Redact(p.SecurityContext), "context_required", strconv.FormatBool(p.ContextRequired),
		"token_required", strconv.FormatBool(p.TokenRequired), "app_keys", strconv.Itoa(p.AppKeyCount), "allowed_ips", strings.Join(from, ","),
		"max_age_seconds", strconv.FormatInt(int64(p.MaxAge/time.Second), 10), "create_users", strconv.FormatBool(p.CreateUsers),
		"new_user_roles", strings.Join(p.NewUserRoles, ","),
	}
}

// Update changes a project, if its version is the given one (0 for any). It ends the browser sessions that the project's tokens
// began, before it returns. A patch that changes nothing leaves neither event nor version. Errors are as those of Create, and
// ErrNotFound, ErrStale; after one of Applied the change is made all the same.
func (p *Projects) Update(ctx context.Context, number int, version int64, patch Patch, actor audit.Actor) (Project, error) {
	e, err := p.Find(ctx, number)
	if err != nil {
		return Project{}, err
	}
	former := e.Project
	if version != 0 && former.Version != version {
		return Project{}, authority.ErrStale
	}
	changed := former
	patch.over(&changed)
	if err := changed.check(); err != nil {
		return Project{}, err
	}
	replaced, err := p.replaceAppKeys(&changed, patch.AppKeys)
	if err != nil {
		return Project{}, err
	}
	detail := audit.Differences(former.detail(), changed.detail())
	if replaced && former.AppKeyCount == changed.AppKeyCount {
		detail = append(detail, "app_keys", strconv.Itoa(changed.AppKeyCount))
	}
	if former.Name != changed.Name {
		detail = append(detail, "name", changed.Name)
	}
	if len(detail) == 0 {
		return former, nil
	}
	changed.UpdatedAt = p.now()
	ev := audit.New(audit.ProjectUpdate, actor, changed.target(), changed.UpdatedAt, detail...)
	if err := p.cfg.Store.UpdateProject(ctx, changed, account.Key(changed.Name), ev); err != nil {
		return Project{}, fmt.Errorf("updating a project: %w", err)
	}
	changed.Version++
	return changed, p.cfg.Applied(ctx)
}

// over writes a patch over a project, but for the app keys.
func (patch *Patch) over(to *Project) {
	set(&to.Name, patch.Name)
	set(&to.SecurityContext, patch.SecurityContext)
	set(&to.ContextRequired, patch.ContextRequired)
	set(&to.TokenRequired, patch.TokenRequired)
	set(&to.AllowedIPs, patch.AllowedIPs)
	set(&to.MaxAge, patch.MaxAge)
	set(&to.CreateUsers, patch.CreateUsers)
	set(&to.NewUserRoles, patch.NewUserRoles)
}

// replaceAppKeys gives a project other app keys, and reports whether they are others.
func (p *Projects) replaceAppKeys(of *Project, keys *[]secret.Text) (replaced bool, err error) {
	if keys == nil {
		return false, nil
	}
	if err := checkAppKeys(*keys); err != nil {
		return false, err
	}
	former, err := p.appKeysOf(of)
	if err != nil {
		return false, err
	}
	if slices.Equal(former, *keys) {
		return false, nil
	}
	return true, p.setAppKeys(of, *keys)
}

// set writes a value where there is one.
func set[T any](to, value *T) {
	if value != nil {
		*to = *value
	}
}
