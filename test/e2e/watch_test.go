package e2e_test

import (
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/audits"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// watch keeps what a browser has to complain of in a tab, and what the tab asks for: what a developer's console, its list of issues
// and its view of the network would show.
type watch struct {
	origin string

	mu         sync.Mutex
	complaints []string
	asked      []string // "METHOD /path", of the origin
	requests   map[network.RequestID]string
}

// watched begins to watch a tab, whose pages are of one origin.
func (p *page) watched(t *testing.T, origin string) *watch {
	t.Helper()
	w := &watch{origin: origin, requests: map[network.RequestID]string{}}
	must(t, chromedp.Listen(p.ctx, w.hear))
	do(t, p, "asking for issues", calling(audits.Enable, cdp.Empty{}))
	return w
}

// hear is told of whatever happens in the tab.
func (w *watch) hear(event any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		w.complain("exception: %s %s", e.ExceptionDetails.Text, valuesOf([]*runtime.RemoteObject{e.ExceptionDetails.Exception}))
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeWarning || e.Type == runtime.ConsoleAPICalledTypeAssert {
			w.complain("console.%s: %s", e.Type, valuesOf(e.Args))
		}
	case *log.EventEntryAdded:
		// What the network did is looked at where it does it: an entry tells of the status of pages, which may be meant.
		if e.Entry.Source != log.EntrySourceNetwork && (e.Entry.Level == log.EntryLevelError || e.Entry.Level == log.EntryLevelWarning) {
			w.complain("log: %s: %s %s", e.Entry.Source, e.Entry.Text, e.Entry.URL)
		}
	case *audits.EventIssueAdded:
		if !unclicked(e.Issue) {
			w.complain("issue: %s", describe(e.Issue))
		}
	case *network.EventRequestWillBeSent:
		w.request(e)
	case *network.EventResponseReceived:
		if e.Type != network.ResourceTypeDocument && e.Response.Status >= 400 {
			w.complain("%s got %d", e.Response.URL, e.Response.Status)
		}
	case *network.EventLoadingFailed:
		if !e.Canceled {
			w.complain("%s failed: %s %s", w.requests[e.RequestID], e.ErrorText, e.BlockedReason)
		}
	}
}

func (w *watch) request(e *network.EventRequestWillBeSent) {
	w.requests[e.RequestID] = e.Request.URL
	u, err := url.Parse(e.Request.URL)
	if err == nil && u.Scheme == "data" { // the pictures in the browser's own controls
		return
	}
	if err != nil || u.Scheme+"://"+u.Host != w.origin {
		w.complain("another host is asked: %.200s", e.Request.URL)
		return
	}
	w.asked = append(w.asked, e.Request.Method+" "+u.EscapedPath())
}

// complain adds what is wrong. The watch is locked.
func (w *watch) complain(format string, args ...any) {
	w.complaints = append(w.complaints, fmt.Sprintf(format, args...))
}

// drain returns what was heard since it was last asked.
func (w *watch) drain() (complaints, asked []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	complaints, asked = w.complaints, w.asked
	w.complaints, w.asked = nil, nil
	return complaints, asked
}

func valuesOf(args []*runtime.RemoteObject) string {
	var all []string
	for _, a := range args {
		if a == nil {
			continue
		}
		all = append(all, string(a.Value)+a.Description)
	}
	return strings.Join(all, " ")
}

// unclicked reports whether an issue is but that no person has clicked, but the test.
func unclicked(issue *audits.InspectorIssue) bool {
	d := issue.Details.GenericIssueDetails
	return issue.Code == audits.InspectorIssueCodeBounceTrackingIssue || d != nil && d.ErrorType == audits.GenericIssueErrorTypeNavigationEntryMarkedSkippable
}

// describe tells an issue by its code and the details that it has.
func describe(issue *audits.InspectorIssue) string {
	said := string(issue.Code)
	if d := issue.Details.ContentSecurityPolicyIssueDetails; d != nil {
		said += fmt.Sprintf(" %s %s", d.ContentSecurityPolicyViolationType, d.ViolatedDirective)
	}
	if d := issue.Details.GenericIssueDetails; d != nil {
		said += fmt.Sprintf(" %s %s", d.ErrorType, d.ViolatingNodeAttribute)
	}
	if d := issue.Details.ElementAccessibilityIssueDetails; d != nil {
		said += fmt.Sprintf(" %v", *d)
	}
	if d := issue.Details.CookieIssueDetails; d != nil {
		said += fmt.Sprintf(" %v %v", d.CookieExclusionReasons, d.CookieWarningReasons)
	}
	return said
}
