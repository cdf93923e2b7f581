package traffic

import (
	"encoding/base64"
	"encoding/json"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/jeton-io/jeton/test/faults/journal"
)

// credential is what a client presents. Its secret stands in no journal.
type credential struct {
	thing  journal.Thing
	header string // Authorization
}

func bearer(thing journal.Thing, token string) *credential {
	return &credential{thing, "Bearer " + token}
}

func basic(thing journal.Thing, user, password string) *credential {
	return &credential{thing, "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))}
}

// endOf reads from a signed token when it is over. The harness has it from Jeton and needn't check the signature.
func endOf(token string) (time.Time, bool) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return time.Time{}, false
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	var claims struct{ Exp int64 }
	if err != nil || json.Unmarshal(text, &claims) != nil || claims.Exp == 0 {
		return time.Time{}, false
	}
	return time.Unix(claims.Exp, 0), true
}

// pool is the credentials that the steady checks choose from, by what is being done to them. What died is among them for as
// long as there are not many that died later.
type pool struct {
	mu     sync.Mutex
	steady []*credential // nobody changes them
	flux   []*credential // somebody does
	dead   []*credential // the last that died, or came to their end
	all    []*credential // every one there ever was
}

// remembered is how many of the dead are checked.
const remembered = 300

// enter enters a credential that was made, for the reading of all in the end.
func (p *pool) enter(c *credential) *credential {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.all = append(p.all, c)
	return c
}

// addSteady has a credential be checked that nobody will change.
func (p *pool) addSteady(c *credential) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.steady = append(p.steady, c)
}

// add has a credential be checked that somebody will change.
func (p *pool) add(c *credential) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.flux = append(p.flux, c)
}

// retire has a credential be among the dead.
func (p *pool) retire(c *credential) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.flux, p.steady = without(p.flux, c), without(p.steady, c)
	if p.dead = append(p.dead, c); len(p.dead) > remembered {
		p.dead = p.dead[1:]
	}
}

func without(list []*credential, c *credential) []*credential {
	for i := range list {
		if list[i] == c {
			list[i] = list[len(list)-1]
			return list[:len(list)-1]
		}
	}
	return list
}

// choose chooses a credential to check: of ten, six that are steady, two in flux and two dead.
func (p *pool) choose(r *rand.Rand) *credential {
	p.mu.Lock()
	defer p.mu.Unlock()
	list := p.steady
	switch n := r.IntN(10); {
	case n < 2 && len(p.flux) > 0:
		list = p.flux
	case n < 4 && len(p.dead) > 0:
		list = p.dead
	}
	if len(list) == 0 {
		return nil
	}
	return list[r.IntN(len(list))]
}

// every returns all credentials there ever were.
func (p *pool) every() []*credential {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]*credential{}, p.all...)
}
