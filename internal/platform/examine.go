package platform

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/jose"
	"github.com/jeton-io/jeton/internal/secret"
)

// examination is the one examination of an assertion, for whoever presents it and for an administrator who asks why it is
// refused. It goes step by step, and ends at the first that fails. Before the signature is found good, nothing that the assertion
// says is believed: it only finds the keys to check it with.
//
// With a trace it notes what each step has found, uses nothing up and makes nobody; else it is the same.
type examination struct {
	*Platforms
	// beside is the platform's ID or code in the URL. Where it is empty the assertion alone says whose it is, by the rules of the
	// jwt-bearer grant (RFC 7523 section 3), which ask for more than BitCanuck's.
	beside string
	text   secret.Text      // the assertion
	trace  *authority.Trace // nil where nobody asks
	asked  uuid.UUID        // the platform that is asked about, where somebody asks

	token    *jose.Token
	platform Platform
	keys     choice      // by which it is tried
	key      candidate   // which has signed it
	claims   jose.Claims // from the signature on
	ends     time.Time
	email    string
	user     account.User // without an ID where it is yet to be made
}

// fault is why a step fails.
type fault = authority.Fault

// failed makes a fault of what is found, and of what to do about it.
func failed(reason authority.Reason, found, fix string) fault {
	return fault{Reason: reason, Found: found, Fix: fix}
}

// steps returns the steps in their order. What refuses an assertion for what it is comes before what depends on the time, and that
// before what depends on its user; it is used up last, so that what is refused for anything else can be presented again.
func (e *examination) steps() []authority.Check {
	return []authority.Check{
		{Name: "form", Take: e.readForm},
		{Name: "platform", Take: e.findPlatform},
		{Name: "key", Take: e.findKey},
		{Name: "signature", Take: e.checkSignature},
		{Name: "type", Take: e.judgeType},
		{Name: "issuer", Take: e.judgeIssuer},
		{Name: "audience", Take: e.judgeAudience},
		{Name: "times", Take: e.judgeTimes},
		{Name: "email", Take: e.readEmail},
		{Name: "user", Take: e.findUser},
		{Name: "scope", Take: e.judgeScope},
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

// refusal says which platform was refused, and about which user, as far as that is known.
func (e *examination) refusal(reason authority.Reason) error {
	return &authority.Refusal{Reason: reason, ID: e.platform.ID, UserID: e.user.ID}
}

// fixForm says how an assertion looks: quotes, blanks and words before it come along where one is copied or logged.
const fixForm = "Present the JWT as the library returns it, without quotes, blanks or a word before it: three segments in base64url without =, divided by dots, the header with alg, kid and typ alone."

// readForm passes the text through the gate: 8 KiB at most, three segments of canonical base64url, a header of alg, kid and typ
// alone, no member twice. An assertion with anything else in its header is refused, not read past it: "jku", "x5u" and "crit" are how
// its sender would have a say in how it is checked (RFC 8725 section 3.10).
func (e *examination) readForm(context.Context) (fault, error) {
	t, err := jose.Parse(e.text.Reveal())
	if err != nil { // which quotes nothing
		return failed(authority.ReasonMalformed, "It is no signed token as it should be: "+err.Error()+".", fixForm), nil
	}
	e.token = t
	e.trace.Note("It is a signed token of %d bytes.", len(e.text))
	return fault{}, nil
}

// findPlatform finds whose assertion it is: by the URL, or by what it says itself, which nothing is believed for yet. A platform that
// is disabled or deleted ends the examination before any key is tried: nothing that it signs can count, and its keys are no longer
// worth the work. The sender learns of none of this; all refusals look alike from outside.
func (e *examination) findPlatform(ctx context.Context) (fault, error) {
	name, found := e.beside, "The URL"
	if name == "" {
		iss, err := e.token.UnverifiedClaims().Text("iss")
		if err != nil || iss == "" {
			return failed(authority.ReasonWrongIssuer, "iss is absent, or no text. It says whose the assertion is.", "Set iss to the platform's code or ID."), nil
		}
		name, found = iss, "iss"
	}
	find := e.named
	if e.beside == "" {
		find = e.issuing
	}
	p, err := find(ctx, name)
	if errors.Is(err, authority.ErrNotFound) {
		return failed(authority.ReasonUnknownPlatform, found+" names no platform: it is "+shown(name)+".", "Give the platform's code or ID, letter by letter."), nil
	}
	if err != nil {
		return fault{}, fmt.Errorf("looking up a platform: %w", err)
	}
	e.platform = p
	found += " names the platform " + shown(p.Name) + ", with the code " + p.Code
	switch {
	case !p.DeletedAt.IsZero():
		return failed(authority.ReasonDeleted, found+", which was deleted.", "Enrol the platform anew."), nil
	case !p.Enabled:
		return failed(authority.ReasonDisabled, found+", which is disabled.", "Enable it, if it may log users in."), nil
	}
	e.trace.Note("%s%s.", found, e.other(p.ID))
	return fault{}, nil
}
