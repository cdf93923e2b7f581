package cli

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/jeton-io/jeton/client"
)

// events prints the audit log. It is newest first, because a question to it begins with what has just happened, and
// bounded unless told otherwise, because it may be very long.
func (p *program) events() *cobra.Command {
	var filter client.EventFilter
	var since, until string
	var limit int
	cmd := &cobra.Command{
		Use:   "events",
		Short: "Read the audit log: changes and refusals, newest first",
		Long: `Read the audit log: changes and refusals, newest first. Refusals of one minute
that were alike are one row, with their count and the time of the first. Times
are this machine's. --output json has all that is known of each event.

A TIME is RFC 3339, as 2026-01-31T12:00:00Z; a day of UTC, as 2026-01-31; or
how long ago, as 90m, 36h or 7d.`,
		Example: "  jeton events --since 24h\n  jeton events --action refused --reason superseded --actor alice --output json",
	}
	f := cmd.Flags()
	f.StringVar(&filter.Action, "action", "", "only this action, as user.create or refused")
	f.StringVar(&filter.Reason, "reason", "", "only refusals for this reason, as superseded")
	f.StringVar(&filter.Actor, "actor", "", "only what this user did or was refused, by name or ID")
	f.StringVar(&filter.Target, "target", "", "only what was done to this record: a user, service or API token by name, a platform by code, a project by number, any by ID")
	f.StringVar(&since, "since", "", "only from this `TIME` on")
	f.StringVar(&until, "until", "", "only before this `TIME`")
	f.IntVar(&limit, "limit", 50, "so many events at most; 0 for all")
	cmd.RunE = p.run(func(cmd *cobra.Command, args []string) (err error) {
		if filter.Since, err = p.timeOf("since", since); err != nil {
			return err
		}
		if filter.Until, err = p.timeOf("until", until); err != nil {
			return err
		}
		if limit < 0 {
			return &usageError{text: "--limit is negative"}
		}
		return p.ask(func(ctx context.Context, c *client.Client, _ []string) error {
			const page = 200 // the most that Jeton gives at a time
			if filter.PageSize = page; limit > 0 {
				filter.PageSize = min(limit, page)
			}
			events, err := collect(c.Events(ctx, filter), limit)
			if err != nil {
				return err
			}
			if err := p.show(events, func() { p.eventTable(events) }); err != nil {
				return err
			}
			if limit > 0 && len(events) == limit && p.output == formatText {
				p.hint("There may be older ones: --limit %d, or --until %s", 4*limit, events[limit-1].At.UTC().Format(time.RFC3339Nano))
			}
			return nil
		})(cmd, args)
	})
	return cmd
}

// timeOf reads the value of a flag that is a moment, or how long ago it was; nothing for the zero time, which selects all.
// A day begins at midnight UTC, as all times of the audit log are in UTC.
func (p *program) timeOf(flag, value string) (time.Time, error) {
	if value == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, value); err == nil {
			return t, nil
		}
	}
	ago, err := time.ParseDuration(value)
	if days, ok := strings.CutSuffix(value, "d"); ok {
		var n int
		n, err = strconv.Atoi(days)
		ago = time.Duration(n) * 24 * time.Hour
	}
	if err != nil || ago < 0 {
		return time.Time{}, &usageError{text: fmt.Sprintf("--%s is no time, as 2026-01-31T12:00:00Z, 2026-01-31, 36h or 7d", flag)}
	}
	return p.env.Now().Add(-ago), nil
}
