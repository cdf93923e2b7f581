package lab

import (
	"context"
	"fmt"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/jeton-io/jeton/test/faults/fault"
	"github.com/jeton-io/jeton/test/faults/plan"
)

// By how much a clock is set. Forward, it is further than anything is kept for; back, it is by less than an access token
// lives, so that one which is over would be good again.
const (
	clockForward = 400 * 24 * time.Hour
	clockBack    = -45 * time.Second
)

// Break breaks what a fault of the plan says and returns once it is in force. Mend, which it returns, mends it again, and
// returns once what was broken works: that Jeton works again, it doesn't wait for. A rolling restart is one long mending. The
// note is for the report.
func (l *Lab) Break(ctx context.Context, f plan.Fault) (mend func(context.Context) error, note string, err error) {
	none := func(context.Context) error { return nil }
	n := l.Node(f.Node)
	switch f.Kind {
	case fault.ListenCut:
		return none, l.cutOnce(ctx, n), nil
	case fault.BusDead:
		return l.againAndAgain(ctx, func(ctx context.Context, c *pgx.Conn) error { _, err := cutListeners(ctx, c, ""); return err }), "", nil
	case fault.BusSilent:
		return l.silence(ctx), "", nil
	case fault.LinkDown:
		return func(context.Context) error { return l.plugAgain(n.Name) }, "", l.pull(n.Name)
	case fault.QuestionLost:
		return func(context.Context) error { return l.loseNoMore(n.Name, DB) }, "", l.lose(n.Name, DB)
	case fault.AnswerLost:
		return func(context.Context) error { return l.loseNoMore("db", n.back()) }, "", l.lose("db", n.back())
	case fault.NodeKilled:
		n.Kill()
		return func(context.Context) error { return n.Start() }, "", nil
	case fault.NodePaused:
		n.signal(syscall.SIGSTOP)
		return func(context.Context) error { n.signal(syscall.SIGCONT); return nil }, "", nil
	case fault.DBStopped:
		return l.Postgres.start, "", l.Postgres.stop(fast)
	case fault.DBAborted:
		return l.Postgres.start, "", l.Postgres.stop(immediate)
	case fault.DBKilled:
		return l.Postgres.start, "", l.Postgres.all(syscall.SIGKILL)
	case fault.DBPaused:
		return l.resume, "", l.Postgres.all(syscall.SIGSTOP)
	case fault.DiskFull:
		return l.empty, "", l.Postgres.fill()
	case fault.ClockForward:
		return func(context.Context) error { return n.set(0) }, "by " + clockForward.String(), n.setAndWait(clockForward)
	case fault.ClockBack:
		return func(context.Context) error { return n.set(0) }, "by " + clockBack.String(), n.setAndWait(clockBack)
	case fault.Rolling:
		return l.roll, fmt.Sprintf("%d times, with %s between two nodes", rounds, breath), nil
	}
	return nil, "", fmt.Errorf("nobody knows how to break %s", f.Kind)
}

// back is the node's address on the network of the database.
func (n *Node) back() string { return "198.51.100.1" + n.Name[1:] }

// setAndWait sets the clock and gives the node the time to see it.
func (n *Node) setAndWait(off time.Duration) error {
	err := n.set(off)
	time.Sleep(50 * time.Millisecond)
	return err
}

// cutOnce terminates the connection on which a node listens. Where another fault has the database away, or the node, there is none
// to be cut, and the note says so.
func (l *Lab) cutOnce(ctx context.Context, n *Node) string {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	c, err := l.Postgres.connect(ctx, "postgres")
	if err != nil {
		return "none: the database was away"
	}
	defer func() { _ = c.Close(context.WithoutCancel(ctx)) }()
	count, err := cutListeners(ctx, c, n.back())
	if err != nil {
		return "none: the database went away"
	}
	return fmt.Sprintf("%d connections", count)
}

// againAndAgain does something to the database until it is mended.
func (l *Lab) againAndAgain(ctx context.Context, do func(context.Context, *pgx.Conn) error) (mend func(context.Context) error) {
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	running.Go(func() {
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		c, err := l.Postgres.connect(ctx, "postgres")
		for ctx.Err() == nil {
			if err == nil {
				err = do(ctx, c)
			}
			if err != nil { // another fault may have the database down
				if c != nil {
					_ = c.Close(context.WithoutCancel(ctx))
				}
				c, err = l.Postgres.connect(ctx, "postgres")
			}
			<-tick.C
		}
		if c != nil {
			_ = c.Close(context.WithoutCancel(ctx))
		}
	})
	return func(context.Context) error {
		cancel()
		running.Wait()
		return nil
	}
}

// silence stops the server's processes of the connections on which nodes hear notifications, and of each new one.
func (l *Lab) silence(ctx context.Context) (mend func(context.Context) error) {
	stopped := map[int]bool{}
	end := l.againAndAgain(ctx, func(ctx context.Context, c *pgx.Conn) error {
		pids, err := listeners(ctx, c)
		for _, pid := range pids {
			if !stopped[pid] {
				stopped[pid] = true
				_ = syscall.Kill(pid, syscall.SIGSTOP) // it may have ended
			}
		}
		return err
	})
	return func(ctx context.Context) error {
		err := end(ctx)
		for pid := range stopped {
			_ = syscall.Kill(pid, syscall.SIGCONT) // it may have ended
		}
		return err
	}
}

func (l *Lab) resume(ctx context.Context) error {
	if err := l.Postgres.all(syscall.SIGCONT); err != nil {
		return err
	}
	return l.Postgres.await(ctx)
}

// empty removes the ballast. A server that ended for want of room is started again, as a supervisor would.
func (l *Lab) empty(ctx context.Context) error {
	if err := l.Postgres.free(); err != nil {
		return err
	}
	if !l.Postgres.running() {
		l.Say("PostgreSQL ended on its full disk, and is started again")
		return l.Postgres.start(ctx)
	}
	return l.Postgres.await(ctx)
}

// How a rolling restart goes: as an upgrade does, and then once more.
const (
	rounds = 2
	breath = 1500 * time.Millisecond
)

// roll restarts the nodes one after another.
func (l *Lab) roll(ctx context.Context) error {
	for range rounds {
		for _, n := range l.Nodes {
			n.Stop()
			if err := n.Start(); err != nil {
				return err
			}
			if err := n.awaitReady(ctx); err != nil {
				return err
			}
			time.Sleep(breath)
		}
	}
	return nil
}
