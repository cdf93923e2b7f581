package platform

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/jose"
)

const (
	// skew is how far ahead of Jeton's a platform's clock may be. Machines that ask a time server are apart by less than a second; what
	// is allowed for more than that is added to the life of every assertion.
	skew = 10 * time.Second
	// maxSeconds is the largest end that is one in seconds, which is in the year 5138. What is above is in milliseconds.
	maxSeconds = 100_000_000_000
)

// clock is by what the times of an assertion are judged.
type clock struct {
	now     time.Time
	maxLife time.Duration
	grant   bool // by the rules of the jwt-bearer grant: exp is there, and a NumericDate
}

// judgeTimes holds the assertion to its times: it must end, and soon (RFC 7523 section 3, items 4 to 6). It is dead from its end on,
// to the microsecond.
func (e *examination) judgeTimes(context.Context) (fault, error) {
	c := clock{e.cfg.Now(), e.platform.MaxLife, e.beside == ""}
	ends, f := c.judge(e.claims)
	if f.Reason != "" {
		return f, nil
	}
	e.ends = ends
	e.trace.Note("It ends at %s; the clock here says %s.", stamp(ends), stamp(c.now))
	return fault{}, nil
}

// judge returns when an assertion ends. Where it says so twice, both must hold, and the first counts: what one reader takes for
// dead, no other may take for living.
func (c clock) judge(claims jose.Claims) (ends time.Time, f fault) {
	for _, name := range []string{"iat", "nbf"} {
		if f := c.judgeStart(claims, name); f.Reason != "" {
			return time.Time{}, f
		}
	}
	if !claims.Has("exp") && (c.grant || !claims.Has("expire")) {
		found := "Neither expire nor exp is there."
		if c.grant {
			found = "exp is absent."
		}
		return time.Time{}, failed(authority.ReasonWrongClaims, found, "Say when it ends, in seconds since 1970: a minute after it is made.")
	}
	for _, name := range []string{"expire", "exp"} {
		if !claims.Has(name) {
			continue
		}
		end, f := c.judgeEnd(claims, name)
		if f.Reason != "" {
			return time.Time{}, f
		}
		if ends.IsZero() || end.Before(ends) {
			ends = end
		}
	}
	return ends, fault{}
}

// judgeStart holds a time that may be absent to not being in the future. How long ago it is doesn't matter: the end does, and that
// can't lie further ahead than the platform's bound.
func (c clock) judgeStart(claims jose.Claims, name string) fault {
	at, err := claims.Seconds(name)
	switch {
	case errors.Is(err, jose.ErrAbsent):
		return fault{}
	case err != nil:
		return notWhole(claims, name)
	case at > c.now.Add(skew).Unix(): // of whole seconds that is as good as of microseconds, and can't overflow
		return failed(authority.ReasonNotYet, fmt.Sprintf("%s is %d, which is more than 10 s ahead of the clock here, %s.", name, at, stamp(c.now)), "Give seconds since 1970, and set the platform's clock right.")
	}
	return fault{}
}

// judgeEnd reads an end, in seconds or milliseconds since 1970, and holds it to being ahead, though not too far: who finds an
// assertion that was never presented can use it until then. BitCanuck's clients send what their languages count in, also as text. The
// grant takes a NumericDate of RFC 7519 and nothing else; of a fraction neither door makes a whole number, in which readers differ.
//
// A platform's clock may be ahead, which moves the bound; that it is behind costs it a part of the life that it gives. Nothing
// lives on beyond its end for the sake of a clock.
func (c clock) judgeEnd(claims jose.Claims, name string) (time.Time, fault) {
	strict := c.grant && name == "exp"
	read := claims.SecondsOrDigits
	if strict {
		read = claims.Seconds
	}
	at, err := read(name)
	if err != nil {
		return time.Time{}, notWhole(claims, name)
	}
	if at <= 0 {
		return time.Time{}, failed(authority.ReasonWrongClaims, fmt.Sprintf("%s is %d, which is no time of an assertion.", name, at), "Give seconds since 1970.")
	}
	end := instant(at, strict)
	told := fmt.Sprintf("%s is %d, which is %s; the clock here says %s", name, at, stamp(end), stamp(c.now))
	switch {
	case !c.now.Before(end):
		return time.Time{}, failed(authority.ReasonExpired, told+".", "Sign a new one for each log-in, and set the platform's clock right.")
	case end.After(c.now.Add(c.maxLife + skew)):
		fix := "Let it end sooner, or raise the platform's max_assertion_seconds (--max-life)."
		if strict && at > maxSeconds {
			fix = "Give seconds since 1970: RFC 7519 knows no milliseconds."
		}
		return time.Time{}, failed(authority.ReasonWrongClaims, told+", and "+seconds(c.maxLife)+" s is as far as it may be ahead.", fix)
	}
	return end, fault{}
}

// instant returns the time that a positive number is. Further ahead than maxSeconds is no clock of ours: all beyond is that.
func instant(at int64, strict bool) time.Time {
	if at > maxSeconds && !strict {
		return time.UnixMilli(min(at, maxSeconds*1000)).UTC()
	}
	return time.Unix(min(at, maxSeconds), 0).UTC()
}

// notWhole says that a time isn't a whole number that can be read. A fraction is none, though a NumericDate may have one (RFC 7519
// section 2): which instant it is depends on how its reader rounds.
func notWhole(claims jose.Claims, name string) fault {
	return failed(authority.ReasonWrongClaims, name+" is "+shownJSON(claims.Raw(name))+", which isn't a whole number of seconds.", "Give whole seconds since 1970, as a number: rounded down, without quotes.")
}

// stamp shows a time to the microsecond.
func stamp(t time.Time) string {
	if t.Unix() >= maxSeconds {
		return "some time after the year 5138"
	}
	return t.UTC().Format("2006-01-02T15:04:05.999999Z")
}
