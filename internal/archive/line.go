package archive

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strconv"
)

// A row is one line. None begins with the letter of "end", so that the end of the rows is never taken for one:
//
//	NULL    ~
//	integer 4711, -1
//	text    'alice      a backslash, a tab and a line break in it as \\, \t and \n
//	bytes   x0190a8f4   lower case
//
// Every row has exactly one such line, and whatever isn't one is refused: so equal digests mean equal rows.

// maxLine bounds a line that is read, in bytes: the longest text that Jeton stores is far shorter.
const maxLine = 16 << 20

// appendRow appends the line of a row, with its break.
func appendRow(line []byte, row Row) ([]byte, error) {
	for i, value := range row {
		if i > 0 {
			line = append(line, '\t')
		}
		switch v := value.(type) {
		case nil:
			line = append(line, '~')
		case int64:
			line = strconv.AppendInt(line, v, 10)
		case string:
			line = appendText(append(line, '\''), v)
		case []byte:
			line = hex.AppendEncode(append(line, 'x'), v)
		default:
			return nil, fmt.Errorf("a value is a %T, which no archive can hold", v)
		}
	}
	return append(line, '\n'), nil
}

func appendText(line []byte, text string) []byte {
	for i := range len(text) {
		switch c := text[i]; c {
		case '\\':
			line = append(line, `\\`...)
		case '\t':
			line = append(line, `\t`...)
		case '\n':
			line = append(line, `\n`...)
		default:
			line = append(line, c)
		}
	}
	return line
}

// parseRow reads a line without its break, of a row of so many values.
func parseRow(line []byte, columns int) (Row, error) {
	row := make(Row, 0, columns)
	for more := true; more; {
		var text []byte
		text, line, more = bytes.Cut(line, []byte{'\t'})
		value, ok := parseValue(text)
		if !ok {
			return nil, fmt.Errorf("value %d of a row can't be read", len(row)+1)
		}
		if row = append(row, value); len(row) > columns {
			break
		}
	}
	if len(row) != columns {
		return nil, fmt.Errorf("a row has another number of values than %d", columns)
	}
	return row, nil
}

func parseValue(text []byte) (value any, ok bool) {
	if len(text) == 0 {
		return nil, false
	}
	switch first, rest := text[0], text[1:]; first {
	case '~':
		return nil, len(rest) == 0
	case '\'':
		return parseText(rest)
	case 'x':
		b := make([]byte, hex.DecodedLen(len(rest)))
		_, err := hex.Decode(b, rest)
		return b, err == nil && bytes.Equal(bytes.ToLower(rest), rest)
	default:
		n, err := strconv.ParseInt(string(text), 10, 64)
		return n, err == nil && strconv.FormatInt(n, 10) == string(text)
	}
}

func parseText(escaped []byte) (value any, ok bool) {
	text := make([]byte, 0, len(escaped))
	for i := 0; i < len(escaped); i++ {
		c := escaped[i]
		if c == '\\' {
			if i++; i == len(escaped) {
				return nil, false
			}
			at := bytes.IndexByte([]byte(`\tn`), escaped[i])
			if at < 0 {
				return nil, false
			}
			c = "\\\t\n"[at]
		}
		text = append(text, c)
	}
	return string(text), true
}
