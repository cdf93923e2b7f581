// Package authority is the heart of Jeton: it says whose a presented credential is and whether a call may pass.
//
//	Presented ─▶ Credential ─▶ Proof ─▶ Principal ─▶ Decision
//	 (an edge)    (at most     (the way   (a living     (policy)
//	               one)         in of     user)
//	                            its kind)
//
// A way in (a personal token, say) proves only which record a credential is. The authority alone judges the user, whom it
// loads where the look-up of the record hasn't, and refuses the blocked, so no way in can forget to. There is one such path
// for every edge and every kind of credential.
//
// Once proven, a credential is remembered in memory until it expires or something it rests on changes. A warm
// verification takes no lock and, but for decoding a password, allocates nothing; it writes nothing that every other
// reads: a counter in one of many stripes, and once a minute when the credential was used (a password's six times). What
// was taken away is forgotten as the change feed tells of it (see [Authority.Forget]); while the feed hasn't been heard for
// too long, nothing remembered is trusted, and every verdict has it heard first. Tokens that are stored as digests are read
// into memory before they come (see [Authority.Warm]), and that nobody has one is remembered for some seconds.
//
// It refuses when in doubt: a failing store, a way in that answers with an unknown error, and a feed out of reach
// all mean that the call does not pass.
package authority

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/policy"
	"github.com/jeton-io/jeton/internal/secret"
)

// Way is a way in: it proves one kind of credential.
type Way interface {
	// Kind is the kind of credential that this way proves.
	Kind() Kind
	// Recognizes reports whether a bearer token has the form of this way's credentials. It is pure and cheap; two ways
	// must never recognize the same text.
	Recognizes(bearer string) bool
	// Prove finds the record of a credential. It returns a *Refusal where the credential is not valid, ErrBusy where
	// it could not be looked at for lack of room, and any other error where that could not be found out.
	Prove(ctx context.Context, c Credential) (Proof, error)
}

// SecretWay is a Way whose credentials stand beside a name, in the place of a password.
type SecretWay interface {
	Way
	// RecognizesSecret reports whether a password has the form of this way's credentials. It is pure and cheap, and must
	// never recognize what a person might choose.
	RecognizesSecret(password string) bool
}

// ScreeningWay is a Way that knows some credentials by their text alone for no good, as one that was mistyped. Of those, nothing is
// made ready to wait for the database.
type ScreeningWay interface {
	Way
	// Screen returns the refusal of such a credential, else nil. It is pure and cheap; what it refuses Prove would refuse alike.
	Screen(c Credential) *Refusal
}

// Users loads the user behind a proof.
type Users interface {
	// AuthorityUser returns the user as it is now in the database, or ErrNotFound.
	AuthorityUser(ctx context.Context, id uuid.UUID) (User, error)
}

// Config is what an Authority needs. Every field is required but FreshAt, CatchUp, Cookies, Parameters, Pause and MaxRemembered.
type Config struct {
	// Ways are the ways in, one for each kind.
	Ways []Way
	// Users loads the users behind proofs.
	Users Users
	// Policy returns the compiled policy in force. It is called for each decision and must not block.
	Policy func() *policy.Table
	// Refusals takes every refusal.
	Refusals *audit.Refusals
	// Fresh reports whether the change feed was heard recently enough for what is remembered to be trusted.
	Fresh func() bool
	// FreshAt is Fresh by a reading of the clock that was just taken. Where it is nil, or denies it, Fresh is asked.
	FreshAt func(now time.Time) bool
	// CatchUp returns once every change that was committed before it was called has been applied. It is called for each
	// verdict while the feed isn't fresh, and its error refuses the call: of the policy and of keys, too, nothing old may
	// count. Where it is nil, only what is remembered of credentials doesn't count then.
	CatchUp func(ctx context.Context) error
	// Cookies are the cookies that are looked at, one for a kind; each door takes the first whose kind it accepts.
	Cookies []Cookie
	// Parameters are those of a call's query in which sealed tokens come to a service with a project. Where they have no names,
	// none are looked for.
	Parameters Parameters
	// Now is the clock.
	Now func() time.Time
	// Pause returns when a time has passed, or the context has ended. What is done in the background rests by it; where it is nil, it doesn't rest.
	Pause func(ctx context.Context, d time.Duration)
	// Random is the source of the key under which passwords are remembered.
	Random io.Reader
	// MaxRemembered bounds the proofs kept in memory, to 100,000,000 at most; 0 means 4,000,000. One takes about 100
	// bytes with its user, and its user's names.
	MaxRemembered int
}

// defaultMaxRemembered is enough for every credential of most companies, and about 500 MB when it is full.
const (
	defaultMaxRemembered = 4_000_000
	maxMaxRemembered     = 100_000_000
)

