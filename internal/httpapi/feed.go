package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/feed"
)

// GET /v1/feed is how verifiers away from Jeton hear of what was taken away: docs/adr/033-the-feed-for-verifiers.md.
//
// It tells that a record changed, by its kind and ID, and never how or whose it was. A verifier hears of every user and
// credential, since Jeton doesn't keep who calls whom; an ID opens nothing, and says nothing to who hasn't met it. Of services it
// hears that some policy changed, and asks GET /v1/policy for what is its own business.

const (
	feedPath    = "/v1/feed"
	eventStream = "text/event-stream"

	// heartbeat is how often a listener hears that its node is fresh.
	heartbeat = time.Second
	// askedAnew is how often it is asked whether the listener's credential still counts: it may have an end, of which the feed
	// doesn't tell. What is taken away ends the stream at once.
	askedAnew = 5 * time.Second
	// slowReader is how long a listener may leave something unread.
	slowReader = 5 * time.Second
	// The listeners at a time: of one user, which may be a service with many processes, and of all where nothing else is set.
	maxListenersOfUser  = 64
	defaultMaxListeners = 1024
)

// listeners counts who listens.
type listeners struct {
	mu  sync.Mutex
	of  map[uuid.UUID]int
	all int
}

// enter counts a listener in, if there is room among so many.
func (l *listeners) enter(user uuid.UUID, most int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.of[user] >= maxListenersOfUser || l.all >= most {
		return false
	}
	if l.of == nil {
		l.of = map[uuid.UUID]int{}
	}
	l.of[user]++
	l.all++
	return true
}

func (l *listeners) leave(user uuid.UUID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all--
	if l.of[user]--; l.of[user] == 0 {
		delete(l.of, user)
	}
}

// feedInput says from where on somebody listens, and for how long: ten minutes at most, so that listeners spread anew over the nodes.
type feedInput struct {
	Cursor      string `query:"cursor" maxLength:"128" doc:"the id of the last event heard; what comes after it is told. Last-Event-ID counts before it."`
	LastEventID string `header:"Last-Event-ID" doc:"likewise, as browsers send it"`
	Seconds     int    `query:"seconds" minimum:"0" maximum:"600" default:"600" doc:"how long to listen at most; 0 for what there is to tell just now"`
}

// streamed describes an operation whose answer is a stream of events.
func streamed(o huma.Operation) huma.Operation {
	o.Responses = map[string]*huma.Response{"200": {
		Description: "Events, each with a cursor as its id and a FeedEvent as its data: reset or resumed, and then user, credential, policy, keys, everything and heartbeat.",
		Content:     map[string]*huma.MediaType{eventStream: {Schema: &huma.Schema{Type: "string"}}},
	}}
	return o
}

// hearFeed streams what has changed. Who may listen is who may ask for verdicts; but no page may, whose log-in would never come to
// its idle end.
func (s *server) hearFeed(_ context.Context, c *call, in *feedInput) (*huma.StreamResponse, error) {
	switch {
	case c.principal.CredentialKind == authority.ConsoleSession:
		_ = s.forbid(c, authority.ReasonNotAllowed, &s.door)
		return nil, tooWeak(c.principal.CredentialKind)
	case !s.mayHear(c):
		return nil, s.forbid(c, authority.ReasonNotAllowed, &s.door)
	case !s.listeners.enter(c.principal.ID, s.cfg.MaxListeners):
		p := api.NewProblem(api.CodeTooManyRequests, "So many listen already that there is no room.")
		p.RetryAfter = slowReader
		return nil, p
	}
	return &huma.StreamResponse{Body: func(huma.Context) {
		defer s.listeners.leave(c.principal.ID)
		l := newListener(s, c)
		l.cursor = in.Cursor
		if in.LastEventID != "" {
			l.cursor = in.LastEventID
		}
		l.run(time.Duration(in.Seconds) * time.Second)
	}}, nil
}

// mayHear reports whether the caller is an administrator, or the verifier of some service.
func (s *server) mayHear(c *call) bool {
	return c.principal.Admin() || len(s.cfg.Catalog.Policy().VerifiedBy(c.principal.ID)) > 0
}

// listener is one stream.
type listener struct {
	s       *server
	c       *call
	control *http.ResponseController
	cursor  string
	told    *feed.Heard // nil before the first
	began   time.Time   // by the machine's clock, which times the stream and no credential
	asked   time.Time   // when the credential was last asked about, likewise
	text    bytes.Buffer
	last    int // where the last event of text begins
}

// newListener begins a stream. Proxies must pass each event on as it comes.
func newListener(s *server, c *call) *listener {
	h := c.w.Header()
	h.Set("Content-Type", eventStream)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no")
	l := &listener{s: s, c: c, control: http.NewResponseController(c.w), began: time.Now()}
	l.asked = l.began
	_ = l.control.SetReadDeadline(time.Time{}) // else the request would be taken for ended when it should have been read
	return l
}

