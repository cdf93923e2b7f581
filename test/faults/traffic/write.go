package traffic

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/jeton-io/jeton/test/faults/journal"
)

// A password's hash that costs nothing to make; the first log-in has it hashed anew.
const (
	password     = "correct horse battery staple"
	passwordHash = "$pbkdf2-sha256$i=1$c2FsdHNhbHRzYWx0$4MvndT3WxpZBgTr0GnlsI3zbnRNMwBomQR+L/0mcI4U"
)

// owner is a user of the harness's, with a personal token.
type owner struct {
	user     journal.Thing
	name     string
	password *credential
	token    *credential
	tokens   int // how many were made
}

// write makes a change and writes it down. The context doesn't end it: a change under way is heard out.
func (t *Traffic) write(ctx context.Context, w journal.Write, by *credential, c call) journal.Outcome {
	c.header, w.By = by.header, by.thing
	w.Sent = t.Journal.Now()
	w.Status = t.public.do(context.WithoutCancel(ctx), c)
	w.Answered, w.Outcome = t.Journal.Now(), outcomeOf(w.Status)
	if w.Op == journal.Make && w.Outcome == journal.Done && w.Until == 0 {
		w.Until = t.untilOf(c.answer)
	}
	if w.Op == journal.Make && w.Outcome != journal.Done && w.Former != "" {
		w.Thing = "" // what was made, if it was, nobody holds
	}
	t.Journal.Add(w)
	t.changed.Store(w.Thing, w.Answered)
	if w.Former != "" {
		t.changed.Store(w.Former, w.Answered)
	}
	return w.Outcome
}

// untilOf reads from an answer when the token in it is over.
func (t *Traffic) untilOf(answer any) time.Duration {
	var token string
	switch a := answer.(type) {
	case *issued:
		token = a.Token
	case *granted:
		token = a.Token
	}
	if end, ok := endOf(token); ok {
		return t.Journal.At(end)
	}
	return 0
}

// issued is an answer of /v1 with a new record, and its secret where it has one.
type issued struct{ ID, Token string }

// granted is the answer to an exchange.
type granted struct {
	Token string `json:"access_token"`
}

// newOwner makes a user with a personal token; nil where the one or the other isn't known to be made. The password is a
// credential of the run where it is to be checked; each check of one that a node hasn't seen costs it a hash.
func (t *Traffic) newOwner(ctx context.Context, checked bool) *owner {
	name := fmt.Sprintf("u%d", t.numbers.Add(1))
	o := &owner{user: journal.Thing("user/" + name), name: name}
	body := map[string]any{"username": name, "password_hash": passwordHash}
	var made issued
	if t.write(ctx, journal.Write{Op: journal.Make, Thing: o.user}, t.admin, call{"POST", "/v1/users", "", body, &made}) != journal.Done {
		return nil
	}
	t.ids.Store(o.user, made.ID)
	o.password = basic(journal.Thing("password/"+name), name, password)
	if checked {
		now := t.Journal.Now()
		t.Journal.Add(journal.Write{Sent: now, Answered: now, Op: journal.Make, Thing: o.password.thing, Parent: o.user, Outcome: journal.Done})
		t.pool.enter(o.password)
	}
	if !t.newToken(ctx, o, o.password) {
		return nil
	}
	return o
}

// newToken has an owner make a personal token in the place of the former one.
func (t *Traffic) newToken(ctx context.Context, o *owner, by *credential) bool {
	o.tokens++
	w := journal.Write{Op: journal.Make, Thing: journal.Thing(fmt.Sprintf("personal/%s/%d", o.name, o.tokens)), Parent: o.user}
	thing := w.Thing
	if o.token != nil {
		w.Former = o.token.thing
	}
	var made issued
	if t.write(ctx, w, by, call{"POST", "/v1/me/personal-token", "", nil, &made}) != journal.Done {
		return false
	}
	o.token = t.pool.enter(bearer(thing, made.Token))
	return true
}

// newAPIToken makes an API token of an owner's; nil where it isn't known to be made.
func (t *Traffic) newAPIToken(ctx context.Context, o *owner) *credential {
	name := fmt.Sprintf("api%d", t.numbers.Add(1))
	thing := journal.Thing("api/" + name)
	body := map[string]any{"name": name, "user": o.name, "expires_in_days": 30}
	var made issued
	if t.write(ctx, journal.Write{Op: journal.Make, Thing: thing, Parent: o.user}, t.admin, call{"POST", "/v1/api-tokens", "", body, &made}) != journal.Done {
		return nil
	}
	t.ids.Store(thing, made.ID)
	return t.pool.enter(bearer(thing, made.Token))
}

