package xdoc

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"mime"
	"net/textproto"
	"net/url"
	"strings"
	"sync/atomic"
)

// A form in parts (RFC 7578) that goes on to an upstream may hold files of any size, and is never held whole. What stands in it
// before the first file, and within the first bytes of it, is looked at before the call is judged: there its parameters count, and
// from there the tokens are taken. The rest streams through a filter, which ends the call where a token turns up after all: of two
// the product might take the other, and one that nobody has judged it must not take at all.
//
// The product's own reader of such forms isn't known, and readers differ. So the filter takes more for the beginning of a part, and
// more for a name, than the RFC does: what is amiss then is that a strange call is refused.

const (
	// maxHead bounds what is held of a form in parts, in bytes.
	maxHead = 64 << 10
	// maxPartHeader bounds the header of a part in the rest of a form, in bytes.
	maxPartHeader = 16 << 10
)

// head is the beginning of a form in parts.
type head struct {
	text   []byte
	fields []byte   // its parameters, in the notation of a query
	tokens [][2]int // where in the text the parts of tokens stand
	end    int      // of the parts that were read: what follows streams
}

// readHead reads the beginning of a form, which stays in the reader's buffer.
func readHead(in *bufio.Reader, delimiter []byte) (*head, error) {
	text, err := in.Peek(maxHead)
	whole := errors.Is(err, io.EOF)
	if err != nil && !whole {
		return nil, cutOff
	}
	h := &head{text: text}
	at := h.delimiter(0, delimiter)
	if at < 0 {
		return nil, badForm
	}
	for {
		h.end = at
		next, last, err := h.part(at, delimiter)
		switch {
		case err != nil:
			return nil, err
		case last:
			return h, nil
		case next < 0 && whole:
			return nil, badForm
		case next < 0:
			return h, nil
		}
		at = next
	}
}

// delimiter returns where the next line begins, at or after an offset, that begins as a delimiter does; -1 where there is none.
func (h *head) delimiter(from int, delimiter []byte) int {
	for at := from; at < len(h.text); {
		if bytes.HasPrefix(h.text[at:], delimiter) {
			return at
		}
		length := bytes.IndexByte(h.text[at:], '\n')
		if length < 0 {
			return -1
		}
		at += length + 1
	}
	return -1
}

// part reads the part whose delimiter is at an offset, and returns where the next one is, or -1 where that can't be seen. last says that
// no parameter follows: it is the end of the form, or a file.
func (h *head) part(at int, delimiter []byte) (next int, last bool, err error) {
	line, body, ok := cutLine(h.text[at+len(delimiter):])
	if !ok {
		line = h.text[at+len(delimiter):]
	}
	switch rest := string(bytes.TrimRight(line, " \t\r\n")); {
	case rest == "--":
		return -1, true, nil
	case !ok:
		return -1, false, nil
	case rest != "":
		return -1, false, badForm
	}
	from := len(h.text) - len(body)
	for {
		line, rest, ok := cutLine(body)
		if !ok {
			return -1, false, nil
		}
		body = rest
		if len(bytes.TrimRight(line, "\r\n")) == 0 {
			break
		}
	}
	value := len(h.text) - len(body)
	name, file, err := partName(h.text[from:value])
	if err != nil || file == aFile {
		return -1, true, err
	}
	next = h.delimiter(value, delimiter)
	if next < 0 {
		return -1, false, nil
	}
	switch token := isToken(name); {
	case token && file != noFile:
		return -1, false, badForm
	case token:
		h.tokens = append(h.tokens, [2]int{at, next})
	}
	if file == noFile {
		h.fields = append(h.fields, '&')
		h.fields = append(h.fields, url.QueryEscape(name)+"="+url.QueryEscape(string(cutEnd(h.text[value:next])))...)
	}
	return next, false, nil
}

// cutLine divides a text behind its first line break.
func cutLine(text []byte) (line, rest []byte, found bool) {
	at := bytes.IndexByte(text, '\n')
	if at < 0 {
		return nil, nil, false
	}
	return text[:at+1], text[at+1:], true
}

// cutEnd takes the line break off that belongs to the delimiter behind it.
func cutEnd(value []byte) []byte {
	return bytes.TrimSuffix(bytes.TrimSuffix(value, []byte("\n")), []byte("\r"))
}

// filed is whether a part is a file.
type filed int

const (
	noFile  filed = iota
	neither       // without a name, or a field for a file into which none was put
	aFile
)

