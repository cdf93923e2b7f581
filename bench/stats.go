package main

import (
	"fmt"
	"slices"
	"strconv"
)

// median returns the middle of the values, or the mean of the two in the middle; 0 for none. It is what the tables show,
// and not the mean: one run in which the machine was busy elsewhere must not count.
func median(values []float64) float64 {
	n := len(values)
	if n == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// spread writes the median and, where there is more than one value, the least and the greatest.
func spread(values []float64, format func(float64) string) string {
	switch len(values) {
	case 0:
		return "–"
	case 1:
		return format(values[0])
	}
	return fmt.Sprintf("%s (%s–%s)", format(median(values)), format(slices.Min(values)), format(slices.Max(values)))
}

// middle writes the median alone.
func middle(values []float64, format func(float64) string) string {
	if len(values) == 0 {
		return "–"
	}
	return format(median(values))
}

// thousands writes a whole number with commas.
func thousands(v float64) string {
	if v < 0 { // memory can shrink between two lookings
		return "-" + thousands(-v)
	}
	digits := strconv.FormatInt(int64(v+0.5), 10)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// The other ways in which figures are written: with as many digits as a second session would still confirm.
func ratio(v float64) string            { return strconv.FormatFloat(v, 'f', 2, 64) }
func fineRatio(v float64) string        { return strconv.FormatFloat(v, 'f', 4, 64) }
func milliseconds(v float64) string     { return strconv.FormatFloat(v, 'f', 1, 64) + " ms" }
func fineMilliseconds(v float64) string { return strconv.FormatFloat(v, 'f', 2, 64) + " ms" }
func nanoseconds(v float64) string      { return thousands(v) + " ns" }
func microseconds(v float64) string     { return strconv.FormatFloat(v, 'f', 1, 64) + " µs" }
func seconds(v float64) string          { return strconv.FormatFloat(v, 'f', 2, 64) + " s" }
func octets(v float64) string           { return thousands(v) + " B" }
func mebibytes(v float64) string        { return thousands(v/(1<<20)) + " MiB" }
func percent(v float64) string          { return thousands(100*v) + " %" }

// times writes by how much one figure is another: with the hundredths that count where they are close to each other.
func times(v float64) string {
	if v >= 10 {
		return thousands(v)
	}
	return ratio(v)
}

// levels are what a figure has to reach: must, aim, and beyond, which is more than Jeton sets out to do. The zero levels
// ask for nothing.
type levels struct {
	must, aim, beyond float64
	atMost            bool // less is better
}

// times returns the levels in a smaller unit.
func (l levels) times(n float64) levels {
	l.must, l.aim, l.beyond = l.must*n, l.aim*n, l.beyond*n
	return l
}

// verdict names the best level that a figure reaches.
func (l levels) verdict(v float64) string {
	reaches := func(level float64) bool {
		if l.atMost {
			return v <= level
		}
		return v >= level
	}
	switch {
	case l == levels{}:
		return "–"
	case reaches(l.beyond):
		return "beyond"
	case reaches(l.aim):
		return "aim"
	case reaches(l.must):
		return "must"
	}
	return "**missed**"
}

// write tells the levels.
func (l levels) write(format func(float64) string) string {
	if l == (levels{}) {
		return "–"
	}
	sign := "≥"
	if l.atMost {
		sign = "≤"
	}
	return fmt.Sprintf("%s %s / %s / %s", sign, format(l.must), format(l.aim), format(l.beyond))
}