// coldTimeout bounds how long one verdict may wait for the database before it is refused: a proxy has time left to ask another
// node, within the three seconds in which its caller hears an answer.
const coldTimeout = 1500 * time.Millisecond

// Authority decides. It is safe for concurrent use. Make one with New.
type Authority struct {
	cfg    Config
	ways   [kindCount]Way
	bearer []bearerWay // in the order of the configuration
	memory *memory
	uses   uses
	rates  rates
	tally  tally

	refused refused
	warming warming
}

// bearerWay is a way in with its kind, which is asked for at every call.
type bearerWay struct {
	Way
	kind Kind
}

// New returns an Authority, or an error where the configuration lacks something or names two ways for one kind.
func New(cfg Config) (*Authority, error) {
	if cfg.Users == nil || cfg.Policy == nil || cfg.Refusals == nil || cfg.Fresh == nil || cfg.Now == nil || cfg.Random == nil {
		return nil, errors.New("authority: Users, Policy, Refusals, Fresh, Now and Random are required")
	}
	if cfg.MaxRemembered < 0 || cfg.MaxRemembered > maxMaxRemembered {
		return nil, fmt.Errorf("authority: MaxRemembered is %d, which is not 0 to %d", cfg.MaxRemembered, maxMaxRemembered)
	}
	if cfg.FreshAt == nil {
		cfg.FreshAt = func(time.Time) bool { return false }
	}
	if cfg.MaxRemembered == 0 {
		cfg.MaxRemembered = defaultMaxRemembered
	}
	for i, c := range cfg.Cookies {
		if slices.ContainsFunc(cfg.Cookies[:i], func(other Cookie) bool { return other.Kind == c.Kind }) {
			return nil, fmt.Errorf("authority: two cookies for credentials of kind %q", c.Kind)
		}
	}
	a := &Authority{cfg: cfg, memory: newMemory(cfg.MaxRemembered)}
	if _, err := io.ReadFull(cfg.Random, a.memory.seed[:]); err != nil {
		return nil, fmt.Errorf("reading randomness for the memory of passwords: %w", err)
	}
	for _, w := range cfg.Ways {
		k := w.Kind()
		if k == KindNone || k >= kindCount || a.ways[k] != nil {
			return nil, fmt.Errorf("authority: two ways in, or none, for credentials of kind %q", k)
		}
		a.ways[k] = w
		a.bearer = append(a.bearer, bearerWay{w, k})
		if _, ok := w.(Digester); ok && a.refused.entries == nil {
			a.refused.entries = make([]refusedEntry, maxRefused)
		}
	}
	return a, nil
}

// Identify says whose the presented credential is, without asking what it may do. The error is a *Refusal, which has
// been counted and entered for the audit log.
func (a *Authority) Identify(ctx context.Context, in *Presented, door *Door) (Principal, error) {
	var p Principal
	kind, ref := a.identify(ctx, in, door, &p, new(Quota))
	if ref != nil {
		a.refuse(ref, in, door, kind, nil)
		return Principal{}, ref
	}
	a.tally.count(kind, OutcomeAllow)
	return p, nil
}

// Decide says whether the presented call may pass: whose credential it bears, and whether that user is in the audience
// of the operation called. A Decision that denies has been counted and entered for the audit log.
func (a *Authority) Decide(ctx context.Context, in *Presented, door *Door) Decision {
	var d Decision
	kind := Sealed
	in, ref := a.bound(in)
	if ref == nil {
		kind, ref = a.identify(ctx, in, door, &d.Principal, &d.Quotas.Credential)
	}
	if ref == nil {
		d.Kind = kind
		ref = a.authorize(in, &d)
	}
	if ref == nil {
		d.Outcome = OutcomeAllow
		a.tally.count(kind, OutcomeAllow)
		return d
	}
	a.refuse(ref, in, door, kind, &d)
	refused := Decision{Outcome: ref.Reason.Outcome(), Reason: ref.Reason, Kind: kind, Refusal: ref, Service: d.Service, ServiceID: d.ServiceID}
	if refused.Outcome == OutcomeTooMany {
		refused.Quotas = d.Quotas
	}
	return refused
}

// authorize asks the policy about the call of d's principal.
func (a *Authority) authorize(in *Presented, d *Decision) *Refusal {
	service, ok := a.cfg.Policy().Find(in.Host, in.Path)
	if !ok {
		return d.refusal(ReasonUnknownService)
	}
	d.Service, d.ServiceID = service.Name(), service.ID()
	if d.Kind == APIToken && !service.AcceptsAPITokens() {
		return d.refusal(ReasonExchangeFirst)
	}
	if reason := d.Principal.Limits.covers(service); reason != "" {
		return d.refusal(reason)
	}
	verdict := service.Authorize(in.Method, in.Path, policy.Subject{UserID: d.Principal.ID, Roles: d.Principal.Roles})
	if !verdict.Allowed {
		return d.refusal(Reason(verdict.Reason))
	}
	if reason := d.Principal.Limits.permits(verdict.Operation); reason != "" {
		return d.refusal(reason)
	}
	return a.admit(service, d)
}

