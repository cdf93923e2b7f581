package client_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jeton-io/jeton/client"
)

// guarded is an API that wants the access token of one name, and notes each request that it gets.
type guarded struct {
	want string
	got  []string
	back string // where a request for /back is sent on to
}

func (g *guarded) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	g.got = append(g.got, strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")+" "+string(body))
	if r.URL.Path == "/back" {
		http.Redirect(w, r, g.back, http.StatusTemporaryRedirect)
		return
	}
	if r.Header.Get("Authorization") != "Bearer "+g.want {
		w.WriteHeader(http.StatusUnauthorized)
	}
}

// wantStatus posts a text, or where it is nil gets, and compares the status of the answer.
func wantStatus(t *testing.T, h *http.Client, url string, body io.Reader, want int) {
	t.Helper()
	method := http.MethodPost
	if body == nil {
		method = http.MethodGet
	}
	r, err := http.NewRequest(method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	res, err := h.Do(r)
	if err != nil {
		t.Errorf("%s: got error %v, want status %d", url, err, want)
		return
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != want {
		t.Errorf("%s: got status %d, want %d", url, res.StatusCode, want)
	}
}

// TestRevokedTokenIsExchangedOnce has an API that refuses a token before its end.
func TestRevokedTokenIsExchangedOnce(t *testing.T) {
	tests := map[string]struct {
		body   io.Reader
		age    time.Duration // of the token
		want   string        // the token that the API wants
		status int
		got    string
	}{
		"no body":                  {nil, time.Minute, "access2", 200, "[access1  access2 ]"},
		"body":                     {strings.NewReader("text"), time.Minute, "access2", 200, "[access1 text access2 text]"},
		"body that is gone":        {io.LimitReader(strings.NewReader("text"), 9), time.Minute, "access2", 401, "[access1 text]"},
		"the new one, too":         {nil, time.Minute, "other", 401, "[access1  access2 ]"},
		"as good as new":           {nil, 9 * time.Second, "access2", 401, "[access1 ]"},
		"not as good as new":       {nil, 10 * time.Second, "access2", 200, "[access1  access2 ]"},
		"nothing the matter":       {strings.NewReader("text"), time.Minute, "access1", 200, "[access1 text]"},
		"as good as new, with one": {strings.NewReader("text"), 0, "access2", 401, "[access1 text]"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d, api := &desk{t: t}, &guarded{want: tt.want}
				s := d.source(t)
				wantToken(t, s, "access1")
				time.Sleep(tt.age)
				r, err := http.NewRequest(http.MethodPost, "https://api.example.com/reports", tt.body)
				if err != nil {
					t.Fatal(err)
				}
				if r.Body == nil {
					r.Body = http.NoBody // which a handler that is called directly expects
				}
				res, err := s.Transport(direct{api}).RoundTrip(r)
				if err != nil {
					t.Fatal(err)
				}
				_ = res.Body.Close()
				if got := fmt.Sprint(api.got); res.StatusCode != tt.status || got != tt.got {
					t.Errorf("got status %d after %s, want %d after %s", res.StatusCode, got, tt.status, tt.got)
				}
				if r.Header.Get("Authorization") != "" {
					t.Error("the given request was changed")
				}
			})
		})
	}
}

// TestBodyThatIsGoneDropsTheToken shows that where a request can't be repeated, the next one has a new token.
func TestBodyThatIsGoneDropsTheToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, api := &desk{t: t}, &guarded{want: "access2"}
		s := d.source(t)
		wantToken(t, s, "access1")
		time.Sleep(time.Minute)
		h := &http.Client{Transport: s.Transport(direct{api})}
		for _, want := range []int{401, 200} {
			wantStatus(t, h, "https://api.example.com/", io.LimitReader(strings.NewReader("text"), 9), want)
		}
		d.wantCount(t, 2)
	})
}

