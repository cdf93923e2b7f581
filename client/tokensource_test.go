package client_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/oauth2"

	"github.com/jeton-io/jeton/client"
)

var _ oauth2.TokenSource = (*client.TokenSource)(nil)

func TestNewTokenSourceRefuses(t *testing.T) {
	const origin = "https://tokens.example.com"
	for field, cfg := range map[string]client.TokenSourceConfig{
		"":         {BaseURL: origin, APIToken: signedToken, Scopes: []string{"reports.read", "a:b/c"}},
		"BaseURL":  {BaseURL: "http://tokens.example.com", APIToken: signedToken},
		"APIToken": {BaseURL: origin, APIToken: signedToken + " x"},
		"Scopes":   {BaseURL: origin, APIToken: signedToken, Scopes: []string{"a b"}},
	} {
		_, err := client.NewTokenSource(cfg)
		bad, _ := errors.AsType[*client.ConfigError](err)
		if bad == nil && field != "" || bad != nil && (bad.Field != field || strings.Contains(err.Error(), "CANARY")) {
			t.Errorf("%s: got error %v", field, err)
		}
	}
	if _, err := client.NewTokenSource(client.TokenSourceConfig{BaseURL: origin}); err == nil {
		t.Error("no API token: got no error")
	}
}

// TestExchange has on the wire what was asked for, and in the token what was granted.
func TestExchange(t *testing.T) {
	d := &desk{t: t, want: url.Values{"scope": {"a b"}, "resource": {"https://api.example.com/x?y"}, "audience": {"reports"}}}
	d.answers(reply{status: 200, body: `{"access_token":"access","issued_token_type":"urn:ietf:params:oauth:token-type:access_token","token_type":"bearer","expires_in":7,"scope":"a","new":{"access_token":"other"}}`})
	now := time.Date(2026, 11, 26, 1, 2, 3, 0, time.UTC)
	s := newSource(t, client.TokenSourceConfig{
		BaseURL: "https://tokens.example.com/", Scopes: []string{"a", "b"}, Resource: "https://api.example.com/x?y", Audience: "reports",
		HTTPClient: &http.Client{Transport: direct{d}}, Now: func() time.Time { return now },
	})
	d.wantCount(t, 0)
	got, err := s.Token()
	if err != nil {
		t.Fatal(err)
	}
	if got.AccessToken != "access" || got.Type() != "Bearer" || !got.Expiry.Equal(now.Add(7*time.Second)) || got.Extra("scope") != "a" {
		t.Errorf("got %+v with scope %v", got, got.Extra("scope"))
	}
	got.AccessToken = "changed by the caller"
	wantToken(t, s, "access")
}

// TestRefreshAhead goes through the life of a token of five minutes, of which the last is for the exchange.
func TestRefreshAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &desk{t: t}
		s := d.source(t)
		wantToken(t, s, "access1")
		time.Sleep(239 * time.Second)
		wantToken(t, s, "access1")
		d.wantCount(t, 1)

		time.Sleep(time.Second)
		slow := granted(2, 300)
		slow.hold = make(chan struct{})
		d.answers(slow)
		for range 3 { // nobody waits, and the desk is asked once
			wantToken(t, s, "access1")
			synctest.Wait()
		}
		d.wantCount(t, 2)
		close(slow.hold)
		synctest.Wait()
		wantToken(t, s, "access2")

		// Near its end, the new one is waited for.
		time.Sleep(286 * time.Second)
		wantToken(t, s, "access3")
		// And after it.
		time.Sleep(time.Hour)
		wantToken(t, s, "access4")
		d.wantCount(t, 4)
	})
}

// TestShortLife shows that a short token isn't exchanged at once again.
func TestShortLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &desk{t: t}
		d.answers(granted(1, 10))
		s := d.source(t)
		for range 8 { // seconds 0 to 7
			wantToken(t, s, "access1")
			time.Sleep(time.Second)
		}
		d.wantCount(t, 1)
		wantToken(t, s, "access1")
		synctest.Wait()
		wantToken(t, s, "access2")
	})
}

