package client

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/jeton-io/jeton/api"
)

const (
	// feedFirstTry and feedLastTry bound how soon the feed, or the policy, is tried again where it failed.
	feedFirstTry = 50 * time.Millisecond
	feedLastTry  = time.Second
	// maxEvent bounds a line of the feed, in bytes.
	maxEvent = 64 << 10
)

// listening is what the errors of the feed begin with.
const listening = "listening to the feed"

// listen follows the feed until ctx ends. It goes on from where it was cut off; what was remembered stays good meanwhile, as far as
// the bound allows.
func (v *Verifier) listen(ctx context.Context) {
	wait := feedFirstTry
	for cursor := ""; ctx.Err() == nil; {
		heard, err := v.hear(ctx, &cursor)
		if heard {
			wait = feedFirstTry
		}
		if err != nil && ctx.Err() == nil {
			v.report(err)
		}
		pause(ctx, wait)
		wait = min(2*wait, feedLastTry)
	}
}

// pause waits before something is tried again, or until ctx ends.
func pause(ctx context.Context, wait time.Duration) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// hear follows one stream to its end, and reports whether it told anything. A stream that is silent for as long as the bound is
// given up: a firewall may have dropped it without a word.
func (v *Verifier) hear(ctx context.Context, cursor *string) (heard bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	silence := time.AfterFunc(v.cfg.MaxStale, cancel)
	defer silence.Stop()
	q := request{doing: listening, method: http.MethodGet, path: []string{"feed"}}
	r, err := v.c.build(ctx, q)
	if err != nil {
		return false, err
	}
	r.Header.Set("Accept", "text/event-stream")
	if *cursor != "" {
		r.Header.Set("Last-Event-ID", *cursor)
	}
	asked := time.Now()
	res, err := v.stream.Do(r)
	if err != nil {
		return false, unreachable(ctx, q, err)
	}
	defer func() { _ = res.Body.Close() }()
	switch {
	case res.StatusCode != http.StatusOK:
		return false, v.refusedFeed(q, res)
	case mediaType(res) != "text/event-stream":
		return false, foreign(q, res)
	}
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, maxEvent)
	for {
		e, ok := nextEvent(lines)
		if !ok {
			return heard, endOfFeed(ctx, lines.Err())
		}
		if err := v.take(e, asked); err != nil {
			return heard, err
		}
		if e.id != "" {
			*cursor = e.id
		}
		heard = true
		silence.Reset(v.cfg.MaxStale)
		if now := time.Now(); clockMoved(now.Round(0).Sub(asked.Round(0)), now.Sub(asked)) {
			return heard, nil
		}
	}
}

// maxMoved is how far the wall clock may come off the monotonic one while a stream lasts: further than any that is only slewed.
const maxMoved = time.Second

// clockMoved reports whether the wall clock was set, or the machine slept, since a stream was asked for: so long ago by the wall clock, and
// so long by the monotonic one. By such a stream nothing would be known to be fresh until its end, minutes later; so another is begun,
// which goes on where it ended.
func clockMoved(wall, monotonic time.Duration) bool { return (wall - monotonic).Abs() > maxMoved }

// refusedFeed is the error of an answer that is no stream.
func (v *Verifier) refusedFeed(q request, res *http.Response) error {
	body := make([]byte, maxEvent)
	n, _ := res.Body.Read(body)
	return failure(q, res, body[:n])
}

// endOfFeed is the error of a stream that ended otherwise than by Jeton's own will.
func endOfFeed(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("%s: %w: it fell silent", listening, ErrUnreachable)
	default:
		return fmt.Errorf("%s: %w: %w", listening, ErrUnreachable, err)
	}
}

// serverEvent is one event, as the HTML standard has them.
type serverEvent struct{ name, id, data string }

// nextEvent reads an event to the empty line at its end. One that is cut short is none.
func nextEvent(lines *bufio.Scanner) (e serverEvent, ok bool) {
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), ":")
		value = strings.TrimPrefix(value, " ")
		switch name {
		case "event":
			e.name = value
		case "id":
			e.id = value
		case "data":
			e.data += value
		case "":
			if e.name != "" {
				return e, true
			}
		}
	}
	return e, false
}

// take applies an event; asked is when the stream was asked for.
func (v *Verifier) take(e serverEvent, asked time.Time) error {
	var data api.FeedEvent
	if err := json.Unmarshal([]byte(e.data), &data); err != nil {
		return fmt.Errorf("%s: %w: an event without data", listening, ErrNotJeton)
	}
	switch e.name {
	case api.FeedUser, api.FeedCredential:
		id, ok := parseID(data.ID)
		if !ok {
			return fmt.Errorf("%s: %w: an event with no ID", listening, ErrNotJeton)
		}
		v.memory.forget(id, data.Revision)
	case api.FeedPolicy:
		v.rules.outdated(data.Revision)
	case api.FeedHeartbeat:
		v.beat(&data, asked)
	case api.FeedResumed, api.FeedKeys:
	default: // FeedReset, FeedEverything, and what a later Jeton tells: whatever it is, it may be about everything
		v.memory.forgetAll(data.Revision)
		v.keys.forget()
		v.rules.outdated(data.Revision)
	}
	return nil
}

// beat notes how fresh what is remembered is.
//
// The stream came after it was asked for, and the heartbeat so long after that by Jeton's own clock. So however long it took on its
// way, in a proxy's buffer say, it isn't taken for newer than it is, and no two clocks need agree.
func (v *Verifier) beat(data *api.FeedEvent, asked time.Time) {
	const second = float64(time.Second)
	if data.AgeSeconds < 0 || data.SentSeconds < 0 || data.AgeSeconds > 1e6 || data.SentSeconds > 1e6 {
		return
	}
	at := asked.Add(time.Duration(data.SentSeconds * second)).Add(-time.Duration(data.AgeSeconds * second))
	now := time.Now()
	if at.After(now) { // by a clock that runs faster than ours
		at = now
	}
	if last := v.heard.Load(); last == nil || at.After(*last) {
		v.heard.Store(&at)
	}
	v.ahead.Store(max(0, data.Time.Sub(v.clock(now)).Microseconds()))
	v.first.Do(func() { close(v.ready) })
}
