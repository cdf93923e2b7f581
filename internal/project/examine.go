package project

import (
	"context"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/sealed"
	"github.com/jeton-io/jeton/internal/secret"
)

// examination is the one examination of the tokens of a call, for whoever presents them and for an administrator who asks why they are
// refused.
//
//	project? ─▶ open and read each token by each set, judge what is found, look one user up ─▶ address? seal? times? … replay?
//	            └──────────────── the same work, whatever there is ────────────────────────┘   └─ only tells what was found ─┘
//
// All the work comes first, and the steps after it only say what was found. So a padding that is wrong takes as long to refuse as a
// time or a name: a server that stopped at the padding would decrypt, for whoever can ask it often, every token of the modes that
// aren't authenticated, and seal texts for him (Vaudenay, EUROCRYPT 2002). What differs is what a processor does with other bytes,
// which the time before each refusal covers, and the bound on failures keeps from being measured.
//
// With a trace it notes what each step has found, uses nothing up and makes nobody; else it is the same.
type examination struct {
	*Projects
	presented authority.SealedTokens
	from      netip.Addr
	now       time.Time
	asOf      int64            // the revision of the feed as of which the project is known, at the least
	trace     *authority.Trace // nil where nobody asks
	// authenticatedOnly has no set be tried whose tokens can be forged: for whoever has failed too often.
	authenticatedOnly bool

	project *compiled
	sets    []*openSet // those that are tried
	asked   string     // the security context that the call names, decoded
	tokens  []*token   // one or two; the security token first
	caller  caller
}

// fault is why a step fails.
type fault = authority.Fault

// fault makes a fault. What is found is made into a text for nobody but who asks.
func (e *examination) fault(reason authority.Reason, fix, format string, args ...any) fault {
	if e.trace == nil {
		return fault{Reason: reason}
	}
	return fault{Reason: reason, Found: fmt.Sprintf(format, args...), Fix: fix}
}

// steps returns the steps in their order. What refuses a token for what it is comes before what depends on the time, and that before
// what depends on its user; it is used up last, so that what is refused for anything else can be presented again.
func (e *examination) steps() []authority.Check {
	return []authority.Check{
		{Name: "project", Take: e.findProject},
		{Name: "address", Take: e.judgeAddress},
		{Name: "seal", Take: e.judged(sealCheck, e.tellSeal)},
		{Name: "times", Take: e.judged(timesCheck, e.tellTimes)},
		{Name: "context", Take: e.judged(contextCheck, e.tellContext)},
		{Name: "app_key", Take: e.judged(appKeyCheck, e.tellAppKey)},
		{Name: "user", Take: e.judgeUser},
		{Name: "replay", Take: e.use},
	}
}

// run takes the steps. It returns a *authority.Refusal where one fails, and any other error where nobody knows.
func (e *examination) run(ctx context.Context) error {
	reason, err := e.trace.Examine(ctx, e.steps())
	if err == nil && reason != "" {
		err = e.refusal(reason)
	}
	return err
}

// refusal says which token set's token was refused, or else of which project, and about which user, as far as that is known.
func (e *examination) refusal(reason authority.Reason) error {
	ref := &authority.Refusal{Reason: reason, UserID: e.caller.ID}
	switch {
	case len(e.tokens) > 0 && e.tokens[0].opened():
		ref.ID = e.tokens[0].chosen.set.ID
	case e.project != nil:
		ref.ID = e.project.ID
	}
	return ref
}

// findProject finds whose tokens they are: the project of the service that is called, which the call may name, too, or the one that it
// names, or the default one. A call to a service can't choose another project: who has a key of that would be let in here.
//
// Then it does the work. That there is no such project is told before: which projects there are is no secret, and there would be no
// sets to do the work with.
func (e *examination) findProject(ctx context.Context) (fault, error) {
	if f := e.locate(); f.Reason != "" {
		return f, nil
	}
	e.trace.Note("It is the project %d, %s.", e.project.Number, shown(e.project.Name))
	return fault{}, e.lookAtAll(ctx)
}

// locate finds the project, and the sets by which its tokens are tried.
func (e *examination) locate() fault {
	number, ok := e.number()
	if !ok {
		return e.fault(authority.ReasonUnknownProject, "Give the number in decimal digits, as "+e.cfg.Parameters.Project+"=1000.",
			"The number of a project, %s, is none.", shown(e.presented.Number))
	}
	t := e.compiled.Load()
	c, ok := t.byNumber[number]
	if id := e.presented.Project; id != uuid.Nil {
		c, ok = t.byID[id]
		if ok && e.presented.Number != "" && c.Number != number {
			return e.fault(authority.ReasonUnknownProject, "Leave the number out, or give that of the service's project.",
				"The call names the project %d; the service's is %d.", number, c.Number)
		}
	}
	if !ok {
		return e.fault(authority.ReasonUnknownProject, "Make the project, or give the number of another.", "There is no project %d.", number)
	}
	e.project, e.sets = c, c.sets
	if e.authenticatedOnly {
		e.sets = slices.DeleteFunc(slices.Clone(c.sets), func(s *openSet) bool { return s.Forgeable() })
	}
	return fault{}
}