// TestOldTokenOutlastsFailures has a desk that can't answer while a token is still valid, and after that.
func TestOldTokenOutlastsFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &desk{t: t}
		s := d.source(t)
		wantToken(t, s, "access1")
		time.Sleep(240 * time.Second)
		d.answers(busy("20"), busy("20"), busy("20"), busy(""))
		for range 59 { // in the background, and at last waited for
			wantToken(t, s, "access1")
			synctest.Wait()
			time.Sleep(time.Second)
		}
		d.wantCount(t, 4) // at seconds 240, 260 and 280 of its life
		time.Sleep(time.Second)
		_, err := s.Token()
		wantError(t, err, client.ErrUnavailable, "status 503")
		d.wantCount(t, 5)
		_, err = s.Token() // the pause that follows has no token to serve
		wantError(t, err, client.ErrUnavailable, "status 503")
		d.wantCount(t, 5)
		time.Sleep(8 * time.Second)
		wantToken(t, s, "access6")
	})
}

// TestBackoff has a program that asks each second for ten minutes of a desk that never answers.
func TestBackoff(t *testing.T) {
	tests := map[string]struct {
		retryAfter string
		most       int
	}{
		"none":     {"", 16}, // 1, 2, 4, 8, 16, 32, then each minute
		"seconds":  {"30", 20},
		"nonsense": {"soon", 16},
		"a date":   {time.Date(2000, 1, 1, 0, 5, 0, 0, time.UTC).Format(http.TimeFormat), 10}, // a bubble begins at 2000; 300, 302, 306 …
		"a year":   {"31536000", 1},
		"for ever": {"18446744073709551615", 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := &desk{t: t}
				for range 100 {
					d.answers(busy(tt.retryAfter))
				}
				s := d.source(t)
				for range 600 {
					_, err := s.Token()
					wantError(t, err, client.ErrUnavailable, "")
					time.Sleep(time.Second)
				}
				if got := d.count(); got > tt.most || got < tt.most-2 {
					t.Errorf("got %d exchanges, want %d at most, and hardly fewer", got, tt.most)
				}
			})
		})
	}
}

// TestRefusal shows that a refused API token isn't presented again for a minute, and ends the token that is held.
func TestRefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &desk{t: t}
		s := d.source(t)
		wantToken(t, s, "access1")
		time.Sleep(240 * time.Second)
		d.answers(refused(400, "invalid_grant"))
		wantToken(t, s, "access1")
		synctest.Wait()
		for range 60 {
			_, err := s.Token()
			wantError(t, err, client.ErrTokenRefused, "exchanging the API token: invalid_grant (the subject token is not valid)")
			if errors.Is(err, client.ErrUnavailable) {
				t.Errorf("got %v, want no ErrUnavailable", err)
			}
			time.Sleep(time.Second)
		}
		d.wantCount(t, 2)
		wantToken(t, s, "access3")
	})
}

// TestClockSetBack shows that neither a token nor a pause lasts for ever where the clock was wrong.
func TestClockSetBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, ahead := &desk{t: t}, 24*time.Hour
		s := newSource(t, client.TokenSourceConfig{
			BaseURL: "https://tokens.example.com", HTTPClient: &http.Client{Transport: direct{d}},
			Now: func() time.Time { return time.Now().Add(ahead) },
		})
		wantToken(t, s, "access1")
		ahead = 0
		wantToken(t, s, "access1") // nothing speaks against it yet
		synctest.Wait()
		wantToken(t, s, "access2")

		ahead = 24 * time.Hour
		d.answers(busy(""))
		_, err := s.Token()
		wantError(t, err, client.ErrUnavailable, "")
		ahead = 0
		wantToken(t, s, "access2")
	})
}

