package session_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/jose"
	"github.com/jeton-io/jeton/internal/keyring"
	"github.com/jeton-io/jeton/internal/platform"
	"github.com/jeton-io/jeton/internal/secret"
	"github.com/jeton-io/jeton/internal/session"
)

const tokenLife = 14 * 24 * time.Hour

var apis = authority.Door{Name: "gateway", Kinds: authority.KindsOf(authority.SessionToken, authority.APISession)}

func (s *store) SessionTokenByDigest(ctx context.Context, digests []keyring.Digest) (session.FoundToken, error) {
	s.tokenLookUps.Add(1)
	if s.tokenFail != nil {
		return session.FoundToken{}, s.tokenFail
	}
	return s.Store.SessionTokenByDigest(ctx, digests)
}

func (s *store) SessionTokens(ctx context.Context, userID uuid.UUID, now time.Time) ([]session.Token, error) {
	if s.tokenList != nil {
		return nil, s.tokenList
	}
	return s.Store.SessionTokens(ctx, userID, now)
}

func (s *store) RedigestSessionToken(ctx context.Context, id uuid.UUID, old, replacement keyring.Digest) error {
	if s.redigested != nil {
		return s.redigested
	}
	return s.Store.RedigestSessionToken(ctx, id, old, replacement)
}

func (s *store) CreateSessionToken(ctx context.Context, t session.Token, d keyring.Digest, ev audit.Event) error {
	return errors.Join(s.Store.CreateSessionToken(ctx, t, d, ev), s.tokenCreate)
}

func (s *store) EndSessionToken(ctx context.Context, userID, id uuid.UUID, ev audit.Event) error {
	return errors.Join(s.Store.EndSessionToken(ctx, userID, id, ev), s.tokenEnded)
}

// token logs a program in.
func (d *desk) token(t *testing.T, owner *authority.Principal) session.Begun {
	t.Helper()
	begun, err := d.tokens.Begin(t.Context(), owner, actor)
	if err != nil {
		t.Fatal(err)
	}
	return begun
}

// bearer presents a token where protected APIs are called, and returns whose it is, or why it is refused.
func (d *desk) bearer(t *testing.T, text secret.Text) (authority.Principal, authority.Reason) {
	t.Helper()
	in := &authority.Presented{Authorization: []string{"Bearer " + text.Reveal()}, Method: "POST", Peer: netip.MustParseAddr("192.0.2.1")}
	p, err := d.authority.Identify(t.Context(), in, &apis)
	if err == nil {
		return p, ""
	}
	ref, ok := errors.AsType[*authority.Refusal](err)
	if !ok {
		t.Fatalf("got %v, want a refusal", err)
	}
	return p, ref.Reason
}

// wantToken presents a token twice: the second time it may be remembered.
func (d *desk) wantToken(t *testing.T, what string, begun session.Begun, want authority.Reason) {
	t.Helper()
	for _, time := range []string{"first", "second"} {
		if _, got := d.bearer(t, begun.Text); got != want {
			t.Errorf("%s, the %s time: got %q, want %q", what, time, got, want)
		}
	}
}

// enrol makes a platform that speaks for all but administrators, and returns it.
func (d *desk) enrol(t *testing.T) platform.Platform {
	t.Helper()
	p := platform.Platform{
		ID: uuid.Must(uuid.NewV7()), Code: "PARTNER1", Name: "Partner", Algorithm: jose.RS512, SpeaksFor: platform.Scope{All: true},
		MaxLife: 15 * time.Minute, Enabled: true, Version: 1, CreatedAt: d.now, UpdatedAt: d.now,
	}
	key := platform.Key{ID: uuid.Must(uuid.NewV7()), PlatformID: p.ID, Algorithm: jose.RS512, PublicKey: "a key", CreatedAt: d.now}
	if err := d.store.AddPlatform(t.Context(), p, "partner", key, d.event(audit.PlatformCreate, p.ID)); err != nil {
		t.Fatal(err)
	}
	return p
}

func (d *desk) event(action audit.Action, id uuid.UUID) audit.Event {
	return audit.New(action, actor, audit.Target{Kind: "platform", ID: id}, d.now)
}

// spokenFor is a user as whom a platform has just said it to be.
func spokenFor(owner *authority.Principal, p platform.Platform) *authority.Principal {
	said := *owner
	said.CredentialKind, said.CredentialID = authority.Assertion, p.ID
	return &said
}

