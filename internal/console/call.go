package console

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/web"
	"github.com/jeton-io/jeton/internal/words"
)

// access says who may use a route.
type access uint8

const (
	anybody access = iota
	owners         // whoever has a session, and of a path with an {id} its user alone
	admins         // administrators, whose paths name whatever there is

	// lately is said of a GET beside owners or admins, as in admins|lately: whoever has proved lately that he is the one (see recent.go).
	// Of a POST it goes without saying, as at /v1, unless it has anytime beside it: where nothing is changed, or the handler sees to it.
	lately  access = 1 << 4
	anytime access = 1 << 5
)

// handler answers one call. It either answers, or returns an error and has written nothing, nor changed anything but some rows of those
// that were chosen in a list, which comes to the same when it is done again: run may call it twice.
type handler func(c *call) error

// call is one request.
type call struct {
	s         *server
	w         http.ResponseWriter
	r         *http.Request
	presented authority.Presented
	principal authority.Principal // zero until it is known
	words     *words.Words        // of the reader's language
	asOf      int64               // the revision as of which the principal is known
	fields    []string            // of a POST: those that its form may have, each once
	form      map[string]string   // of a POST: those that it has
	lists     map[string][]string // of a POST: its fields that may stand more than once
	proved    bool                // the log-in is recent, or the form was opened while it was
	notYet    bool                // the form wasn't taken, since the log-in is of long ago
}

// newCall doesn't look at Authorization. A browser that was given a password at another door of this host may send it
// along with every request, and to be logged in here is another thing.
func (s *server) newCall(w http.ResponseWriter, r *http.Request) *call {
	client, _ := s.cfg.Peers.Client(r)
	presented := web.PresentedHere(r, client)
	presented.Authorization = nil
	return &call{s: s, w: w, r: r, presented: presented, words: s.spoken(r)}
}

// serve registers a handler for those who have access. There is no other way to serve one, so none can be forgotten to
// be guarded.
func (s *server) serve(pattern string, who access, h handler, fields ...string) {
	s.serveForm(pattern, who, h, nil, fields...)
}

// serveForm is serve for a form in which somebody has typed something: again shows it as it was sent, without the secrets in it, where
// the log-in isn't recent. It changes nothing.
func (s *server) serveForm(pattern string, who access, h, again handler, fields ...string) {
	if strings.HasPrefix(pattern, http.MethodPost) && who != anybody {
		who |= lately
	}
	if who&anytime != 0 {
		who &^= anytime | lately
	}
	if who&lately != 0 && len(fields) > 0 {
		fields = append(slices.Clip(fields), openedField)
	}
	s.served = append(s.served, pattern)
	s.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		c := s.newCall(w, r)
		if err := c.run(who, h, again, fields); err != nil {
			c.fail(err)
		}
	})
}

// run lets a call in, reads its form and answers it. Of whoever isn't known, no body is read.
//
// A change whose author has changed since it was let in is refused by the store. Then who it is is asked again, after this
// process has heard of that change, and the handler, which has done nothing, runs once more.
func (c *call) run(who access, h, again handler, fields []string) error {
	if err := c.admit(who &^ lately); err != nil {
		return err
	}
	if c.r.Method == http.MethodPost {
		if err := c.readForm(fields); err != nil {
			return err
		}
	}
	err := c.do(who, h, again) // after admit: what is no business of his isn't confirmed either
	if !errors.Is(err, authority.ErrActorChanged) {
		return err
	}
	if err := c.s.cfg.Feed.Hear(c.r.Context()); err != nil {
		return err
	}
	if err := c.admit(who &^ lately); err != nil {
		return err
	}
	return c.do(who, h, again)
}

// do runs a handler once the log-in is recent, if it has to be. Else a form is shown again, if it can be as it was.
func (c *call) do(who access, h, again handler) error {
	err := c.confirmed(who)
	if err == nil {
		return h(c)
	}
	if again == nil || !errors.Is(err, errNotRecent) {
		return err
	}
	c.notYet = true
	broken := again(c)
	if broken == nil {
		web.Note(c.w).Reason = string(authority.ReasonNotRecent)
		return nil
	}
	c.notYet = false
	if web.ProblemOf(broken).Status >= http.StatusInternalServerError {
		return broken
	}
	return err // the form names what isn't there, or no longer is as it was
}

// errNoSession is that of a browser that has never logged in, or was closed since. It comes without a cookie, claims
// nothing and reads no page: no refusal worth a row of the audit log.
var errNoSession = &authority.Refusal{Reason: authority.ReasonNoCredential}

// admit refuses whoever has no access, however long ago he logged in. Whether there is a user of another ID makes no difference.
func (c *call) admit(who access) error {
	if who == anybody {
		return nil
	}
	if safe(c.r.Method) && !c.hasCookie() {
		web.Note(c.w).Reason = string(errNoSession.Reason)
		return errNoSession
	}
	if err := c.identify(&c.s.inside); err != nil {
		return err
	}
	if who == admins {
		return c.demandAdmin()
	}
	if id := c.r.PathValue("id"); id != "" && id != c.principal.ID.String() {
		return authority.ErrNotFound
	}
	return nil
}

// demandAdmin refuses whoever is no administrator, as /v1 does.
func (c *call) demandAdmin() error {
	if c.principal.Admin() {
		return nil
	}
	web.Note(c.w).Reason = string(authority.ReasonNotAllowed)
	return c.s.cfg.Authority.Forbid(authority.ReasonNotAllowed, &c.presented, &c.s.inside, &c.principal)
}

func safe(method string) bool { return method == http.MethodGet || method == http.MethodHead }

func (c *call) hasCookie() bool { return len(c.r.CookiesNamed(c.s.cfg.Cookies.Console())) > 0 }

// identify says whose the call is. Refusals have been entered for the audit log.
func (c *call) identify(door *authority.Door) (err error) {
	line := web.Note(c.w)
	c.asOf = c.s.cfg.Feed.Revision() // before it is asked who calls: the answer is at least as new
	c.principal, err = c.s.cfg.Authority.Identify(c.r.Context(), &c.presented, door)
	if ref, ok := errors.AsType[*authority.Refusal](err); ok {
		line.Refused(ref)
	}
	if err != nil {
		return err
	}
	line.Caller(&c.principal)
	return nil
}

// actor is the caller as the audit log names it.
func (c *call) actor() audit.Actor { return web.Actor(&c.principal, c.presented.Peer, c.asOf) }

// redirect sends the browser to a path of ours, to be read by GET whatever the method was (RFC 9110, section 15.4.4). All
// are of ASCII: next has seen to the one that others choose.
func (c *call) redirect(path string) error {
	c.w.Header().Set("Location", path)
	c.w.WriteHeader(http.StatusSeeOther)
	return nil
}

// id returns the ID in the path. What isn't one is no record's.
func (c *call) id() (uuid.UUID, error) { return parseID(c.r.PathValue("id")) }

func parseID(text string) (uuid.UUID, error) {
	id, err := uuid.Parse(text)
	if err != nil || id.String() != text {
		return uuid.Nil, authority.ErrNotFound
	}
	return id, nil
}

// ended reports whether a time has come; zero is none.
func (c *call) ended(at time.Time) bool { return !at.IsZero() && !c.s.cfg.Now().Before(at) }

// done leads to a page of ours, which says what was done.
func (c *call) done(path string, said notice) error {
	return c.redirect(path + "?" + noticeParameter + "=" + string(said))
}

// to returns the handler that only sends to another path.
func to(path string) handler { return func(c *call) error { return c.redirect(path) } }