// TestOnceForMany has a hundred goroutines wait for one exchange, and all get what came of it.
func TestOnceForMany(t *testing.T) {
	tests := map[string]struct {
		answer reply
		want   error
	}{"granted": {granted(1, 300), nil}, "refused": {refused(401, "invalid_client"), client.ErrTokenRefused}, "busy": {busy(""), client.ErrUnavailable}}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := &desk{t: t}
				tt.answer.hold = make(chan struct{})
				d.answers(tt.answer)
				s, got := d.source(t), make(chan error, 100)
				for range cap(got) {
					go func() {
						token, err := s.Token()
						if err == nil && token.AccessToken != "access1" {
							err = fmt.Errorf("got token %s", token.AccessToken)
						}
						got <- err
					}()
				}
				synctest.Wait() // all of them are waiting
				close(tt.answer.hold)
				for range cap(got) {
					if err := <-got; !errors.Is(err, tt.want) {
						t.Errorf("got error %v, want %v", err, tt.want)
					}
				}
				d.wantCount(t, 1)
			})
		})
	}
}

// TestRefreshOverHTTP is what a race detector is to look at: many goroutines, a token that is always due, one that is
// dropped, and a real connection.
func TestRefreshOverHTTP(t *testing.T) {
	d := &desk{t: t}
	for i := range 200 {
		d.answers(granted(i, 1))
	}
	s, done := over(t, d), make(chan error, 100)
	for i := range cap(done) {
		go func() {
			var err error
			for range 10 {
				if _, failed := s.Token(); failed != nil {
					err = failed
				}
				if i%50 == 0 {
					s.Forget()
				}
			}
			done <- err
		}()
	}
	for range cap(done) {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// TestOneGivesUp shows that a caller that gives up takes nothing from the others.
func TestOneGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &desk{t: t}
		slow := granted(1, 300)
		slow.hold = make(chan struct{})
		d.answers(slow)
		s := d.source(t)
		ctx, cancel := context.WithCancel(t.Context())
		first, second := make(chan error, 1), make(chan error, 1)
		go func() { _, err := s.TokenContext(ctx); first <- err }()
		synctest.Wait()
		go func() { _, err := s.Token(); second <- err }()
		synctest.Wait()
		cancel()
		err := <-first
		wantError(t, err, context.Canceled, "exchanging the API token")
		if errors.Is(err, client.ErrUnavailable) {
			t.Errorf("got %v, want no ErrUnavailable", err)
		}
		close(slow.hold)
		if err := <-second; err != nil {
			t.Error(err)
		}
		d.wantCount(t, 1)
	})
}

// TestSilentDesk shows that a desk that never answers is given up.
func TestSilentDesk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		silent := direct{http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })}
		s := newSource(t, client.TokenSourceConfig{BaseURL: "https://tokens.example.com", HTTPClient: &http.Client{Transport: failing{silent}}})
		began := time.Now()
		_, err := s.Token()
		wantError(t, err, client.ErrUnavailable, "no answer")
		if took := time.Since(began); took != 30*time.Second {
			t.Errorf("got an error after %s, want 30s", took)
		}
	})
}

// failing returns the error of the context in place of an answer.
type failing struct{ http.RoundTripper }

func (f failing) RoundTrip(r *http.Request) (*http.Response, error) {
	_, _ = f.RoundTripper.RoundTrip(r)
	return nil, r.Context().Err()
}

func TestForget(t *testing.T) {
	d := &desk{t: t}
	s := over(t, d)
	wantToken(t, s, "access1")
	wantToken(t, s, "access1")
	s.Forget()
	s.Forget()
	wantToken(t, s, "access2")
	d.wantCount(t, 2)
}

// TestSourcePrintsNoToken prints a source before and after its first exchange.
func TestSourcePrintsNoToken(t *testing.T) {
	d := &desk{t: t}
	d.answers(reply{status: 200, body: strings.Replace(granted(1, 300).body, "access1", "accessCANARY", 1)})
	s := over(t, d)
	var out bytes.Buffer
	for range 2 {
		for _, v := range []any{s, &s, client.TokenSourceConfig{APIToken: signedToken}} {
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
				_, _ = fmt.Fprintf(&out, verb+"\n", v)
			}
			slog.New(slog.NewJSONHandler(&out, nil)).Info("json", "v", v)
			_ = json.NewEncoder(&out).Encode(v)
		}
		if _, err := s.Token(); err != nil {
			t.Fatal(err)
		}
	}
	if text := out.String(); strings.Contains(text, "CANARY") || strings.Contains(text, fmt.Sprintf("%x", "CANARY")) {
		t.Errorf("a token was printed:\n%s", text)
	}
}