// newAccessToken exchanges an API token; nil where nothing came of it.
func (t *Traffic) newAccessToken(ctx context.Context, api *credential) *credential {
	thing := journal.Thing(fmt.Sprintf("access/%s/%d", api.thing[len("api/"):], t.numbers.Add(1)))
	form := url.Values{
		"grant_type":         {"urn:ietf:params:oauth:grant-type:token-exchange"},
		"subject_token":      {api.header[len("Bearer "):]},
		"subject_token_type": {"urn:ietf:params:oauth:token-type:jwt"},
	}
	var made granted
	w := journal.Write{Op: journal.Make, Thing: thing, Parent: api.thing}
	if t.write(ctx, w, &credential{}, call{"POST", "/oauth/token", "", form, &made}) != journal.Done {
		return nil
	}
	return t.pool.enter(bearer(thing, made.Token))
}

// rotate has a user rotate the own token, and now and then revoke it and make a first one again by password. Where the
// outcome isn't known the user is let go: its next token may come yet, in the place of any that is made now.
func (t *Traffic) rotate(ctx context.Context, r *rand.Rand) {
	var probing sync.WaitGroup
	defer probing.Wait()
	var o *owner
	for pause(ctx, r, 300*time.Millisecond, 1200*time.Millisecond) {
		if o == nil {
			if o = t.newOwner(ctx, false); o != nil {
				t.pool.add(o.token)
			}
			continue
		}
		former, by := o.token, o.token
		if r.IntN(5) == 0 {
			w := journal.Write{Op: journal.End, Thing: former.thing}
			if t.write(ctx, w, former, call{"DELETE", "/v1/me/personal-token", "", nil, nil}) != journal.Done {
				o = nil
				continue
			}
			t.probe(ctx, &probing, former)
			o.token, by = nil, o.password
		}
		done := t.newToken(ctx, o, by)
		t.pool.retire(former)
		switch {
		case !done:
			o = nil
		case by == former:
			t.probe(ctx, &probing, former)
			fallthrough
		default:
			t.pool.add(o.token)
		}
	}
}

// toggle disables and enables an API token a few times and deletes it, and then the next.
func (t *Traffic) toggle(ctx context.Context, r *rand.Rand) {
	var probing sync.WaitGroup
	defer probing.Wait()
	var o *owner
	for pause(ctx, r, 200*time.Millisecond, 600*time.Millisecond) {
		if o == nil {
			if o = t.newOwner(ctx, false); o != nil {
				t.pool.add(o.token)
			}
			continue
		}
		if api := t.newAPIToken(ctx, o); api != nil {
			t.toggleOne(ctx, r, &probing, api)
		}
	}
}

// toggleOne leads an API token through its life.
func (t *Traffic) toggleOne(ctx context.Context, r *rand.Rand, probing *sync.WaitGroup, api *credential) {
	t.pool.add(api)
	defer t.pool.retire(api)
	id, _ := t.ids.Load(api.thing)
	path := fmt.Sprint("/v1/api-tokens/", id)
	for range 1 + r.IntN(3) {
		credentials := []*credential{api}
		if access := t.newAccessToken(ctx, api); access != nil {
			t.pool.add(access)
			defer t.pool.retire(access)
			credentials = append(credentials, access)
		}
		if !pause(ctx, r, 200*time.Millisecond, 1500*time.Millisecond) {
			return
		}
		if t.write(ctx, journal.Write{Op: journal.Off, Thing: api.thing}, t.admin, call{"PATCH", path, "", map[string]any{"enabled": false}, nil}) != journal.Done {
			return
		}
		t.probe(ctx, probing, credentials...)
		if !pause(ctx, r, 100*time.Millisecond, 2000*time.Millisecond) {
			return
		}
		if t.write(ctx, journal.Write{Op: journal.On, Thing: api.thing}, t.admin, call{"PATCH", path, "", map[string]any{"enabled": true}, nil}) != journal.Done {
			return
		}
	}
	if t.write(ctx, journal.Write{Op: journal.End, Thing: api.thing}, t.admin, call{"DELETE", path, "", nil, nil}) == journal.Done {
		t.probe(ctx, probing, api)
	}
}

