package project

import (
	"net/netip"

	"github.com/jeton-io/jeton/internal/audit"
)

// Work is how much was done to prove tokens so far.
type Work struct{ Decrypted, Parsed, LookedUp int64 }

// Work returns it.
func (p *Projects) Work() Work {
	return Work{p.work.decrypted.Load(), p.work.parsed.Load(), p.work.lookedUp.Load()}
}

// Less returns what was done since an earlier time.
func (w Work) Less(before Work) Work {
	return Work{w.Decrypted - before.Decrypted, w.Parsed - before.Parsed, w.LookedUp - before.LookedUp}
}

// Addresses is how many addresses have failures that aren't forgotten, and MaxAddresses how many there may be.
func (p *Projects) Addresses() int {
	p.failures.mu.Lock()
	defer p.failures.mu.Unlock()
	return len(p.failures.paid)
}

// MaxAddresses is exported for tests.
const MaxAddresses = maxAddresses

// UnderWay is how many tokens from an address are being looked at.
func (p *Projects) UnderWay(from netip.Addr) int {
	p.failures.mu.Lock()
	defer p.failures.mu.Unlock()
	return p.failures.underWay[audit.Customer(from)]
}
