package jose

// maxDepth is how deep objects and arrays may lie in each other, the outermost counted. Honest claims have three or
// four levels, and a reader that calls itself needs a bound.
const maxDepth = 16

// span is a part of a text: from a byte, and up to another. It has no pointer, so that what was read of a token is nothing to
// the garbage collector but the text.
type span struct{ from, to uint32 }

func (s span) of(text []byte) []byte { return text[s.from:s.to:s.to] }
func (s span) size() uint32          { return s.to - s.from }

// member is one member of the outermost object.
type member struct {
	name    span // as it is spelled
	value   span // the JSON text, without the space around
	escaped bool // the name is spelled with escapes
}

// room is the memory in which an ordinary object is read: of a token's claims all have room in it. What has more takes its own.
type room struct {
	names   [192]byte
	spans   [24]span
	members [12]member
}

// reader walks over one JSON text (RFC 8259) and refuses what encoding/json lets pass, but other readers don't or read
// differently: duplicate names, names that differ in case, invalid UTF-8, lone surrogates. It copies nothing but names.
type reader struct {
	data  []byte
	at    int
	depth int
	// names are the folded names of the objects that are open, one after the other, and spans where each begins and ends.
	names []byte
	spans []span
	// members are those of the outermost object.
	members []member
}

// readObject reads the object that data holds. Its members are parts of data, and stand in the room.
func readObject(data []byte, in *room) (Claims, error) {
	r := reader{data: data, names: in.names[:0], spans: in.spans[:0], members: in.members[:0]}
	r.space()
	if r.peek() != '{' {
		return Claims{}, refuse(ErrJSON, "it is no object")
	}
	if err := r.object(); err != nil {
		return Claims{}, err
	}
	r.space()
	if r.at < len(r.data) {
		return Claims{}, refuse(ErrJSON, "something follows the object")
	}
	return Claims{data, r.members}, nil
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
	if r.at >= len(r.data) || r.data[r.at] != c {
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
	case c == '"':
		_, _, err := r.text()
		return err
	case c == '{':
		return r.object()
	case c == '[':
		return r.array()
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

// object goes over an object and, of the outermost, keeps the members.
func (r *reader) object() error {
	if err := r.enter(); err != nil {
		return err
	}
	if r.peek() == '}' {
		_, err := r.next('}')
		return err
	}
	outermost, first, from := r.depth == 1, len(r.spans), len(r.names)
	for more := true; more; {
		m, err := r.member()
		if err == nil {
			more, err = r.next('}')
		}
		if err != nil {
			return err
		}
		if outermost {
			r.members = append(r.members, m)
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
	if m.name, m.escaped, err = r.text(); err != nil {
		return m, err
	}
	r.fold(m.name.of(r.data), m.escaped)
	r.space()
	if !r.take(':') {
		return m, refuse(ErrJSON, "a colon is missing")
	}
	r.space()
	m.value.from = place(r.at)
	err = r.value()
	m.value.to = place(r.at)
	return m, err
}

// place is where a span begins or ends. No text is so long that it would not fit: a token has 8 KiB, and a set of keys 64.
func place(at int) uint32 { return uint32(at) } //nolint:gosec // G115: see above
