package platform

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/jose"
)

// maxTried bounds the keys by which one assertion is tried: all of the records, and as many again of those that are published, of
// which a set may have any number. One that names its key is tried by that alone.
const maxTried = 2 * MaxKeys

// candidate is a key by which an assertion is tried. Its algorithm is the record's, from when it was made: the header's is compared
// with it and chooses nothing (RFC 8725 section 3.1).
type candidate struct {
	record *Key
	key    jose.Key
}

// choice is which keys may have signed an assertion.
type choice struct {
	tried  []candidate
	former []Key // deleted ones, which are asked to tell the operator why
	unread error // why a set couldn't be read, in which there may be one more
}

// unread ends a step for which a set is wanting. Whoever asks why hears it as a fault: what the address has answered stays in the
// server's log, with the refusal.
func (e *examination) unread() (fault, error) {
	if e.trace == nil {
		return fault{}, e.keys.unread
	}
	return failed(authority.ReasonUnavailable, "The platform's JWK Set can't be read at its address.", "See that its address answers Jeton with status 200 and a JWK Set; the server's log has what it answers."), nil
}

// findKey finds the keys that may have signed: those that the header names, or all where it names none; of these the ones that
// have its algorithm. The header only chooses among what the platform's record has.
func (e *examination) findKey(ctx context.Context) (fault, error) {
	keys, err := e.cfg.Store.PlatformKeys(ctx, e.platform.ID)
	if err != nil {
		return fault{}, fmt.Errorf("looking up a platform's keys: %w", err)
	}
	h := e.token.Header()
	living, former := divide(keys, h.KeyID)
	e.keys.former = former
	f := failed(authority.ReasonUnknownKey, e.wanted(living), fixKey(living, h.KeyID))
	records, within := named(living, h.KeyID)
	for _, k := range records {
		if k.Algorithm != h.Algorithm { // and nothing is fetched for it
			f.Reason, f.Fix = authority.ReasonWrongAlgorithm, "Sign with the algorithm of the key, or change the platform's: it is never taken from the header."
			continue
		}
		known, err := e.expand(ctx, k, within)
		if err != nil {
			return fault{}, err
		}
		e.keys.tried = append(e.keys.tried, known...)
	}
	switch {
	case len(e.keys.tried) > 0:
		e.keys.tried = e.keys.tried[:min(len(e.keys.tried), maxTried)]
		e.trace.Note("%s %d of them may have signed it.", e.wanted(living), len(e.keys.tried))
		return fault{}, nil
	case e.keys.unread != nil:
		return e.unread()
	}
	return e.orRevoked(f), nil
}

// fixKey says what to do where no key is found. A platform that has just published its next key needn't look for a mistake.
func fixKey(living []Key, kid string) string {
	published := slices.ContainsFunc(living, func(k Key) bool { return k.JWKSURI != "" })
	switch {
	case kid == "" && published:
		return "Publish a key of this algorithm. The set is kept for five minutes: publish the next key before it signs, and name it by kid."
	case kid == "":
		return "Give the platform a key."
	case published:
		return "Name a key that the set at its address has. For a kid that it lacks it is read again, twice a minute at most: publish the next key a minute before it signs."
	default:
		return "Leave kid out, or give the ID of a living key."
	}
}

// wanted says what the header names, and what there is. It costs some text, which is made for nobody but who asks.
func (e *examination) wanted(living []Key) string {
	if e.trace == nil {
		return ""
	}
	h := e.token.Header()
	said := "It names no key (kid)"
	if h.KeyID != "" {
		said = "It names the key (kid) " + shown(h.KeyID)
	}
	said += " and the algorithm (alg) " + shown(string(h.Algorithm)) + "; the platform's keys are: "
	if len(living) == 0 {
		return said + "none."
	}
	told := make([]string, len(living))
	for i, k := range living {
		told[i] = k.told()
	}
	return said + strings.Join(told, ", ") + "."
}

// told names a key to an administrator.
func (k *Key) told() string {
	name := k.ID.String() + " (" + string(k.Algorithm) + ", " + k.kind()
	if k.KeyID != "" {
		name += ", kid " + shown(k.KeyID)
	}
	return name + ")"
}

// divide returns the living keys, those of the records before the published ones, and the deleted ones of which there is something
// left to check with: that which is named, or the latest.
func divide(keys []Key, kid string) (living, former []Key) {
	for _, k := range keys {
		switch {
		case k.DeletedAt.IsZero():
			living = append(living, k)
		case k.PublicKey != "":
			former = append(former, k)
		}
	}
	slices.SortStableFunc(living, func(a, b Key) int { return min(len(a.JWKSURI), 1) - min(len(b.JWKSURI), 1) })
	if i := slices.IndexFunc(former, func(k Key) bool { return kid != "" && k.isNamed(kid) }); i >= 0 {
		former = former[i : i+1]
	}
	return living, former[:min(len(former), MaxKeys)]
}

