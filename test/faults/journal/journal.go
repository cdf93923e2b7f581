// Package journal is what a run writes down while it goes on, one line for each thing that happened, and the only thing
// that the checker reads: who distrusts the harness can read it, too, or write a checker of their own.
//
// The files are plain text. Fields stand between tabs, "-" for an empty one; the first line names them. Times are seconds
// since the run began, by the monotonic clock, to the microsecond; a run says in run.tsv what the wall clock said then.
// No secret stands in a journal: a credential is a name, as "personal/u7/3" for the third personal token of user u7.
package journal

import (
	"strings"
	"time"

	"github.com/jeton-io/jeton/test/faults/fault"
)

// Thing is a record with a life: a user, or a credential. Its kind is what stands before the first slash.
type Thing string

// The kinds of thing.
const (
	User     = "user"
	Personal = "personal"
	Password = "password"
	APIToken = "api"
	Access   = "access"
)

// Kind returns the kind of a thing.
func (t Thing) Kind() string {
	kind, _, _ := strings.Cut(string(t), "/")
	return kind
}

// Op is what a write does to a thing.
type Op string

// The ops. A rotation is two: it makes a token and ends the former; both stand in one line, see Write.Former.
const (
	Make Op = "make" // it begins to live
	Off  Op = "off"  // it is disabled or blocked
	On   Op = "on"   // and lives again
	End  Op = "end"  // it is deleted, revoked or replaced, for good
)

// Outcome is what the author of a write knows of it.
type Outcome string

// The outcomes.
const (
	Done    Outcome = "done"    // it was acknowledged
	Refused Outcome = "refused" // it was refused, and changed nothing
	Unknown Outcome = "unknown" // no answer came, or one that says nothing: it may have been made, or may be yet
)

// Write is one change that a client asked for.
type Write struct {
	Sent, Answered time.Duration
	Op             Op
	Thing          Thing
	Former         Thing         // what a rotation ends by making Thing
	Parent         Thing         // on whose life that of a new thing rests
	Until          time.Duration // when a new thing is over by itself; 0 for never
	By             Thing         // the credential of the author
	Outcome        Outcome
	Status         int // 0 where no answer came
}

// Verdict is what a check was told.
type Verdict string

// The verdicts.
const (
	Yes  Verdict = "yes"  // 200
	No   Verdict = "no"   // 401 or 403
	Wait Verdict = "wait" // 503: it can't be decided just now
	Lost Verdict = "lost" // nothing, or nothing of Jeton's
)

// Purpose is why a check was made.
type Purpose string

// The purposes.
const (
	Steady Purpose = "steady" // at a steady rate, of any credential
	Probe  Purpose = "probe"  // again and again after a revocation, until the node refuses
	After  Purpose = "after"  // whether what was acknowledged outlived a crash
	Final  Purpose = "final"  // the same when all is over, of every credential
)

// Nginx is the target of a check that comes through the proxy; the others are the nodes, n1 to n3.
const Nginx = "nginx"

// Check is one question about a credential.
type Check struct {
	Sent, Answered time.Duration
	Target         string
	Thing          Thing
	Purpose        Purpose
	Verdict        Verdict
	Status         int
	Jeton          string // X-Jeton-Status
}

// Ready is one answer of a node's /readyz.
type Ready struct {
	Sent, Answered time.Duration
	Node           string
	Status         int
	Problems       string
}

// Phase is how far a fault has come.
type Phase string

// The phases, in order.
const (
	Begun   Phase = "begun"   // the hand is raised
	InForce Phase = "inforce" // it is broken
	Mending Phase = "mending" // it is about to be mended
	Mended  Phase = "mended"  // what was broken works; Jeton may need its time from here
)

// Step is a phase of a fault.
type Step struct {
	At    time.Duration
	Fault int // its number in the run
	Kind  fault.Kind
	Node  string // the node that it touches; empty for all
	Phase Phase
	Note  string
}

// Life is what a reading says of a thing.
type Life string

// The lives.
const (
	Lives   Life = "on"
	Stopped Life = "off"
	Gone    Life = "gone"
	Unread  Life = "unread" // no answer, or none that tells
)

// Reading is what /v1 said of a thing.
type Reading struct {
	Sent, Answered time.Duration
	Thing          Thing
	Purpose        Purpose
	Life           Life
	Status         int
}

// Count is how many rows a table had.
type Count struct {
	At    time.Duration
	Table string
	Rows  int64
}

// Fact is a name and a value that tell what was run, where and how.
type Fact struct{ Name, Value string }

// Run is all that was written down.
type Run struct {
	Facts    []Fact
	Writes   []Write
	Checks   []Check
	Readies  []Ready
	Steps    []Step
	Readings []Reading
	Counts   []Count
}

// Fact returns the value of a fact, or nothing.
func (r *Run) Fact(name string) string {
	for _, f := range r.Facts {
		if f.Name == name {
			return f.Value
		}
	}
	return ""
}
