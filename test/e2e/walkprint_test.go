package e2e_test

import (
	"os"
	"testing"

	"github.com/chromedp/cdproto/emulation"
)

// paper is how wide A4 is between its margins, in the pixels of CSS.
const paper = 718

// print looks at pages as they are printed, in the scheme of the screen that is worse for it.
func (w *walk) print(t *testing.T) {
	one := w.walker("en", "en")
	p := one.tab(t, "admin")
	for name, path := range map[string]string{"users": users, "audit": events, "token": tokens + "/{ending}", "overview": admin, "service": services + "/everything/settings"} {
		if got := p.status(t, w.URL+one.resolve(path)); got != 200 {
			t.Fatalf("%s: got %d", name, got)
		}
		do(t, p.page, "taking paper", calling(emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: paper, Height: 1000, DeviceScaleFactor: 1}))
		do(t, p.page, "printing", calling(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Media: "print", Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}},
		}))
		if got := p.eval(t, overflow); got != "" {
			t.Errorf("%s: printed, the page is wider than the paper: %s", name, got)
		}
		if got := p.eval(t, pale); got != "" {
			t.Errorf("%s: printed, these can't be read on paper: %s", name, got)
		}
		if got := p.eval(t, `[...document.querySelectorAll("main button, main nav, .top, .foot")].filter(e => e.checkVisibility()).map(e => e.outerHTML.slice(0, 120)).join(" | ")`); got != "" {
			t.Errorf("%s: what is pressed is printed, too: %s", name, got)
		}
		if os.Getenv("JETON_PICTURES") != "" {
			p.picture(t, "console/print-"+name)
		}
	}
	one.note(t, "admin", "print", seen{}, p)
}

// pale says which texts are too light for white paper, on which no background is printed.
const pale = `[...document.querySelectorAll("main *")].filter(e => {
	if (!e.checkVisibility() || ![...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim())) return false;
	const [r, g, b] = getComputedStyle(e).color.match(/[\d.]+/g).map(Number);
	return 0.2126 * r + 0.7152 * g + 0.0722 * b > 120;
}).slice(0, 3).map(e => e.outerHTML.slice(0, 120)).join(" | ")`
