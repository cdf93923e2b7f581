package report

import (
	"fmt"
	"html"
	"strings"
)

// document is a text of blocks, which can be written as Markdown and as HTML.
type document struct{ blocks []block }

// block is a part of a document. Text in it may have `code` and **bold**, and nothing else.
type block interface {
	markdown(*strings.Builder)
	html(*strings.Builder)
}

func (d *document) add(blocks ...block) { d.blocks = append(d.blocks, blocks...) }

func (d *document) heading(level int, format string, args ...any) {
	d.add(heading{level, fmt.Sprintf(format, args...)})
}

func (d *document) text(format string, args ...any) { d.add(paragraph(fmt.Sprintf(format, args...))) }

type (
	heading struct {
		level int
		text  string
	}
	paragraph string
	list      []string
	code      string
	// picture is an SVG: in Markdown a link to its file, in HTML the thing itself.
	picture struct{ file, alt, svg string }
	// table has a head and rows. A column whose title begins with > holds figures.
	table struct {
		head []string
		rows [][]string
	}
)

func (h heading) markdown(b *strings.Builder) {
	fmt.Fprintf(b, "%s %s\n\n", strings.Repeat("#", h.level), h.text)
}

func (h heading) html(b *strings.Builder) {
	fmt.Fprintf(b, "<h%d>%s</h%d>\n", h.level, inline(h.text), h.level)
}

func (p paragraph) markdown(b *strings.Builder) { fmt.Fprintf(b, "%s\n\n", string(p)) }
func (p paragraph) html(b *strings.Builder)     { fmt.Fprintf(b, "<p>%s</p>\n", inline(string(p))) }

func (l list) markdown(b *strings.Builder) {
	for _, item := range l {
		fmt.Fprintf(b, "- %s\n", item)
	}
	b.WriteString("\n")
}

func (l list) html(b *strings.Builder) {
	b.WriteString("<ul>\n")
	for _, item := range l {
		fmt.Fprintf(b, "<li>%s</li>\n", inline(item))
	}
	b.WriteString("</ul>\n")
}

func (c code) markdown(b *strings.Builder) { fmt.Fprintf(b, "```sh\n%s\n```\n\n", string(c)) }

func (c code) html(b *strings.Builder) {
	fmt.Fprintf(b, "<pre><code>%s</code></pre>\n", html.EscapeString(string(c)))
}

func (p picture) markdown(b *strings.Builder) { fmt.Fprintf(b, "![%s](%s)\n\n", p.alt, p.file) }

func (p picture) html(b *strings.Builder) {
	fmt.Fprintf(b, "<figure role=\"img\" aria-label=\"%s\">%s</figure>\n", html.EscapeString(p.alt), p.svg)
}

// row adds a row, each of whose cells is written as it prints.
func (t *table) row(cells ...any) {
	var row []string
	for _, c := range cells {
		row = append(row, fmt.Sprint(c))
	}
	t.rows = append(t.rows, row)
}

func (t *table) markdown(b *strings.Builder) {
	line := func(cells []string) {
		for _, c := range cells {
			fmt.Fprintf(b, "| %s ", strings.ReplaceAll(c, "|", "\\|"))
		}
		b.WriteString("|\n")
	}
	var titles, rules []string
	for _, h := range t.head {
		title, figures := strings.CutPrefix(h, ">")
		titles = append(titles, title)
		if figures {
			rules = append(rules, "--:")
		} else {
			rules = append(rules, "---")
		}
	}
	line(titles)
	line(rules)
	for _, r := range t.rows {
		line(r)
	}
	b.WriteString("\n")
}

func (t *table) html(b *strings.Builder) {
	b.WriteString("<div class=\"wide\"><table>\n")
	line := func(tag string, cells []string) {
		b.WriteString("<tr>")
		for i, c := range cells {
			class := ""
			if strings.HasPrefix(t.head[i], ">") {
				class = " class=\"n\""
			}
			fmt.Fprintf(b, "<%s%s>%s</%s>", tag, class, inline(strings.TrimPrefix(c, ">")), tag)
		}
		b.WriteString("</tr>\n")
	}
	line("th", t.head)
	for _, r := range t.rows {
		line("td", r)
	}
	b.WriteString("</table></div>\n")
}

// inline writes text as HTML.
func inline(text string) string {
	text = html.EscapeString(text)
	for mark, tag := range map[string]string{"`": "code", "**": "strong"} {
		parts := strings.Split(text, mark)
		var b strings.Builder
		for i, p := range parts {
			switch {
			case i == 0:
			case i%2 == 1 && i < len(parts)-1:
				b.WriteString("<" + tag + ">")
			case i%2 == 0:
				b.WriteString("</" + tag + ">")
			default:
				b.WriteString(mark)
			}
			b.WriteString(p)
		}
		text = b.String()
	}
	return text
}

// style is that of the page: light or dark as the reader's system has it.
const style = `
:root { color-scheme: light dark; --ink: #1d2330; --paper: #fff; --line: #d5d9e2; --soft: #f3f5f9; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e8f0; --paper: #14171e; --line: #353b49; --soft: #1d222c; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 1240px; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; font-size: 13px; } .wide { overflow-x: auto; margin: 0 0 1rem; }
th, td { border: 1px solid var(--line); padding: .25rem .5rem; text-align: left; vertical-align: top; }
th { background: var(--soft); } .n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
code { font: 13px ui-monospace, monospace; background: var(--soft); padding: 0 .2em; } pre { background: var(--soft); padding: .75rem; overflow-x: auto; }
figure { margin: 1rem 0; overflow-x: auto; } figure svg { min-width: 900px; width: 100%; height: auto; }
`

// page writes the document as a page that needs nothing beside it.
func (d *document) page(title string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"+
		"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>%s</title>\n<style>%s</style>\n</head>\n<body>\n",
		html.EscapeString(title), style)
	for _, one := range d.blocks {
		one.html(&b)
	}
	b.WriteString("</body>\n</html>\n")
	return b.String()
}

// plain writes the document as Markdown.
func (d *document) plain() string {
	var b strings.Builder
	for _, one := range d.blocks {
		one.markdown(&b)
	}
	return strings.TrimSuffix(b.String(), "\n")
}
