package words

import (
	"slices"
	"strings"
)

// Recognize returns the text that says what an English sentence says, so that it can be said in another language: what the inside tells
// is a sentence, some of it with a value in it. It is one that the languages have as it stands, or one of the forms, in which anything
// may stand in the place of each %s: another form, too, and else a value that is said as it is. A sentence that is none of these is
// said as it stands.
func Recognize(english string, forms []Text) Text {
	if slices.ContainsFunc(all, func(w *Words) bool { return w.keys[english] }) {
		return Say(english)
	}
	return among(forms, english)
}

func among(forms []Text, english string) Text {
	for _, form := range forms {
		values, ok := valuesIn(english, form.english)
		if !ok {
			continue
		}
		args := make([]any, len(values))
		for n, value := range values {
			args[n] = among(forms, value)
		}
		return Text{form.english, args}
	}
	return Say("%s", english)
}

// valuesIn returns what stands in a sentence for each %s of a form, which are apart from each other.
func valuesIn(sentence, form string) ([]string, bool) {
	parts := strings.Split(form, "%s")
	rest, ok := strings.CutPrefix(sentence, parts[0])
	if !ok || len(parts) == 1 {
		return nil, ok && rest == ""
	}
	var values []string
	for _, part := range parts[1 : len(parts)-1] {
		value, after, found := strings.Cut(rest, part)
		if !found {
			return nil, false
		}
		values, rest = append(values, value), after
	}
	value, ok := strings.CutSuffix(rest, parts[len(parts)-1])
	return append(values, value), ok
}
