package traffic

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jeton-io/jeton/test/faults/journal"
	"github.com/jeton-io/jeton/test/faults/lab"
)

// Config is what the traffic needs.
type Config struct {
	Lab     *lab.Lab
	Journal *journal.Journal
	Seed    uint64
}

// How many clients of each sort there are, and how much they do: some hundred checks a second and some ten changes, which
// leave two cores time for all that answers them.
const (
	rotators = 4
	togglers = 3
	blockers = 3

	checksPerSecond = 30 // at each node, and twice as many through nginx
	readyEvery      = 50 * time.Millisecond
	countEvery      = 2 * time.Second
	probesAtOnce    = 40
)

// Traffic is the clients. Make one with New.
type Traffic struct {
	Config
	doors   []*door // the nodes, then nginx
	public  *public
	pool    pool
	admin   *credential
	ids     sync.Map // by thing: the ID by which /v1 knows it
	changed sync.Map // by thing: when it was changed last
	numbers atomic.Int64
	probes  chan struct{}
}

// New makes the clients, with the users and the service that they need.
func New(ctx context.Context, cfg Config) (*Traffic, error) {
	t := &Traffic{Config: cfg, probes: make(chan struct{}, probesAtOnce)}
	t.public = &public{"http://" + lab.ProxiedV1, newHTTP(writePatience)}
	for _, n := range cfg.Lab.Nodes {
		t.doors = append(t.doors, newDoor(n.Name, n.Gateway()))
	}
	t.doors = append(t.doors, newDoor(journal.Nginx, lab.ProxiedAPI))
	if err := t.service(ctx); err != nil {
		return nil, err
	}
	if err := t.steady(ctx); err != nil {
		return nil, err
	}
	return t, t.awaitService(ctx)
}

