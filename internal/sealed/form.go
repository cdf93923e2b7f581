package sealed

import (
	"net/url"
	"strings"
)

// readForm reads pairs as application/x-www-form-urlencoded has them, without its leniency
// (https://url.spec.whatwg.org/#urlencoded-parsing): every pair has a '=', none is empty, and every '%' begins a byte. A '+' is a space.
func (l *list) readForm(text []byte) error {
	at := 0
	for pair := range strings.SplitSeq(string(text), "&") {
		name, value, ok := strings.Cut(pair, "=")
		if !ok {
			return l.bad(at, "the text is neither XML nor JSON, and as form-url it has a pair without '='")
		}
		if err := l.readPair(at, name, value); err != nil {
			return err
		}
		at += len(pair) + len("&")
	}
	return nil
}

func (l *list) readPair(at int, name, value string) error {
	if strings.ContainsAny(value, "\t\r\n") {
		return l.bad(at, "a value has a control character that isn't percent-encoded")
	}
	name, err := url.QueryUnescape(name)
	if err != nil {
		return l.bad(at, "a name has a '%' that begins no byte")
	}
	if err := l.name(at, name); err != nil {
		return err
	}
	if value, err = url.QueryUnescape(value); err != nil {
		return l.bad(at, "a value has a '%' that begins no byte")
	}
	return l.add(at, name, value)
}