// run tells what there is until the listener goes, the server stops, or the credential counts no more.
func (l *listener) run(length time.Duration) {
	tick := time.NewTicker(heartbeat)
	defer tick.Stop()
	end := time.NewTimer(length)
	defer end.Stop()
	for beat := true; ; {
		heard := l.s.cfg.Feed.Since(l.cursor, l.told)
		if !l.tell(&heard, beat) || length == 0 || l.s.cfg.Feed.Halted() != nil {
			return
		}
		select {
		case <-l.c.r.Context().Done():
			return
		case <-l.s.cfg.Stopping:
			return
		case <-end.C:
			return
		case <-heard.Further:
			beat = false
		case <-tick.C:
			beat = true
		}
	}
}

// tell sends what was heard, and reports whether the listener may hear more. It may not be told even that much where its own
// credential is what was taken away: so that is asked first.
func (l *listener) tell(heard *feed.Heard, beat bool) bool {
	if !l.counts(heard) {
		return false
	}
	l.text.Reset()
	switch {
	case heard.Reset:
		l.event(heard, api.FeedReset, api.FeedEvent{})
	case l.told == nil:
		l.event(heard, api.FeedResumed, api.FeedEvent{})
	}
	for _, change := range heard.Changes {
		if name, id := eventOf(change); name != "" {
			l.event(heard, name, api.FeedEvent{ID: id})
		}
	}
	if beat && heard.Fresh { // a node that hasn't heard itself says nothing, and its listeners grow stale with it
		l.event(heard, api.FeedHeartbeat, api.FeedEvent{
			AgeSeconds: heard.Age.Seconds(), SentSeconds: time.Since(l.began).Seconds(), Time: l.s.cfg.Now(),
		})
	}
	l.cursor, l.told = heard.Cursor, heard
	if l.text.Len() == 0 {
		return true
	}
	_ = l.control.SetWriteDeadline(time.Now().Add(slowReader))
	if _, err := l.c.w.Write(l.whole(heard.Cursor)); err != nil {
		return false
	}
	return l.control.Flush() == nil
}

// event adds one event to what is sent at a time.
func (l *listener) event(heard *feed.Heard, name string, data api.FeedEvent) {
	data.Revision = heard.Revision
	text, _ := json.Marshal(data) // of strings and numbers, which can't fail
	l.last = l.text.Len()
	l.text.WriteString("event: " + name + "\ndata: ")
	l.text.Write(text)
	l.text.WriteString("\n\n")
}

// whole returns what is sent at a time. The cursor stands in its last event alone: who is cut off before that hears it all again.
func (l *listener) whole(cursor string) []byte {
	all := l.text.Bytes()
	return slices.Concat(all[:l.last], []byte("id: "+cursor+"\n"), all[l.last:])
}

// counts reports whether the listener may go on: what touches its user, its credential or who verifies what has it asked anew, and
// so does time, since credentials end. That it asks too often is no reason to be cut off, as long as nothing was changed of itself: who
// it is, is known from before then, and of what it may hear nothing is left out.
func (l *listener) counts(heard *feed.Heard) bool {
	own := heard.Reset && l.told != nil // whatever it was that changed, it may be among it
	touched := own || time.Since(l.asked) >= askedAnew
	if l.told == nil && heard.Revision > l.c.asOf { // since it was asked at the door
		touched = true
	}
	known := l.c.principal
	for _, change := range heard.Changes {
		name, _ := eventOf(change)
		own = own || name == api.FeedEverything || change.ID == known.ID || change.ID == known.CredentialID
		touched = touched || own || name == api.FeedPolicy
	}
	if !touched {
		return true
	}
	l.asked = time.Now()
	err := l.s.identify(l.c, verifiers)
	if ref, ok := errors.AsType[*authority.Refusal](err); ok && ref.Reason.Outcome() == authority.OutcomeTooMany {
		l.c.principal, err = known, nil
		if own { // its roles, say, may be others by now
			return false
		}
	}
	return err == nil && l.s.mayHear(l.c)
}

// eventOf returns the event that tells of a change, and the ID in it; nothing for a change that alters no verdict.
func eventOf(c feed.Change) (name, id string) {
	switch c.Kind {
	case feed.User:
		return api.FeedUser, c.ID.String()
	case feed.PersonalToken, feed.APIToken, feed.ClientSecret, feed.BrowserSession, feed.SessionToken:
		return api.FeedCredential, c.ID.String()
	case feed.Service:
		return api.FeedPolicy, ""
	case feed.SigningKey:
		return api.FeedKeys, ""
	case feed.Pepper, feed.PlatformRules, feed.PlatformKey, feed.TokenSet, feed.Authenticator, feed.Passkey, feed.RecoveryCode:
		return "", ""
	default: // as the node itself does
		return api.FeedEverything, ""
	}
}