func TestTokenBegin(t *testing.T) {
	d := newDesk(t)
	ann, bob, partner := d.user(t, "ann"), d.user(t, "bob"), d.enrol(t)
	d.now = noon.Add(time.Nanosecond)
	first, second, others, said := d.token(t, ann), d.token(t, ann), d.token(t, bob), d.token(t, spokenFor(ann, partner))
	want := session.Token{ID: first.Token.ID, UserID: ann.ID, CreatedAt: noon, ExpiresAt: noon.Add(tokenLife), Pepper: first.Token.Pepper}
	if first.Token != want || first.Token.ID == uuid.Nil || !secret.Valid(first.Text.Reveal(), secret.Session) || first.Seconds() != int64(tokenLife/time.Second) {
		t.Errorf("got %+v, want %+v", first.Token, want)
	}
	if said.Token.PlatformID != partner.ID {
		t.Errorf("got the platform %s, want %s", said.Token.PlatformID, partner.ID)
	}
	texts, ids := map[secret.Text]bool{}, map[uuid.UUID]bool{}
	for what, of := range map[string]struct {
		begun session.Begun
		owner *authority.Principal
	}{"the first": {first, ann}, "the second": {second, ann}, "another user's": {others, bob}, "a platform's": {said, ann}} {
		texts[of.begun.Text], ids[of.begun.Token.ID] = true, true
		d.wantToken(t, what, of.begun, "")
		p, _ := d.bearer(t, of.begun.Text)
		if p.ID != of.owner.ID || p.CredentialKind != authority.SessionToken || p.CredentialID != of.begun.Token.ID {
			t.Errorf("%s: got %s by %s, want its user by it", what, p.Username, p.CredentialKind)
		}
	}
	if len(texts) != 4 || len(ids) != 4 {
		t.Errorf("got %d texts and %d IDs, want four of each", len(texts), len(ids))
	}
	made := d.events(t, audit.SessionTokenCreate)
	if len(made) != 4 {
		t.Fatalf("got %d events, want four", len(made))
	}
	if got, want := made[3].Target, (audit.Target{Kind: "session_token", ID: first.Token.ID, Name: "ann"}); got != want || made[3].Actor != actor || len(made[3].Detail) != 0 {
		t.Errorf("got an event of %+v by %+v with %v, want %+v", got, made[3].Actor, made[3].Detail, want)
	}
	if got := made[0].Detail["platform"]; got != partner.ID.String() {
		t.Errorf("got an event that tells of the platform %q", got)
	}
}

// TestTokenLife: a token ends to the microsecond, however often it was used, and whether or not it is remembered.
func TestTokenLife(t *testing.T) {
	for _, remembered := range []bool{false, true} {
		for life, want := range map[time.Duration]authority.Reason{tokenLife - time.Microsecond: "", tokenLife: authority.ReasonExpired} {
			d := newDesk(t)
			begun := d.token(t, d.user(t, "ann"))
			if remembered {
				d.wantToken(t, "at once", begun, "")
			}
			d.at(life)
			d.wantToken(t, fmt.Sprintf("after %s, remembered %t", life, remembered), begun, want)
		}
	}
	// It says so by itself, too, and whose it was.
	d := newDesk(t)
	begun := d.token(t, d.user(t, "ann"))
	credential := authority.Credential{Kind: authority.SessionToken, Text: begun.Text}
	d.at(tokenLife - time.Microsecond)
	proof, err := d.tokens.Prove(t.Context(), credential)
	user := authority.User{ID: begun.Token.UserID, Username: "ann", Active: true}
	want := authority.Proof{ID: begun.Token.ID, UserID: user.ID, User: &user, NotAfter: noon.Add(tokenLife), Remember: true}
	if diff := cmp.Diff(want, proof, cmpopts.EquateEmpty()); err != nil || diff != "" {
		t.Errorf("got error %v and a proof not as wanted (-want +got):\n%s", err, diff)
	}
	d.at(tokenLife)
	_, err = d.tokens.Prove(t.Context(), credential)
	if ref, ok := errors.AsType[*authority.Refusal](err); !ok || ref.Reason != authority.ReasonExpired || ref.ID != begun.Token.ID || ref.UserID != begun.Token.UserID {
		t.Errorf("got %v, want it expired, and whose it was", err)
	}
}

// TestTokenClock sets the clock back and ahead: what was found over stays over, and what was made while the clock was ahead
// lasts no longer for it.
func TestTokenClock(t *testing.T) {
	d := newDesk(t)
	ann := d.user(t, "ann")
	begun, twin := d.token(t, ann), d.token(t, ann)
	d.wantToken(t, "at once", begun, "")
	d.at(tokenLife)
	d.wantToken(t, "at its end", begun, authority.ReasonExpired)
	d.at(time.Hour)
	d.wantToken(t, "set back", begun, authority.ReasonExpired)
	d.wantToken(t, "the twin that nobody asked about", twin, "")

	d.at(slack)
	near := d.token(t, ann)
	d.at(slack + time.Microsecond)
	far := d.token(t, ann)
	d.wantToken(t, "while the clock is ahead", far, "")
	d.authority.Forget(uuid.Nil)
	d.at(0)
	d.wantToken(t, "made a little ahead", near, "")
	d.wantToken(t, "made further ahead", far, authority.ReasonExpired)
	if got := d.listedTokens(t, ann); slices.Contains(got, far.Token.ID) || len(got) != 2 {
		t.Errorf("got %v, want the twin and the one made a little ahead", got)
	}
	d.at(time.Hour)
	d.wantToken(t, "made further ahead, when that time has come", far, authority.ReasonExpired)
}