// awaitService waits until every node has heard of the service: before that it is right to refuse.
func (t *Traffic) awaitService(ctx context.Context) error {
	for _, d := range t.doors {
		for began := time.Now(); d.ask(ctx, t.Journal, t.admin, journal.Steady).Verdict != journal.Yes; {
			if time.Since(began) > 10*time.Second || ctx.Err() != nil {
				return fmt.Errorf("%s lets nobody in", d.target)
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
	return nil
}

// service makes the administrator's token and the protected API.
func (t *Traffic) service(ctx context.Context) error {
	var issued struct{ Token string }
	t.admin = basic("password/admin", "admin", lab.AdminPassword)
	if status := t.public.do(ctx, call{"POST", "/v1/me/personal-token", t.admin.header, nil, &issued}); status != http.StatusCreated {
		return fmt.Errorf("making the administrator's token: got %d", status)
	}
	t.admin = bearer("personal/admin/1", issued.Token)
	service := map[string]any{"name": "reports", "host": lab.ServiceHost, "accept_api_tokens": true, "default": "authenticated"}
	if status := t.public.do(ctx, call{"POST", "/v1/services", t.admin.header, service, nil}); status != http.StatusCreated {
		return fmt.Errorf("making the service: got %d", status)
	}
	now := t.Journal.Now()
	t.Journal.Add(
		journal.Write{Sent: now, Answered: now, Op: journal.Make, Thing: "user/admin", Outcome: journal.Done},
		journal.Write{Sent: now, Answered: now, Op: journal.Make, Thing: t.admin.thing, Parent: "user/admin", Outcome: journal.Done},
	)
	t.ids.Store(journal.Thing("user/admin"), "admin")
	t.pool.addSteady(t.pool.enter(t.admin))
	return nil
}

// steady makes the credentials that nobody changes.
func (t *Traffic) steady(ctx context.Context) error {
	for range 6 {
		o := t.newOwner(ctx, true)
		if o == nil {
			return errors.New("the users of the steady checks could not be made")
		}
		t.pool.addSteady(o.token)
		t.pool.addSteady(o.password)
		api := t.newAPIToken(ctx, o)
		if api == nil {
			return errors.New("the API tokens of the steady checks could not be made")
		}
		t.pool.addSteady(api)
	}
	return nil
}

// Run runs all clients until the context ends. What they have under way then, they end.
func (t *Traffic) Run(ctx context.Context) {
	var running sync.WaitGroup
	number := uint64(0)
	start := func(count int, client func(context.Context, *rand.Rand)) {
		for range count {
			number++
			random := rand.New(rand.NewPCG(t.Seed, 100+number))
			running.Go(func() { client(ctx, random) })
		}
	}
	for _, d := range t.doors {
		start(1, func(ctx context.Context, r *rand.Rand) { t.checkSteadily(ctx, d, r) })
	}
	start(rotators, t.rotate)
	start(togglers, t.toggle)
	start(blockers, t.block)
	start(1, t.exchange)
	start(1, t.make)
	for _, n := range t.Lab.Nodes {
		start(1, func(ctx context.Context, _ *rand.Rand) { t.watch(ctx, n) })
	}
	start(1, func(ctx context.Context, _ *rand.Rand) { t.count(ctx) })
	running.Wait()
}

// pause waits for some time, more or less; it reports false where the context ended.
func pause(ctx context.Context, r *rand.Rand, least, most time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(least + time.Duration(r.Int64N(int64(most-least)+1))):
		return true
	}
}

// checkSteadily checks credentials at a steady rate, however long the answers take.
func (t *Traffic) checkSteadily(ctx context.Context, d *door, r *rand.Rand) {
	period := time.Second / checksPerSecond
	if d.target == journal.Nginx {
		period /= 2
	}
	tick := time.NewTicker(period)
	defer tick.Stop()
	var running sync.WaitGroup
	defer running.Wait()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		c := t.pool.choose(r)
		select {
		case d.full <- struct{}{}:
		default:
			continue // a door that doesn't answer is asked no more than so often at a time
		}
		running.Go(func() {
			defer func() { <-d.full }()
			t.Journal.Add(d.ask(context.WithoutCancel(ctx), t.Journal, c, journal.Steady))
		})
	}
}

// probe asks every node about a credential that was revoked, again and again until the node refuses it.
func (t *Traffic) probe(ctx context.Context, running *sync.WaitGroup, credentials ...*credential) {
	for _, c := range credentials {
		for _, d := range t.doors[:len(t.doors)-1] {
			select {
			case t.probes <- struct{}{}:
			default:
				return // too many are under way: their nodes don't answer
			}
			running.Go(func() {
				defer func() { <-t.probes }()
				t.probeAt(context.WithoutCancel(ctx), d, c)
			})
		}
	}
}

// probeFor is for how long a node is asked: for longer than it may go on saying yes.
const probeFor = 8 * time.Second

func (t *Traffic) probeAt(ctx context.Context, d *door, c *credential) {
	for began := time.Now(); time.Since(began) < probeFor; {
		check := d.ask(ctx, t.Journal, c, journal.Probe)
		t.Journal.Add(check)
		// Every 10 ms at first; later so that what is measured is off by a twentieth at most.
		wait := max(10*time.Millisecond, time.Since(began)/20)
		switch check.Verdict {
		case journal.No:
			return
		case journal.Wait, journal.Lost:
			wait = max(wait, 200*time.Millisecond)
		case journal.Yes:
		}
		time.Sleep(wait)
	}
}

// watch asks a node whether it is ready.
func (t *Traffic) watch(ctx context.Context, n *lab.Node) {
	client := newHTTP(2 * time.Second)
	tick := time.NewTicker(readyEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		t.Journal.Add(t.ready(context.WithoutCancel(ctx), client, n))
	}
}

// count counts rows, as long as the database can be asked.
func (t *Traffic) count(ctx context.Context) {
	tick := time.NewTicker(countEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		t.countOnce(ctx)
	}
}

func (t *Traffic) countOnce(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	for _, table := range lab.Tables() {
		if rows, err := t.Lab.Postgres.Count(ctx, table); err == nil {
			t.Journal.Add(journal.Count{At: t.Journal.Now(), Table: table, Rows: rows})
		}
	}
}