// partName reads the header of a part: its name, in which no two readers may differ, and whether it is a file. A part may have no
// name, as some libraries write them: then it is no parameter.
func partName(header []byte) (name string, file filed, err error) {
	fields, err := textproto.NewReader(bufio.NewReader(bytes.NewReader(header))).ReadMIMEHeader()
	if err != nil || len(fields["Content-Disposition"]) > 1 {
		return "", noFile, badForm
	}
	file = neither
	for _, field := range fields["Content-Disposition"] {
		disposition, attributes, err := mime.ParseMediaType(field)
		if err != nil || disposition != "form-data" {
			return "", noFile, badForm
		}
		name = attributes["name"]
		switch filename, ok := attributes["filename"]; {
		case ok && filename != "":
			return name, aFile, nil // which the filter sees to
		case !ok && name != "":
			file = noFile
		}
	}
	if !isToken(name) && mayName(header, tokenNames()) {
		return "", noFile, badForm
	}
	return name, file, nil
}

// tokenNames are the names of the tokens, in small letters.
func tokenNames() []string {
	n := Parameters()
	return []string{strings.ToLower(n.Security), strings.ToLower(n.User)}
}

// isToken reports whether a name, which isn't percent-encoded in a form of several parts, is that of a token.
func isToken(name string) bool {
	for _, token := range tokenNames() {
		if len(name) == len(token) && strings.EqualFold(name, token) {
			return true
		}
	}
	return false
}

// mayName reports whether some reader might find one of the names, in small letters, in the header of a part: in whatever quotes or
// field, as the second of two, continued on another line, or in the notation of RFC 2231, which has no place there (RFC 7578,
// section 4.2). Names of files don't count.
func mayName(header []byte, names []string) bool {
	text := strings.NewReplacer("\r\n ", "", "\r\n\t", "", "\n ", "", "\n\t", "").Replace(string(bytes.ToLower(header)))
	text = strings.NewReplacer(`"`, "", "'", "", `\`, "", "\r", ";", "\n", ";").Replace(text)
	text = strings.ReplaceAll(strings.ReplaceAll(strings.Join(strings.Fields(text), " "), " =", "="), "= ", "=")
	for rest, at := text, 0; ; {
		if at = strings.Index(rest, "name"); at < 0 {
			return false
		}
		file := strings.HasSuffix(rest[:at], "file")
		rest = rest[at+len("name"):]
		if file {
			continue
		}
		if strings.HasPrefix(rest, "*") {
			return true
		}
		for _, name := range names {
			if after, ok := strings.CutPrefix(rest, "="+name); ok && (after == "" || strings.IndexByte("; ,", after[0]) >= 0) {
				return true
			}
		}
	}
}

// filter passes the rest of a form on as it is, and ends it with an error where a part of a forbidden name turns up. It holds no more
// than one line, or as much of that as the reader does.
type filter struct {
	in        *bufio.Reader
	delimiter []byte
	forbidden []string // in small letters
	ready     []byte   // to be passed on; valid until the next is read
	header    []byte   // of the part, as far as it was read
	within    bool     // a header
	middle    bool     // of a line
	// failed is why it ended. The call may have gone on by then without the rest, so that another goroutine looks.
	failed atomic.Pointer[failure]
}

// Read implements io.Reader. It waits for no more than it needs.
func (f *filter) Read(p []byte) (n int, err error) {
	for n < len(p) && (n == 0 || len(f.ready) > 0 || f.in.Buffered() > 0) {
		if len(f.ready) == 0 {
			if err = f.next(); err != nil {
				break
			}
		}
		passed := copy(p[n:], f.ready)
		n, f.ready = n+passed, f.ready[passed:]
	}
	return n, err
}

// next reads what can be passed on next. What stands in a part is read only after its header was looked at.
func (f *filter) next() error {
	if failed := f.failed.Load(); failed != nil {
		return failed
	}
	line, err := f.in.ReadSlice('\n')
	if len(line) == 0 {
		return err
	}
	switch {
	case !f.middle && bytes.HasPrefix(line, f.delimiter):
		f.within, f.header = true, f.header[:0]
	case f.within && !f.middle && len(bytes.TrimRight(line, "\r\n")) == 0:
		if f.within = false; mayName(f.header, f.forbidden) {
			f.failed.Store(lateToken)
			return lateToken
		}
	case f.within:
		if f.header = append(f.header, line...); len(f.header) > maxPartHeader {
			f.failed.Store(badForm)
			return badForm
		}
	}
	f.middle = line[len(line)-1] != '\n'
	f.ready = line
	return nil
}
