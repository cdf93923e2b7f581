package sqlite_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jeton-io/jeton/internal/audit"
)

// BenchmarkSlowDisk rotates tokens where each commit takes two milliseconds, as on a disk that doesn't answer a sync out of a
// cache: SQLite calls back at the beginning of the commit, and is kept waiting. It tells how many callers share one.
func BenchmarkSlowDisk(b *testing.B) {
	for _, callers := range []int{1, 16, 64} {
		b.Run(fmt.Sprintf("rotate/%d", callers), func(b *testing.B) {
			path := filepath.Join(b.TempDir(), "jeton.db")
			s := open(b, path)
			fill(b, path)
			held, err := s.Hold(b.Context(), time.Now)
			var commits atomic.Int64
			if err == nil {
				err = held.OnCommit(func() {
					commits.Add(1)
					time.Sleep(2 * time.Millisecond)
				})
			}
			if err != nil {
				b.Fatal(err)
			}
			closing, closed := make(chan struct{}), make(chan struct{})
			go func() {
				defer close(closed)
				held.Run(closing)
			}()
			b.ResetTimer()
			var group sync.WaitGroup
			var next atomic.Int64
			errs := make([]error, callers)
			for caller := range callers {
				group.Go(func() {
					for i := next.Add(1); i <= int64(b.N) && errs[caller] == nil; i = next.Add(1) {
						id := userOf(int(i*7919) % benchRows)
						errs[caller] = s.PutPersonalToken(b.Context(), id, digestOf(int(benchRows+i)),
							audit.New(audit.PersonalTokenRotate, audit.Actor{UserID: id}, audit.Target{Kind: "personal_token", ID: id}, now()))
					}
				})
			}
			group.Wait()
			b.StopTimer()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "/s")
			b.ReportMetric(float64(b.N)/float64(commits.Load()), "changes/commit")
			close(closing)
			<-closed
			if err := errors.Join(errs...); err != nil {
				b.Fatal(err)
			}
		})
	}
}