// listedTokens returns the IDs of a user's session tokens.
func (d *desk) listedTokens(t *testing.T, owner *authority.Principal) (ids []uuid.UUID) {
	t.Helper()
	all, err := d.tokens.List(t.Context(), owner.ID)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		ids = append(ids, s.ID)
	}
	return ids
}

func TestTokenList(t *testing.T) {
	d := newDesk(t)
	ann := d.user(t, "ann")
	first := d.token(t, ann)
	d.token(t, d.user(t, "bob"))
	d.at(time.Hour)
	second, ended := d.token(t, ann), d.token(t, ann)
	if err := d.tokens.End(t.Context(), ann.ID, "ann", ended.Token.ID, actor); err != nil {
		t.Fatal(err)
	}
	if got, want := d.listedTokens(t, ann), []uuid.UUID{second.Token.ID, first.Token.ID}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	d.at(tokenLife)
	if got, want := d.listedTokens(t, ann), []uuid.UUID{second.Token.ID}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v: the first has ended", got, want)
	}
	all, err := d.tokens.List(t.Context(), ann.ID)
	if err != nil || all[0] != second.Token {
		t.Errorf("got %+v and %v, want %+v", all, err, second.Token)
	}
	d.store.tokenList = errors.New("the database is down")
	if all, err := d.tokens.List(t.Context(), ann.ID); !errors.Is(err, d.store.tokenList) || all != nil {
		t.Errorf("got %v and %v, want the store's error", all, err)
	}
}

// TestTokenFind finds a token by its user and ID, as long as it lasts.
func TestTokenFind(t *testing.T) {
	d := newDesk(t)
	ann, bob := d.user(t, "ann"), d.user(t, "bob")
	begun, ended := d.token(t, ann), d.token(t, ann)
	if err := d.tokens.End(t.Context(), ann.ID, "ann", ended.Token.ID, actor); err != nil {
		t.Fatal(err)
	}
	found := func(owner *authority.Principal, id uuid.UUID) bool {
		t.Helper()
		got, err := d.tokens.Find(t.Context(), owner.ID, id)
		if err != nil && !errors.Is(err, authority.ErrNotFound) || err == nil && got.ID != id {
			t.Errorf("got %+v, %v, want the token of that ID, or not found", got, err)
		}
		return err == nil
	}
	if !found(ann, begun.Token.ID) || found(bob, begun.Token.ID) || found(ann, ended.Token.ID) || found(ann, uuid.New()) {
		t.Error("found others than her own tokens that last")
	}
	d.now = begun.Token.ExpiresAt.Add(-time.Microsecond)
	if !found(ann, begun.Token.ID) {
		t.Error("found none before its end")
	}
	if d.now = begun.Token.ExpiresAt; found(ann, begun.Token.ID) {
		t.Error("found one at its end")
	}
}

// TestTokenAtOtherDoors: neither a session token nor a browser's cookie opens the other's door, and there is no look-up for it.
func TestTokenAtOtherDoors(t *testing.T) {
	d := newDesk(t)
	ann := d.user(t, "ann")
	begun, c := d.token(t, ann), d.begin(t, ann)
	d.wantToken(t, "at its own door", begun, "")
	d.expect(t, "the cookies at theirs", c, "")
	before := d.store.tokenLookUps.Load() + d.store.lookUps.Load()
	for _, tt := range []struct {
		what string
		door *authority.Door
		name string
	}{
		{"as the console's cookie", &console, consoleCookie}, {"as the API's cookie", &apis, apiCookie},
	} {
		for _, text := range []secret.Text{begun.Text, "jtb" + begun.Text[3:], "jta" + begun.Text[3:]} {
			if _, got := d.known(t, tt.door, tt.name, text); got != authority.ReasonBadChecksum {
				t.Errorf("%s: got %q, want it refused for its form", tt.what, got)
			}
		}
	}
	for what, tt := range map[string]struct {
		text secret.Text
		want authority.Reason
	}{
		"the console's secret":             {c.Console, authority.ReasonUnrecognized},
		"the API's secret":                 {c.API, authority.ReasonUnrecognized},
		"the API's under the token's tag":  {"jts" + c.API[3:], authority.ReasonBadChecksum},
		"the token under a tag not in use": {"jtz" + begun.Text[3:], authority.ReasonUnrecognized},
	} {
		if _, got := d.bearer(t, tt.text); got != tt.want {
			t.Errorf("%s as a bearer token: got %q, want %q", what, got, tt.want)
		}
	}
	in := &authority.Presented{Authorization: []string{"Bearer " + begun.Text.Reveal()}, Method: "GET"}
	_, err := d.authority.Identify(t.Context(), in, &console)
	if ref, ok := errors.AsType[*authority.Refusal](err); !ok || ref.Reason != authority.ReasonNotAcceptedHere {
		t.Errorf("got %v for a session token at a door that takes none", err)
	}
	if n := d.store.tokenLookUps.Load() + d.store.lookUps.Load() - before; n != 0 {
		t.Errorf("got %d look-ups, want none", n)
	}
}

