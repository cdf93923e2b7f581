package httpapi_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/internal/accesstoken"
	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/apitoken"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/catalog"
)

// event is one event as a listener hears it.
type event struct{ name, id, data string }

// listening is a stream of GET /v1/feed.
type listening struct {
	header http.Header
	lines  *bufio.Scanner
	cursor string
	hang   context.CancelFunc
}

// listen opens the feed from a cursor on, or with a query; it fails the test where that is refused.
func (d *desk) listen(t *testing.T, token, cursor string) *listening {
	t.Helper()
	ctx, hang := context.WithCancel(t.Context())
	t.Cleanup(hang)
	query := ""
	if strings.HasPrefix(cursor, "?") {
		query, cursor = cursor, ""
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, d.URL+"/v1/feed"+query, http.NoBody)
	check(t, err)
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Accept", "text/event-stream")
	if cursor != "" {
		r.Header.Set("Last-Event-ID", cursor)
	}
	res, err := d.Client().Do(r)
	check(t, err)
	t.Cleanup(func() { _ = res.Body.Close() })
	if res.StatusCode != http.StatusOK {
		t.Fatalf("got status %d", res.StatusCode)
	}
	return &listening{header: res.Header, lines: bufio.NewScanner(res.Body), cursor: cursor, hang: hang}
}

// next returns the next event; none at the end of the stream.
func (l *listening) next() (e event, ok bool) {
	for l.lines.Scan() {
		name, value, _ := strings.Cut(l.lines.Text(), ": ")
		switch name {
		case "":
			if e.id != "" {
				l.cursor = e.id
			}
			return e, true
		case "event":
			e.name = value
		case "id":
			e.id = value
		case "data":
			e.data = value
		}
	}
	return e, false
}

// until returns what is heard up to an event of a name, without heartbeats: each by its name and, where it has one, its ID.
func (l *listening) until(t *testing.T, name string) (heard []string) {
	t.Helper()
	for {
		e, ok := l.next()
		if !ok {
			t.Fatalf("the stream ended after %q", heard)
		}
		var data api.FeedEvent
		check(t, json.Unmarshal([]byte(e.data), &data))
		if e.name != api.FeedHeartbeat {
			heard = append(heard, strings.TrimSpace(e.name+" "+data.ID))
		}
		if e.name == name {
			return heard
		}
	}
}

// ends waits for the end of the stream, and returns what came before.
func (l *listening) ends(t *testing.T) (heard []string) {
	t.Helper()
	for {
		e, ok := l.next()
		if !ok {
			return heard
		}
		if e.name != api.FeedHeartbeat {
			heard = append(heard, e.name)
		}
	}
}

// TestFeed hears each sort of change as it is made, and goes on from where it was.
func TestFeed(t *testing.T) {
	d, alice, tokens := verifying(t)
	l := d.listen(t, tokens["reporter"], "")
	for name, want := range map[string]string{"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"} {
		if got := l.header.Get(name); got != want {
			t.Errorf("got %s %q, want %q", name, got, want)
		}
	}
	if diff := cmp.Diff([]string{"reset"}, l.until(t, api.FeedHeartbeat)); diff != "" {
		t.Errorf("at first (-want +got): %s", diff)
	}
	tokens["alice"] = d.rotate(t, alice.ID)
	blocked := account.Blocked
	_, err := d.accounts.Update(t.Context(), alice.ID, 0, account.Patch{State: &blocked}, adminActor())
	check(t, err)
	if diff := cmp.Diff([]string{"credential " + alice.ID.String(), "user " + alice.ID.String()}, l.until(t, api.FeedUser)); diff != "" {
		t.Errorf("of changes (-want +got): %s", diff)
	}
	l.until(t, api.FeedHeartbeat) // by which the cursor is that of all before
	l.hang()
	check(t, d.catalog.Delete(t.Context(), "bills", adminActor()))
	again := d.listen(t, tokens["reporter"], l.cursor)
	if diff := cmp.Diff([]string{"resumed", "policy"}, again.until(t, api.FeedPolicy)); diff != "" {
		t.Errorf("after a gap (-want +got): %s", diff)
	}
	forged := "A" + l.cursor[1:len(l.cursor)-1] + flip(l.cursor)[len(l.cursor)-1:]
	if diff := cmp.Diff([]string{"reset"}, d.listen(t, tokens["reporter"], forged).until(t, api.FeedHeartbeat)); diff != "" {
		t.Errorf("with a forged cursor (-want +got): %s", diff)
	}
}

// TestFeedEnds: with a listener's credential its stream ends, before it hears another thing, and so it does with its being a verifier.
func TestFeedEnds(t *testing.T) {
	d, _, tokens := verifying(t)
	reporter, err := d.accounts.Find(t.Context(), "reporter")
	check(t, err)
	cut, kept := d.listen(t, tokens["reporter"], ""), d.listen(t, tokens["biller"], "")
	cut.until(t, api.FeedHeartbeat)
	kept.until(t, api.FeedHeartbeat)
	d.rotate(t, reporter.ID)
	if heard := cut.ends(t); len(heard) != 0 {
		t.Errorf("got %q by a token that was rotated", heard)
	}
	if diff := cmp.Diff([]string{"credential " + reporter.ID.String()}, kept.until(t, api.FeedCredential)); diff != "" {
		t.Errorf("the twin (-want +got): %s", diff)
	}
	check(t, d.catalog.Delete(t.Context(), "bills", audit.Actor{})) // whose only verifier it is
	if heard := kept.ends(t); len(heard) != 0 {
		t.Errorf("got %q by a verifier of nothing", heard)
	}
}

