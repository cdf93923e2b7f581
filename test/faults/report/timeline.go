package report

import (
	"fmt"
	"html"
	"math"
	"strings"
	"time"

	"github.com/jeton-io/jeton/test/faults/fault"
	"github.com/jeton-io/jeton/test/faults/invariant"
	"github.com/jeton-io/jeton/test/faults/journal"
)

// The timeline is four pictures over one axis of time: faults as bars, latencies of revocation as dots on a logarithmic axis,
// answers that weren't a verdict, and readiness.

// Where things are, in units of the picture.
const (
	left, right = 150.0, 1190.0
	lane        = 15.0 // of a fault
	dots        = 190.0
	strip       = 26.0 // of a node
)

const timelineStyle = `<style>
.tl text { font: 11px system-ui, sans-serif; fill: #1d2330; } .tl .grid { stroke: #d5d9e2; stroke-width: 1; } .tl .bound { stroke: #c2410c; stroke-width: 1; stroke-dasharray: 5 3; }
.tl .fault { fill: #94a3b8; fill-opacity: .75; } .tl .cut { fill: #f59e0b; fill-opacity: .8; } .tl .shade { fill: #94a3b8; fill-opacity: .12; }
.tl .n1 { fill: #2563eb; } .tl .n2 { fill: #059669; } .tl .n3 { fill: #9333ea; } .tl .nginx { fill: #475569; }
.tl .ready { fill: #059669; fill-opacity: .7; } .tl .wait { fill: #f59e0b; } .tl .lost { fill: #dc2626; } .tl .paper { fill: #fff; }
@media (prefers-color-scheme: dark) { .tl text { fill: #e4e8f0; } .tl .grid { stroke: #353b49; } .tl .paper { fill: #14171e; } .tl .bound { stroke: #fb923c; } .tl .nginx { fill: #cbd5e1; } .tl .n1 { fill: #60a5fa; } .tl .n2 { fill: #34d399; } .tl .n3 { fill: #c084fc; } }
</style>`

// timeline draws.
type timeline struct {
	strings.Builder
	end time.Duration // of the axis
	y   float64       // where the next picture begins
}

// Timeline draws the timeline of a run.
func Timeline(run *journal.Run, result *invariant.Result) string {
	t := &timeline{y: 20}
	for i := range run.Checks {
		t.end = max(t.end, run.Checks[i].Answered)
	}
	t.end = max(t.end, time.Second)
	lanes := t.faults(result.Windows)
	t.latencies(result.Latencies, lanes)
	t.answers(run)
	t.readiness(run)
	t.axis()
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" class="tl" viewBox="0 0 1215 %.0f">%s<rect class="paper" width="1215" height="%.0f"/>`+"\n%s</svg>\n",
		t.y+30, timelineStyle, t.y+30, t.String())
}

func (t *timeline) x(at time.Duration) float64 {
	return left + (right-left)*min(1, float64(at)/float64(t.end))
}

func (t *timeline) label(y float64, text string) {
	fmt.Fprintf(t, `<text x="%.0f" y="%.1f" text-anchor="end">%s</text>`+"\n", left-8, y, html.EscapeString(text))
}

// bar is a span of time, as high as what it stands for.
type bar struct {
	class    string
	from, to time.Duration
	y, high  float64
	title    string
}

func (t *timeline) draw(b bar) {
	x := t.x(b.from)
	fmt.Fprintf(t, `<rect class="%s" x="%.1f" y="%.1f" width="%.1f" height="%.1f"><title>%s</title></rect>`+"\n",
		b.class, x, b.y, max(1, t.x(b.to)-x), b.high, html.EscapeString(b.title))
}

func (t *timeline) grid(class string, y float64) {
	fmt.Fprintf(t, `<line class="%s" x1="%.0f" x2="%.0f" y1="%.1f" y2="%.1f"/>`+"\n", class, left, right, y, y)
}

// faults draws a bar for each fault, each kind in its own lane, and returns the faults for the shades below.
func (t *timeline) faults(all []invariant.Window) []invariant.Window {
	lanes := map[fault.Kind]float64{}
	for _, w := range all {
		if _, known := lanes[w.Kind]; !known {
			lanes[w.Kind] = t.y + lane*float64(len(lanes))
			t.label(lanes[w.Kind]+lane-4, string(w.Kind))
		}
		class := "fault"
		if e := fault.Of(w.Kind); e.Cuts || e.Silences {
			class = "cut"
		}
		t.draw(bar{class, w.Begun, w.Mended, lanes[w.Kind] + 1, lane - 3, fmt.Sprintf("%d: %s %s", w.Number, w.Kind, w.Node)})
	}
	t.y += lane*float64(len(lanes)) + 24
	return all
}

