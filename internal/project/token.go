package project

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/sealed"
	"github.com/jeton-io/jeton/internal/secret"
)

// The fields of a token that mean something. Any other is its sender's own.
const (
	fieldContext = "Context"
	fieldApp     = "AppId"
	fieldAppKey  = "AppKey"
	fieldTime    = "GenDT"
	fieldUser    = "UserName"
)

// token is a token that was presented.
type token struct {
	name      string // what it is called: "security token"
	parameter string // under which it came
	text      secret.Text
	dated     bool // it must have a time
	named     bool // it must name a user
	vouched   vouched
	chosen    *reading // by the set by which it is most likely meant
}

// vouched is whether a token has to say which application it is of, by context and app key.
type vouched int

const (
	vouchedNot     vouched = iota // another says so
	vouchedPresent                // what it says of it must be right
	vouchedAll                    // it must say all that the project asks for
)

// check is one of the checks of what a token says, in the order of the steps.
type check int

const (
	sealCheck check = iota
	timesCheck
	contextCheck
	appKeyCheck
	nameCheck
	checks
)

// reading is what a token is, as one token set reads it.
type reading struct {
	set    *openSet
	fields sealed.Fields
	at     time.Time // GenDT; zero where there is none
	faults [checks]fault
}

// opened reports whether a set of the project opens the token, and what it says can be read.
func (t *token) opened() bool { return t.chosen != nil && t.chosen.set != nil && t.chosen.passed() > 0 }

// passed counts the checks that pass, before the first that doesn't.
func (r *reading) passed() (n int) {
	for n < len(r.faults) && r.faults[n].Reason == "" {
		n++
	}
	return n
}

// read opens a token by every active set, reads it and judges what it says, whatever came of the set before: under a wrong key the
// paddings None, Zeros and ISO10126 often come off clean, and the noise might be read as a form. The set by which it passes most
// checks is the one that is meant; of several, the oldest.
func (e *examination) read(ctx context.Context, t *token) error {
	sealedBytes, spelled := sealed.DecodeQuery(t.text.Reveal())
	if !spelled { // and still as much is decrypted
		sealedBytes = make([]byte, len(t.text)/4*3)
	}
	t.chosen = &reading{}
	t.chosen.faults[sealCheck] = e.fault(authority.ReasonBadSeal, "Enable one of its token sets, or make one.", "The project has no active token set to open the %s.", t.name)
	for i, set := range e.sets {
		r, err := e.readBy(ctx, t, set, sealedBytes, spelled)
		if err != nil {
			return err
		}
		if i == 0 || r.passed() > t.chosen.passed() || r.legible() && !t.chosen.legible() {
			t.chosen = r
		}
	}
	return nil
}

// legible reports whether the set has opened the token, though what it says may be in no notation.
func (r *reading) legible() bool { return r.faults[sealCheck].Reason != authority.ReasonBadSeal }

// readBy opens, reads and judges a token by one set.
func (e *examination) readBy(ctx context.Context, t *token, set *openSet, sealedBytes []byte, spelled bool) (*reading, error) {
	cipher, err := set.await(ctx)
	if err != nil {
		return nil, err
	}
	appKeys, err := e.project.appKeys()
	if err != nil {
		return nil, err
	}
	r := &reading{set: set}
	e.work.decrypted.Add(1)
	plain, sound := cipher.Open(sealedBytes, sealed.Bound(e.project.Number, t.parameter))
	e.work.parsed.Add(1)
	fields, unread := sealed.ParseFields(plain)
	r.fields = fields
	text := utf8.Valid(plain)
	switch {
	case !spelled:
		r.faults[sealCheck] = e.fault(authority.ReasonBadSeal, "Encode it in Base64, and that for the URL: + is %2B, / is %2F, = is %3D.", "The %s isn't Base64.", t.name)
	case sound != 1 || unread != nil && !text:
		r.faults[sealCheck] = e.unopened(t, len(sealedBytes))
	case unread != nil:
		r.faults[sealCheck] = e.fault(authority.ReasonWrongFields, "Seal XML, JSON or form-url of a few fields, in UTF-8. Try the text with jeton seal.",
			"The token set %s opens the %s, but what stands in it can't be read: %v.", shown(set.Name), t.name, unread)
	}
	r.faults[timesCheck] = e.timesOf(t, r)
	r.faults[contextCheck] = e.contextOf(t, r)
	r.faults[appKeyCheck] = e.appKeyOf(t, r, appKeys)
	r.faults[nameCheck] = e.nameOf(t, r)
	return r, nil
}

// unopened says that no set opens a token, and what speaks for what.
func (e *examination) unopened(t *token, length int) fault {
	const fix = "Compare key, mode, padding, IV and key derivation with those of the token set: jeton unseal shows what a set makes of a token."
	if length%16 != 0 {
		return e.fault(authority.ReasonBadSeal, fix+" A length that is no multiple of 16 says, for CBC and ECB, that it was cut, or is no AES.",
			"None of the project's %d active token sets opens the %s, of %d bytes.", len(e.sets), t.name, length)
	}
	return e.fault(authority.ReasonBadSeal, fix, "None of the project's %d active token sets opens the %s, of %d bytes.", len(e.sets), t.name, length)
}

// tellSeal tells by which set a token was opened, and which fields it has. Their values come with the steps that judge them.
func (e *examination) tellSeal(t *token) string {
	names := make([]string, len(t.chosen.fields))
	for i, f := range t.chosen.fields {
		names[i] = f.Name
	}
	return fmt.Sprintf("The token set %s (%s) opens the %s. Its fields: %s.", shown(t.chosen.set.Name), t.chosen.set.Mode, t.name, list(names))
}

