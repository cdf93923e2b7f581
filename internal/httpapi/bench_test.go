package httpapi_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
)

// BenchmarkRotate has owners make their tokens anew, each by the token that it got before, which nobody has seen yet: the whole
// path but for the connection and the journal.
func BenchmarkRotate(b *testing.B) {
	for _, callers := range []int{1, 64} {
		b.Run(fmt.Sprint(callers), func(b *testing.B) {
			d := newDesk(b)
			tokens := make([]string, callers)
			for i := range tokens {
				u, err := d.accounts.Create(b.Context(), account.Draft{Username: fmt.Sprint("caller", i)}, audit.Actor{})
				check(b, err)
				tokens[i] = d.rotate(b, u.ID)
			}
			b.ResetTimer()
			var group sync.WaitGroup
			var next atomic.Int64
			for i := range tokens {
				group.Go(func() {
					for next.Add(1) <= int64(b.N) {
						r := httptest.NewRequest(http.MethodPost, "/v1/me/personal-token", nil)
						r.Header.Set("Authorization", "Bearer "+tokens[i])
						w := httptest.NewRecorder()
						d.Config.Handler.ServeHTTP(w, r)
						var issued api.IssuedPersonalToken
						if err := json.Unmarshal(w.Body.Bytes(), &issued); err != nil || w.Code != http.StatusCreated {
							b.Errorf("got %d %s, want 201", w.Code, w.Body)
							return
						}
						tokens[i] = issued.Token
					}
				})
			}
			group.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "/s")
		})
	}
}