// TestManyRevoked has a hundred requests refused at a time: one exchange mends all.
func TestManyRevoked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, hold := &desk{t: t}, make(chan struct{})
		s := d.source(t)
		wantToken(t, s, "access1")
		time.Sleep(time.Minute)
		api := direct{http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") != "Bearer access2" {
				<-hold
				w.WriteHeader(http.StatusUnauthorized)
			}
		})}
		h, done := &http.Client{Transport: s.Transport(api)}, make(chan error, 100)
		for range cap(done) {
			go func() {
				res, err := h.Post("https://api.example.com/", "text/plain", strings.NewReader("text"))
				if err == nil {
					_ = res.Body.Close()
				}
				if err == nil && res.StatusCode != http.StatusOK {
					err = errors.New(res.Status)
				}
				done <- err
			}()
		}
		synctest.Wait()
		close(hold)
		for range cap(done) {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		d.wantCount(t, 2)
	})
}

// TestRedirectsOfAnAPI shows that a token follows a redirect within its origin, and not to another.
func TestRedirectsOfAnAPI(t *testing.T) {
	d, elsewhere := &desk{t: t}, &guarded{}
	s := over(t, d)
	other := httptest.NewServer(elsewhere)
	defer other.Close()
	here := &guarded{want: "access1"}
	mux := http.NewServeMux()
	mux.Handle("/", here)
	mux.Handle("/within", http.RedirectHandler("/reports", http.StatusTemporaryRedirect))
	mux.Handle("/out", http.RedirectHandler(other.URL+"/reports", http.StatusTemporaryRedirect))
	mux.Handle("/out-and-back", http.RedirectHandler(other.URL+"/back", http.StatusTemporaryRedirect))
	api := httptest.NewServer(mux)
	defer api.Close()
	elsewhere.back = api.URL + "/reports"

	h := &http.Client{Transport: s.Transport(nil)}
	for path, want := range map[string]int{"/reports": 200, "/within": 200, "/out": 401, "/out-and-back": 401} {
		wantStatus(t, h, api.URL+path, nil, want)
	}
	slices.Sort(here.got)
	if want := []string{" ", "access1 ", "access1 "}; !slices.Equal(here.got, want) {
		t.Errorf("got requests with %q, want %q", here.got, want)
	}
	if want := []string{" ", " "}; !slices.Equal(elsewhere.got, want) {
		t.Errorf("got requests elsewhere with %q, want two without a token", elsewhere.got)
	}
	d.wantCount(t, 1)
}

// closing notes that a body was closed, as a RoundTripper must do whatever happens.
type closing struct {
	io.Reader
	closed bool
}

func (c *closing) Close() error { c.closed = true; return nil }

// TestRequestsThatArentSent has, beside each, what would be sent.
func TestRequestsThatArentSent(t *testing.T) {
	tests := map[string]struct {
		url    string
		answer reply
		want   error
		text   string
	}{
		"https":     {"https://api.example.com/", granted(1, 300), nil, ""},
		"loopback":  {"http://127.0.0.1/", granted(1, 300), nil, ""},
		"plain":     {"http://api.example.com/", granted(1, 300), nil, "plain http to another machine"},
		"refused":   {"https://api.example.com/", refused(400, "invalid_grant"), client.ErrTokenRefused, "invalid_grant"},
		"no answer": {"https://api.example.com/", busy(""), client.ErrUnavailable, "status 503"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			d, api := &desk{t: t}, &guarded{want: "access1"}
			d.answers(tt.answer)
			body := &closing{Reader: strings.NewReader("text")}
			r, err := http.NewRequest(http.MethodPost, tt.url, body)
			if err != nil {
				t.Fatal(err)
			}
			res, err := d.source(t).Transport(direct{api}).RoundTrip(r)
			if err == nil {
				_ = res.Body.Close()
			}
			if sent := tt.text == ""; sent != (err == nil) || sent != (len(api.got) == 1) || !body.closed {
				t.Errorf("got %v, %d requests, body closed: %v", err, len(api.got), body.closed)
			}
			if tt.text != "" && (tt.want != nil && !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.text)) {
				t.Errorf("got error %v, want %v and %q", err, tt.want, tt.text)
			}
		})
	}
}
