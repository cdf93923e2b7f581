package session_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/secret"
	"github.com/jeton-io/jeton/internal/session"
)

// warmed returns what Warm tells of session tokens, by their digests.
func (d *desk) warmed(t *testing.T) map[[32]byte]authority.Proof {
	t.Helper()
	told := make(map[[32]byte]authority.Proof)
	if err := d.tokens.Warm(t.Context(), func(batch []authority.Warmed) error {
		for _, w := range batch {
			told[w.Digest] = w.Proof
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return told
}

// TestWarm tells of each session token what Prove says of it, and of none that was ended, is over by its time, or is to be
// stored anew.
func TestWarm(t *testing.T) {
	d := newDesk(t)
	ann := d.user(t, "ann")
	old := d.token(t, ann)
	if err := d.keys.AddPepper(t.Context(), actor); err != nil {
		t.Fatal(err)
	}
	ended, over := d.token(t, ann), d.token(t, ann)
	d.at(time.Second)
	live := d.token(t, ann)
	if err := d.tokens.End(t.Context(), ann.ID, ann.Username, ended.Token.ID, actor); err != nil {
		t.Fatal(err)
	}
	d.at(tokenLife) // the last moment of none but the live one
	proven, err := d.tokens.Prove(t.Context(), authority.Credential{Kind: authority.SessionToken, Text: live.Text})
	if err != nil {
		t.Fatal(err)
	}
	want := map[[32]byte]authority.Proof{d.tokens.Digests(live.Text)[0]: proven}
	if diff := cmp.Diff(want, d.warmed(t), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("not as proven (-want +got):\n%s", diff)
	}
	d.at(time.Second)
	if got := d.warmed(t); len(got) != 2 { // that over by then lasts now
		t.Errorf("got %d tokens a second after the start, want 2", len(got))
	}
	for what, begun := range map[string]session.Begun{"ended": ended, "under the older pepper": old} {
		for _, sum := range d.tokens.Digests(begun.Text) {
			if _, ok := d.warmed(t)[sum]; ok {
				t.Errorf("it tells of one that is %s", what)
			}
		}
	}
	if _, ok := d.warmed(t)[d.tokens.Digests(over.Text)[0]]; !ok {
		t.Error("it doesn't tell of one that lasts for two weeks yet")
	}
	d.wantToken(t, "the one under the older pepper", old, "")
	if got := d.warmed(t); len(got) != 3 {
		t.Errorf("got %d tokens after one was stored anew, want 3", len(got))
	}
	enough := errors.New("enough")
	if err := d.tokens.Warm(t.Context(), func([]authority.Warmed) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("got error %v, want %v", err, enough)
	}
	for _, text := range []secret.Text{"", live.Text[1:], live.Text + "0", "jtp" + live.Text[3:]} {
		if got := d.tokens.Digests(text); got != nil {
			t.Errorf("got %d digests of %d characters, want none", len(got), len(text))
		}
	}
}