// admit counts a call that may pass else against what its service takes of all callers together. It comes last: a flood of
// calls that are refused anyway uses up nothing of what others have.
func (a *Authority) admit(service *policy.CompiledService, d *Decision) *Refusal {
	calls, per := service.Rate()
	if calls == 0 {
		return nil
	}
	var ok bool
	if d.Quotas.Service, ok = a.rates.take(service.ID(), Rate{calls, per}, a.cfg.Now()); !ok {
		ref := d.refusal(ReasonServiceRateLimited)
		ref.RetryAfter = d.Quotas.Service.Reset
		return ref
	}
	return nil
}

// refusal returns the refusal of a call whose principal is known.
func (d *Decision) refusal(reason Reason) *Refusal {
	return &Refusal{Reason: reason, ID: d.Principal.CredentialID, UserID: d.Principal.ID}
}

// identify is the one path from what was presented to whose it is, here and now. It fills p, or returns the refusal; the
// kind is KindNone where what was presented doesn't tell it. left is what its credential's own bound leaves.
func (a *Authority) identify(ctx context.Context, in *Presented, door *Door, p *Principal, left *Quota) (Kind, *Refusal) {
	now := a.cfg.Now()
	kind, used, ref := a.verify(ctx, in, door, p, now)
	if ref == nil && p.Limits != nil {
		ref = a.limit(p, in.Peer, now, left)
		p.Roles = p.Limits.rolesOf(p.Roles)
	}
	if ref == nil && (used == nil || firstInMinute(used, kind, now)) {
		a.noteUse(p, in, now) // and none where it was refused: from where a thief tried is no last use
	}
	return kind, ref
}

// limit holds a principal to the limits of its credential that count at every door. That it is good, but not from there, is
// for nobody to learn who has stolen it: so the answer is that to a bad one.
func (a *Authority) limit(p *Principal, from netip.Addr, now time.Time, left *Quota) *Refusal {
	if !p.Limits.Admits(from) {
		return &Refusal{Reason: ReasonAddressNotAllowed, ID: p.CredentialID, UserID: p.ID}
	}
	var ok bool
	if *left, ok = a.rates.take(p.CredentialID, p.Limits.Rate, now); !ok {
		return &Refusal{Reason: ReasonRateLimited, ID: p.CredentialID, UserID: p.ID, RetryAfter: left.Reset}
	}
	return nil
}

// verify says whose the presented credential is and, where it was remembered, where the second of its last use stands.
func (a *Authority) verify(ctx context.Context, in *Presented, door *Door, p *Principal, now time.Time) (_ Kind, used *atomic.Uint32, _ *Refusal) {
	var c Credential
	if ref := a.credential(in, door, &c); ref != nil {
		return c.Kind, nil, ref
	}
	if !door.Kinds.Has(c.Kind) || a.ways[c.Kind] == nil {
		return c.Kind, nil, &Refusal{Reason: ReasonNotAcceptedHere}
	}
	if fromElsewhere(c.Kind, in) { // whether the credential is any good, the page that sent it shall not learn
		return c.Kind, nil, &Refusal{Reason: ReasonCrossOrigin}
	}
	c.From = in.Peer
	key := a.memory.keyOf(&c)
	fresh := a.cfg.FreshAt(now) || a.cfg.Fresh() // it may have been heard since the clock was read
	if !fresh {
		if err := a.catchUp(ctx); err != nil {
			return c.Kind, nil, refusalOf(err)
		}
		fresh = a.cfg.Fresh()
	}
	if fresh {
		if used := a.memory.recall(key, c.Kind, now, p); used != nil {
			return c.Kind, used, nil
		}
		if a.recallWarmed(&c, key, now, p) {
			return c.Kind, nil, nil
		}
		if ref := a.refused.find(key, c.Kind, now); ref != nil {
			return c.Kind, nil, ref
		}
	}
	return c.Kind, nil, a.prove(ctx, &c, key, p)
}

// catchUp has the feed heard, for one verdict.
func (a *Authority) catchUp(ctx context.Context) error {
	if a.cfg.CatchUp == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, coldTimeout)
	defer cancel()
	if err := a.cfg.CatchUp(ctx); err != nil {
		return fmt.Errorf("hearing what has changed: %w", err)
	}
	return nil
}

