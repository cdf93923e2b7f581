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
// Nor does who knows a name keep its owner out: while a link is fresh, none is made in its place, and nothing is taken of the bound. One
// whose mail was given up is nobody's, and stands in no other's way; this node alone knows that, and until it stops.
//
// What there is no room for is dropped: whoever wants a link asks again.
type requests struct {
	now     func() time.Time
	waiting chan request
	froms   authority.Bound[netip.Addr]
	users   authority.Bound[uuid.UUID]

	mu   sync.Mutex
	lost map[uuid.UUID]bool // by ID, links that log in whose mail was given up
}

const (
	maxWaiting = 256     // requests that wait for their turn
	maxKept    = 1 << 16 // addresses and users whose bounds are kept, and links of which it is known that they are lost
)

func newRequests(now func() time.Time) *requests {
	return &requests{
		now: now, waiting: make(chan request, maxWaiting),
		froms: authority.Bound[netip.Addr]{Most: 10, Every: time.Minute, Kept: maxKept},
		users: authority.Bound[uuid.UUID]{Most: 3, Every: 5 * time.Minute, Kept: maxKept},
	}
}

// lose notes that nobody got a link. Where there is no more room, all that was noted before is forgotten, which costs those users some
// minutes.
func (r *requests) lose(made *Link) {
	if made.Purpose != Login {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.lost == nil || len(r.lost) >= maxKept {
		r.lost = make(map[uuid.UUID]bool)
	}
	r.lost[made.ID] = true
}

// isLost reports whether nobody got a link.
func (r *requests) isLost(made *Link) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.lost[made.ID]
}

// RequestLogin takes a request for a link that logs in, for the user whose name or e-mail that is, if it is anybody's. The mail is on its
// way some time after. The error is a *authority.Refusal where too many came from the address; where nothing is mailed, there is nothing to
// ask for.
func (l *Links) RequestLogin(name string, from netip.Addr) error {
	if l.cfg.Send == nil {
		return authority.ErrNotFound
	}
	if wait := l.requests.froms.Take(audit.Customer(from), l.cfg.Now()); wait > 0 {
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
	if u.Kind != account.Person || u.State != account.Active || u.Email == "" {
		return nil
	}
	if fresh, err := l.fresh(ctx, u.ID); fresh || err != nil {
		return err
	}
	if l.requests.users.Take(u.ID, l.cfg.Now()) > 0 {
		return nil
	}
	actor := audit.Actor{}
	if r.from.IsValid() {
		actor.Address = r.from.String()
	}
	address, made, err := l.make(ctx, &u, Login, actor)
	if errors.Is(err, authority.ErrNotFound) { // deleted or blocked in this moment
		return nil
	}
	if err != nil {
		return err
	}
	if !l.mail(&u, &made, address) { // there was no room
		l.requests.lose(&made)
	}
	return nil
}

// freshFor is how long the link that was sent last stays the only one: another would end it, and anybody can ask for another.
const freshFor = 5 * time.Minute

// fresh reports whether a user has a link that logs in, was made just now, and is still good.
func (l *Links) fresh(ctx context.Context, userID uuid.UUID) (bool, error) {
	last, err := l.cfg.Store.LinkOf(ctx, userID, Login)
	if errors.Is(err, authority.ErrNotFound) {
		return false, nil
	}
	age := l.cfg.Now().Sub(last.CreatedAt)
	good := last.UsedAt.IsZero() && last.EndedAt.IsZero() && !l.requests.isLost(&last)
	return err == nil && good && age >= 0 && age < freshFor, err
}
