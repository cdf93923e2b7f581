package httpapi_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync"
	"testing"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
)

// halfSent begins a request of an administrator, runs meanwhile once the server has let it in and waits for its body,
// sends the rest and returns the status.
func (d *desk) halfSent(t *testing.T, token, body string, meanwhile func()) int {
	t.Helper()
	reader, writer := io.Pipe()
	letIn := make(chan struct{})
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{Got100Continue: func() { close(letIn) }})
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, d.URL+"/v1/users", reader)
	check(t, err)
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Expect", "100-continue")
	status := make(chan int, 1)
	go func() {
		res, err := d.Client().Transport.RoundTrip(req)
		if err != nil {
			status <- 0
			return
		}
		_ = res.Body.Close()
		status <- res.StatusCode
	}()
	select {
	case <-letIn:
	case early := <-status:
		t.Fatalf("got %d before the body was sent", early)
	}
	meanwhile()
	_, _ = io.WriteString(writer, body)
	_ = writer.Close()
	return <-status
}

// TestChangedWhileSending has an administrator hold back the end of a request until its power is gone.
func TestChangedWhileSending(t *testing.T) {
	d := newDesk(t)
	tests := []struct {
		name string
		do   func(u account.User, token string) error
		want int
	}{
		{"nothing", func(account.User, string) error { return nil }, http.StatusCreated},
		{"another was blocked", func(account.User, string) error {
			other, _ := d.user(t, account.Draft{Username: "other"})
			_, err := d.accounts.Update(t.Context(), other.ID, 0, account.Patch{State: new(account.Blocked)}, audit.Actor{})
			return err
		}, http.StatusCreated},
		{"its name was changed", func(u account.User, _ string) error {
			_, err := d.accounts.Update(t.Context(), u.ID, 0, account.Patch{DisplayName: new("New Name")}, audit.Actor{})
			return err
		}, http.StatusCreated},
		{"blocked", func(u account.User, _ string) error {
			_, err := d.accounts.Update(t.Context(), u.ID, 0, account.Patch{State: new(account.Blocked)}, audit.Actor{})
			return err
		}, http.StatusUnauthorized},
		{"no administrator any more", func(u account.User, _ string) error {
			_, err := d.accounts.Update(t.Context(), u.ID, 0, account.Patch{Roles: new([]string{"partner"})}, audit.Actor{})
			return err
		}, http.StatusForbidden},
		{"deleted", func(u account.User, _ string) error {
			return d.accounts.Delete(t.Context(), u.ID, audit.Actor{})
		}, http.StatusUnauthorized},
		{"its token rotated", func(u account.User, _ string) error {
			d.rotate(t, u.ID)
			return nil
		}, http.StatusUnauthorized},
	}
	for i, tt := range tests {
		u, token := d.user(t, account.Draft{Username: fmt.Sprintf("eve%d", i), Roles: []string{"admin"}})
		body := fmt.Sprintf(`{"username":"backdoor%d","roles":["admin"]}`, i)
		if got := d.halfSent(t, token, body, func() { check(t, tt.do(u, token)) }); got != tt.want {
			t.Errorf("%s: got %d, want %d", tt.name, got, tt.want)
		}
		if _, err := d.accounts.Find(t.Context(), fmt.Sprintf("backdoor%d", i)); (err == nil) != (tt.want == http.StatusCreated) {
			t.Errorf("%s: the user was made: %v", tt.name, err == nil)
		}
	}
}

// TestRevokeBeatsRotations has a thief rotate a token from many connections while its owner revokes it: once the owner
// has the answer, no token lives.
func TestRevokeBeatsRotations(t *testing.T) {
	d := newDesk(t)
	for round := range 20 {
		_, stolen := d.user(t, account.Draft{Username: fmt.Sprintf("victim%d", round)})
		var racing sync.WaitGroup
		var mu sync.Mutex
		var rotated []string
		revoked := false
		racing.Go(func() {
			revoked = d.do(t, ask{route: "DELETE /v1/me/personal-token", token: stolen}).status == http.StatusNoContent
		})
		for range 8 {
			racing.Go(func() {
				a := d.do(t, ask{route: "POST /v1/me/personal-token", token: stolen})
				if a.status == http.StatusCreated {
					var issued api.IssuedPersonalToken
					a.into(t, &issued)
					mu.Lock()
					rotated = append(rotated, issued.Token)
					mu.Unlock()
				}
			})
		}
		racing.Wait()
		if len(rotated) > 1 || len(rotated) == 1 == revoked {
			t.Errorf("round %d: got %d rotations by one token, revoked: %v, want exactly one of both", round, len(rotated), revoked)
		}
		for _, token := range rotated {
			if status := d.do(t, ask{route: "GET /v1/me", token: token}).status; (status == http.StatusOK) == revoked {
				t.Errorf("round %d: the thief's token got %d after a revocation: %v", round, status, revoked)
			}
		}
	}
}
