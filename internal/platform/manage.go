package platform

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/jose"
)

// How far ahead the end of an assertion may lie. Within that, whoever reads one on its way can use it, unless it counts once: a
// quarter of an hour lets a clock be wrong and a request wait, and a day is for those who sign in a batch.
const (
	defaultMaxLife = 15 * time.Minute
	minMaxLife     = 10 * time.Second
	maxMaxLife     = 24 * time.Hour
)

// Draft is what a platform is made of, in people's words. What its fields mean stands at Platform.
type Draft struct {
	Name             string         // 1 to 128 characters on one line, unique in its canonical form
	Algorithm        jose.Algorithm // that of the key where empty, and RS512 where that is, too
	Key              KeyDraft       // the first; of the platform's algorithm where it has none
	Issuer, Audience string         // 255 bytes each at most; an issuer is unique, and has the form of no ID and no code
	SpeaksFor        []string       // "all" alone, or "role:NAME" and "user:NAME", a thousand at most; all where nil
	Administrators   bool
	CreateUsers      bool
	NewUserRoles     []string      // never admin
	MaxLife          time.Duration // 10 seconds to a day, in whole seconds; 15 minutes where 0
	OneTime          bool
	Enabled          bool
}

// Enrol makes a platform with its first key, and returns what the platform must have of that, if it was made here. Errors are a
// *authority.FieldError for what is wrong with the draft, beside ErrConflict where a living platform has the name, the issuer or
// the key; or a store's.
func (p *Platforms) Enrol(ctx context.Context, d Draft, actor audit.Actor) (Platform, Made, error) {
	now := p.now()
	made := Platform{
		Name: d.Name, Algorithm: d.Algorithm, Issuer: d.Issuer, Audience: d.Audience, Administrators: d.Administrators,
		CreateUsers: d.CreateUsers, NewUserRoles: d.NewUserRoles, MaxLife: d.MaxLife, OneTime: d.OneTime, Enabled: d.Enabled,
		Version: 1, CreatedAt: now, UpdatedAt: now,
	}
	made.Algorithm, made.MaxLife = cmp.Or(made.Algorithm, d.Key.Algorithm, defaultAlgorithm), cmp.Or(made.MaxLife, defaultMaxLife)
	var err error
	if made.ID, err = uuid.NewV7(); err != nil {
		return Platform{}, Made{}, fmt.Errorf("making an ID for a platform: %w", err)
	}
	if made.SpeaksFor, err = p.scope(ctx, d.SpeaksFor); err != nil {
		return Platform{}, Made{}, err
	}
	if err := made.check(); err != nil {
		return Platform{}, Made{}, err
	}
	key, err := p.newKey(ctx, made.ID, made.Algorithm, d.Key)
	if err != nil {
		return Platform{}, Made{}, err
	}
	if err := p.add(ctx, &made, key.Key, actor); err != nil {
		return Platform{}, Made{}, fmt.Errorf("storing a platform: %w", err)
	}
	return made, key, nil
}

// maxCodes bounds how many codes are tried: that one is taken happens once in a million million.
const maxCodes = 4

// add stores a platform under a code that none has or had. A code is never another's, not even a deleted platform's: an old program
// that still presents its assertions there must not come to be somebody else's.
func (p *Platforms) add(ctx context.Context, made *Platform, k Key, actor audit.Actor) (err error) {
	for range maxCodes {
		if made.Code, err = newCode(p.cfg.Random); err != nil {
			return err
		}
		ev := audit.New(audit.PlatformCreate, actor, made.target(), made.CreatedAt, append(made.detail(), "key", k.ID.String(), "jwks_uri", k.JWKSURI)...)
		err = p.cfg.Store.AddPlatform(ctx, *made, nameKey(made.Name), k, ev)
		if _, told := errors.AsType[*authority.FieldError](err); told || !errors.Is(err, authority.ErrConflict) {
			return err
		}
	}
	return err
}

// nameKey is the canonical form of a name, in which platforms are told apart and listed.
func nameKey(name string) string { return account.Key(name) }

// check refuses a platform that isn't what its record may be, and brings its roles into order. Every platform that is stored passes
// here, new or changed.
func (p *Platform) check() error {
	if err := account.CheckLabel(p.Name, "Say whose platform it is."); err != nil {
		return err
	}
	if err := checkAlgorithm(p.Algorithm); err != nil {
		return err
	}
	if err := checkIssuer(p.Issuer); err != nil {
		return err
	}
	if err := checkText("audience", p.Audience); err != nil {
		return err
	}
	if p.MaxLife < minMaxLife || p.MaxLife > maxMaxLife || p.MaxLife%time.Second != 0 {
		return authority.Field("max_assertion_seconds", "is not 10 to 86400", "900 do for most: an assertion is presented when it is made.")
	}
	roles, err := account.CheckNewUserRoles(p.NewUserRoles)
	if err != nil {
		return err
	}
	p.NewUserRoles = roles
	if p.CreateUsers && !p.SpeaksFor.hasRole(roles) {
		return authority.Field("create_users", "would make users for whom the platform doesn't speak", "Give them, in new_user_roles, a role of speaks_for.")
	}
	return nil
}

