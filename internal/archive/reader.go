package archive

import (
	"bufio"
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"iter"
	"strconv"
	"strings"

	"github.com/jeton-io/jeton/internal/secret"
)

// Reader reads the lines of an archive. It is a Source whose tables are read once, all rows of each, in their order; the
// last row of the last table comes only after the end of the archive was found to be right. Make one with NewReader.
type Reader struct {
	from   *bufio.Reader
	all    hash.Hash // of every line so far
	number int       // of the line read last
	header Header
	tables []Table
	begun  int // how many tables have been asked for
	ended  int // how many were read to their end
	sums   []Sum
	line   []byte
	key    secret.Text
}

// NewReader reads the head of an archive. Its seal is compared under the key at its end; without one, it isn't.
func NewReader(from io.Reader, key secret.Text) (*Reader, error) {
	r := &Reader{from: bufio.NewReaderSize(from, 64<<10), all: sha256.New(), key: key}
	if err := r.readHead(); err != nil {
		return nil, err
	}
	return r, nil
}

// maxTables bounds the tables of an archive.
const maxTables = 1000

func (r *Reader) readHead() (err error) {
	first, err := r.next()
	if err != nil && !errors.Is(err, ErrDamaged) {
		return err
	}
	if found := string(first); found != form {
		if _, number, ok := strings.Cut(found, "jeton-archive "); ok {
			if _, err := strconv.ParseUint(number, 10, 64); err == nil {
				return fmt.Errorf("%w: it has the form %q, this one reads %q", ErrNewer, found, form)
			}
		}
		return fmt.Errorf("%w: it begins otherwise", ErrForeign)
	}
	lines := []string{form}
	for {
		line, err := r.next()
		if err != nil {
			return err
		}
		if len(line) == 0 {
			break
		}
		if lines = append(lines, string(line)); len(lines) > maxTables {
			return fmt.Errorf("%w: its head has no end", ErrDamaged)
		}
	}
	r.header, r.tables, err = parseHead(lines)
	return err
}

// next reads a line and returns it without its break, until the next one.
func (r *Reader) next() ([]byte, error) {
	r.line = r.line[:0]
	for {
		part, err := r.from.ReadSlice('\n')
		r.line = append(r.line, part...)
		switch {
		case err == nil:
			r.number++
			r.all.Write(r.line)
			return r.line[:len(r.line)-1], nil
		case len(r.line) > maxLine:
			return nil, r.damaged("a line is too long")
		case errors.Is(err, io.EOF):
			return nil, r.damaged("it ends too early")
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, fmt.Errorf("reading the archive: %w", err)
		}
	}
}

func (r *Reader) damaged(how string) error {
	return fmt.Errorf("%w: at line %d, %s", ErrDamaged, r.number, how)
}

// Header implements Source.
func (r *Reader) Header() Header { return r.header }

// Tables implements Source.
func (r *Reader) Tables() []Table { return r.tables }

// Close implements Source.
func (r *Reader) Close() error { return nil }

// Sums returns what each table came to, once all were read.
func (r *Reader) Sums() []Sum { return r.sums }

// Rows implements Source.
func (r *Reader) Rows(_ context.Context, t Table, after Row) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		if r.begun != r.ended || r.begun == len(r.tables) || r.tables[r.begun].Name != t.Name || after != nil {
			yield(nil, fmt.Errorf("the rows of %s can't be read from an archive now", t.Name))
			return
		}
		r.begun++
		if err := r.readRows(r.tables[r.begun-1], yield); err != nil {
			yield(nil, err)
		}
	}
}

// readRows yields the rows of a table, each once the line after it is known: the last one not before the end of the table,
// and of the archive if it is the last table.
func (r *Reader) readRows(t Table, yield func(Row, error) bool) error {
	if line, err := r.next(); err != nil {
		return err
	} else if string(line) != "rows "+t.Name {
		return r.damaged("the rows of " + t.Name + " don't begin")
	}
	d := newDigester(t)
	var waiting Row
	for {
		line, err := r.next()
		if err != nil {
			return err
		}
		if bytes.HasPrefix(line, []byte("end ")) {
			if err := r.endTable(t, d.end()); err != nil {
				return err
			}
			if waiting != nil {
				yield(waiting, nil)
			}
			return nil
		}
		row, err := parseRow(line, len(t.Columns))
		if err != nil {
			return r.damaged(err.Error())
		}
		d.add(r.line)
		if waiting != nil && !yield(waiting, nil) {
			return nil
		}
		waiting = row
	}
}

// endTable compares the line that was read last with what the rows of a table came to.
func (r *Reader) endTable(t Table, sum Sum) error {
	switch line := string(r.line[:len(r.line)-1]); {
	case line != fmt.Sprintf("end %s %d %x", sum.Table, sum.Rows, sum.Digest):
		return r.damaged("the rows of " + t.Name + " aren't those that were written")
	case sum.Rows != t.Rows:
		return r.damaged("the table " + t.Name + " has another number of rows than its head says")
	}
	r.sums = append(r.sums, sum)
	if r.ended++; r.ended < len(r.tables) {
		return nil
	}
	return r.end()
}

// end reads what stands after the last table, after which nothing may.
func (r *Reader) end() error {
	digest := r.all.Sum(nil)
	line, err := r.next()
	if err != nil {
		return err
	}
	if string(line) != fmt.Sprintf("end %d %d %x", len(r.sums), Rows(r.sums), digest) {
		return r.damaged("its lines aren't those that were written")
	}
	if line, err = r.next(); err != nil {
		return err
	}
	sealed, isSeal := strings.CutPrefix(string(line), "seal ")
	if given, err := hex.DecodeString(sealed); !isSeal || err != nil || len(given) != sha256.Size {
		return r.damaged("it isn't sealed")
	} else if r.key != "" && !hmac.Equal(given, seal(r.key, digest)) {
		return fmt.Errorf("%w: another master key has sealed it", ErrForeign)
	}
	if _, err := r.from.ReadByte(); !errors.Is(err, io.EOF) {
		if err != nil {
			return fmt.Errorf("reading the archive: %w", err)
		}
		return r.damaged("something follows its end")
	}
	return nil
}