// block blocks and unblocks a user with all that it has.
func (t *Traffic) block(ctx context.Context, r *rand.Rand) {
	var probing sync.WaitGroup
	defer probing.Wait()
	for pause(ctx, r, 200*time.Millisecond, 600*time.Millisecond) {
		if o := t.newOwner(ctx, false); o != nil {
			t.blockOne(ctx, r, &probing, o)
		}
	}
}

// blockOne leads a user through its life, until something isn't known of it.
func (t *Traffic) blockOne(ctx context.Context, r *rand.Rand, probing *sync.WaitGroup, o *owner) {
	api := t.newAPIToken(ctx, o)
	if api == nil {
		return
	}
	credentials := []*credential{o.token, api}
	for _, c := range credentials {
		t.pool.add(c)
		defer t.pool.retire(c)
	}
	set := func(op journal.Op, state string) bool {
		body := map[string]any{"state": state}
		return t.write(ctx, journal.Write{Op: op, Thing: o.user}, t.admin, call{"PATCH", "/v1/users/" + o.name, "", body, nil}) == journal.Done
	}
	for range 4 + r.IntN(4) {
		if !pause(ctx, r, 500*time.Millisecond, 7500*time.Millisecond) || !set(journal.Off, "blocked") {
			return
		}
		t.probe(ctx, probing, credentials...)
		if !pause(ctx, r, 500*time.Millisecond, 7500*time.Millisecond) || !set(journal.On, "active") {
			return
		}
	}
	if t.write(ctx, journal.Write{Op: journal.End, Thing: o.user}, t.admin, call{"DELETE", "/v1/users/" + o.name, "", nil, nil}) == journal.Done {
		t.probe(ctx, probing, credentials...)
	}
}

// exchange gets access tokens for the steady API tokens, shows each to every node at once, and lets those go that are over.
// Now and then it has the key rotated that signs them: no node may be the last to know it.
func (t *Traffic) exchange(ctx context.Context, r *rand.Rand) {
	var apis, access []*credential
	for _, c := range t.pool.every() {
		if c.thing.Kind() == journal.APIToken {
			apis = append(apis, c)
		}
	}
	for i := 0; pause(ctx, r, 1500*time.Millisecond, 2500*time.Millisecond); i++ {
		times := 1
		if i%5 == 0 {
			t.public.do(ctx, call{"POST", "/v1/keys", t.admin.header, map[string]any{"purpose": "access_token"}, nil}) // fails where nothing works
			times = len(t.Lab.Nodes)                                                                                   // nginx goes from one to the next
		}
		for range times {
			if c := t.newAccessToken(ctx, apis[i%len(apis)]); c != nil {
				t.pool.addSteady(c)
				access = append(access, c)
				t.show(ctx, c)
			}
		}
		for len(access) > 0 {
			if end, ok := endOf(access[0].header[len("Bearer "):]); ok && time.Now().Before(end) {
				break
			}
			t.pool.retire(access[0])
			access = access[1:]
		}
	}
}

// show has every node judge a credential at once.
func (t *Traffic) show(ctx context.Context, c *credential) {
	var showing sync.WaitGroup
	for _, d := range t.doors {
		showing.Go(func() { t.Journal.Add(d.ask(context.WithoutCancel(ctx), t.Journal, c, journal.Steady)) })
	}
	showing.Wait()
}

// make makes users, of which some are deleted again.
func (t *Traffic) make(ctx context.Context, r *rand.Rand) {
	for pause(ctx, r, 300*time.Millisecond, 900*time.Millisecond) {
		name := fmt.Sprintf("u%d", t.numbers.Add(1))
		thing := journal.Thing("user/" + name)
		var made issued
		done := t.write(ctx, journal.Write{Op: journal.Make, Thing: thing}, t.admin, call{"POST", "/v1/users", "", map[string]any{"username": name}, &made})
		t.ids.Store(thing, name)
		if done == journal.Done && made.ID != "" {
			t.ids.Store(thing, made.ID)
		}
		if done == journal.Done && r.IntN(4) == 0 {
			t.write(ctx, journal.Write{Op: journal.End, Thing: thing}, t.admin, call{http.MethodDelete, "/v1/users/" + name, "", nil, nil})
		}
	}
}
