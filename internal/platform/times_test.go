package platform_test

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/jose"
	"github.com/jeton-io/jeton/internal/platform"
)

// TestTimes holds assertions to their times at both doors: expire in every form that clients send, exp, and the two together.
func TestTimes(t *testing.T) {
	d := newDesk(t)
	p := d.partner(t, jose.HS256, nil)
	now := d.clock().Unix()
	number := func(text string) json.RawMessage { return json.RawMessage(text) }
	const (
		wrong   = authority.ReasonWrongClaims
		expired = authority.ReasonExpired
		notYet  = authority.ReasonNotYet
	)
	for _, test := range []struct {
		name        string
		said        claims
		named       authority.Reason // where the URL names the platform
		grant       authority.Reason // of the jwt-bearer grant
		grantHasExp bool             // said beside a good exp at the grant, which asks for one
	}{
		{"seconds", claims{"expire": now + 60}, "", "", true},
		{"one second", claims{"expire": now + 1}, "", "", true},
		{"over", claims{"expire": now}, expired, expired, true},
		{"over since a second", claims{"expire": now - 1}, expired, expired, true},
		{"over since long", claims{"expire": 123456789}, expired, expired, true},
		{"digits", claims{"expire": digits(now + 60)}, "", "", true},
		{"digits, over", claims{"expire": digits(now)}, expired, expired, true},
		{"digits with a sign", claims{"expire": "+" + digits(now+60)}, wrong, wrong, true},
		{"digits with a minus", claims{"expire": "-" + digits(now+60)}, wrong, wrong, true},
		{"digits with a space", claims{"expire": digits(now+60) + " "}, wrong, wrong, true},
		{"digits of Arabic", claims{"expire": "١٧٩٥٢٦٢٤٦٠"}, wrong, wrong, true},
		{"digits with a fraction", claims{"expire": digits(now+60) + ".0"}, wrong, wrong, true},
		{"hexadecimal digits", claims{"expire": "0x6b01d73c"}, wrong, wrong, true},
		{"milliseconds", claims{"expire": (now + 60) * 1000}, "", "", true},
		{"milliseconds, one ahead", claims{"expire": now*1000 + 1}, "", "", true},
		{"milliseconds, over", claims{"expire": now * 1000}, expired, expired, true},
		{"milliseconds in digits", claims{"expire": digits((now + 60) * 1000)}, "", "", true},
		{"microseconds", claims{"expire": (now + 60) * 1_000_000}, wrong, wrong, true},
		{"as far ahead as may be", claims{"expire": now + 910}, "", "", true},
		{"further", claims{"expire": now + 911}, wrong, wrong, true},
		{"as far ahead as may be, in milliseconds", claims{"expire": (now + 910) * 1000}, "", "", true},
		{"a millisecond further", claims{"expire": (now+910)*1000 + 1}, wrong, wrong, true},
		{"the largest in seconds", claims{"expire": 100_000_000_000}, wrong, wrong, true},
		{"the smallest in milliseconds", claims{"expire": 100_000_000_001}, expired, expired, true},
		{"zero", claims{"expire": 0}, wrong, wrong, true},
		{"minus zero", claims{"expire": number("-0")}, wrong, wrong, true},
		{"negative", claims{"expire": -now - 60}, wrong, wrong, true},
		{"the smallest there is", claims{"expire": int64(math.MinInt64)}, wrong, wrong, true},
		{"the largest there is", claims{"expire": int64(math.MaxInt64)}, wrong, wrong, true},
		{"one more", claims{"expire": number("9223372036854775808")}, wrong, wrong, true},
		{"beyond 64 bits", claims{"expire": uint64(math.MaxUint64)}, wrong, wrong, true},
		{"beyond every integer", claims{"expire": number("1e400")}, wrong, wrong, true},
		{"beyond every integer in digits", claims{"expire": "99999999999999999999999999"}, wrong, wrong, true},
		{"an exponent", claims{"expire": number("1795262460e0")}, wrong, wrong, true},
		{"a fraction", claims{"expire": number("1795262460.5")}, wrong, wrong, true},
		{"a fraction that is whole", claims{"expire": number("1795262460.0")}, wrong, wrong, true},
		{"null", claims{"expire": jsonNull}, wrong, wrong, true},
		{"empty", claims{"expire": ""}, wrong, wrong, true},
		{"true", claims{"expire": true}, wrong, wrong, true},
		{"a list", claims{"expire": []int64{now + 60}}, wrong, wrong, true},
		{"a date", claims{"expire": "2026-11-21T12:01:00Z"}, wrong, wrong, true},
		{"seconds, without exp", claims{"expire": now + 60}, "", wrong, false},
		{"absent", nil, wrong, wrong, false},
		{"EXPIRE", claims{"EXPIRE": now + 60}, wrong, wrong, false},

		{"exp", claims{"exp": now + 60}, "", "", false},
		{"exp, over", claims{"exp": now}, expired, expired, false},
		{"exp in digits", claims{"exp": digits(now + 60)}, "", wrong, false},
		{"exp in milliseconds", claims{"exp": (now + 60) * 1000}, "", wrong, false},
		{"exp in milliseconds, over", claims{"exp": now * 1000}, expired, wrong, false},
		{"exp further than may be", claims{"exp": now + 911}, wrong, wrong, false},
		{"exp of null", claims{"exp": jsonNull}, wrong, wrong, false},
		{"exp of zero", claims{"exp": 0}, wrong, wrong, false},
		{"exp with a fraction", claims{"exp": number("1795262460.5")}, wrong, wrong, false},
		{"both", claims{"exp": now + 60, "expire": now + 30}, "", "", false},
		{"both, one over", claims{"exp": now + 60, "expire": now}, expired, expired, false},
		{"both, the other over", claims{"exp": now, "expire": now + 60}, expired, expired, false},
		{"both, one null", claims{"exp": now + 60, "expire": jsonNull}, wrong, wrong, false},
		{"both, the other null", claims{"exp": jsonNull, "expire": now + 60}, wrong, wrong, false},

		{"issued as far ahead as clocks may be", claims{"iat": now + 10, "exp": now + 60}, "", "", false},
		{"issued further ahead", claims{"iat": now + 11, "exp": now + 60}, notYet, notYet, false},
		{"issued in milliseconds", claims{"iat": now * 1000, "exp": now + 60}, notYet, notYet, false},
		{"issued long ago", claims{"iat": -1, "exp": now + 60}, "", "", false},
		{"issued as text", claims{"iat": digits(now), "exp": now + 60}, wrong, wrong, false},
		{"issued null", claims{"iat": jsonNull, "exp": now + 60}, wrong, wrong, false},
		{"from as far ahead as clocks may be", claims{"nbf": now + 10, "exp": now + 60}, "", "", false},
		{"from further ahead", claims{"nbf": now + 11, "exp": now + 60}, notYet, notYet, false},
		{"from the largest there is", claims{"nbf": int64(math.MaxInt64), "exp": now + 60}, notYet, notYet, false},
		{"from with a fraction", claims{"nbf": number("1.5"), "exp": now + 60}, wrong, wrong, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			d.want(t, p, false, p.sign(t, jose.Header{}, claims{"email": "ann@example.com"}.over(test.said)), test.named)
			end := claims{"exp": now + 60}
			if !test.grantHasExp {
				end["exp"] = nil
			}
			d.want(t, p, true, p.sign(t, jose.Header{}, claims{"iss": p.Code, "sub": "ann@example.com", "aud": publicURL}.over(end, test.said)), test.grant)
		})
	}
}