// authenticated reports whether a set of an authenticated mode opens each of the tokens: then whoever made them has the key.
func (e *examination) authenticated(ctx context.Context) bool {
	if f := e.locate(); f.Reason != "" {
		return false
	}
	for _, t := range []struct {
		text      secret.Text
		parameter string
	}{{e.presented.Security, e.cfg.Parameters.Security}, {e.presented.User, e.cfg.Parameters.User}} {
		raw, spelled := sealed.DecodeQuery(t.text.Reveal())
		if t.text != "" && (!spelled || !e.anyOpens(ctx, raw, t.parameter)) {
			return false
		}
	}
	return true
}

func (e *examination) anyOpens(ctx context.Context, token []byte, parameter string) bool {
	for _, set := range e.sets {
		e.prepare(set)
		if cipher, err := set.await(ctx); err == nil {
			if _, sound := cipher.Open(token, sealed.Bound(e.project.Number, parameter)); sound == 1 {
				return true
			}
		}
	}
	return false
}

// number returns the number by which the call names the project, the default where it doesn't.
func (e *examination) number() (int, bool) {
	if e.presented.Number == "" {
		return DefaultNumber, true
	}
	text, ok := unescaped(e.presented.Number)
	n, err := strconv.ParseUint(text, 10, 31) // which takes no sign
	return int(n), ok && err == nil && n > 0
}

// unescaped returns what stands in a query, percent-decoded.
func unescaped(text secret.Text) (string, bool) {
	plain, err := url.QueryUnescape(text.Reveal())
	return plain, err == nil
}

// lookAtAll does the work. What comes of it is judged afterwards.
func (e *examination) lookAtAll(ctx context.Context) error {
	var whole bool
	e.asked, whole = unescaped(e.presented.Context)
	if !whole {
		e.asked = e.presented.Context.Reveal() // which no token has: it holds a percent sign that escapes nothing
	}
	e.demand()
	for _, set := range e.sets {
		e.prepare(set)
	}
	for _, t := range e.tokens {
		if err := e.read(ctx, t); err != nil {
			return err
		}
	}
	return e.lookUp(ctx)
}

// demand says which tokens there are, and what is demanded of each.
//
// A security token says which application calls, since when: it needs a time, and the context and app key that the project asks for.
// A user token beside it says for whom alone: what it says of its own time must hold, and the rest was said. A user token that stands
// alone must say all of it, or, where the project is content with that, a time at least: it would count for ever else.
func (e *examination) demand() {
	security := &token{
		name: "security token", parameter: e.cfg.Parameters.Security, text: e.presented.Security, dated: true, vouched: vouchedAll,
	}
	user := &token{name: "user token", parameter: e.cfg.Parameters.User, text: e.presented.User, named: true}
	switch {
	case user.text == "":
		e.tokens = []*token{security}
	case security.text != "":
		e.tokens = []*token{security, user}
	default:
		user.dated, user.vouched = true, vouchedAll
		if !e.project.TokenRequired {
			user.vouched = vouchedPresent
		}
		e.tokens = []*token{user}
	}
}

// judgeAddress holds the call to the addresses of the project. One that isn't known is from nowhere, but for an administrator who
// doesn't ask about any.
func (e *examination) judgeAddress(context.Context) (fault, error) {
	limits := authority.Limits{From: e.project.AllowedIPs}
	switch {
	case len(limits.From) == 0:
		e.trace.Note("Tokens of the project count from every address.")
	case e.trace != nil && !e.from.IsValid():
		e.trace.Note("No address is given, so it isn't judged: the project has a list.")
	case limits.Admits(e.from):
		e.trace.Note("The address %s is one of the project's.", e.from)
	default:
		return e.fault(authority.ReasonAddressNotAllowed, "Call from one of its addresses, or add this one (allowed_ips). Behind a proxy, see that Jeton trusts it to tell the client's address.",
			"The address %s is none of the project's.", e.from), nil
	}
	return fault{}, nil
}

// judged is the step of a check, whose faults were found with the work: the first token's, or else the second's. Where there are none it
// notes what tell says of each.
func (e *examination) judged(c check, tell func(*token) string) func(context.Context) (fault, error) {
	return func(context.Context) (fault, error) {
		for _, t := range e.tokens {
			if f := t.chosen.faults[c]; f.Reason != "" {
				return f, nil
			}
		}
		if e.trace != nil {
			e.trace.Note("%s", told(e.tokens, tell))
		}
		return fault{}, nil
	}
}

// caller is who calls, as far as that was found.
type caller struct {
	account.User        // without an ID where it isn't there
	name         string // by which a token names it
	named        bool   // a token does; else it is the project's service account
}
