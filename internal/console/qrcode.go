package console

import (
	"fmt"
	"html/template"
	"strings"

	"rsc.io/qr"

	"github.com/jeton-io/jeton/internal/secret"
)

// quiet is the empty margin without which a QR code isn't found, in modules (ISO/IEC 18004, section 6.3.8).
const quiet = 4

// drawQR returns the QR code of a text as markup of SVG: the page's policy takes no picture from an address of data. It is black on white
// in either scheme, as cameras want it.
func drawQR(text secret.Text, label string) (template.HTML, error) {
	code, err := qr.Encode(text.Reveal(), qr.M)
	if err != nil {
		return "", fmt.Errorf("drawing a QR code: %w", err)
	}
	var path strings.Builder
	for y := range code.Size {
		for x := 0; x < code.Size; x++ {
			from := x
			for code.Black(x, y) {
				x++
			}
			if x > from {
				fmt.Fprintf(&path, "M%d %dh%dv1h-%dz", from+quiet, y+quiet, x-from, x-from)
			}
		}
	}
	side := code.Size + 2*quiet
	return template.HTML(fmt.Sprintf( //nolint:gosec // G203: numbers, and a text that is escaped
		`<svg class="qr" viewBox="0 0 %d %d" role="img" aria-label="%s" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h%dv%dH0z"/><path fill="#000" d="%s"/></svg>`,
		side, side, template.HTMLEscapeString(label), side, side, path.String())), nil
}

// inFours divides a text into groups of four, to be read and typed.
func inFours(text string) string {
	var b strings.Builder
	for i, r := range text {
		if i > 0 && i%4 == 0 {
			b.WriteByte(' ')
		}
		b.WriteRune(r)
	}
	return b.String()
}
