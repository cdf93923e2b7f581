package console_test

import (
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// node is an element of a page, found by a small part of CSS's selectors: compounds of tag, #id, .class, [name] and
// [name=value], divided by spaces that stand for any descendant.
type node struct{ *html.Node }

func parse(t testing.TB, text string) *node {
	t.Helper()
	n, err := html.Parse(strings.NewReader(text))
	check(t, err)
	return &node{n}
}

// all returns the elements that a selector finds, in the order of the page.
func (n *node) all(selector string) []*node {
	found := []*node{n}
	for compound := range strings.FieldsSeq(selector) {
		var next []*node
		for _, from := range found {
			for child := range from.Descendants() {
				if child.Type == html.ElementNode && fits(child, compound) && !slices.ContainsFunc(next, func(k *node) bool { return k.Node == child }) {
					next = append(next, &node{child})
				}
			}
		}
		found = next
	}
	return found
}

// one returns the one element that a selector finds.
func (n *node) one(t testing.TB, selector string) *node {
	t.Helper()
	found := n.all(selector)
	if len(found) != 1 {
		t.Fatalf("got %d of %q, want one, in %s", len(found), selector, n.text())
	}
	return found[0]
}

// fits reports whether an element fits a compound, which is cut before each of # . [
func fits(n *html.Node, compound string) bool {
	for compound != "" {
		end := strings.IndexAny(compound[1:], "#.[") + 1
		if end == 0 {
			end = len(compound)
		}
		part := compound[:end]
		compound = compound[end:]
		element := node{n}
		ok := n.Data == part
		switch part[0] {
		case '#':
			ok = element.attribute("id") == part[1:]
		case '.':
			ok = slices.Contains(strings.Fields(element.attribute("class")), part[1:])
		case '[':
			name, value, valued := strings.Cut(strings.Trim(part, "[]"), "=")
			ok = element.has(name) && (!valued || element.attribute(name) == value)
		}
		if !ok {
			return false
		}
	}
	return true
}

func (n *node) has(name string) bool {
	return slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == name })
}

func (n *node) attribute(name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// text returns the text in an element, with single spaces.
func (n *node) text() string {
	var b strings.Builder
	for child := range n.Descendants() {
		if child.Type == html.TextNode {
			b.WriteString(child.Data + " ")
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// checkPage compares what every page must have for whoever doesn't see it whole, or doesn't see it.
func checkPage(t testing.TB, what string, n *node) {
	t.Helper()
	if n.one(t, "html").attribute("lang") != "en" {
		t.Errorf("%s: the page has no language", what)
	}
	n.one(t, "h1")
	main := n.one(t, "main")
	if skip := n.one(t, "a.skip"); skip.attribute("href") != "#"+main.attribute("id") {
		t.Errorf("%s: the skip link doesn't lead to main", what)
	}
	if strings.Contains(n.text(), "%!") {
		t.Errorf("%s: a text of the page lacks what stands in it, or has too much", what)
	}
	if title := n.one(t, "title").text(); !strings.HasSuffix(title, " · Jeton") {
		t.Errorf("%s: got title %q", what, title)
	}
	ids := map[string]bool{}
	for _, e := range n.all("[id]") {
		if id := e.attribute("id"); ids[id] {
			t.Errorf("%s: two elements are #%s", what, id)
		}
		ids[e.attribute("id")] = true
	}
	for _, e := range n.all("[aria-describedby]") {
		for id := range strings.FieldsSeq(e.attribute("aria-describedby")) {
			if !ids[id] {
				t.Errorf("%s: a field is described by #%s, which isn't there", what, id)
			}
		}
	}
	for _, field := range n.all("input") {
		if field.attribute("type") != "hidden" && field.attribute("aria-label") == "" && len(n.all("label[for="+field.attribute("id")+"]")) != 1 {
			t.Errorf("%s: the field %s has no label", what, field.attribute("id"))
		}
	}
	if got := foremost(n); len(got) > 1 {
		t.Errorf("%s: got %q, want one foremost button", what, got)
	}
	for _, script := range n.all("script") {
		ours := slices.ContainsFunc([]string{"console.", "passkey.", "htmx.min."}, func(name string) bool {
			return strings.HasPrefix(script.attribute("src"), "/console/static/"+name)
		})
		if !ours || script.text() != "" {
			t.Errorf("%s: the page has a script that isn't a file of ours", what)
		}
	}
	for _, forbidden := range []string{"style", "[style]", "iframe", "base", "[onclick]", "[onload]"} {
		if len(n.all(forbidden)) > 0 {
			t.Errorf("%s: the page has a %s", what, forbidden)
		}
	}
}

// foremost returns what stands on the buttons of a page that look like the one to press.
func foremost(n *node) (labels []string) {
	for _, b := range append(n.all("main button"), n.all("main a.button")...) {
		if class := " " + b.attribute("class") + " "; !strings.Contains(class, " second ") && !strings.Contains(class, " danger ") && !strings.Contains(class, " plain ") {
			labels = append(labels, b.text())
		}
	}
	return labels
}
