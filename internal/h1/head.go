package h1

import "bytes"

// maxFields is how many fields a plain request has at most.
const maxFields = 100

// head is the reading of one request's head, which may come in parts: each line is looked at once, when it is whole.
type head struct {
	pos    int // where the next line begins
	sought int // before it, no line feed belongs to that line

	method, target int // where they end; each begins where the former has ended, but for a space
	host           field
	fields         [maxFields]field
	count          int
	has            mark // which fields there were, of those that mean something to the engine
	ending         bool // Connection: close
}

// mark is a set of fields.
type mark uint8

const (
	hasHost mark = 1 << iota
	hasLength
	hasConnection
	hasPragma
	hasCacheControl
)

// verdict is what the bytes so far are.
type verdict uint8

const (
	partial verdict = iota // the beginning of a plain request, or nothing yet
	plain                  // a plain request, and what comes behind it
	odd                    // anything else: net/http has the word
)

// renew begins the head of another request.
func (h *head) renew() {
	h.pos, h.sought, h.count, h.has, h.ending = 0, 0, 0, 0, false
	h.host = field{}
}

// read goes on reading b, which begins with the head's first byte and is longer each time.
func (h *head) read(b []byte) verdict {
	for {
		n := bytes.IndexByte(b[h.sought:], '\n')
		if n < 0 {
			h.sought = len(b)
			return partial
		}
		end := h.sought + n - 1 // of the line, where it ends as it should
		if end < h.pos || b[end] != '\r' {
			return odd
		}
		begin, ok := h.pos, false
		h.pos, h.sought = end+2, end+2
		switch begin {
		case 0:
			ok = h.requestLine(b[:end])
		case end:
			return h.judge()
		default:
			ok = h.field(b[:end], begin)
		}
		if !ok {
			return odd
		}
	}
}

// judge says of a whole head whether it is that of a plain request. Without a Cache-Control, net/http makes one of a Pragma.
func (h *head) judge() verdict {
	if h.has&hasHost == 0 || h.has&(hasPragma|hasCacheControl) == hasPragma {
		return odd
	}
	return plain
}

// version is how the request line of a plain request ends.
const version = " HTTP/1.1"

// requestLine reads METHOD SP path[?query] SP HTTP/1.1.
//
// Of the path only what net/url reads in one way is plain, so that the path is the same to whoever decodes it by net/url and
// to whoever reads it as it came. A '#' is plain nowhere: to a server it is a byte like others, and to a library of URLs it isn't.
func (h *head) requestLine(line []byte) bool {
	i := 0
	for i < len(line) && line[i] >= 'A' && line[i] <= 'Z' {
		i++
	}
	end := len(line) - len(version)
	if i == 0 || end < i+2 || string(line[end:]) != version || line[i] != ' ' || line[i+1] != '/' || !plainMethod(line[:i]) {
		return false
	}
	h.method, h.target = i, end
	for i++; i < end && line[i] != '?'; i++ {
		switch c := line[i]; {
		case c == '%':
			if i+2 >= end || classes[line[i+1]]&inHex == 0 || classes[line[i+2]]&inHex == 0 {
				return false
			}
		case classes[c]&inPath == 0:
			return false
		}
	}
	for ; i < end; i++ {
		if classes[line[i]]&inQuery == 0 {
			return false
		}
	}
	return true
}

// plainMethod reports whether a method of capitals asks nothing that has rules of its own: an answer to HEAD is shorter than it says,
// CONNECT's target is no path, and PRI begins HTTP/2.
func plainMethod(method []byte) bool {
	return string(method) != "HEAD" && string(method) != "CONNECT" && string(method) != "PRI"
}

// field reads the line of a field from begin on, and keeps where name and value stand.
func (h *head) field(b []byte, begin int) bool {
	i := begin
	for i < len(b) && classes[b[i]]&inToken != 0 {
		i++
	}
	if i == begin || i == len(b) || b[i] != ':' || h.count == maxFields {
		return false
	}
	f := field{name: uint16(begin), nameEnd: uint16(i)} //nolint:gosec // G115: a head is shorter than that, see maxHead
	i++
	end := len(b)
	for i < end && isBlank(b[i]) {
		i++
	}
	for i < end && isBlank(b[end-1]) {
		end--
	}
	f.value, f.valueEnd = uint16(i), uint16(end) //nolint:gosec // G115: see above
	for _, c := range b[i:end] {
		if classes[c]&inValue == 0 {
			return false
		}
	}
	if !h.known(b[f.name:f.nameEnd], b[i:end]) {
		return false
	}
	if h.has&hasHost != 0 && h.host == (field{}) {
		h.host = f // it isn't among the fields
		return true
	}
	h.fields[h.count] = f
	h.count++
	return true
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' }

// known looks at a field that means something to an engine, and reports whether the request can still be plain. Each of these may
// stand there once; those that tell of a body, of what follows it or of another protocol, not at all.
func (h *head) known(name, value []byte) bool {
	switch len(name) {
	case 2:
		return !is(name, "Te")
	case 4:
		return !is(name, "Host") || h.once(hasHost) && isHost(value)
	case 6:
		return !is(name, "Expect") && (!is(name, "Pragma") || h.once(hasPragma))
	case 7:
		return !is(name, "Upgrade") && !is(name, "Trailer")
	case 10:
		h.ending = h.ending || is(name, "Connection") && is(value, "Close")
		return !is(name, "Connection") || h.once(hasConnection) && (is(value, "Keep-Alive") || h.ending)
	case 13:
		return !is(name, "Cache-Control") || h.once(hasCacheControl)
	case 14:
		return !is(name, "Http2-Settings") && (!is(name, "Content-Length") || h.once(hasLength) && string(value) == "0")
	case 17:
		return !is(name, "Transfer-Encoding")
	}
	return true
}

// is compares without regard to case.
func is(text []byte, want string) bool {
	return len(text) == len(want) && equalFold(string(text), want)
}

// once notes that a field is there, and reports whether it wasn't before.
func (h *head) once(which mark) bool {
	before := h.has
	h.has |= which
	return before&which == 0
}

func isHost(value []byte) bool {
	for _, c := range value {
		if classes[c]&inHost == 0 {
			return false
		}
	}
	return len(value) > 0
}

// class is a set of the parts of a head in which a byte is plain.
type class uint8

const (
	inToken class = 1 << iota // RFC 9110, section 5.6.2
	inPath                    // but for '%', which two digits must follow
	inQuery
	inValue
	inHost
	inHex
)

// classes has the class of each byte. It is never written.
var classes = classify()

func classify() (of [256]class) {
	add := func(c class, bytes string) {
		for i := range len(bytes) {
			of[bytes[i]] |= c
		}
	}
	for b := byte('!'); b <= '~'; b++ {
		of[b] |= inValue | inQuery
	}
	of['#'] &^= inQuery
	add(inValue, " \t")
	const alphanumeric = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	add(inToken|inPath|inHost, alphanumeric)
	add(inToken, "!#$%&'*+-.^_`|~")
	add(inPath, "/-._~!$&'()*+,;=:@[]")
	add(inHost, "-._:[]")
	add(inHex, "0123456789ABCDEFabcdef")
	return of
}
