// Package fault names what can be broken, and what a client may see of it.
//
// The harness breaks by these names, the journal tells of them, and the checker forgives what they explain and nothing
// else: a kind that explains too much would hide a bug, so each says as little as it can.
package fault

import (
	"fmt"
	"slices"
)

// Kind is a kind of fault.
type Kind string

// The kinds.
const (
	ListenCut    Kind = "listen-cut"    // the connection on which a node hears notifications is ended, once
	BusDead      Kind = "bus-dead"      // those of all nodes are ended again and again
	BusSilent    Kind = "bus-silent"    // the server's processes behind them are stopped: they stand, and nothing comes
	LinkDown     Kind = "link-down"     // a node's cable to the database is pulled
	QuestionLost Kind = "question-lost" // what a node sends to the database is lost on the way
	AnswerLost   Kind = "answer-lost"   // what the database sends to a node is lost: writes are made, and nobody hears it
	NodeKilled   Kind = "node-killed"   // a node gets SIGKILL, and is started again
	NodePaused   Kind = "node-paused"   // a node gets SIGSTOP, and later SIGCONT
	DBStopped    Kind = "db-stopped"    // PostgreSQL is stopped in its fast mode
	DBAborted    Kind = "db-aborted"    // PostgreSQL is stopped in its immediate mode
	DBKilled     Kind = "db-killed"     // all processes of PostgreSQL get SIGKILL
	DBPaused     Kind = "db-paused"     // all processes of PostgreSQL get SIGSTOP: it hangs
	DiskFull     Kind = "disk-full"     // the file system of PostgreSQL has no byte left
	ClockForward Kind = "clock-forward" // the wall clock of one node is set forward
	ClockBack    Kind = "clock-back"    // and back
	Rolling      Kind = "rolling"       // the nodes are restarted one after another, in good order
)

// Reach is whom a fault touches.
type Reach int

// The reaches.
const (
	OneNode Reach = iota
	EveryNode
	ClockedNode // that one whose clock can be set
)

// Effect is what may be seen of a fault.
type Effect struct {
	What  string // in a sentence of the report
	Reach Reach
	// Cuts says that the nodes it touches don't reach the database: they answer from memory for five seconds, and 503 after.
	Cuts bool
	// Silences says that the nodes it touches may give no answer at all.
	Silences bool
	// Serves says that checks which come through the proxy are answered as if nothing were.
	Serves bool
	// Storage says that nothing can be added to the database.
	Storage bool
	// Clock says that a node may take what isn't over for over, or for not yet begun.
	Clock bool
	// Starts says that the nodes it touches are started anew, which takes a database.
	Starts bool
	// Kills says that a process ended without warning, with what it hadn't written.
	Kills bool
}

// effects is the one list of kinds.
var effects = map[Kind]Effect{
	ListenCut:    {What: "the connection on which one node hears NOTIFY was terminated once", Reach: OneNode, Serves: true},
	BusDead:      {What: "the connections on which the nodes hear NOTIFY were terminated again and again: the bus was dead", Reach: EveryNode, Serves: true},
	BusSilent:    {What: "the server's processes behind the connections on which the nodes hear NOTIFY were stopped, old and new: nothing came", Reach: EveryNode, Serves: true},
	LinkDown:     {What: "one node's link to the database was down", Reach: OneNode, Cuts: true, Serves: true},
	QuestionLost: {What: "all that one node sent to the database was lost", Reach: OneNode, Cuts: true, Serves: true},
	AnswerLost:   {What: "all that the database sent to one node was lost", Reach: OneNode, Cuts: true, Serves: true},
	NodeKilled:   {What: "one node got SIGKILL and was started again", Reach: OneNode, Silences: true, Serves: true, Starts: true, Kills: true},
	NodePaused:   {What: "one node got SIGSTOP, and SIGCONT later", Reach: OneNode, Silences: true, Serves: true},
	DBStopped:    {What: "PostgreSQL was stopped (fast) and started", Reach: EveryNode, Cuts: true},
	DBAborted:    {What: "PostgreSQL was stopped (immediate) and started", Reach: EveryNode, Cuts: true, Kills: true},
	DBKilled:     {What: "all processes of PostgreSQL got SIGKILL; it was started again", Reach: EveryNode, Cuts: true, Kills: true},
	DBPaused:     {What: "all processes of PostgreSQL got SIGSTOP, and SIGCONT later: it hung", Reach: EveryNode, Cuts: true},
	DiskFull:     {What: "the disk of PostgreSQL was full", Reach: EveryNode, Serves: true, Storage: true},
	ClockForward: {What: "the wall clock of one node was set forward, and right again", Reach: ClockedNode, Clock: true, Serves: true},
	ClockBack:    {What: "the wall clock of one node was set back, and right again", Reach: ClockedNode, Clock: true, Serves: true},
	Rolling:      {What: "the nodes were restarted one after another (SIGTERM, start, wait for /readyz)", Reach: EveryNode, Silences: true, Serves: true, Starts: true},
}

// Of returns what may be seen of a fault of this kind; nothing at all for one that isn't known.
func Of(k Kind) Effect { return effects[k] }

// Kinds returns all kinds, in order of their names.
func Kinds() []Kind {
	var all []Kind
	for k := range effects {
		all = append(all, k)
	}
	slices.Sort(all)
	return all
}

// Parse reads the name of a kind.
func Parse(name string) (Kind, error) {
	if _, known := effects[Kind(name)]; !known {
		return "", fmt.Errorf("there is no fault %q; those that are: %v", name, Kinds())
	}
	return Kind(name), nil
}
