package authority

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/policy"
)

// AdminScope is the scope without which no token that is made for calling APIs has power over Jeton itself. It lets its
// bearer do there what its user may: an administrator everything.
const AdminScope = "jeton.admin"

// Limits narrow what the user of a proof may do by it. They never allow what the user may not do. They must not be changed.
type Limits struct {
	// Scopes are those whose operations it is for, sorted; nil where it is for the operations of every scope and of none.
	Scopes []string
	// Service is the address of the one service that it is for (see policy.CompiledService.Address); empty for all.
	Service string
	// Project is the one whose services alone it is for; zero where it is for those of every project and of none.
	Project uuid.UUID
	// WithoutAdmin takes from an administrator what that role allows: its bearer is the same user, and no more than that.
	WithoutAdmin bool
	// From are the addresses from which it counts; none for all.
	From []netip.Prefix
	// Rate bounds how often it may be used, on this node.
	Rate Rate
	// Application is what the bearer's program calls itself, for logs alone: it narrows nothing. It stands here since a remembered
	// proof keeps nothing else that its credential said.
	Application string
}

// Rate bounds calls: so many in a period, of which all may come at once. The zero Rate bounds nothing.
type Rate struct {
	Calls int
	Per   time.Duration
}

// none reports whether the limits narrow nothing.
func (l *Limits) none() bool {
	return l == nil || l.Scopes == nil && l.Service == "" && l.Project == uuid.Nil && !l.WithoutAdmin && len(l.From) == 0 && l.Rate == Rate{} && l.Application == ""
}

// HasScope reports whether the limits name a scope. Limits that narrow to none do not: an unlimited credential isn't given
// every scope that there is.
func (l *Limits) HasScope(scope string) bool {
	return l != nil && slices.Contains(l.Scopes, scope)
}

// Admits reports whether the limits count from an address. One that isn't known is from nowhere.
func (l *Limits) Admits(from netip.Addr) bool {
	return len(l.From) == 0 || slices.ContainsFunc(l.From, func(p netip.Prefix) bool { return p.Contains(from.Unmap().WithZone("")) })
}

// maxFrom is how many networks limits may name.
const maxFrom = 100

// CheckFrom refuses networks that would never be compared equal to an address, or too many. The error is a *FieldError of allowed_ips,
// or of one of them.
func CheckFrom(from []netip.Prefix) error {
	if len(from) > maxFrom {
		return Field("allowed_ips", "are more than "+strconv.Itoa(maxFrom), "Give networks rather than addresses.")
	}
	for i, p := range from {
		if !p.IsValid() || p != p.Masked() || p.Addr().Is4In6() {
			return Field("allowed_ips["+strconv.Itoa(i)+"]", "is no address or network, or has bits beyond its length", "Give 192.0.2.7 or 192.0.2.0/24.")
		}
	}
	return nil
}

// ParseNetworks reads networks, and addresses as networks of one, into the form in which clients' addresses are compared: IPv4 in its own
// four bytes. One with a zone is none: zones are this machine's and no client's. The error is a *FieldError of one of allowed_ips.
func ParseNetworks(texts []string) ([]netip.Prefix, error) {
	var networks []netip.Prefix
	for i, text := range texts {
		p, err := netip.ParsePrefix(text)
		if a, addrErr := netip.ParseAddr(text); addrErr == nil && a.Zone() == "" {
			p, err = netip.PrefixFrom(a, a.BitLen()), nil
		}
		if err == nil && p.Addr().Is4In6() && p.Bits() >= 96 {
			p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
		}
		if err != nil || p.Addr().Is4In6() {
			return nil, Field("allowed_ips["+strconv.Itoa(i)+"]", "is neither an address nor a network", "Give 192.0.2.7 or 192.0.2.0/24.")
		}
		networks = append(networks, p)
	}
	return networks, nil
}

// NetworkText writes a network of one address as that address.
func NetworkText(p netip.Prefix) string {
	if p.IsSingleIP() {
		return p.Addr().String()
	}
	return p.String()
}

// The bounds of a rate that is asked for.
const (
	maxCalls = 1_000_000_000
	maxPer   = 24 * time.Hour
)

// CheckRate refuses a rate that no counter could hold to, or that would let in nothing. The zero Rate is good. The error is a
// *FieldError of a member of rate_limit.
func CheckRate(r Rate) error {
	switch {
	case r == Rate{}:
		return nil
	case r.Calls < 1 || r.Calls > maxCalls:
		return Field("rate_limit.calls", "is not 1 to "+strconv.Itoa(maxCalls), "")
	case r.Per < time.Second || r.Per > maxPer || r.Per%time.Second != 0:
		return Field("rate_limit.per_seconds", "is not 1 to "+strconv.Itoa(int(maxPer/time.Second)), "")
	}
	return nil
}

// covers returns why a service is none that the limits are for, or nothing.
func (l *Limits) covers(s *policy.CompiledService) Reason {
	switch {
	case l == nil:
	case l.Service != "" && l.Service != s.Address(), l.Project != uuid.Nil && l.Project != s.Project():
		return ReasonWrongAudience
	}
	return ""
}

// rolesOf returns the roles that a user has within the limits.
func (l *Limits) rolesOf(roles []string) []string {
	if !l.WithoutAdmin || !slices.Contains(roles, AdminRole) {
		return roles
	}
	return slices.DeleteFunc(slices.Clone(roles), func(role string) bool { return role == AdminRole }) // others hold the former ones
}

// permits returns why an operation is none that the limits are for, or nothing. What belongs to no scope, and what no
// operation describes, is for those alone who are not narrowed.
func (l *Limits) permits(op *policy.Operation) Reason {
	if l == nil || l.Scopes == nil || op != nil && op.Scope != "" && slices.Contains(l.Scopes, op.Scope) {
		return ""
	}
	return ReasonInsufficientScope
}

// text is the same for limits that are alike, and for no others.
func (l *Limits) text() string {
	scopes := "all"
	if l.Scopes != nil {
		scopes = "these: " + strings.Join(l.Scopes, " ") // no scope holds a space (RFC 6749 section 3.3)
	}
	return fmt.Sprintf("%q %q %s %t %v %d %d %q", scopes, l.Service, l.Project, l.WithoutAdmin, l.From, l.Rate.Calls, l.Rate.Per, l.Application)
}
