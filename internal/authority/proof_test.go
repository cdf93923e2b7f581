package authority_test

import (
	"testing"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/authority"
)

// TestProofBringsUser has the look-up of a token find its user, too. The user is judged all the same, and isn't asked for again.
func TestProofBringsUser(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*authority.User)
		want   string
	}{
		"active":    {func(*authority.User) {}, "found"},
		"blocked":   {func(u *authority.User) { u.Active = false }, "blocked"},
		"suspended": {func(u *authority.User) { u.Active, u.Suspended = false, true }, "suspended"},
		"another":   {func(u *authority.User) { u.ID = uuid.Must(uuid.NewV7()) }, "unavailable"},
		"nobody":    {func(u *authority.User) { u.ID = uuid.Nil }, "unavailable"},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t, 0)
			stored := d.person("stored") // whom the database would tell, if it were asked
			found := stored
			found.Username = "found"
			tc.change(&found)
			d.personal.put("jtp-found", authority.Proof{ID: uuid.Must(uuid.NewV7()), UserID: stored.ID, User: &found, Remember: true})
			for _, when := range []string{"cold", "warm"} {
				if got := d.outcome(t, bearer("jtp-found")); got != tc.want {
					t.Errorf("%s: got %s, want %s", when, got, tc.want)
				}
			}
			d.personal.token("jtp-alone", stored)
			if got := d.outcome(t, bearer("jtp-alone")); got != "stored" {
				t.Errorf("without a user in its proof: got %s, want stored", got)
			}
		})
	}
}
