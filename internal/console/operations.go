package console

import (
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/catalog"
	"github.com/jeton-io/jeton/internal/policy"
	"github.com/jeton-io/jeton/internal/words"
)

// The operations of a service are read whole and replaced whole, as in /v1, so that their patterns are checked against each other. The
// form has a row for each, and two more to add some.

const rowsToAdd = 2

// operationRow is one operation in its fields.
type operationRow struct {
	Number   int // from 1
	Pattern  string
	Audience string // one a line
	Scope    string
	Remove   bool
	Problems problems // by "pattern", "audience" and "scope"
	First    bool     // of those that have a problem
}

// blank reports whether nothing stands in the row.
func (r *operationRow) blank() bool { return r.Pattern == "" && r.Audience == "" && r.Scope == "" }

// Lines is how high the field of the audience is.
func (r operationRow) Lines() int { return min(strings.Count(r.Audience, "\n")+1, 8) }

// Focus reports whether a field of the row is the one to begin at.
func (r operationRow) Focus(field string) bool { return r.First && r.Problems.First() == field }

// showOperations shows who may call what of a service, ready to be changed.
func (s *server) showOperations(c *call) error {
	// The service is read first: should it change meanwhile, the version that the form carries is the former.
	service, err := s.service(c)
	if err != nil {
		return err
	}
	ops, _, err := s.cfg.Catalog.Operations(c.r.Context(), service.Name)
	if err != nil {
		return err
	}
	if err := c.prove(); err != nil {
		return err
	}
	v := serviceView{Service: service, Tab: "operations"}
	for _, op := range ops {
		v.Rows = append(v.Rows, operationRow{Pattern: op.Pattern, Audience: strings.Join(op.Audience, "\n"), Scope: op.Scope})
	}
	if v.TooMany = tooMuch(v.Rows); v.TooMany {
		v.Rows = v.Rows[:min(len(v.Rows), rowsPerPage)]
	} else {
		v.Rows = append(v.Rows, make([]operationRow, rowsToAdd)...)
	}
	return c.renderOperations(http.StatusOK, v)
}

// maxFields is how many fields package net/url reads of a form.
const maxFields = 10_000

// tooMuch reports whether operations don't fit in what a form may be, with some room for what is added.
func tooMuch(rows []operationRow) bool {
	if 4*(len(rows)+rowsToAdd)+1 > maxFields { // pattern, audience, scope and the box to remove it; and the version
		return true
	}
	sent := url.Values{}
	for _, r := range rows {
		sent.Add("pattern", r.Pattern)
		sent.Add("audience", strings.ReplaceAll(r.Audience, "\n", "\r\n"))
		sent.Add("scope", r.Scope)
	}
	return len(sent.Encode()) > maxAdminForm*3/4
}

func (c *call) renderOperations(status int, v serviceView) error {
	marked := false
	for n := range v.Rows {
		r := &v.Rows[n]
		r.Number = n + 1
		r.First = !marked && r.Problems.First() != ""
		marked = marked || r.First
	}
	return c.renderService(status, v)
}

// replaceOperations puts what the form has in place of all operations that there are: of the version that it showed, or else what
// another has just added would be taken back.
func (s *server) replaceOperations(c *call) error {
	service, err := s.sameService(c)
	if err != nil {
		return err
	}
	rows, err := c.operationRows()
	if err != nil {
		return err
	}
	var ops []catalog.Operation
	var at []int // by operation, its row
	for n, r := range rows {
		if !r.Remove && !r.blank() {
			ops, at = append(ops, catalog.Operation{Pattern: r.Pattern, Audience: audienceOf(r.Audience), Scope: r.Scope}), append(at, n)
		}
	}
	if _, err := s.cfg.Catalog.Replace(c.r.Context(), service.Name, service.Version, ops, c.actor()); err != nil {
		v := serviceView{Service: service, Tab: "operations", Rows: rows}
		if !v.explainOperations(err, ops, at) {
			return err
		}
		return c.renderOperations(http.StatusUnprocessableEntity, v)
	}
	return c.done(service.Path(), operationsReplaced)
}

func (s *server) operationsAgain(c *call) error {
	service, err := s.sameService(c)
	if err != nil {
		return err
	}
	rows, err := c.operationRows()
	if err != nil {
		return err
	}
	return c.renderOperations(http.StatusForbidden, serviceView{Service: service, Tab: "operations", Rows: rows})
}

// operationRows returns the rows of the form.
func (c *call) operationRows() ([]operationRow, error) {
	patterns, audiences, scopes := c.lists["pattern"], c.lists["audience"], c.lists["scope"]
	if len(audiences) != len(patterns) || len(scopes) != len(patterns) {
		return nil, api.NewProblem(api.CodeMalformedRequest, "The form has not as many patterns as audiences and scopes.")
	}
	rows := make([]operationRow, len(patterns))
	for n := range rows {
		rows[n] = operationRow{
			Pattern: strings.TrimSpace(patterns[n]), Audience: strings.Join(audienceOf(audiences[n]), "\n"), Scope: strings.TrimSpace(scopes[n]),
			Remove: slices.Contains(c.lists["remove"], strconv.Itoa(n+1)),
		}
	}
	return rows, nil
}

// beforeMember is the space before a member of an audience. No name has a colon, so that none is cut in two.
var beforeMember = regexp.MustCompile(`\s+((?:user|role|self):)`)

// audienceOf returns the members of an audience: each on a line of its own, or after a space. A user's name may have spaces.
func audienceOf(text string) []string { return linesOf(beforeMember.ReplaceAllString(text, "\n$1")) }

// explainOperations notes what is wrong beside its row, and reports whether it was that.
func (v *serviceView) explainOperations(err error, ops []catalog.Operation, at []int) bool {
	conflict, conflicting := errors.AsType[*policy.ConflictError](err)
	invalid, unusable := errors.AsType[*policy.InvalidError](err)
	wrong, _ := errors.AsType[*authority.FieldError](err)
	switch {
	case conflicting:
		said := words.Say("%s and %s both match %s, and neither is more specific. Make one of them more specific, or remove it.", conflict.A, conflict.B, conflict.Example)
		for n, op := range slices.Backward(ops) { // a pattern that stands twice is wrong where it came second
			if op.Pattern == conflict.B {
				v.Rows[at[n]].Problems.add("pattern", said)
				break
			}
		}
		return true
	case unusable:
		for n, op := range ops {
			if op.Pattern == invalid.Operation && (invalid.Field != "scope" || op.Scope == invalid.Value) {
				v.Rows[at[n]].Problems.add(invalid.Field, words.Say("Not usable: %s.", told(invalid.Problem)))
				break
			}
		}
		return true
	case wrong == nil:
		return false
	}
	if n, member, ok := memberOf(wrong.Field); ok && n < len(ops) && member < len(ops[n].Audience) {
		v.Rows[at[n]].Problems.put("audience", problem{wrong: wrong, entry: quoted(ops[n].Audience[member])})
	} else {
		v.Problem = wrongWith(words.Say("The operations"), wrong)
	}
	return true
}

var memberField = regexp.MustCompile(`^operations\[(\d+)\]\.audience\[(\d+)\]$`)

// memberOf returns which member of which operation's audience a field is.
func memberOf(field string) (op, member int, ok bool) {
	found := memberField.FindStringSubmatch(field)
	if found == nil {
		return 0, 0, false
	}
	op, err := strconv.Atoi(found[1])
	member, err2 := strconv.Atoi(found[2])
	return op, member, err == nil && err2 == nil
}