// TestEnd: an assertion lives until the microsecond before its end, and says so in its proof.
func TestEnd(t *testing.T) {
	d := newDesk(t)
	p := d.partner(t, jose.HS256, nil)
	now := d.clock()
	for name, said := range map[string]struct {
		claims claims
		after  time.Duration
	}{
		"seconds":          {claims{"expire": now.Unix() + 60}, time.Minute},
		"milliseconds":     {claims{"expire": now.UnixMilli() + 60_001}, 60_001 * time.Millisecond},
		"the first counts": {claims{"expire": now.UnixMilli() + 60_001, "exp": now.Unix() + 30}, 30 * time.Second},
		"in either order":  {claims{"expire": now.Unix() + 30, "exp": now.Unix() + 60}, 30 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			d.moved.Store(0)
			text := p.sign(t, jose.Header{}, d.plain(said.claims))
			if proof := d.want(t, p, false, text, ""); !proof.NotAfter.Equal(now.Add(said.after)) {
				t.Errorf("got the end %s, want %s", proof.NotAfter, now.Add(said.after))
			}
			d.moved.Store(said.after.Microseconds() - 1)
			d.want(t, p, false, text, "")
			d.moved.Store(said.after.Microseconds())
			d.want(t, p, false, text, authority.ReasonExpired)
		})
	}
}

// TestMaxLife: how far ahead an assertion may end is its platform's, to the microsecond.
func TestMaxLife(t *testing.T) {
	d := newDesk(t)
	p := d.partner(t, jose.HS256, func(draft *platform.Draft) { draft.MaxLife = time.Minute })
	text := p.sign(t, jose.Header{}, d.plain(claims{"expire": d.clock().Unix() + 71}))
	d.moved.Store(999_999)
	d.want(t, p, false, text, authority.ReasonWrongClaims)
	d.moved.Store(1_000_000)
	d.want(t, p, false, text, "")
}