// TestTokenChecksum changes each character of a good token: it is refused without a look-up. A forgery with its checksum right
// costs one each time, a good one that is remembered none.
func TestTokenChecksum(t *testing.T) {
	d := newDesk(t)
	begun := d.token(t, d.user(t, "ann"))
	for i := range begun.Text.Reveal() {
		changed := []byte(begun.Text.Reveal())
		changed[i] ^= 1
		want := authority.ReasonBadChecksum
		if i < 3 {
			want = authority.ReasonUnrecognized
		}
		d.wantToken(t, "a mistyped token", session.Begun{Text: secret.Text(changed)}, want)
	}
	d.wantToken(t, "a cut token", session.Begun{Text: begun.Text[:50]}, authority.ReasonBadChecksum)
	d.wantToken(t, "a padded token", session.Begun{Text: begun.Text + "0"}, authority.ReasonBadChecksum)
	if n := d.store.tokenLookUps.Load(); n != 0 {
		t.Errorf("got %d look-ups for mistyped tokens, want none", n)
	}
	forged, err := secret.Make(secret.Session, d.random)
	if err != nil {
		t.Fatal(err)
	}
	d.wantToken(t, "a forged token", session.Begun{Text: forged}, authority.ReasonUnknown)
	d.wantToken(t, "the token", begun, "")
	d.wantToken(t, "the token again", begun, "")
	if n := d.store.tokenLookUps.Load(); n != 2 {
		t.Errorf("got %d look-ups, want one for the forgery and one for the token", n)
	}
}

// tokenCase is a change, and what it does to session tokens of ann: one got for her password, by which she comes, one more, and
// one that a platform got.
type tokenCase struct {
	what             string
	change           func(d *tokenDesk) error
	own, other, said authority.Reason
}

// tokenDesk is a desk with ann and her tokens.
type tokenDesk struct {
	*desk
	t                *testing.T
	ann              *authority.Principal
	partner          platform.Platform
	own, other, said session.Begun
	by               audit.Actor // ann, by her own token
}

func newTokenDesk(t *testing.T) *tokenDesk {
	t.Helper()
	d := &tokenDesk{desk: newDesk(t), t: t}
	d.ann, d.partner = d.user(t, "ann"), d.enrol(t)
	d.own, d.other, d.said = d.token(t, d.ann), d.token(t, d.ann), d.token(t, spokenFor(d.ann, d.partner))
	d.by = audit.Actor{UserID: d.ann.ID, CredentialKind: authority.SessionToken.String(), CredentialID: d.own.Token.ID, AsOf: d.feed.Revision()}
	return d
}

// update changes ann.
func (d *tokenDesk) update(p account.Patch) error {
	_, err := d.accounts.Update(d.t.Context(), d.ann.ID, 0, p, actor)
	return err
}

// platformAs changes the platform, and says whether that ends its sessions.
func (d *tokenDesk) platformAs(change func(*platform.Platform), ends bool) error {
	change(&d.partner)
	c := platform.Change{Platform: d.partner, EndSessions: ends}
	if err := d.store.UpdatePlatform(d.t.Context(), c, "partner", d.event(audit.PlatformUpdate, d.partner.ID)); err != nil {
		return err
	}
	d.partner.Version++
	return d.feed.CatchUp(d.t.Context())
}

// choose has ann choose another password, with or without the setting that keeps session tokens.
func choose(keep bool) func(*tokenDesk) error {
	return func(d *tokenDesk) error {
		accounts, err := account.New(account.Config{
			Store: d.store.Store, Applied: d.feed.CatchUp, Now: func() time.Time { return d.now }, Random: d.random, PasswordSlots: 1, KeepSessionTokens: keep,
		})
		if err != nil {
			return err
		}
		return accounts.ChangePassword(d.t.Context(), d.ann.ID, password, "another password", d.by)
	}
}