// latencies draws a dot for each revocation and node. What was on a node before it was first asked lies on the lowest line.
func (t *timeline) latencies(all []invariant.Latency, shades []invariant.Window) {
	const least, most = float64(time.Millisecond), float64(10 * time.Second)
	top := t.y
	height := func(d time.Duration) float64 {
		share := math.Log(min(most, max(least, float64(d)))/least) / math.Log(most/least)
		return top + dots*(1-share)
	}
	for _, w := range shades {
		t.draw(bar{"shade", w.Begun, w.Mended, top, dots, string(w.Kind)})
	}
	for _, tick := range []time.Duration{time.Millisecond, 10 * time.Millisecond, 100 * time.Millisecond, time.Second, 5 * time.Second} {
		class := "grid"
		if tick >= time.Second {
			class = "bound"
		}
		t.grid(class, height(tick))
		t.label(height(tick)+4, tick.String())
	}
	fmt.Fprintf(t, `<text x="%.0f" y="%.1f">revocation: from its acknowledgement to the last yes of a node (n1 blue, n2 green, n3 purple; ≤ 1 ms: the node was never heard to say yes)</text>`+"\n", left, top-6)
	for _, l := range all {
		if l.Seen || l.Took > 0 {
			fmt.Fprintf(t, `<circle class="%s" cx="%.1f" cy="%.1f" r="2"><title>%s %s %s</title></circle>`+"\n",
				l.Node, t.x(l.Acked), height(l.Took), html.EscapeString(string(l.Thing)), l.Node, invariant.After(l.Took))
		}
	}
	t.y += dots + 30
}

// answers draws, second by second, what share of each target's answers was 503, and what share no answer.
func (t *timeline) answers(run *journal.Run) {
	type second struct{ all, wait, lost int }
	seconds := map[string][]second{}
	for i := range run.Checks {
		c := &run.Checks[i]
		for len(seconds[c.Target]) <= int(c.Sent/time.Second) {
			seconds[c.Target] = append(seconds[c.Target], second{})
		}
		s := &seconds[c.Target][int(c.Sent/time.Second)]
		s.all++
		switch c.Verdict {
		case journal.Wait:
			s.wait++
		case journal.Lost:
			s.lost++
		case journal.Yes, journal.No:
		}
	}
	fmt.Fprintf(t, `<text x="%.0f" y="%.1f">answers without a verdict, by the second: 503 (orange), none (red)</text>`+"\n", left, t.y-4)
	for _, target := range append(invariant.Nodes(), journal.Nginx) {
		t.label(t.y+strip-8, target)
		for i, s := range seconds[target] {
			from, to := time.Duration(i)*time.Second, time.Duration(i+1)*time.Second
			wait, lost := strip*.9*share(s.wait, s.all), strip*.9*share(s.lost, s.all)
			if s.wait > 0 {
				t.draw(bar{"wait", from, to, t.y + strip - wait, wait, fmt.Sprintf("%s: %d of %d answered 503", target, s.wait, s.all)})
			}
			if s.lost > 0 {
				t.draw(bar{"lost", from, to, t.y + strip - wait - lost, lost, fmt.Sprintf("%s: %d of %d not answered", target, s.lost, s.all)})
			}
		}
		t.y += strip
		t.grid("grid", t.y)
	}
	t.y += 26
}

func share(part, all int) float64 { return float64(part) / float64(max(1, all)) }

// readiness draws what /readyz of each node said.
func (t *timeline) readiness(run *journal.Run) {
	fmt.Fprintf(t, `<text x="%.0f" y="%.1f">/readyz: ready (green), not ready (orange), no answer (red)</text>`+"\n", left, t.y-4)
	for _, node := range invariant.Nodes() {
		t.label(t.y+11, node)
		class, from, last := "", time.Duration(0), time.Duration(0)
		for i := range run.Readies {
			r := &run.Readies[i]
			if r.Node != node {
				continue
			}
			now := map[int]string{0: "lost", 200: "ready"}[r.Status]
			if now == "" {
				now = "wait"
			}
			if now != class {
				if class != "" {
					t.draw(bar{class, from, r.Sent, t.y + 2, 11, node + ": " + class})
				}
				class, from = now, r.Sent
			}
			last = r.Answered
		}
		if class != "" {
			t.draw(bar{class, from, last, t.y + 2, 11, node + ": " + class})
		}
		t.y += 16
	}
}

// axis draws the axis of time.
func (t *timeline) axis() {
	step := 30 * time.Second
	if t.end < 2*time.Minute {
		step = 10 * time.Second
	}
	t.y += 6
	t.grid("grid", t.y)
	for at := time.Duration(0); at <= t.end; at += step {
		fmt.Fprintf(t, `<text x="%.1f" y="%.1f" text-anchor="middle">%.0f s</text>`+"\n", t.x(at), t.y+14, at.Seconds())
	}
}
