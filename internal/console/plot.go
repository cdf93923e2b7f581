package console

import "github.com/jeton-io/jeton/internal/words"

// The plot's measures, in its own units.
const (
	plotWidth  = 240
	plotHeight = 60
	plotStep   = plotWidth / dayHours
	plotGap    = 2
)

// plot is a bar for each hour.
type plot struct {
	Alarm       bool // it is of what one would rather see little of
	Title       words.Text
	Total, Most int64
	Bars        []plotBar
}

// plotBar is a bar with its upper left corner.
type plotBar struct{ X, Y, Width, Height int }

// plotOf draws what was counted. The highest bar is as high as the plot, and what isn't nothing is seen.
func plotOf(alarm bool, title words.Text, hours [dayHours]hourTally, of func(hourTally) int64) plot {
	p := plot{Alarm: alarm, Title: title}
	for _, h := range hours {
		p.Total += of(h)
		p.Most = max(p.Most, of(h))
	}
	for n, h := range hours {
		if of(h) == 0 {
			continue
		}
		height := max(2, int(float64(of(h))/float64(p.Most)*plotHeight))
		p.Bars = append(p.Bars, plotBar{n*plotStep + plotGap/2, plotHeight - height, plotStep - plotGap, height})
	}
	return p
}

// Alternative says what the plot shows to whoever doesn't see it.
func (p plot) Alternative() words.Text {
	return words.Say("%s in the last 24 hours, by hour: %d together, at most %d in an hour.", p.Title, p.Total, p.Most)
}