// tokenCases are all changes that touch a session token or might.
func tokenCases() []tokenCase {
	const ended, unknown, blocked = authority.ReasonEnded, authority.ReasonUnknown, authority.ReasonBlocked
	state := func(states ...account.State) func(*tokenDesk) error {
		return func(d *tokenDesk) (err error) {
			for _, s := range states {
				err = errors.Join(err, d.update(account.Patch{State: &s}))
			}
			return err
		}
	}
	reset := secret.Text("another password")
	return []tokenCase{
		{"nothing", func(*tokenDesk) error { return nil }, "", "", ""},
		{"another name", func(d *tokenDesk) error { return d.update(account.Patch{DisplayName: new("Ann")}) }, "", "", ""},
		{"a role", func(d *tokenDesk) error { return d.update(account.Patch{Roles: &[]string{"partner"}}) }, "", "", ""},
		{"administers from now on", func(d *tokenDesk) error { return d.update(account.Patch{Roles: &[]string{"admin"}}) }, "", "", ended},
		{"logged out", func(d *tokenDesk) error {
			owner, _ := d.bearer(d.t, d.own.Text)
			return d.tokens.Logout(d.t.Context(), &owner, d.by)
		}, ended, "", ""},
		{"one ended by its ID", func(d *tokenDesk) error {
			return d.tokens.End(d.t.Context(), d.ann.ID, "ann", d.other.Token.ID, actor)
		}, "", ended, ""},
		{"all ended", func(d *tokenDesk) error { return d.tokens.EndAll(d.t.Context(), d.ann.ID, "ann", actor) }, ended, ended, ended},
		{"another password", choose(false), ended, ended, ended},
		{"another password, tokens kept", choose(true), "", "", ""},
		{"a reset", func(d *tokenDesk) error { return d.update(account.Patch{Password: &reset}) }, ended, ended, ended},
		{"blocked", state(account.Blocked), blocked, blocked, blocked},
		{"blocked and let in again", state(account.Blocked, account.Active), ended, ended, ended},
		{"deleted", func(d *tokenDesk) error { return d.accounts.Delete(d.t.Context(), d.ann.ID, actor) }, unknown, unknown, unknown},
		{"its platform renamed", func(d *tokenDesk) error {
			return d.platformAs(func(p *platform.Platform) { p.Name = "P" }, false)
		}, "", "", ""},
		{"its platform disabled", func(d *tokenDesk) error {
			return d.platformAs(func(p *platform.Platform) { p.Enabled = false }, true)
		}, "", "", ended},
		{"its platform disabled and enabled again", func(d *tokenDesk) error {
			return errors.Join(d.platformAs(func(p *platform.Platform) { p.Enabled = false }, true), d.platformAs(func(p *platform.Platform) { p.Enabled = true }, false))
		}, "", "", ended},
		{"its platform deleted", func(d *tokenDesk) error {
			return errors.Join(d.store.DeletePlatform(d.t.Context(), d.partner.ID, d.event(audit.PlatformDelete, d.partner.ID)), d.feed.CatchUp(d.t.Context()))
		}, "", "", ended},
		{"a key of its platform deleted", func(d *tokenDesk) error {
			keys, err := d.store.PlatformKeys(d.t.Context(), d.partner.ID)
			if err == nil {
				err = d.store.DeletePlatformKey(d.t.Context(), d.partner.ID, keys[0].ID, d.event(audit.PlatformKeyDelete, keys[0].ID))
			}
			return errors.Join(err, d.feed.CatchUp(d.t.Context()))
		}, "", "", ""},
	}
}

// TestTokenChanges makes each change to tokens that are remembered, and to some that nobody has presented before.
func TestTokenChanges(t *testing.T) {
	for _, tt := range tokenCases() {
		t.Run(tt.what, func(t *testing.T) {
			d := newTokenDesk(t)
			others, unseen, saidUnseen := d.token(t, d.user(t, "bob")), d.token(t, d.ann), d.token(t, spokenFor(d.ann, d.partner))
			for _, begun := range []session.Begun{d.own, d.other, d.said, others} {
				d.wantToken(t, "before", begun, "")
			}
			d.at(time.Minute)
			if err := tt.change(d); err != nil {
				t.Fatal(err)
			}
			d.wantToken(t, "by which she came", d.own, tt.own)
			d.wantToken(t, "the other", d.other, tt.other)
			d.wantToken(t, "the platform's", d.said, tt.said)
			d.wantToken(t, "the platform's, not seen before", saidUnseen, tt.said)
			d.wantToken(t, "another user's", others, "")
			if tt.own == tt.other { // the change is to all of hers
				d.wantToken(t, "one not seen before", unseen, tt.own)
			}
		})
	}
}

