package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/jeton-io/jeton/api"
)

// judged adds to a token what its plaintext says, and what is wrong with that.
func (p *program) judged(text api.SealedText, parameter string) api.SealedText {
	fields, problems := readFields(text.Plaintext, parameter, p.env.Now())
	text.Fields, text.Problem = fields, strings.Join(problems, "; ")
	return text
}

// showToken prints a token in the three steps of its making, or one of them. What would have it refused is said on stderr.
func (p *program) showToken(text api.SealedText, only string) error {
	if steps := map[string]string{"plaintext": text.Plaintext, "base64": text.Base64, "url": text.URL}; only != "" && p.output != formatJSON {
		p.lines(steps[only])
		return p.doubt(text)
	}
	err := p.show(text, func() {
		for _, step := range [][2]string{{"Plaintext:", text.Plaintext}, {"Encrypted and Base64 encoded:", text.Base64}, {"URL encoded:", text.URL}} {
			p.say("%s", step[0])
			p.lines(step[1])
			p.say("")
		}
		if len(text.Fields) > 0 {
			rows := make([][]string, len(text.Fields))
			for i, f := range text.Fields {
				rows[i] = []string{f.Name, f.Value}
			}
			p.table([]string{"FIELD", "VALUE"}, rows)
		}
	})
	return errors.Join(err, p.doubt(text))
}

// doubt says on stderr what is wrong with what a token says.
func (p *program) doubt(text api.SealedText) error {
	if text.Problem == "" {
		return nil
	}
	if err := p.out.Flush(); err != nil { // or the remark would stand before what it is about
		return outputError(err)
	}
	p.hint("It would be refused: %s.", strings.TrimSuffix(text.Problem, "."))
	return nil
}

// lines prints a text of several lines.
func (p *program) lines(text string) {
	for line := range strings.Lines(text) {
		_, _ = fmt.Fprintln(p.out, clean(strings.TrimRight(line, "\r\n"))) // see say
	}
}
