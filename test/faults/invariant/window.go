package invariant

import (
	"math"
	"slices"
	"time"

	"github.com/jeton-io/jeton/test/faults/fault"
	"github.com/jeton-io/jeton/test/faults/journal"
)

// Nodes are the names of the nodes in the journals.
func Nodes() []string { return []string{"n1", "n2", "n3"} }

// never is after the end of any run: when a fault was mended that never was.
const never = time.Duration(math.MaxInt64)

// Window is one fault, from its beginning to its end.
type Window struct {
	Number                          int
	Kind                            fault.Kind
	Node                            string // that it touches; empty for all
	Begun, InForce, Mending, Mended time.Duration
	Notes                           []string
}

// Windows reads the faults from their phases, in the order in which they began.
func Windows(steps []journal.Step) []Window {
	var all []Window
	for _, s := range steps {
		i := slices.IndexFunc(all, func(w Window) bool { return w.Number == s.Fault })
		if i < 0 {
			i = len(all)
			all = append(all, Window{s.Fault, s.Kind, s.Node, s.At, never, never, never, nil})
		}
		w := &all[i]
		switch s.Phase {
		case journal.Begun:
		case journal.InForce:
			w.InForce = s.At
		case journal.Mending:
			w.Mending = s.At
		case journal.Mended:
			w.Mended = s.At
		}
		if s.Note != "" {
			w.Notes = append(w.Notes, s.Note)
		}
	}
	return all
}

// Touches reports whether the fault touches a node.
func (w *Window) Touches(node string) bool { return w.Node == "" || w.Node == node }

// Over is when nothing of the fault may be seen any more.
func (w *Window) Over() time.Duration {
	if w.Mended == never {
		return never
	}
	return w.Mended + Recovery
}

// overlaps reports whether something of the fault may be seen in a span.
func (w *Window) overlaps(from, to time.Duration) bool { return w.Begun <= to && from <= w.Over() }

// windows are the faults of a run.
type windows []Window

// explains reports whether a fault explains what a node said in a span. One that cuts the node off from the database explains
// that it can't decide; only one that silences it explains that it says nothing, and so does one that cuts off a node which is
// to be started.
func (ws windows) explains(node string, verdict journal.Verdict, from, to time.Duration) bool {
	return slices.ContainsFunc(ws, func(w Window) bool {
		effect := fault.Of(w.Kind)
		return w.Touches(node) && w.overlaps(from, to) && (effect.Silences || effect.Cuts && (verdict == journal.Wait || ws.starts(node, &w)))
	})
}

// starts reports whether a node was to be started during a fault.
func (ws windows) starts(node string, during *Window) bool {
	return slices.ContainsFunc(ws, func(w Window) bool {
		return fault.Of(w.Kind).Starts && w.Touches(node) && w.overlaps(during.Begun, during.Mended)
	})
}

// serving reports whether a node could serve all through a span, for all that the faults of the run did to it. A rolling
// restart leaves others in its place.
func (ws windows) serving(from, to time.Duration) bool {
	return slices.ContainsFunc(Nodes(), func(node string) bool {
		return !slices.ContainsFunc(ws, func(w Window) bool {
			effect := fault.Of(w.Kind)
			return w.Kind != fault.Rolling && (effect.Silences || effect.Cuts) && w.Touches(node) && w.overlaps(from, to)
		})
	})
}

// clocked reports whether the clock of what a check asked was set otherwise at any moment of a span; through the proxy, it
// may have been any node's.
func (ws windows) clocked(target string, from, to time.Duration) bool {
	return slices.ContainsFunc(ws, func(w Window) bool {
		return fault.Of(w.Kind).Clock && (target == journal.Nginx || w.Touches(target)) && w.overlaps(from, to)
	})
}

// quiet reports whether no fault was near a span.
func (ws windows) quiet(from, to time.Duration) bool {
	return !slices.ContainsFunc(ws, func(w Window) bool { return w.overlaps(from, to) })
}

// alone reports whether no other fault touches a node in a span.
func (ws windows) alone(number int, node string, from, to time.Duration) bool {
	return !slices.ContainsFunc(ws, func(w Window) bool {
		return w.Number != number && w.Touches(node) && w.overlaps(from, to)
	})
}

// lone reports whether no other fault is near a span, whomever it touches.
func (ws windows) lone(number int, from, to time.Duration) bool {
	return !slices.ContainsFunc(ws, func(w Window) bool { return w.Number != number && w.overlaps(from, to) })
}