// TestTokenEnd tells of the end of a token in the audit log, and ends none that is over or another's.
func TestTokenEnd(t *testing.T) {
	d := newTokenDesk(t)
	bob := d.user(t, "bob")
	owner, _ := d.bearer(t, d.own.Text)
	d.at(time.Minute)
	if err := d.tokens.Logout(t.Context(), &owner, actor); err != nil {
		t.Fatal(err)
	}
	for what, err := range map[string]error{
		"twice":               d.tokens.Logout(t.Context(), &owner, actor),
		"by a password":       d.tokens.Logout(t.Context(), d.ann, actor),
		"another's":           d.tokens.End(t.Context(), bob.ID, "bob", d.other.Token.ID, actor),
		"nobody's":            d.tokens.End(t.Context(), d.ann.ID, "ann", uuid.New(), actor),
		"all of nobody":       d.tokens.EndAll(t.Context(), uuid.New(), "nobody", actor),
		"a browser's session": d.tokens.End(t.Context(), d.ann.ID, "ann", d.begin(t, d.ann).Session.ID, actor),
	} {
		if !errors.Is(err, authority.ErrNotFound) {
			t.Errorf("%s: got %v, want ErrNotFound", what, err)
		}
	}
	d.wantToken(t, "what nobody could end", d.other, "")
	ends := d.events(t, audit.SessionTokenEnd)
	if want := (audit.Target{Kind: "session_token", ID: d.own.Token.ID, Name: "ann"}); len(ends) != 1 || ends[0].Target != want || !ends[0].At.Equal(d.now) || ends[0].Actor != actor {
		t.Errorf("got %+v, want one event of %+v", ends, want)
	}
	d.wantToken(t, "the one that was logged out", d.own, authority.ReasonEnded)
	for _, e := range d.refusals.Drain(d.now) {
		if e.Actor.UserID != d.ann.ID || e.Actor.CredentialID != d.own.Token.ID {
			t.Errorf("got a refusal of %+v, want it to tell whose token it was", e.Actor)
		}
	}
	c := d.begin(t, d.ann)
	if err := d.tokens.EndAll(t.Context(), d.ann.ID, "ann", actor); err != nil {
		t.Fatal(err)
	}
	d.expect(t, "a browser's session, when all are ended", c, authority.ReasonEnded)
	all := d.events(t, audit.SessionsEnd)
	if want := (audit.Target{Kind: "user", ID: d.ann.ID, Name: "ann"}); len(all) != 1 || all[0].Target != want {
		t.Errorf("got %+v, want one event of %+v", all, want)
	}
}

// TestTokenUse stores when and from where a token was last used, to the minute.
func TestTokenUse(t *testing.T) {
	d := newDesk(t)
	ann := d.user(t, "ann")
	used, unused := d.token(t, ann), d.token(t, ann)
	d.at(10 * time.Minute)
	d.wantToken(t, "in use", used, "")
	if err := d.authority.StoreUses(t.Context()); err != nil {
		t.Fatal(err)
	}
	all, err := d.tokens.List(t.Context(), ann.ID)
	if err != nil || len(all) != 2 {
		t.Fatalf("got %v and %v, want two tokens", all, err)
	}
	for _, s := range all {
		switch s.ID {
		case used.Token.ID:
			if off := s.LastUsedAt.Sub(d.now).Abs(); off > time.Minute || s.LastUsedIP != "192.0.2.1" {
				t.Errorf("got %+v, want its use at %s", s, d.now)
			}
		case unused.Token.ID:
			if !s.LastUsedAt.IsZero() || s.LastUsedIP != "" {
				t.Errorf("got %+v, want no use", s)
			}
		}
	}
}

// TestTokenPeppers presents a token stored under the former pepper: it is good, and stored under the newest from then on.
func TestTokenPeppers(t *testing.T) {
	d := newDesk(t)
	ann := d.user(t, "ann")
	begun, twin := d.token(t, ann), d.token(t, ann)
	if err := d.keys.AddPepper(t.Context(), actor); err != nil {
		t.Fatal(err)
	}
	digests := d.keys.Digests(begun.Text)
	under := func(what string, newest, former bool) {
		t.Helper()
		for i, want := range []bool{newest, former} {
			_, err := d.store.Store.SessionTokenByDigest(t.Context(), digests[i:i+1])
			if got := err == nil; got != want || err != nil && !errors.Is(err, authority.ErrNotFound) {
				t.Errorf("%s, under pepper %d: got %v, want it there: %t", what, digests[i].Pepper, err, want)
			}
		}
	}
	d.store.redigested = errors.New("the database is read-only")
	d.wantToken(t, "where it can't be stored anew", begun, "")
	under("where it can't be stored anew", false, true)
	d.store.redigested = nil
	d.authority.Forget(uuid.Nil)
	d.wantToken(t, "under the former pepper", begun, "")
	under("presented", true, false)
	d.authority.Forget(uuid.Nil)
	d.wantToken(t, "under the newest pepper", begun, "")
	if next := d.token(t, ann); next.Token.Pepper != digests[0].Pepper || twin.Token.Pepper != digests[1].Pepper {
		t.Errorf("got a new token under pepper %d, want %d", next.Token.Pepper, digests[0].Pepper)
	}
	d.wantToken(t, "the twin that nobody had presented", twin, "")
}