// ahead is how far ahead of Jeton's an application's clock may be.
const ahead = 5 * time.Minute

// timesOf reads the time of a token and holds it to that. A token is dead from its end on, to the microsecond.
func (e *examination) timesOf(t *token, r *reading) fault {
	text, ok := r.fields.Get(fieldTime)
	if !ok && !t.dated {
		return fault{}
	}
	if !ok {
		return e.fault(authority.ReasonWrongFields, "Say when the token was made, as 2026-03-01T10:32:56Z.", "The %s has no GenDT.", t.name)
	}
	at, err := sealed.ParseTime(text)
	if err != nil || at.IsZero() {
		return e.fault(authority.ReasonWrongFields, "Say when the token was made, as 2026-03-01T10:32:56Z.", "GenDT of the %s, %s, is no time.", t.name, shown(text))
	}
	r.at = at
	switch {
	case !e.now.Before(at.Add(e.project.MaxAge)):
		return e.fault(authority.ReasonExpired, "Seal a new token, in UTC, and set the application's clock right.",
			"GenDT of the %s is %s, and a token counts for %d s; the clock here says %s.", t.name, stamp(at), int64(e.project.MaxAge/time.Second), stamp(e.now))
	case at.After(e.now.Add(ahead)):
		return e.fault(authority.ReasonNotYet, "Give the time in UTC, or with its zone, and set the application's clock right.",
			"GenDT of the %s is %s, which is more than 5 minutes ahead of the clock here, %s.", t.name, stamp(at), stamp(e.now))
	}
	return fault{}
}

func (e *examination) tellTimes(t *token) string {
	if t.chosen.at.IsZero() {
		return "The " + t.name + " has no time of its own."
	}
	return fmt.Sprintf("The %s counts from %s to %s; the clock here says %s.", t.name, stamp(t.chosen.at), stamp(t.chosen.at.Add(e.project.MaxAge)), stamp(e.now))
}

// contextOf holds a token to the security context of the project and to that which the call names. An empty one is none.
func (e *examination) contextOf(t *token, r *reading) fault {
	if t.vouched == vouchedNot {
		return fault{}
	}
	said, _ := r.fields.Get(fieldContext)
	switch {
	case said == "" && t.vouched == vouchedAll && e.project.ContextRequired:
		return e.fault(authority.ReasonWrongContext, "Say the project's security context in Context, or don't require one (context_required).", "The %s has no Context.", t.name)
	case said == "" && t.vouched == vouchedAll && e.asked != "":
		return e.fault(authority.ReasonWrongContext, "Say the same in Context.", "The call names the security context %s, and the %s none.", shown(e.asked), t.name)
	case said == "":
		return fault{}
	case e.project.SecurityContext != "" && said != e.project.SecurityContext:
		return e.fault(authority.ReasonWrongContext, "Say the project's in Context, letter by letter.", "Context of the %s is %s, and that of the project is %s.", t.name, shown(said), shown(e.project.SecurityContext))
	case e.asked != "" && said != e.asked:
		return e.fault(authority.ReasonWrongContext, "Say the same in both.", "Context of the %s is %s, and the call names %s.", t.name, shown(said), shown(e.asked))
	}
	return fault{}
}

func (e *examination) tellContext(t *token) string {
	said, _ := t.chosen.fields.Get(fieldContext)
	switch {
	case t.vouched == vouchedNot:
		return "That of the " + t.name + " isn't asked for."
	case said == "":
		return "The " + t.name + " has none, and none is required."
	}
	return fmt.Sprintf("The %s has the right one, %s.", t.name, shown(said))
}

// appKeyOf holds a token to having one of the project's app keys. All are compared, in a time that doesn't tell how far one agrees. What
// is no app key isn't shown either: it may be that of another project.
func (e *examination) appKeyOf(t *token, r *reading, keys []digest) fault {
	said, ok := r.fields.Get(fieldAppKey)
	sum, right := sha256.Sum256([]byte(said)), 0
	for i := range keys {
		right |= subtle.ConstantTimeCompare(sum[:], keys[i][:])
	}
	const fix = "Give one of the project's app keys in AppKey."
	switch {
	case t.vouched == vouchedNot, len(keys) == 0, right == 1, t.vouched == vouchedPresent && !ok:
		return fault{}
	case said == "":
		return e.fault(authority.ReasonWrongAppKey, fix, "The %s has no AppKey, and the project has %d.", t.name, len(keys))
	}
	return e.fault(authority.ReasonWrongAppKey, fix, "AppKey of the %s is none of the project's %d.", t.name, len(keys))
}

func (e *examination) tellAppKey(t *token) string {
	_, said := t.chosen.fields.Get(fieldAppKey)
	switch {
	case t.vouched == vouchedNot || t.vouched == vouchedPresent && !said:
		return "That of the " + t.name + " isn't asked for."
	case e.project.AppKeyCount == 0:
		return "The project has none, so that none is asked for."
	}
	return "The " + t.name + " has one of the project's."
}

// nameOf holds a user token to naming a user, and every token to naming nobody by an empty name.
func (e *examination) nameOf(t *token, r *reading) fault {
	name, ok := r.fields.Get(fieldUser)
	if ok && name != "" || !ok && !t.named {
		return fault{}
	}
	return e.fault(authority.ReasonWrongFields, "Say in UserName for whom the application calls; for itself, it sends a security token without.", "UserName of the %s is absent or empty.", t.name)
}
