package main

import (
	"encoding/xml"
	"fmt"
	"strings"
)

// drawing is a picture as SVG. It is drawn on whatever stands behind it, and its colours are those of a light or a dark page, as the
// reader's system has it.
type drawing struct {
	strings.Builder
	width, height int
}

// style has every colour, by what it is for. Nothing is told by a colour alone.
const style = `<style>
text { font: 12px system-ui, sans-serif; fill: #1f2328 }
.head { font-size: 15px; font-weight: 600 }
.quiet { fill: #59636e }
.right { text-anchor: end }
.middle { text-anchor: middle }
.axis { stroke: #d1d9e0; fill: none }
.level { stroke: #1f2328; stroke-width: 2 }
.spread { stroke: #1f2328; stroke-width: 1 }
.missed { fill: #cf222e }
.must { fill: #bf8700 }
.aim { fill: #1a7f37 }
.beyond { fill: #0969da }
.none { fill: #818b98 }
.first { stroke: #0969da; fill: none; stroke-width: 2 }
.second { stroke: #bc4c00; fill: none; stroke-width: 2; stroke-dasharray: 6 3 }
.dot { stroke: none }
.dot.first { fill: #0969da }
.dot.second { fill: #bc4c00 }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 }
.quiet { fill: #9198a1 }
.axis { stroke: #3d444d }
.level, .spread { stroke: #e6edf3 }
.missed { fill: #f85149 }
.must { fill: #d29922 }
.aim { fill: #3fb950 }
.beyond { fill: #58a6ff }
.none { fill: #656c76 }
.first { stroke: #58a6ff }
.second { stroke: #f0883e }
.dot.first { fill: #58a6ff }
.dot.second { fill: #f0883e }
}
</style>
`

// newDrawing begins a picture, with a title for those who can't see it.
func newDrawing(title string, width, height int) *drawing {
	d := &drawing{width: width, height: height}
	fmt.Fprintf(d, "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\">\n<title>%s</title>\n%s",
		width, height, width, height, escape(title), style)
	return d
}

// end returns the whole picture.
func (d *drawing) end() string { return d.String() + "</svg>\n" }

func (d *drawing) text(x, y float64, class, text string) {
	fmt.Fprintf(d, "<text x=\"%.1f\" y=\"%.1f\" class=\"%s\">%s</text>\n", x, y, class, escape(text))
}

func (d *drawing) line(x1, y1, x2, y2 float64, class string) {
	fmt.Fprintf(d, "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" class=\"%s\"/>\n", x1, y1, x2, y2, class)
}

func (d *drawing) bar(x, y, width, height float64, class string) {
	fmt.Fprintf(d, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" rx=\"2\" class=\"%s\"/>\n", x, y, width, height, class)
}

// escape makes text of what may be anything. Names of paths are written as code for Markdown; here there is no such thing.
func escape(text string) string {
	var t strings.Builder
	_ = xml.EscapeText(&t, []byte(strings.ReplaceAll(text, "`", ""))) // a Builder never fails
	return t.String()
}
