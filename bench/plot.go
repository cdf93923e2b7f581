package main

import (
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
)

// The titles of the pictures.
const (
	barsTitle   = "What Jeton reaches of what it is compared with"
	curvesTitle = "What grows with the tokens"
)

// bar is one line of the picture of the ratios.
type bar struct {
	name   string
	values []float64
	levels levels
}

// bars are all that is told as a ratio and has levels.
func (b *bench) bars() (all []bar) {
	for _, r := range b.rows.all() {
		if r.ratio != (levels{}) && len(r.ratios) > 0 {
			all = append(all, bar{r.name + ", to " + r.unit, r.ratios, r.ratio})
		}
	}
	for _, f := range []*figure{b.figures.personalProof, b.figures.proof, b.figures.exchanged} {
		if len(f.values) > 0 {
			all = append(all, bar{f.name, f.values, f.levels})
		}
	}
	return all
}

// writePlot writes the picture of the ratios.
func (b *bench) writePlot(path string) error {
	text := drawBars(barsTitle, b.machine.String(), b.bars())
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		return fmt.Errorf("writing the picture: %w", err)
	}
	return nil
}

// The picture of the ratios: names on the left, and on the right of each bar what it reaches.
const (
	barsLeft, barsRight = 600.0, 120.0
	barsTop, barsLine   = 80.0, 26.0
	barsWidth           = 1100
)

// drawBars draws a bar for each ratio, from zero to its median, with its spread, and a mark at each of its levels.
func drawBars(title, from string, all []bar) string {
	height := int(barsTop+barsLine*float64(len(all))) + 40
	d := newDrawing(title, barsWidth, height)
	d.text(16, 24, "head", title)
	d.text(16, 42, "quiet", from)
	d.text(16, 58, "quiet", "Bars: medians. Marks: the levels must, aim and beyond. Thin lines: least and greatest.")
	most := 1.0
	for _, b := range all {
		most = max(most, b.levels.beyond, slices.Max(b.values))
	}
	most = math.Ceil(most*5+0.01) / 5
	at := func(v float64) float64 { return barsLeft + v/most*(barsWidth-barsLeft-barsRight) }
	bottom := barsTop + barsLine*float64(len(all))
	for v := 0.0; v < most+0.01; v += 0.2 {
		d.line(at(v), barsTop-6, at(v), bottom, "axis")
		d.text(at(v), bottom+16, "quiet middle", fmt.Sprintf("%.1f", v))
	}
	for n, b := range all {
		y := barsTop + barsLine*float64(n)
		verdict := strings.Trim(b.levels.verdict(median(b.values)), "*")
		d.text(barsLeft-10, y+14, "right", b.name)
		d.bar(at(0), y+3, at(median(b.values))-at(0), 14, verdict)
		for _, level := range []float64{b.levels.must, b.levels.aim, b.levels.beyond} {
			d.line(at(level), y, at(level), y+20, "level")
		}
		d.line(at(slices.Min(b.values)), y+10, at(slices.Max(b.values)), y+10, "spread")
		d.text(barsWidth-barsRight+14, y+14, "", ratio(median(b.values))+" "+verdict)
	}
	return d.end()
}

// point is one of a curve: at so many tokens.
type point struct{ x, y float64 }

// curve is one line of a panel.
type curve struct {
	name   string
	points []point
}

// panel is one picture of curves that share an axis.
type panel struct {
	title, unit string
	curves      []curve
}

// The picture of the curves: two panels beside each other.
const (
	panelWidth, panelHeight = 440.0, 210.0
	panelLeft, panelTop     = 64.0, 40.0 // of its axes within a panel
	curvesTop               = 56.0
)

// drawCurves draws panels. The number of tokens grows by tens to the right; what is measured begins at zero, so that nothing looks
// steeper than it is.
func drawCurves(title string, panels []panel) string {
	rows := (len(panels) + 1) / 2
	d := newDrawing(title, int(2*panelWidth)+20, int(curvesTop+panelHeight*float64(rows))+10)
	d.text(16, 24, "head", title)
	if len(panels) > 0 {
		x := 16.0
		for n, c := range panels[0].curves {
			d.line(x, 40, x+28, 40, classOf(n))
			d.text(x+34, 44, "", c.name)
			x += 130
		}
	}
	for n, p := range panels {
		p.draw(d, panelWidth*float64(n%2), curvesTop+panelHeight*float64(n/2))
	}
	return d.end()
}

// classOf is how the n-th curve looks: there are two stores.
func classOf(n int) string { return [2]string{"first", "second"}[n%2] }

// draw draws a panel with its upper left corner at a place.
func (p *panel) draw(d *drawing, left, top float64) {
	least, greatest, most := math.Inf(1), 0.0, 0.0
	for _, c := range p.curves {
		for _, one := range c.points {
			least, greatest, most = min(least, one.x), max(greatest, one.x), max(most, one.y)
		}
	}
	d.text(left+16, top+20, "", strings.TrimSuffix(p.title+", "+p.unit, ", "))
	if greatest == 0 {
		return
	}
	if most == 0 {
		most = 1
	}
	decades := max(math.Log10(greatest/least), 1e-9)
	width, height := panelWidth-panelLeft-40, panelHeight-panelTop-36
	x := func(v float64) float64 { return left + panelLeft + math.Log10(v/least)/decades*width }
	y := func(v float64) float64 { return top + panelTop + height - v/(1.1*most)*height }
	for _, v := range []float64{0, most / 2, most} {
		d.line(left+panelLeft, y(v), left+panelLeft+width, y(v), "axis")
		d.text(left+panelLeft-8, y(v)+4, "quiet right", short(v))
	}
	for n, c := range p.curves {
		var path strings.Builder
		for i, one := range c.points {
			if n == 0 || i >= len(p.curves[0].points) {
				d.text(x(one.x), top+panelTop+height+18, "quiet middle", short(one.x))
			}
			fmt.Fprintf(&path, "%.1f,%.1f ", x(one.x), y(one.y))
			fmt.Fprintf(d, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3.5\" class=\"dot %s\"/>\n", x(one.x), y(one.y), classOf(n))
		}
		fmt.Fprintf(d, "<polyline points=\"%s\" class=\"%s\"/>\n", strings.TrimSpace(path.String()), classOf(n))
	}
}

// short writes a number in as few characters as tell it.
func short(v float64) string {
	switch {
	case v >= 1e6:
		return fmt.Sprintf("%.3gM", v/1e6)
	case v >= 1e4:
		return fmt.Sprintf("%.3gk", v/1e3)
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.3g", v)
}
