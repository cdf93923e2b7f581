package sealed

import (
	"errors"
	"strings"
	"time"
)

var errTime = errors.New("the time is none as 2010-03-01T10:32:56Z, 2010-03-01T10:32:56-08:00 or 20100301T103256")

// ParseTime reads a GenDT: ISO 8601, with dashes and colons or without, to the second or down to the nanosecond. A time without a
// zone is one of UTC. Where a '+' has become a space on its way, that is a '+'.
func ParseTime(text string) (time.Time, error) {
	for _, layout := range []string{"2006-01-02T15:04:05", "20060102T150405"} {
		if len(text) < len(layout) || !shaped(text[:len(layout)], layout) {
			continue
		}
		t, err := time.Parse(layout, text[:len(layout)])
		if err != nil {
			return time.Time{}, errTime
		}
		fraction, rest, ok := cutFraction(text[len(layout):])
		if !ok {
			return time.Time{}, errTime
		}
		offset, ok := parseZone(rest)
		if !ok {
			return time.Time{}, errTime
		}
		return t.Add(fraction - offset), nil
	}
	return time.Time{}, errTime
}

// shaped reports whether text has digits where the layout has them, and else its characters: time.Parse would bear with less.
func shaped(text, layout string) bool {
	for i := range len(layout) {
		if digit(layout[i]) != digit(text[i]) || !digit(layout[i]) && layout[i] != text[i] {
			return false
		}
	}
	return true
}

func digit(c byte) bool { return '0' <= c && c <= '9' }

// cutFraction reads a fraction of a second of one to nine digits, if there is one.
func cutFraction(text string) (fraction time.Duration, rest string, ok bool) {
	if !strings.HasPrefix(text, ".") {
		return 0, text, true
	}
	n := 1
	for unit := time.Second / 10; n < len(text) && digit(text[n]); n++ {
		fraction += time.Duration(text[n]-'0') * unit
		unit /= 10
	}
	return fraction, text[n:], 2 <= n && n <= 10
}

// parseZone reads nothing, Z, or an offset from UTC in hours and minutes.
func parseZone(text string) (offset time.Duration, ok bool) {
	if text == "" || text == "Z" {
		return 0, true
	}
	sign, clock := text[0], text[1:]
	for _, layout := range []string{"15:04", "1504"} {
		if len(clock) != len(layout) || !shaped(clock, layout) {
			continue
		}
		t, err := time.Parse(layout, clock)
		offset = time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute
		switch sign {
		case '+', ' ':
			return offset, err == nil
		case '-':
			return -offset, err == nil
		}
	}
	return 0, false
}
