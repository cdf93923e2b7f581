package link

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
)

// request is what somebody asks for who wants a link that logs in: for whom, and from where.
type request struct {
	name string
	from netip.Addr
}

// requests are those that wait. Nobody who asks waits for one: whether there is such a user, whether it has an e-mail, and whether it was
// sent too many already is found out after the answer was given, so that neither its words nor its time tell.
//
//	bound           at once   then one more each
//	from an address    10        minute             the asker is told
//	for a user          3        five minutes       nobody is told: a mailbox isn't filled by who knows a name
//
// What there is no room for is dropped: whoever wants a link asks again.
type requests struct {
	now     func() time.Time
	waiting chan request
	froms   bound[netip.Addr]
	users   bound[uuid.UUID]
}

// maxWaiting is how many requests wait for their turn.
const maxWaiting = 256

func newRequests(now func() time.Time) requests {
	return requests{
		now: now, waiting: make(chan request, maxWaiting),
		froms: bound[netip.Addr]{most: 10, every: time.Minute}, users: bound[uuid.UUID]{most: 3, every: 5 * time.Minute},
	}
}

// bound is a bound for each of many, in the form of the generic cell rate algorithm: most at once, then one more each period.
type bound[K comparable] struct {
	most  int
	every time.Duration

	mu    sync.Mutex
	whole map[K]time.Time // when there is room for as many as at first
}

// maxBounds is for how many a bound is kept. It stands for who could fill the memory: where they are more, all begin anew.
const maxBounds = 1 << 16

// take takes one, or returns how long there is no room for it.
func (b *bound[K]) take(who K, now time.Time) (wait time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.whole == nil || len(b.whole) >= maxBounds {
		b.whole = map[K]time.Time{}
	}
	full := time.Duration(b.most) * b.every
	debt := min(max(b.whole[who].Sub(now), 0), full) // also where the clock was set back
	if wait = debt + b.every - full; wait > 0 {
		return wait
	}
	b.whole[who] = now.Add(debt + b.every)
	return 0
}

// RequestLogin takes a request for a link that logs in, for the user whose name or e-mail that is, if it is anybody's. The mail is on its
// way some time after. The error is a *authority.Refusal where too many came from the address; where nothing is mailed, there is nothing to
// ask for.
func (l *Links) RequestLogin(name string, from netip.Addr) error {
	if l.cfg.Send == nil {
		return authority.ErrNotFound
	}
	if wait := l.requests.froms.take(audit.Customer(from), l.cfg.Now()); wait > 0 {
		return &authority.Refusal{Reason: authority.ReasonThrottled, RetryAfter: wait}
	}
	select {
	case l.requests.waiting <- request{name, from}:
	default: // no room
	}
	return nil
}

// Serve makes and mails the links that were asked for, until ctx ends. It tells of what fails.
func (l *Links) Serve(ctx context.Context, failed func(error)) {
	for {
		select {
		case <-ctx.Done():
			return
		case r := <-l.requests.waiting:
			if err := l.answer(ctx, r); err != nil && ctx.Err() == nil {
				failed(err)
			}
		}
	}
}

// answer mails a link to whose name that is, if that is a person who may log in and has an e-mail.
func (l *Links) answer(ctx context.Context, r request) error {
	u, err := l.cfg.Accounts.FindByName(ctx, r.name)
	if errors.Is(err, authority.ErrNotFound) {
		u, err = l.cfg.Accounts.FindByEmail(ctx, r.name)
	}
	if errors.Is(err, authority.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if u.Kind != account.Person || u.State != account.Active || u.Email == "" || l.requests.users.take(u.ID, l.cfg.Now()) > 0 {
		return nil
	}
	actor := audit.Actor{}
	if r.from.IsValid() {
		actor.Address = r.from.String()
	}
	address, expires, err := l.make(ctx, &u, Login, actor)
	if errors.Is(err, authority.ErrNotFound) { // deleted or blocked in this moment
		return nil
	}
	if err != nil {
		return err
	}
	l.mail(&u, Login, address, expires)
	return nil
}
