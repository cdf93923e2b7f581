package traffic

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/jeton-io/jeton/test/faults/journal"
	"github.com/jeton-io/jeton/test/faults/lab"
)

// ready asks a node whether it is ready.
func (t *Traffic) ready(ctx context.Context, client *http.Client, n *lab.Node) journal.Ready {
	r := journal.Ready{Sent: t.Journal.Now(), Node: n.Name}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+n.Admin()+"/readyz", nil)
	if err != nil {
		return r
	}
	res, err := client.Do(req)
	r.Answered = t.Journal.Now()
	if err != nil {
		return r
	}
	defer func() { _ = res.Body.Close() }()
	text, _ := io.ReadAll(io.LimitReader(res.Body, 1<<10)) // what can't be read is for people only
	if r.Status = res.StatusCode; r.Status != http.StatusOK {
		r.Problems = string(text)
	}
	return r
}

// ReadRecent reads back what was changed within some time before a crash.
func (t *Traffic) ReadRecent(ctx context.Context, since time.Duration) {
	t.readBack(ctx, journal.After, func(thing journal.Thing) bool {
		at, ok := t.changed.Load(thing)
		changed, _ := at.(time.Duration)
		return ok && changed >= since
	})
}

// ReadAll reads back all that there ever was, from the database and at each node, and counts the rows a last time.
func (t *Traffic) ReadAll(ctx context.Context) {
	t.countOnce(ctx)
	t.readBack(ctx, journal.Final, func(journal.Thing) bool { return true })
}

// readBack reads back those things that are chosen.
func (t *Traffic) readBack(ctx context.Context, why journal.Purpose, chosen func(journal.Thing) bool) {
	work := make(chan func())
	var running sync.WaitGroup
	for range 8 {
		running.Go(func() {
			for do := range work {
				do()
			}
		})
	}
	t.ids.Range(func(key, id any) bool {
		if thing, ok := key.(journal.Thing); ok && chosen(thing) && ctx.Err() == nil {
			work <- func() { t.Journal.Add(t.read(ctx, thing, fmt.Sprint(id), why)) }
		}
		return true
	})
	for _, c := range t.pool.every() {
		if !chosen(c.thing) || ctx.Err() != nil {
			continue
		}
		for _, d := range t.doors[:len(t.doors)-1] {
			work <- func() { t.Journal.Add(d.ask(ctx, t.Journal, c, why)) }
		}
	}
	close(work)
	running.Wait()
}

// read asks /v1 for a record, for up to three times where no answer comes.
func (t *Traffic) read(ctx context.Context, thing journal.Thing, id string, why journal.Purpose) journal.Reading {
	r := journal.Reading{Thing: thing, Purpose: why, Life: journal.Unread}
	path := "/v1/users/" + id
	if thing.Kind() == journal.APIToken {
		path = "/v1/api-tokens/" + id
	}
	for range 3 {
		var record struct {
			State   string
			Enabled bool
		}
		r.Sent = t.Journal.Now()
		r.Status = t.public.do(ctx, call{"GET", path, t.admin.header, nil, &record})
		r.Answered = t.Journal.Now()
		switch {
		case r.Status == http.StatusNotFound:
			r.Life = journal.Gone
		case r.Status == http.StatusOK && (record.State == "active" || record.Enabled):
			r.Life = journal.Lives
		case r.Status == http.StatusOK:
			r.Life = journal.Stopped
		default:
			continue
		}
		break
	}
	return r
}
