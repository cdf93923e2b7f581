package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// page is one tab of Debian's Chromium. What is on it is found as a person finds it, by its role and its visible name
// (WAI-ARIA, and so what a screen reader says), never by an id or a class: a page that only a test can use is no page.
type page struct{ ctx context.Context }

// newBrowser starts Chromium with a profile of its own that has seen nothing yet, until the test ends.
func newBrowser(t *testing.T, more ...chromedp.ExecAllocatorOption) *page {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:], // headless, without sync and background networking
		chromedp.ExecPath("/usr/bin/chromium"),
		chromedp.NoSandbox, // which root can't have; the pages are our own
		chromedp.Flag("disable-gpu", true),
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("no-proxy-server", true),
		chromedp.WindowSize(1000, 700),
	)
	allocator, stop := chromedp.NewExecAllocator(context.Background(), append(options, more...)...)
	t.Cleanup(stop)
	ctx, closing := chromedp.NewContext(allocator)
	t.Cleanup(closing)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("starting Chromium: %v", err)
	}
	return &page{ctx}
}

// otherBrowser opens a tab that shares nothing with the first: neither cookies nor storage.
func (p *page) otherBrowser(t *testing.T) *page {
	t.Helper()
	ctx, closing := chromedp.NewContext(p.ctx, chromedp.WithNewBrowserContext())
	t.Cleanup(closing)
	must(t, chromedp.Do(ctx))
	return &page{ctx}
}

// patience is how long a person would wait for a page.
const patience = 10 * time.Second

// visit types an address.
func (p *page) visit(t *testing.T, address string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, chromedp.Navigate(address)); err != nil {
		t.Fatalf("visiting %s: %v", address, err)
	}
}

// element is something on a page.
type element struct {
	page *page
	id   cdp.BackendNodeID
	said string // "button \"Log in\"", for messages
}

// find waits for the one element of a role and a name, as in find(t, "button", "Log in").
func (p *page) find(t *testing.T, role, name string) element {
	t.Helper()
	said := fmt.Sprintf("%s %q", role, name)
	var found []cdp.BackendNodeID
	if !becomes(t, patience, func() bool { found = p.named(role, name); return len(found) == 1 }) {
		t.Fatalf("got %d of %s on %s, want 1; the page says:\n%s", len(found), said, p.address(t), p.text(t))
	}
	return element{p, found[0], said}
}

// named returns what has this role and name. While one page follows another there may be nothing to ask.
func (p *page) named(role, name string) []cdp.BackendNodeID {
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	document, err := chromedp.Run(ctx, chromedp.Evaluate[*runtime.RemoteObject](`document`))
	if err != nil {
		return nil
	}
	res, err := chromedp.Run(ctx, calling(accessibility.QueryAXTree, accessibility.QueryAXTreeParams{
		ObjectID: document.ObjectID, Role: role, AccessibleName: name,
	}))
	var found []cdp.BackendNodeID
	for _, node := range res.Nodes {
		if !node.Ignored && err == nil {
			found = append(found, node.BackendDOMNodeID)
		}
	}
	return found
}

// field waits for the field of a form that is sent under a name.
func (p *page) field(t *testing.T, name string) element {
	t.Helper()
	var found element
	within(t, patience, "the field "+name, func() bool {
		ctx, cancel := context.WithTimeout(p.ctx, patience)
		defer cancel()
		object, err := chromedp.Run(ctx, chromedp.Evaluate[*runtime.RemoteObject](fmt.Sprintf(`document.querySelector('input[name="%s"]')`, name)))
		if err != nil || object.ObjectID == "" {
			return false
		}
		node, err := chromedp.Run(ctx, calling(dom.DescribeNode, dom.DescribeNodeParams{ObjectID: object.ObjectID}))
		if err == nil {
			found = element{p, node.Node.BackendNodeID, "field " + name}
		}
		return err == nil
	})
	return found
}

// calling makes an action of a command of the browser's protocol.
func calling[P, R any](command cdp.Command[P, R], params P) chromedp.Action[R] {
	return func(ctx context.Context, target *chromedp.Target) (R, error) {
		return cdp.Call(ctx, target, command, params)
	}
}