// TestTokenPrune deletes the records of tokens thirty days after their end: until then a late one is known.
func TestTokenPrune(t *testing.T) {
	d := newDesk(t)
	ann := d.user(t, "ann")
	begun := d.token(t, ann)
	d.at(time.Microsecond)
	next := d.token(t, ann)
	const gone = tokenLife + 30*24*time.Hour
	prune := func(after time.Duration, want int64) {
		t.Helper()
		d.at(after)
		if n, err := d.tokens.Prune(t.Context(), d.now); n != want || err != nil {
			t.Errorf("after %v: got %d pruned and error %v, want %d", after, n, err, want)
		}
	}
	prune(gone, 0)
	d.wantToken(t, "thirty days late", begun, authority.ReasonExpired)
	prune(gone+time.Microsecond, 1)
	d.wantToken(t, "later", begun, authority.ReasonUnknown)
	d.wantToken(t, "one that began after it", next, authority.ReasonExpired)
	prune(gone+time.Hour, 1)
}

// TestTokenNobody begins sessions for users who can't have one, and by a platform that may no longer speak.
func TestTokenNobody(t *testing.T) {
	d := newTokenDesk(t)
	bob := d.user(t, "bob")
	if err := d.accounts.Delete(t.Context(), bob.ID, actor); err != nil {
		t.Fatal(err)
	}
	own := func(owner *authority.Principal) audit.Actor {
		return audit.Actor{UserID: owner.ID, CredentialKind: owner.CredentialKind.String(), CredentialID: owner.CredentialID, AsOf: d.feed.Revision()}
	}
	carl, said := d.user(t, "carl"), spokenFor(d.ann, d.partner)
	before, saidBefore := own(carl), own(said)
	state := account.Blocked
	if _, err := d.accounts.Update(t.Context(), carl.ID, 0, account.Patch{State: &state}, actor); err != nil {
		t.Fatal(err)
	}
	if err := d.platformAs(func(p *platform.Platform) { p.Enabled = false }, true); err != nil {
		t.Fatal(err)
	}
	for what, tt := range map[string]struct {
		owner *authority.Principal
		actor audit.Actor
		want  authority.Reason // that of a refusal; empty where the actor has changed
	}{
		"nobody":                         {&authority.Principal{}, actor, authority.ReasonUserDeleted},
		"a deleted user":                 {bob, actor, authority.ReasonUserDeleted},
		"a user unknown":                 {&authority.Principal{User: authority.User{ID: uuid.New()}}, actor, authority.ReasonUserDeleted},
		"a user blocked since":           {carl, before, ""},
		"by a platform disabled since":   {said, saidBefore, ""},
		"by a platform disabled already": {said, own(said), ""},
	} {
		begun, err := d.tokens.Begin(t.Context(), tt.owner, tt.actor)
		ref, refused := errors.AsType[*authority.Refusal](err)
		if begun != (session.Begun{}) || refused && ref.Reason != tt.want || !refused && (tt.want != "" || !errors.Is(err, authority.ErrActorChanged)) {
			t.Errorf("%s: got token %v and error %v, want the reason %q, or that the actor has changed", what, begun.Token.ID, err, tt.want)
		}
	}
	d.token(t, d.ann) // the twin: nothing of hers has changed
}