// detail is what the audit log tells of a new platform, as pairs of a field and its value. It holds no secret: keys have events of
// their own.
func (p *Platform) detail() []string {
	return []string{
		"code", p.Code, "algorithm", string(p.Algorithm), "issuer", p.Issuer, "audience", p.Audience, "speaks_for", p.SpeaksFor.String(),
		"administrators", strconv.FormatBool(p.Administrators), "create_users", strconv.FormatBool(p.CreateUsers),
		"new_user_roles", strings.Join(p.NewUserRoles, ","), "max_assertion_seconds", seconds(p.MaxLife),
		"one_time", strconv.FormatBool(p.OneTime), "enabled", strconv.FormatBool(p.Enabled),
	}
}

func seconds(d time.Duration) string { return strconv.FormatInt(int64(d/time.Second), 10) }

// Patch is a change of a platform; nil fields stay as they are. The others are held to what Draft says of them. Code and keys are no
// part of it: a code is for ever, and keys come and go by AddKey and DeleteKey, so that two of them overlap.
type Patch struct {
	Name                        *string
	Algorithm                   *jose.Algorithm
	Issuer, Audience            *string
	SpeaksFor                   *[]string
	Administrators, CreateUsers *bool
	NewUserRoles                *[]string
	MaxLife                     *time.Duration
	OneTime, Enabled            *bool
}

// Update changes a platform, if its version is the given one (0 for any). Another algorithm is that of its keys of the same sort
// from then on; those of another keep theirs. Disabling it, or taking away somebody for whom it speaks, ends the session tokens
// that it has got, before Update returns. A patch that changes nothing leaves neither event nor version. Errors are as those of
// Enrol, and ErrNotFound, ErrStale; after one of Applied the change is made all the same.
func (p *Platforms) Update(ctx context.Context, idOrCode string, version int64, patch Patch, actor audit.Actor) (Platform, error) {
	former, err := p.Find(ctx, idOrCode)
	if err != nil {
		return Platform{}, err
	}
	if version != 0 && former.Version != version {
		return Platform{}, authority.ErrStale
	}
	changed := former
	if err := p.apply(ctx, &changed, patch); err != nil {
		return Platform{}, err
	}
	detail := audit.Differences(former.detail(), changed.detail())
	if former.Name != changed.Name {
		detail = append(detail, "name", changed.Name)
	}
	if len(detail) == 0 {
		return former, nil
	}
	c := Change{Platform: changed, EndSessions: changed.saysLess(&former)}
	if changed.Algorithm != former.Algorithm {
		if c.Repin, err = p.repin(ctx, &changed); err != nil {
			return Platform{}, err
		}
	}
	c.UpdatedAt = p.now()
	ev := audit.New(audit.PlatformUpdate, actor, c.target(), c.UpdatedAt, detail...)
	if err := p.cfg.Store.UpdatePlatform(ctx, c, nameKey(c.Name), ev); err != nil {
		return Platform{}, fmt.Errorf("updating a platform: %w", err)
	}
	c.Version++
	return c.Platform, p.cfg.Applied(ctx)
}

// apply writes a patch over a platform, and checks what comes of it.
func (p *Platforms) apply(ctx context.Context, to *Platform, patch Patch) (err error) {
	set(&to.Name, patch.Name)
	set(&to.Algorithm, patch.Algorithm)
	set(&to.Issuer, patch.Issuer)
	set(&to.Audience, patch.Audience)
	set(&to.Administrators, patch.Administrators)
	set(&to.CreateUsers, patch.CreateUsers)
	set(&to.NewUserRoles, patch.NewUserRoles)
	set(&to.MaxLife, patch.MaxLife)
	set(&to.OneTime, patch.OneTime)
	set(&to.Enabled, patch.Enabled)
	if patch.SpeaksFor != nil {
		words := *patch.SpeaksFor
		if words == nil {
			words = []string{} // given, and nobody
		}
		if to.SpeaksFor, err = p.scope(ctx, words); err != nil {
			return err
		}
	}
	return to.check()
}

// set writes a value where there is one.
func set[T any](to, value *T) {
	if value != nil {
		*to = *value
	}
}

// saysLess reports whether a platform could have logged in somebody, before it was changed, whom it can't any more. It goes by the words
// of the scopes and not by who has the roles now: where two roles are the same people, ending their sessions is the safe mistake.
func (p *Platform) saysLess(former *Platform) bool {
	return former.Enabled && !p.Enabled || former.Administrators && !p.Administrators || !former.SpeaksFor.within(&p.SpeaksFor)
}

// repin returns the keys that get the platform's algorithm: those of the same sort that have another. A secret that is too short
// for it is refused, and would be by every check.
func (p *Platforms) repin(ctx context.Context, of *Platform) (ids []uuid.UUID, err error) {
	keys, err := p.livingKeys(ctx, of.ID)
	if err != nil {
		return nil, err
	}
	for _, k := range keys {
		if sortOf(k.Algorithm) != sortOf(of.Algorithm) || k.Algorithm == of.Algorithm {
			continue
		}
		if len(k.Wrapped) > 0 {
			_, err := p.secretKey(&k, of.Algorithm)
			if errors.Is(err, jose.ErrWeakKey) {
				return nil, authority.Field("algorithm", "needs a longer secret than the platform has: "+jose.Problem(err), "Add a key with a longer secret, and delete the former.")
			}
			if err != nil {
				return nil, err
			}
		}
		ids = append(ids, k.ID)
	}
	return ids, nil
}
