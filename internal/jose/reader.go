package jose

// maxDepth is how deep objects and arrays may lie in each other, the outermost counted. Honest claims have three or
// four levels, and a reader that calls itself needs a bound.
const maxDepth = 16

// member is one member of the outermost object.
type member struct {
	name  []byte // with its escapes resolved
	value []byte // the JSON text, without the space around
}

// reader walks over one JSON text (RFC 8259) and refuses what encoding/json lets pass, but other readers don't or read
// differently: duplicate names, names that differ in case, invalid UTF-8, lone surrogates. It copies nothing but names.
type reader struct {
	data  []byte
	at    int
	depth int
	// The folded names of the objects that are open, one after the other, and where each begins and ends. The arrays
	// below them are enough for an ordinary token, so that most need no memory but the reader's own.
	names     []byte
	spans     []span
	nameArray [192]byte
	spanArray [16]span
}

type span struct{ from, to int }

// readObject returns the members of the object that data holds, for which it makes room as for so many. The members
// point into data.
func readObject(data []byte, room int) ([]member, error) {
	r := &reader{data: data}
	r.names, r.spans = r.nameArray[:0], r.spanArray[:0]
	r.space()
	if r.peek() != '{' {
		return nil, refuse(ErrJSON, "it is no object")
	}
	members := make([]member, 0, room)
	if err := r.object(&members); err != nil {
		return nil, err
	}
	r.space()
	if r.at < len(r.data) {
		return nil, refuse(ErrJSON, "something follows the object")
	}
	return members, nil
}

// peek returns the next byte, or 0 at the end: a NUL is nowhere in JSON, so the two need not be told apart.
func (r *reader) peek() byte {
	if r.at < len(r.data) {
		return r.data[r.at]
	}
	return 0
}

// take goes over the next byte if it is c.
func (r *reader) take(c byte) bool {
	if r.peek() != c {
		return false
	}
	r.at++
	return true
}

func (r *reader) space() {
	for r.at < len(r.data) {
		switch r.data[r.at] {
		case ' ', '\t', '\n', '\r':
			r.at++
		default:
			return
		}
	}
}

func (r *reader) value() error {
	switch c := r.peek(); {
	case c == '{':
		return r.object(nil)
	case c == '[':
		return r.array()
	case c == '"':
		_, _, err := r.text()
		return err
	case c == '-' || isDigit(c):
		return r.number()
	default:
		return r.literal()
	}
}

// enter goes over an opening bracket.
func (r *reader) enter() error {
	if r.depth == maxDepth {
		return refuse(ErrJSON, "it is nested too deep")
	}
	r.depth++
	r.at++
	r.space()
	return nil
}

// next goes over what stands behind a value: a comma, or the closing bracket that ends the list.
func (r *reader) next(closing byte) (more bool, err error) {
	r.space()
	if r.take(',') {
		r.space()
		return true, nil
	}
	if r.take(closing) {
		r.depth--
		return false, nil
	}
	return false, refuse(ErrJSON, "a comma or a closing bracket is missing")
}

func (r *reader) array() error {
	if err := r.enter(); err != nil {
		return err
	}
	if r.peek() == ']' {
		_, err := r.next(']')
		return err
	}
	for more := true; more; {
		err := r.value()
		if err == nil {
			more, err = r.next(']')
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// object goes over an object and, where keep isn't nil, adds its members there.
func (r *reader) object(keep *[]member) error {
	if err := r.enter(); err != nil {
		return err
	}
	if r.peek() == '}' {
		_, err := r.next('}')
		return err
	}
	first, from := len(r.spans), len(r.names)
	for more := true; more; {
		m, err := r.member()
		if err == nil {
			more, err = r.next('}')
		}
		if err != nil {
			return err
		}
		if keep != nil {
			*keep = append(*keep, m)
		}
	}
	if !r.distinct(r.spans[first:]) {
		return refuse(ErrMemberName, "a name is there twice, or in two cases")
	}
	r.spans, r.names = r.spans[:first], r.names[:from]
	return nil
}

func (r *reader) member() (m member, err error) {
	if r.peek() != '"' {
		return m, refuse(ErrJSON, "a member's name is missing")
	}
	raw, escaped, err := r.text()
	if err != nil {
		return m, err
	}
	m.name = raw
	if escaped {
		m.name = unescape(raw)
	}
	from := len(r.names)
	r.names = appendFolded(r.names, m.name)
	r.spans = append(r.spans, span{from, len(r.names)})
	r.space()
	if !r.take(':') {
		return m, refuse(ErrJSON, "a colon is missing")
	}
	r.space()
	start := r.at
	err = r.value()
	m.value = r.data[start:r.at]
	return m, err
}