// TestFeedStale: a node that hasn't heard the feed tells its listeners so, by silence.
func TestFeedStale(t *testing.T) {
	d, _, tokens := verifying(t)
	beats := func(doubt bool) (count int) {
		l := d.listen(t, tokens["reporter"], "?seconds=3")
		l.until(t, api.FeedHeartbeat)
		if doubt {
			d.changes.Doubt()
		}
		for {
			if _, ok := l.next(); !ok {
				return count
			}
			count++
		}
	}
	if got := beats(true); got != 0 {
		t.Errorf("got %d heartbeats from a node that isn't fresh", got)
	}
	check(t, d.changes.CatchUp(t.Context()))
	if got := beats(false); got == 0 {
		t.Error("got no heartbeat from one that is")
	}
}

// TestFeedRefusals: who may not ask for verdicts doesn't hear, and there is room for so many.
func TestFeedRefusals(t *testing.T) {
	d, _, tokens := verifying(t)
	d.refused(t)
	for _, who := range []string{"alice", "stranger"} {
		for _, route := range []string{"GET /v1/feed?seconds=0", "GET /v1/policy"} {
			d.want(t, ask{route: route, token: tokens[who]}, http.StatusForbidden, api.CodeNotAllowed)
			if diff := cmp.Diff([]string{"v1 not_allowed personal_token"}, d.refused(t)); diff != "" {
				t.Errorf("%s by %s (-want +got): %s", route, who, diff)
			}
		}
	}
	once := ask{route: "GET /v1/feed?seconds=0", token: tokens["reporter"]}
	d.want(t, once, http.StatusOK, "")
	for header, status := range map[string]int{"application/json": 406, "text/event-stream;q=0": 406, "text/*": 200, "text/event-stream": 200, "*/*": 200} {
		once.header = map[string]string{"Accept": header}
		if got := d.do(t, once); got.status != status {
			t.Errorf("with Accept %s: got status %d, want %d", header, got.status, status)
		}
	}
	once.header = nil
	all := make([]*listening, 64)
	for i := range all {
		all[i] = d.listen(t, tokens["reporter"], "")
	}
	a := d.want(t, once, http.StatusTooManyRequests, api.CodeTooManyRequests)
	if got := a.header.Get("Retry-After"); got != "5" {
		t.Errorf("got Retry-After %q", got)
	}
	d.want(t, ask{route: once.route, token: tokens["biller"]}, http.StatusOK, "")
	all[0].hang()
	for d.do(t, once).status != http.StatusOK { // until the server has heard of it
		check(t, t.Context().Err())
	}
}

// TestPolicy: a verifier is told all of its services and of others on the same host where they stand.
func TestPolicy(t *testing.T) {
	d, _, tokens := verifying(t)
	d.service(t, catalog.Draft{Name: "far", Host: "other.example.com", Verifiers: []string{"biller"}})
	var got api.Policy
	d.want(t, ask{route: "GET /v1/policy", token: tokens["reporter"]}, http.StatusOK, "").into(t, &got)
	if len(got.Services) != 1 || uuid.Validate(got.Services[0].ID) != nil || got.Revision != d.changes.Revision() {
		t.Fatalf("got %+v", got)
	}
	got.Services[0].ID, got.Revision = "", 0
	want := api.Policy{
		Issuer: publicURL, Others: []api.PolicyAddress{{Host: "api.example.com", PathPrefix: "/bills"}},
		Services: []api.PolicyService{{
			PolicyAddress: api.PolicyAddress{Host: "api.example.com", PathPrefix: "/"}, Name: "reports", Default: "deny",
			Operations: []api.PolicyOperation{
				{Pattern: "GET /reports/{id}", Audience: []string{"role:partner"}},
				{Pattern: "GET /users/{id}/reports", Audience: []string{"self:{id}"}},
				{Pattern: "POST /reports", Audience: []string{"role:editor"}},
			},
		}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got: %s", diff)
	}
	var all api.Policy
	d.want(t, ask{route: "GET /v1/policy", token: tokens["root"]}, http.StatusOK, "").into(t, &all)
	if len(all.Services) != 3 || len(all.Others) != 0 {
		t.Errorf("got %+v for an administrator, want all services", all)
	}
}

// TestFeedUsedUp: who asks too often goes on hearing, and no more than that: what it may hear, and whether its own credential was
// taken away, is looked at as ever.
func TestFeedUsedUp(t *testing.T) {
	for name, take := range map[string]func(d *desk, token apitoken.Token){
		"no verifier any more": func(d *desk, _ apitoken.Token) { check(t, d.catalog.Delete(t.Context(), "reports", adminActor())) },
		"its credential changed": func(d *desk, token apitoken.Token) {
			rate := authority.Rate{Calls: 1, Per: time.Hour} // good as it is, and used up
			maker := authority.Principal{User: authority.User{ID: token.UserID, Roles: []string{"admin"}}}
			_, err := d.signed.Update(t.Context(), token.ID, apitoken.Patch{Rate: &rate}, &maker, adminActor())
			check(t, err)
		},
	} {
		t.Run(name, func(t *testing.T) {
			d, _, _ := verifying(t)
			text, token := d.issue(t, apitoken.Draft{
				Name: "listener", User: "reporter", Limits: authority.Limits{Scopes: []string{authority.AdminScope}, Rate: authority.Rate{Calls: 2, Per: time.Hour}},
			})
			l := d.listen(t, d.exchange(t, text, accesstoken.Ask{}), "")
			l.until(t, api.FeedHeartbeat)
			check(t, d.catalog.Delete(t.Context(), "bills", adminActor()))
			l.until(t, api.FeedPolicy) // for which it was asked about once more than it may be
			take(d, token)
			if heard := l.ends(t); len(heard) != 0 {
				t.Errorf("got %q", heard)
			}
		})
	}
}
