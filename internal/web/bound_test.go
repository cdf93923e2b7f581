package web_test

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/jeton-io/jeton/internal/web"
)

// timed is a connection's writer that keeps the deadlines that it is told.
type timed struct {
	*httptest.ResponseRecorder
	read, write []time.Time
}

func (w *timed) SetReadDeadline(at time.Time) error  { w.read = append(w.read, at); return nil }
func (w *timed) SetWriteDeadline(at time.Time) error { w.write = append(w.write, at); return nil }

// TestBound: a body up to the bound is read, one byte more isn't, and there is a time for both directions.
func TestBound(t *testing.T) {
	for body, want := range map[string]bool{"12345678": true, "123456789": false} {
		for maxBody, want := range map[int64]bool{8: want, 0: true} {
			var err error
			w := &timed{ResponseRecorder: httptest.NewRecorder()}
			before := time.Now()
			web.Bound(maxBody, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, err = io.ReadAll(r.Body) })).
				ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body)))
			_, tooLarge := errors.AsType[*http.MaxBytesError](err)
			if (err == nil) != want || tooLarge == want {
				t.Errorf("%d bytes of %d: got %v, want them read: %t", len(body), maxBody, err, want)
			}
			wantDeadline(t, w.read, before, 15*time.Second)
			wantDeadline(t, w.write, before, 30*time.Second)
		}
	}
}

// wantDeadline checks that the last deadline was set after some time, and lasts for so long.
func wantDeadline(t *testing.T, set []time.Time, before time.Time, lasts time.Duration) {
	t.Helper()
	if len(set) == 0 || set[len(set)-1].Before(before.Add(lasts)) || set[len(set)-1].After(time.Now().Add(lasts)) {
		t.Errorf("got the deadlines %v, want the last one %s from now", set, lasts)
	}
}

// TestYield: an answer that is an upstream's has none of Jeton's fields and no deadline; one of which the upstream has written
// nothing has them all again. What a handler had set itself stays.
func TestYield(t *testing.T) {
	errNone := errors.New("nobody there")
	for name, tc := range map[string]struct {
		err  error
		want http.Header
	}{
		"an upstream's": {nil, http.Header{"X-Content-Type-Options": {"the upstream's"}, "Referrer-Policy": {"the handler's"}}},
		"ours again":    {errNone, standing()},
	} {
		t.Run(name, func(t *testing.T) {
			w := &timed{ResponseRecorder: httptest.NewRecorder()}
			before := time.Now()
			own := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Referrer-Policy", "the handler's")
				err := web.Yield(w, func() error {
					if tc.err == nil {
						w.Header().Add("X-Content-Type-Options", "the upstream's")
						w.WriteHeader(http.StatusAccepted)
					}
					return tc.err
				})
				if !errors.Is(err, tc.err) {
					t.Errorf("got %v, want %v", err, tc.err)
				}
				if err != nil {
					w.WriteHeader(http.StatusBadGateway)
				}
			})
			web.Headers(false, web.Log(slog.New(slog.DiscardHandler), "proxy", time.Now, web.Bound(1, own))).
				ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
			got := w.Result().Header
			got.Del("X-Request-Id")
			if tc.err != nil {
				tc.want.Set("Referrer-Policy", "the handler's")
				wantDeadline(t, w.read, before, 15*time.Second)
				wantDeadline(t, w.write, before, 30*time.Second)
			} else if !w.read[len(w.read)-1].IsZero() || !w.write[len(w.write)-1].IsZero() {
				t.Errorf("got the deadlines %v and %v, want none in the end", w.read, w.write)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("the header (-want +got):\n%s", diff)
			}
		})
	}
	if err := web.Yield(httptest.NewRecorder(), func() error { return errNone }); !errors.Is(err, errNone) {
		t.Errorf("got %v from a writer that is none of ours, want %v", err, errNone)
	}
}
