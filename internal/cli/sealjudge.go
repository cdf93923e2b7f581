package cli

import (
	"errors"
	"fmt"
	"time"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/internal/sealed"
)

// readFields reads a text as Jeton does, and says what is wrong with it as far as this can be said without asking Jeton.
func readFields(text, parameter string, now time.Time) (fields []api.TokenField, problems []string) {
	parsed, err := sealed.ParseFields([]byte(text))
	if err != nil {
		problem := err.Error()
		if bad, ok := errors.AsType[*sealed.TextError](err); ok {
			problem = fmt.Sprintf("%s, at byte %d", bad.Problem, bad.At)
		}
		return nil, []string{problem}
	}
	for _, f := range parsed {
		fields = append(fields, api.TokenField{Name: f.Name, Value: f.Value})
	}
	return fields, judge(parsed, parameter, now)
}

// The default life of a token, and how far Jeton lets clocks differ.
const (
	tokenLife = 15 * time.Minute
	clockSkew = 5 * time.Minute
)

// judge says what is wrong with fields wherever they are presented.
func judge(fields sealed.Fields, parameter string, now time.Time) (problems []string) {
	name, named := fields.Get("UserName")
	switch generated, ok := fields.Get("GenDT"); {
	case !ok && parameter == userParameter:
		problems = append(problems, "it has no GenDT, so that it counts beside a security token alone")
	case !ok:
		problems = append(problems, "it has no GenDT, without which no security token counts")
	default:
		at, err := sealed.ParseTime(generated)
		switch {
		case err != nil:
			problems = append(problems, "its GenDT can't be read: "+err.Error())
		case !now.Before(at.Add(tokenLife)):
			problems = append(problems, fmt.Sprintf("its GenDT is %s ago: it counts for %s, unless the project says otherwise", now.Sub(at).Round(time.Second), tokenLife))
		case at.Sub(now) > clockSkew:
			problems = append(problems, fmt.Sprintf("its GenDT is %s ahead: set the clock of who sealed it, and give its offset from UTC", at.Sub(now).Round(time.Second)))
		}
	}
	if named && name == "" {
		problems = append(problems, "its UserName is empty")
	}
	if !named && parameter == userParameter {
		problems = append(problems, "it has no UserName, without which no user token counts")
	}
	return problems
}
