package web

import (
	"net/http"
	"strconv"
	"time"

	"github.com/jeton-io/jeton/internal/authority"
)

// The fields that tell a caller what is left to it, in the spelling of http.Header's keys. They are those of
// draft-ietf-httpapi-ratelimit-headers-11, a list of structured fields (RFC 9651) each:
//
//	RateLimit-Policy: "token";q=100;w=60, "service";q=1000;w=1
//	RateLimit: "token";r=57;t=1, "service";r=998;t=1
//
// so many calls in so many seconds, of which all may come at once; and how many are left, which stays so for t seconds.
const (
	quotaPolicy = "Ratelimit-Policy"
	quotaLeft   = "Ratelimit"
)

// The policies, by what it is that they bound.
const (
	quotaOfToken   = `"token"`
	quotaOfService = `"service"`
)

// SetQuotas tells a caller what is left to it, where something bounds that; nothing is set where nothing does. What the
// API behind has set of its own is replaced: it may be in the words of an older draft, and a list of which one member is
// unreadable is ignored whole (RFC 9651 section 4.2).
func SetQuotas(h http.Header, q *authority.Quotas) {
	var room [2]Field
	Fields(room[:0]).Bound(q).Set(h)
}

// Bound appends what SetQuotas sets.
func (f Fields) Bound(q *authority.Quotas) Fields {
	if q.Credential.Limit == 0 && q.Service.Limit == 0 {
		return f
	}
	var policy, left [96]byte
	policies, lefts := policy[:0], left[:0]
	for _, one := range [...]struct {
		name  string
		quota *authority.Quota
	}{{quotaOfToken, &q.Credential}, {quotaOfService, &q.Service}} {
		if one.quota.Limit == 0 {
			continue
		}
		if len(policies) > 0 {
			policies, lefts = append(policies, ", "...), append(lefts, ", "...)
		}
		policies = parameter(append(policies, one.name...), 'q', int64(one.quota.Limit))
		policies = parameter(policies, 'w', wholeSeconds(one.quota.Window))
		lefts = parameter(append(lefts, one.name...), 'r', int64(one.quota.Remaining))
		lefts = parameter(lefts, 't', wholeSeconds(one.quota.Reset))
	}
	return append(f, Field{quotaPolicy, string(policies)}, Field{quotaLeft, string(lefts)})
}

// maxInteger is the largest number that a structured field has (RFC 9651 section 3.3.1).
const maxInteger = 999_999_999_999_999

// parameter appends a parameter to a member of a list.
func parameter(text []byte, name byte, value int64) []byte {
	return strconv.AppendInt(append(text, ';', name, '='), min(value, maxInteger), 10)
}

// wholeSeconds rounds up: a caller that waits longer than it must is let in, and one that waits less is not.
func wholeSeconds(d time.Duration) int64 {
	return int64((d + time.Second - 1) / time.Second)
}
