package e2e_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/jeton-io/jeton/jetontest"
)

// TestWalkSees spoils a page in each way that TestWalk looks for, which must be seen; the page as it is must not be complained of.
func TestWalkSees(t *testing.T) {
	j, axe := jetontest.New(t), readFile(t, axeSource)
	p := newBrowser(t)
	at := &tab{page: p, watch: p.watched(t, j.URL)}
	for _, tc := range []struct{ name, spoil, want string }{
		{"nothing", ``, ""},
		{"an exception", `setTimeout(() => { throw new Error("spoilt"); }, 0)`, "exception: Uncaught Error: spoilt"},
		{"an error", `console.error("spoilt")`, "console.error"},
		{"an inline style", `document.querySelector("main").setAttribute("style", "color: red")`, "Content Security Policy"},
		{"an inline script", `document.body.append(Object.assign(document.createElement("script"), {textContent: "window.spoilt = 1"}))`, "Content Security Policy"},
		{"another host", `document.body.append(Object.assign(new Image(), {alt: "", src: "http://127.0.0.1:9/x.png"}))`, "csp"},
		{"what isn't there", `fetch("/console/static/nothing.css")`, "got 404"},
		{"what is wide", `document.querySelector("main h1").textContent = "x".repeat(300); document.querySelector("main h1").classList.add("state")`, "wider"},
		{"a picture without a text", `document.querySelector("main").append(Object.assign(new Image(), {src: "` + "/console/static/icon.svg" + `"}))`, "axe: image-alt"},
		{"a pale text", `document.querySelectorAll("h1").forEach(h => { h.style.color = "#999"; })`, "axe: color-contrast"},
		{"a field without a name", `document.querySelector("label").remove()`, "axe: label"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			at.view(t, views[2])
			p.visit(t, j.URL+"/console/login")
			p.eval(t, tc.spoil+`; ""`)
			saw := func() string {
				complaints, _ := at.drain()
				all := strings.Join(complaints, "\n")
				if wide := p.eval(t, overflow); wide != "" {
					all += "\nwider: " + wide
				}
				return all + fmt.Sprint(p.violations(t, axe, "light"))
			}
			if tc.want == "" {
				if got := saw(); got != "[]" {
					t.Errorf("got complaints of a page as it is: %s", got)
				}
				return
			}
			got := ""
			within(t, patience, "a complaint of "+tc.want, func() bool { got += saw(); return strings.Contains(got, tc.want) })
		})
	}
}
