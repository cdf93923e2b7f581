package faults_test

import (
	"fmt"
	"net/http"
	"testing"
)

// switcher disables and enables one API token and remembers what was acknowledged.
type switcher struct {
	id, token string
	enabled   bool // as the last acknowledgement has it
	uncertain bool // a change was under way when the process died
}

func newSwitcher(t *testing.T, p *process, admin login) *switcher {
	t.Helper()
	var made struct{ ID, Token string }
	body := `{"name":"switched","user":"rotator0","expires_in_days":30}`
	if status := p.call(admin, "POST", "/v1/api-tokens", body, &made); status != http.StatusCreated {
		t.Fatalf("making an API token: got %d", status)
	}
	return &switcher{id: made.ID, token: made.Token, enabled: true}
}

// run switches the token until no answer comes.
func (s *switcher) run(p *process, admin login) {
	for {
		s.uncertain = true
		if p.call(admin, "PATCH", "/v1/api-tokens/"+s.id, fmt.Sprintf(`{"enabled":%t}`, !s.enabled), nil) != http.StatusOK {
			return
		}
		s.enabled, s.uncertain = !s.enabled, false
	}
}

// check holds the switcher's journal against the process: a token whose disabling was acknowledged is dead, and one whose
// enabling was lives. Whatever was under way is then known.
func (s *switcher) check(t *testing.T, p *process, round int) {
	t.Helper()
	status := p.call(login{token: s.token}, "GET", "/v1/me", "", nil)
	switch lives := status == http.StatusOK; {
	case !lives && status != http.StatusUnauthorized:
		t.Errorf("round %d: the API token got %d", round, status)
	case lives != s.enabled && !s.uncertain:
		t.Errorf("round %d: the API token got %d, and was acknowledged as enabled %t", round, status, s.enabled)
	default:
		s.enabled = lives
	}
}