// do does something with a page that is there, and fails the test where it can't be done.
func do[R any](t *testing.T, p *page, what string, action chromedp.Action[R]) R {
	t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	result, err := chromedp.Run(ctx, action)
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	return result
}

// click presses the mouse's button over the middle of an element.
func (e element) click(t *testing.T) {
	t.Helper()
	do(t, e.page, "scrolling to "+e.said, calling(dom.ScrollIntoViewIfNeeded, dom.ScrollIntoViewIfNeededParams{BackendNodeID: e.id}))
	quads := do(t, e.page, "looking for "+e.said, calling(dom.GetContentQuads, dom.GetContentQuadsParams{BackendNodeID: e.id})).Quads
	if len(quads) == 0 {
		t.Fatalf("%s can't be seen", e.said)
	}
	q := quads[0] // its four corners, clockwise
	do(t, e.page, "clicking on "+e.said, chromedp.MouseClickXY((q[0]+q[4])/2, (q[1]+q[5])/2))
}

// fill clicks into a field and types.
func (e element) fill(t *testing.T, text string) {
	t.Helper()
	e.click(t)
	do(t, e.page, "typing into "+e.said, calling(input.InsertText, input.InsertTextParams{Text: text}))
}

// add clicks into a field behind what is there, and types.
func (e element) add(t *testing.T, text string) {
	t.Helper()
	e.click(t)
	e.ask(t, `this.setSelectionRange(this.value.length, this.value.length)`)
	do(t, e.page, "typing into "+e.said, calling(input.InsertText, input.InsertTextParams{Text: text}))
}

// ask calls a function of JavaScript on an element, which is `this` in it, and returns what it says as a string.
func (e element) ask(t *testing.T, body string) string {
	t.Helper()
	object := do(t, e.page, "looking at "+e.said, calling(dom.ResolveNode, dom.ResolveNodeParams{BackendNodeID: e.id})).Object
	byValue := true
	res := do(t, e.page, "looking at "+e.said, calling(runtime.CallFunctionOn, runtime.CallFunctionOnParams{
		ObjectID: object.ObjectID, FunctionDeclaration: "function() { " + body + " }", ReturnByValue: &byValue,
	}))
	if res.ExceptionDetails != nil {
		t.Fatalf("asking %s: %s", e.said, res.ExceptionDetails.Exception.Description)
	}
	var answer any
	if len(res.Result.Value) > 0 {
		must(t, json.Unmarshal(res.Result.Value, &answer))
	}
	return fmt.Sprint(answer)
}

// text is what a person reads on the page.
func (p *page) text(t *testing.T) string {
	t.Helper()
	return p.eval(t, `document.body ? document.body.innerText : ""`)
}

// address is what stands in the browser's address bar.
func (p *page) address(t *testing.T) string {
	t.Helper()
	return p.eval(t, `location.href`)
}

// isAt reports whether the browser is at an address. While one page follows another there may be nothing to ask.
func (p *page) isAt(address string) bool {
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	at, err := chromedp.Run(ctx, chromedp.Evaluate[string](`location.href`))
	return err == nil && at == address
}

// eval asks the page for a string. A promise is waited for.
func (p *page) eval(t *testing.T, expression string) string {
	t.Helper()
	return do(t, p, expression, chromedp.Evaluate[string](expression, func(params *runtime.EvaluateParams) {
		wait := true
		params.AwaitPromise = &wait
	}))
}

// artifacts is the folder for what a person may want to look at after the tests. Nothing is read from it.
const artifacts = "../../artifacts"

// picture keeps what the page looks like now, from its top to its end.
func (p *page) picture(t *testing.T, name string) {
	t.Helper()
	path, err := filepath.Abs(filepath.Join(artifacts, name+".png"))
	must(t, err)
	must(t, os.MkdirAll(filepath.Dir(path), 0o755))
	ctx, cancel := context.WithTimeout(p.ctx, 6*patience) // of a long page it takes longer than a person waits
	defer cancel()
	taken, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	must(t, err)
	must(t, os.WriteFile(path, taken, 0o644))
	t.Log("picture: " + path)
}
