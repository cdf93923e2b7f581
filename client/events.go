package client

import (
	"cmp"
	"context"
	"iter"
	"time"

	"github.com/jeton-io/jeton/api"
)

// EventFilter selects events of the audit log. Zero fields select everything.
type EventFilter struct {
	Action string    // exactly this action, as "user.create" or "refused"
	Reason string    // exactly this reason of a refusal
	Actor  string    // done by this user, or refused for this user: an ID or a name
	Target string    // done to this record: an ID, the name of a user, a service or an API token, the code of a platform, or the number of a project
	Since  time.Time // at this time or later
	Until  time.Time // before this time
	// PageSize is how many events one request asks for: 200 at most, and where it is 0. It bounds no listing: leave the
	// loop for that.
	PageSize int
}

// Events goes through the audit log, newest first. The error is ErrInvalid where Actor or Target names no record of today.
func (c *Client) Events(ctx context.Context, f EventFilter) iter.Seq2[api.Event, error] {
	q := list("reading the audit log", "events", cmp.Or(f.PageSize, pageSize))
	for name, value := range map[string]string{
		"action": f.Action, "reason": f.Reason, "actor": f.Actor, "target": f.Target, "since": wireTime(f.Since), "until": wireTime(f.Until),
	} {
		if value != "" {
			q.query.Set(name, value)
		}
	}
	return pages[api.Event](ctx, c, q)
}

func wireTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}