// prove asks the way in and the database, and remembers what they said.
func (a *Authority) prove(ctx context.Context, c *Credential, key key, p *Principal) *Refusal {
	if way, ok := a.ways[c.Kind].(ScreeningWay); ok {
		if ref := way.Screen(*c); ref != nil {
			return ref
		}
	}
	bounded := newLasting(ctx, coldTimeout)
	defer bounded.cancel()
	began, generation := a.memory.sequence(), a.refused.generation.Load()
	proof, err := a.ways[c.Kind].Prove(bounded, *c)
	if err != nil {
		ref := refusalOf(err)
		if ref.Reason == ReasonExpired {
			a.end(c, key)
		} else if _, ok := a.ways[c.Kind].(Digester); ok {
			a.refused.keep(key, c.Kind, generation, ref, a.cfg.Now())
		}
		return ref
	}
	user, err := a.userOf(bounded, &proof)
	now := a.cfg.Now() // as late as can be: either answer may have taken its time
	switch {
	case !proof.NotAfter.IsZero() && !now.Before(proof.NotAfter):
		a.end(c, key)
		return &Refusal{Reason: ReasonExpired, ID: proof.ID, UserID: proof.UserID}
	case errors.Is(err, ErrNotFound):
		return &Refusal{Reason: ReasonUserDeleted, ID: proof.ID, UserID: proof.UserID}
	case err != nil:
		return refusalOf(fmt.Errorf("loading the user of a credential: %w", err))
	}
	if ref := judge(&proof, &user); ref != nil {
		return ref
	}
	*p = Principal{User: user, CredentialKind: c.Kind, CredentialID: proof.ID, Limits: proof.Limits}
	if proof.Remember {
		a.memory.keep(&fill{key: key, kind: c.Kind, began: began, proof: proof, user: &user}, now)
	}
	return nil
}

// judge returns why the user of a proof isn't let in, or nil.
func judge(proof *Proof, user *User) *Refusal {
	if user.ID != proof.UserID || user.ID == uuid.Nil {
		return &Refusal{Reason: ReasonUnavailable, ID: proof.ID, UserID: proof.UserID, Cause: errWrongUser}
	}
	if reason := user.Shut(); reason != "" {
		return &Refusal{Reason: reason, ID: proof.ID, UserID: proof.UserID}
	}
	return nil
}

// userOf returns the user behind a proof: as the proof found it, or as it is now in the database.
func (a *Authority) userOf(ctx context.Context, proof *Proof) (User, error) {
	if proof.User != nil {
		return *proof.User, nil
	}
	return a.cfg.Users.AuthorityUser(ctx, proof.UserID)
}

// refuse counts a refusal and enters it for the audit log; d is the decision about a call to a protected API, nil where
// the refusal is of something else. Of such, the route is entered and never the path: what a caller writes in the place of a
// name may be a secret that was pasted there.
func (a *Authority) refuse(ref *Refusal, in *Presented, door *Door, kind Kind, d *Decision) {
	a.tally.count(kind, ref.Reason.Outcome())
	entry := audit.Refusal{Reason: string(ref.Reason), Door: door.Name, ID: ref.ID, UserID: ref.UserID, Address: in.Peer, Call: in.Route}
	if !in.Peer.IsValid() {
		entry.Address = in.Asker
	}
	if kind != KindNone {
		entry.Kind = kind.String()
	}
	if d != nil {
		entry.Service = d.Service
	}
	now := a.cfg.Now()
	if a.cfg.Refusals.Merge(&entry, now) {
		return // most are like one before, whose call stands for theirs
	}
	if d != nil {
		entry.Call = secret.Redact(in.Method + " " + in.Host + in.Path)
	}
	a.cfg.Refusals.Add(entry, now)
}

// Refuse counts and enters a refusal that an edge had to make before it could present anything, as of a proxy that is
// not trusted.
func (a *Authority) Refuse(reason Reason, in *Presented, door *Door) *Refusal {
	ref := &Refusal{Reason: reason}
	a.refuse(ref, in, door, KindNone, nil)
	return ref
}

// Forbid counts and enters a refusal of a principal whom Identify let in: what it asks for is beyond its powers, which
// only the edge can tell.
func (a *Authority) Forbid(reason Reason, in *Presented, door *Door, p *Principal) *Refusal {
	ref := &Refusal{Reason: reason, ID: p.CredentialID, UserID: p.ID}
	a.refuse(ref, in, door, p.CredentialKind, nil)
	return ref
}

// Withhold counts and enters that a principal whom Identify let in doesn't get what it is let in for, as an access token, for
// an error of what makes it. A *Refusal keeps its reason: the credential has changed since it was proven. Anything else means
// that nobody could tell whether it has, so that the edge must not answer as if it were bad.
func (a *Authority) Withhold(err error, in *Presented, door *Door, p *Principal) *Refusal {
	ref := *refusalOf(err) // a copy: what returned the error may keep it
	ref.ID, ref.UserID = p.CredentialID, p.ID
	a.refuse(&ref, in, door, p.CredentialKind, nil)
	return &ref
}
