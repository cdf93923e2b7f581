package personal_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/secret"
)

// warmed returns what Warm tells, by its digest, and how many batches it took.
func (d *desk) warmed(t *testing.T) (told map[[32]byte]authority.Proof, batches int) {
	t.Helper()
	told = make(map[[32]byte]authority.Proof)
	if err := d.Warm(t.Context(), func(batch []authority.Warmed) error {
		batches++
		for _, w := range batch {
			told[w.Digest] = w.Proof
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return told, batches
}

// TestWarm tells of each token what Prove says of it when it is presented, and of none that Prove refuses or would store anew.
func TestWarm(t *testing.T) {
	d := newDesk(t)
	ann, bob, cid, dan := d.user(t, "ann"), d.user(t, "bob"), d.user(t, "cid"), d.user(t, "dan")
	old := d.rotate(t, dan)
	if err := d.keys.AddPepper(t.Context(), actor); err != nil {
		t.Fatal(err)
	}
	former, revoked := d.rotate(t, ann), d.rotate(t, bob)
	live := []secret.Text{d.rotate(t, ann), d.rotate(t, cid)}
	if err := d.Revoke(t.Context(), bob, actor); err != nil {
		t.Fatal(err)
	}
	blocked := account.Record{User: account.User{
		ID: cid.ID, Kind: account.Person, Username: "cid", Roles: []string{"r"}, State: account.Blocked, Version: 1, UpdatedAt: noon,
	}, UsernameKey: "cid"}
	if err := d.store.UpdateUser(t.Context(), blocked, audit.New(audit.UserUpdate, actor, audit.Target{}, noon)); err != nil {
		t.Fatal(err)
	}
	told, _ := d.warmed(t)
	if len(told) != len(live) {
		t.Errorf("got %d tokens, want %d", len(told), len(live))
	}
	for _, text := range live {
		proof, ok := told[d.Digests(text)[0]]
		proven, err := d.Prove(t.Context(), authority.Credential{Kind: authority.PersonalToken, Text: text})
		if !ok || err != nil || proof.User == nil || proof.ID != proven.ID || proof.UserID != proven.UserID || !proof.Remember || !proof.NotAfter.IsZero() {
			t.Fatalf("got %+v, %t, want what is proven: %+v, %v", proof, ok, proven, err)
		}
		if got, want := proof.User, proven.User; got.ID != want.ID || got.Username != want.Username || got.Active != want.Active || !slices.Equal(got.Roles, want.Roles) {
			t.Errorf("got user %+v, want %+v", got, want)
		}
	}
	if told[d.Digests(live[1])[0]].User.Active { // for the heart to refuse
		t.Error("a blocked user passes for active")
	}
	for what, text := range map[string]secret.Text{"former": former, "revoked": revoked, "under the older pepper": old} {
		for _, sum := range d.Digests(text) {
			if _, ok := told[sum]; ok {
				t.Errorf("it tells of one that is %s", what)
			}
		}
	}
	// One that is presented is stored anew, and told of then.
	d.expect(t, "the token under the older pepper", old, "")
	if told, _ := d.warmed(t); len(told) != len(live)+1 {
		t.Errorf("got %d tokens, want one more", len(told))
	}
}

// TestDigests: what can't be looked for has no digest, and all else one for each pepper.
func TestDigests(t *testing.T) {
	d := newDesk(t)
	token := d.rotate(t, d.user(t, "ann"))
	for _, text := range []secret.Text{"", token[1:], token + "0", "jts" + token[3:]} {
		if got := d.Digests(text); got != nil {
			t.Errorf("got %d digests of %d characters, want none", len(got), len(text))
		}
	}
	if err := d.keys.AddPepper(t.Context(), actor); err != nil {
		t.Fatal(err)
	}
	sums := d.Digests(token)
	if want := d.keys.Digests(token); len(sums) != 2 || sums[0] != want[0].Sum || sums[1] != want[1].Sum {
		t.Errorf("got %x, want %v", sums, want)
	}
}

// TestWarmPages reads more tokens than a page has, each once, and ends where it is told to.
func TestWarmPages(t *testing.T) {
	const users = 2*authority.WarmPage + 1
	c := newCrowdOf(t, users)
	seen, batches := make(map[[32]byte]bool), 0
	if err := c.personal.Warm(t.Context(), func(batch []authority.Warmed) error {
		batches++
		for _, w := range batch {
			seen[w.Digest] = true
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if len(seen) != users || batches != 3 {
		t.Errorf("got %d tokens in %d batches, want %d in 3", len(seen), batches, users)
	}
	for i := range c.digests {
		if !seen[c.digests[i].Sum] {
			t.Fatalf("it doesn't tell of token %d", i)
		}
	}
	enough := errors.New("enough")
	batches = 0
	if err := c.personal.Warm(t.Context(), func([]authority.Warmed) error { batches++; return enough }); !errors.Is(err, enough) || batches != 1 {
		t.Errorf("got error %v after %d batches, want %v after one", err, batches, enough)
	}
}
