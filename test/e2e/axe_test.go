package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"testing"

	"github.com/chromedp/chromedp"
)

// axeSource is axe-core as test/deps.sh installs it.
const axeSource = "clients/node/node_modules/axe-core/axe.min.js"

// The rules by which a page is looked at: those of WCAG 2.0 to 2.2 for levels A and AA, and of best practice. A page in the dark, which
// differs from one in the light by its colours alone, is looked at by those about colours.
const (
	axeRules   = `{type: "tag", values: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice"]}`
	axeColours = `{type: "rule", values: ["color-contrast", "link-in-text-block"]}`
)

// axeRows is what of a page is left out, beside in long tests: of a table all but its first rows, which the others are like.
const axeRows = `tbody > tr:nth-child(n + 9)`

// violation is what axe says of a page: what it breaks, and where.
type violation struct {
	Rule  string   `json:"rule"`
	Help  string   `json:"help"`
	Nodes []string `json:"nodes"`
}

func (v violation) String() string { return fmt.Sprintf("axe: %s (%s) at %q", v.Rule, v.Help, v.Nodes) }

// violations has axe look at the page. It comes by the DevTools protocol, so the page's Content-Security-Policy stays as it is.
func (p *page) violations(t *testing.T, source, scheme string) []violation {
	t.Helper()
	rules, without := axeRules, axeRows
	if scheme == "dark" {
		rules = axeColours
	}
	if os.Getenv("JETON_TEST_LONG") != "" {
		rules, without = axeRules, "nothing"
	}
	ctx, cancel := context.WithTimeout(p.ctx, 6*patience) // it looks at all there is, as no person does
	defer cancel()
	if p.eval(t, `typeof window.axe`) == "undefined" {
		p.eval(t, source+`; "loaded"`)
	}
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](`axe.run({include: [["html"]], exclude: [["`+without+`"]]}, {runOnly: `+rules+`, resultTypes: ["violations"]})
		.then(r => JSON.stringify(r.violations.map(v => ({rule: v.id, help: v.help,
			nodes: v.nodes.slice(0, 5).map(n => n.target.join(" ") + ": " + (n.any.concat(n.all, n.none)[0]?.message ?? ""))}))))`, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatalf("having axe look at %s: %v", p.address(t), err)
	}
	var found []violation
	must(t, json.Unmarshal([]byte(text), &found))
	return found
}