// isNamed reports whether a kid is the record's ID or what the platform calls it.
func (k *Key) isNamed(kid string) bool { return k.ID.String() == kid || k.KeyID == kid }

// named returns the keys that a kid may mean, and in which sets it is to be looked for: nowhere where it names a record. One that
// names nothing isn't passed over, as if it weren't there: what a platform says of its key is right, or the assertion is another's.
// It is compared with what the records have, and with what was read at their addresses. It is no path, and part of no query.
func named(living []Key, kid string) (records []*Key, within string) {
	var all, own, published []*Key
	for i := range living {
		k := &living[i]
		all = append(all, k)
		switch {
		case kid != "" && k.isNamed(kid):
			own = append(own, k)
		case k.JWKSURI != "":
			published = append(published, k)
		}
	}
	switch {
	case kid == "":
		return all, ""
	case len(own) > 0:
		return own, ""
	default:
		return published, kid
	}
}

// expand returns the keys that a record stands for; of a set those of a kid, where one is given. That a set can't be read is
// noted, and no error as long as another key may have signed.
func (e *examination) expand(ctx context.Context, k *Key, within string) ([]candidate, error) {
	switch {
	case k.JWKSURI != "":
		return e.published(ctx, k, within), nil
	case k.PublicKey != "":
		key, err := jose.ParsePEM(k.Algorithm, []byte(k.PublicKey))
		if err != nil {
			return nil, fmt.Errorf("reading a platform's key: %w", err)
		}
		return []candidate{{k, key}}, nil
	default:
		key, err := e.secretKey(k, k.Algorithm)
		if err != nil {
			return nil, err
		}
		return []candidate{{k, key}}, nil
	}
}

// published returns the keys of a set that have the record's algorithm. The address is the record's, never the header's: "jku" and
// "x5u" don't even pass the gate. What was read there is kept for some minutes, and a kid that nobody has makes it no fresher than
// twice a minute (see internal/jwks).
func (e *examination) published(ctx context.Context, k *Key, within string) (all []candidate) {
	set, err := e.cfg.KeySets.Keys(ctx, k.JWKSURI, within)
	if err != nil {
		e.keys.unread = fmt.Errorf("reading a platform's published keys: %w", err)
		return nil
	}
	for _, known := range set {
		if within != "" && known.ID != within || len(all) == maxTried {
			continue
		}
		if key, ok := pinned(k.Algorithm, known); ok {
			all = append(all, candidate{k, key})
		}
	}
	return all
}

// pinned returns a key of a set as one of an algorithm, if it can be: by its own word, or because it names none and is of that sort.
func pinned(alg jose.Algorithm, known jose.IdentifiedKey) (jose.Key, bool) {
	if known.Named {
		return known.Key, known.Key.Algorithm() == alg
	}
	key, err := jose.NewKey(alg, known.Key.Public())
	return key, err == nil
}

// checkSignature tries the keys one by one, each by its own algorithm. From here on the claims are the words of whoever has that key:
// the steps that follow ask what the platform may say.
func (e *examination) checkSignature(context.Context) (fault, error) {
	for _, c := range e.keys.tried {
		if claims, err := c.key.Verify(e.token); err == nil {
			e.key, e.claims = c, claims
			e.trace.Note("It is that of the key %s.", c.record.told())
			return fault{}, nil
		}
	}
	if e.keys.unread != nil {
		return e.unread()
	}
	f := failed(authority.ReasonBadSignature, "It is that of none of the keys that may have signed.", "Sign with the private half of a key of the platform, and send the JWT as it was signed.")
	if e.token.Header().Algorithm.Symmetric() {
		f.Fix = "Sign with the platform's secret: its text is the key, and isn't decoded from Base64 first."
	}
	return e.orRevoked(f), nil
}

// orRevoked tells of an assertion that no key of the platform has signed whether a deleted one has. It is refused either way; but a
// key was deleted for a reason, and that somebody still signs by it is what an operator wants to find in the audit log.
func (e *examination) orRevoked(f fault) fault {
	for _, k := range e.keys.former {
		key, err := jose.ParsePEM(k.Algorithm, []byte(k.PublicKey))
		if err != nil {
			continue
		}
		if _, err := key.Verify(e.token); err == nil {
			return failed(authority.ReasonRevokedKey, "It is signed by the key "+k.told()+", which was deleted.", "Sign with a key that lives.")
		}
	}
	return f
}