// TestTokenFaults: in doubt nothing passes, and no token is given out of which nobody knows whether it counts.
func TestTokenFaults(t *testing.T) {
	d := newDesk(t)
	ann := d.user(t, "ann")
	begun := d.token(t, ann)
	down := errors.New("the database is down")
	d.store.tokenFail = down
	d.wantToken(t, "while the database is down", begun, authority.ReasonUnavailable)
	d.store.tokenFail = nil
	d.wantToken(t, "when it is back", begun, "")

	refuse := func(ctx context.Context, what string, want error) {
		t.Helper()
		if begun, err := d.tokens.Begin(ctx, ann, actor); !errors.Is(err, want) || begun != (session.Begun{}) {
			t.Errorf("%s: got token %v and error %v, want %v alone", what, begun.Token.ID, err, want)
		}
	}
	d.random.from = iotest.ErrReader(down)
	refuse(t.Context(), "without randomness", down)
	d.random.from = rand.NewChaCha8([32]byte{3})
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	refuse(gone, "for a caller who has gone", context.Canceled)
	if got := d.events(t, audit.SessionTokenCreate); len(got) != 1 {
		t.Errorf("got %d tokens made, want none beside the first", len(got))
	}
	d.store.tokenCreate = down
	refuse(t.Context(), "by a store that failed after it persisted", down)
	d.store.tokenCreate = nil

	next := d.token(t, ann)
	owner, _ := d.bearer(t, next.Text)
	d.store.tokenEnded = down
	if err := d.tokens.Logout(t.Context(), &owner, actor); !errors.Is(err, down) {
		t.Errorf("got %v from a store that failed, want its error", err)
	}
	d.store.tokenEnded = nil
	owner, _ = d.bearer(t, begun.Text)
	d.deaf = down
	if err := d.tokens.Logout(t.Context(), &owner, actor); !errors.Is(err, down) {
		t.Errorf("got %v where this process didn't hear of it, want that", err)
	}
	if err := d.tokens.EndAll(t.Context(), ann.ID, "ann", actor); !errors.Is(err, down) {
		t.Errorf("got %v where this process didn't hear of it, want that", err)
	}
}

// TestTokenSecrets searches what is kept and said for session tokens.
func TestTokenSecrets(t *testing.T) {
	d := newDesk(t)
	ann := d.user(t, "ann")
	begun := d.token(t, ann)
	changed := []byte(begun.Text.Reveal())
	changed[44] ^= 1
	wrong := secret.Text(changed)
	d.wantToken(t, "a mistyped token", session.Begun{Text: wrong}, authority.ReasonBadChecksum)
	owner, _ := d.bearer(t, begun.Text)
	said := []string{fmt.Sprintf("%v %+v %#v", begun, begun, &begun)}
	for range 2 {
		said = append(said, fmt.Sprint(d.tokens.Logout(t.Context(), &owner, actor)))
	}
	for _, fail := range []error{nil, errors.New("down")} {
		d.store.tokenFail = fail
		for _, text := range []secret.Text{begun.Text, wrong} {
			_, err := d.tokens.Prove(t.Context(), authority.Credential{Kind: authority.SessionToken, Text: text})
			said = append(said, fmt.Sprintf("%v %+v", err, err))
		}
	}
	if err := d.store.AppendRefusals(t.Context(), d.refusals.Drain(d.now)); err != nil {
		t.Fatal(err)
	}
	for _, e := range d.events(t, "") {
		said = append(said, fmt.Sprintf("%+v", e))
	}
	all := strings.Join(said, "\n")
	if !strings.Contains(all, "ended") || !strings.Contains(all, "bad_checksum") || !strings.Contains(all, "down") {
		t.Fatalf("there is too little to search: %s", all)
	}
	for _, text := range []secret.Text{begun.Text, wrong} {
		if strings.Contains(all, text.Reveal()[3:44]) {
			t.Error("got a secret in what is said")
		}
	}
}

func TestTokenConfig(t *testing.T) {
	d := newDesk(t)
	good := session.TokenConfig{
		Store: d.store, Keyring: d.keys, Applied: func(context.Context) error { return nil }, Now: time.Now, Random: d.random, Lifetime: time.Second,
	}
	if _, err := session.NewTokens(good); err != nil {
		t.Fatal(err)
	}
	for what, change := range map[string]func(*session.TokenConfig){
		"no store": func(c *session.TokenConfig) { c.Store = nil }, "no keyring": func(c *session.TokenConfig) { c.Keyring = nil },
		"no Applied": func(c *session.TokenConfig) { c.Applied = nil }, "no clock": func(c *session.TokenConfig) { c.Now = nil },
		"no randomness": func(c *session.TokenConfig) { c.Random = nil }, "no Lifetime": func(c *session.TokenConfig) { c.Lifetime = 0 },
		"a negative Lifetime":               func(c *session.TokenConfig) { c.Lifetime = -time.Second },
		"less than a second":                func(c *session.TokenConfig) { c.Lifetime = time.Second - 1 },
		"a Lifetime of no whole second":     func(c *session.TokenConfig) { c.Lifetime = 2*time.Second - 1 },
		"a Lifetime of a microsecond above": func(c *session.TokenConfig) { c.Lifetime = time.Second + time.Microsecond },
	} {
		cfg := good
		change(&cfg)
		if s, err := session.NewTokens(cfg); err == nil || s != nil {
			t.Errorf("%s: got %v, want an error", what, s)
		}
	}
}
