// Package plan says when what is broken. The same seed makes the same plan.
//
// Each kind of fault comes once by itself, with time before it in which all is well, so that what is seen can be told apart;
// then two at a time, as long as there is time.
package plan

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/jeton-io/jeton/test/faults/fault"
)

// Options are what a plan is made for.
type Options struct {
	Seed   uint64
	Length time.Duration // of all faults, with the time between them
	Kinds  []fault.Kind  // those that there are to be; all where empty
	Pairs  bool          // two at a time in the time that is left
}

// Fault is one fault of a plan.
type Fault struct {
	Number int // from 1
	Kind   fault.Kind
	Node   string        // that it touches; empty for all
	Start  time.Duration // since the plan began
	Length time.Duration // for how long it is in force; a rolling restart takes its own time
}

// String tells of a fault.
func (f Fault) String() string {
	where := "all"
	if f.Node != "" {
		where = f.Node
	}
	return fmt.Sprintf("%s (%s) at %.1f s for %.1f s", f.Kind, where, f.Start.Seconds(), f.Length.Seconds())
}

// Clocked is the node whose clock can be set.
const Clocked = "n3"

// calm is how long nothing is broken before each fault: what the last one left behind is over by then, and what comes is seen
// against it.
const calm = 6 * time.Second

// lengths are for how long each kind is in force. A node that is cut off must be so for longer than it answers from memory.
var lengths = map[fault.Kind]time.Duration{
	fault.ListenCut: time.Second, fault.BusDead: 12 * time.Second, fault.BusSilent: 12 * time.Second,
	fault.LinkDown: 11 * time.Second, fault.QuestionLost: 11 * time.Second, fault.AnswerLost: 11 * time.Second,
	fault.NodeKilled: 3 * time.Second, fault.NodePaused: 8 * time.Second,
	fault.DBStopped: 9 * time.Second, fault.DBAborted: 9 * time.Second, fault.DBKilled: 9 * time.Second, fault.DBPaused: 9 * time.Second,
	fault.DiskFull: 12 * time.Second, fault.ClockForward: 12 * time.Second, fault.ClockBack: 20 * time.Second,
	fault.Rolling: 12 * time.Second,
}

// Make makes a plan, or an error where there isn't the time for every kind once.
func Make(o Options) ([]Fault, error) {
	p := &planner{random: rand.New(rand.NewPCG(o.Seed, 1)), at: calm}
	kinds := o.Kinds
	if len(kinds) == 0 {
		kinds = fault.Kinds()
	}
	kinds = slices.Clone(kinds)
	p.random.Shuffle(len(kinds), func(i, j int) { kinds[i], kinds[j] = kinds[j], kinds[i] })
	for _, kind := range kinds {
		p.add(kind, p.at)
		p.at = p.faults[len(p.faults)-1].end() + calm
	}
	if p.at > o.Length {
		return nil, fmt.Errorf("the faults take %s, and there are %s for them: name fewer, or give more time", p.at.Round(time.Second), o.Length.Round(time.Second))
	}
	for o.Pairs {
		former := *p
		if !p.pair(kinds) || p.at > o.Length {
			return former.faults, nil
		}
	}
	return p.faults, nil
}

func (f *Fault) end() time.Duration { return f.Start + f.Length }

type planner struct {
	random *rand.Rand
	at     time.Duration // when the next fault may come
	faults []Fault
}

func (p *planner) add(kind fault.Kind, at time.Duration) {
	f := Fault{Number: len(p.faults) + 1, Kind: kind, Start: at, Length: lengths[kind]}
	switch fault.Of(kind).Reach {
	case fault.OneNode:
		f.Node = fmt.Sprintf("n%d", 1+p.random.IntN(3))
	case fault.ClockedNode:
		f.Node = Clocked
	case fault.EveryNode:
	}
	p.faults = append(p.faults, f)
}

// pair adds two faults of which the second begins while the first is in force. It reports false where no two of the kinds go
// together.
func (p *planner) pair(kinds []fault.Kind) bool {
	var pairs [][2]fault.Kind
	for _, a := range kinds {
		for _, b := range kinds {
			if together(a, b) {
				pairs = append(pairs, [2]fault.Kind{a, b})
			}
		}
	}
	if len(pairs) == 0 {
		return false
	}
	pair := pairs[p.random.IntN(len(pairs))]
	p.add(pair[0], p.at)
	first := p.faults[len(p.faults)-1]
	later := time.Duration(1+p.random.IntN(4000)) * time.Millisecond
	p.add(pair[1], first.Start+min(later, first.Length*3/4))
	second := p.faults[len(p.faults)-1]
	p.at = max(first.end(), second.end()) + calm
	return true
}

// together reports whether a fault can come while another is in force. Two of the database's would be one. A database whose
// disk is full doesn't start. A rolling restart promises something of its own, which others would hide; and what makes the
// clock a subject is best seen alone.
func together(a, b fault.Kind) bool {
	bus := func(k fault.Kind) bool { return k == fault.BusDead || k == fault.BusSilent }
	database := func(k fault.Kind) bool { return fault.Of(k).Reach == fault.EveryNode && !bus(k) }
	apart := func(k fault.Kind) bool { return k == fault.Rolling || fault.Of(k).Clock }
	return a != b && !apart(a) && !apart(b) && (!database(a) || !database(b)) && (!bus(a) || !bus(b))
}
