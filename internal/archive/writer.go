package archive

import (
	"bufio"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"

	"github.com/jeton-io/jeton/internal/secret"
)

// Writer writes the lines of an archive. It is a Target. Make one with NewWriter, and end it with Finish.
type Writer struct {
	to     *bufio.Writer
	key    secret.Text
	all    hash.Hash // of every line
	tables []Table
	begun  int // how many tables have been begun
	rows   *digester
	sums   []Sum
	line   []byte
}

// NewWriter returns a Writer of an archive that is sealed under a key: see keyring.ArchiveKey.
func NewWriter(to io.Writer, key secret.Text) *Writer {
	w := &Writer{to: bufio.NewWriterSize(nil, 64<<10), key: key, all: sha256.New()}
	w.to.Reset(io.MultiWriter(to, w.all))
	return w
}

// Begin implements Target. It writes the head.
func (w *Writer) Begin(_ context.Context, h Header, tables []Table) error {
	if len(w.tables) > 0 || len(tables) == 0 || w.key == "" {
		return errors.New("an archive begins once, with a table, and with a key to seal it")
	}
	w.tables = tables
	for _, line := range headLines(h, tables) {
		if err := w.print("%s\n", line); err != nil {
			return err
		}
	}
	return nil
}

// Reached implements Target: what is in a file is never added to.
func (w *Writer) Reached(context.Context, Table) (Row, int64, error) { return nil, 0, nil }

// Load implements Target. What it was given is in the file once Finish has returned.
func (w *Writer) Load(_ context.Context, t Table, rows []Row) error {
	if err := w.advance(t.Name); err != nil {
		return err
	}
	for _, row := range rows {
		if len(row) != len(t.Columns) {
			return fmt.Errorf("a row has %d values for %d columns", len(row), len(t.Columns))
		}
		line, err := appendRow(w.line[:0], row)
		if err != nil {
			return err
		}
		if w.line = line; len(line) > maxLine {
			return fmt.Errorf("a row takes more than %d bytes", maxLine)
		}
		w.rows.add(line)
		if _, err := w.to.Write(line); err != nil {
			return fmt.Errorf("writing the archive: %w", err)
		}
	}
	return nil
}

// advance ends tables and begins others until the one of that name is begun. Those between have no rows.
func (w *Writer) advance(name string) error {
	for w.begun == 0 || w.tables[w.begun-1].Name != name {
		if w.begun == len(w.tables) {
			return fmt.Errorf("the table %s isn't the next of the archive", name)
		}
		if err := w.endTable(); err != nil {
			return err
		}
		t := w.tables[w.begun]
		w.begun++
		w.rows = newDigester(t)
		if err := w.print("rows %s\n", t.Name); err != nil {
			return err
		}
	}
	return nil
}

// endTable writes what the rows of the last table came to.
func (w *Writer) endTable() error {
	if w.rows == nil {
		return nil
	}
	sum := w.rows.end()
	if want := w.tables[w.begun-1].Rows; sum.Rows != want {
		return fmt.Errorf("the table %s had %d rows, and %d came", sum.Table, want, sum.Rows)
	}
	w.sums = append(w.sums, sum)
	return w.print("end %s %d %x\n", sum.Table, sum.Rows, sum.Digest)
}

// Finish writes the end of the archive.
func (w *Writer) Finish() error {
	if len(w.tables) == 0 {
		return errors.New("the archive was never begun")
	}
	if err := w.advance(w.tables[len(w.tables)-1].Name); err != nil {
		return err
	}
	if err := w.endTable(); err != nil {
		return err
	}
	if err := w.to.Flush(); err != nil { // what the digest hasn't seen is still in the buffer
		return fmt.Errorf("writing the archive: %w", err)
	}
	digest := w.all.Sum(nil)
	if err := w.print("end %d %d %x\nseal %x\n", len(w.sums), Rows(w.sums), digest, seal(w.key, digest)); err != nil {
		return err
	}
	if err := w.to.Flush(); err != nil {
		return fmt.Errorf("writing the archive: %w", err)
	}
	return nil
}

func (w *Writer) print(format string, args ...any) error {
	if _, err := fmt.Fprintf(w.to, format, args...); err != nil {
		return fmt.Errorf("writing the archive: %w", err)
	}
	return nil
}

// Sums returns what each table came to, once Finish has returned.
func (w *Writer) Sums() []Sum { return w.sums }

// seal returns what only the holders of the key can say of a digest.
func seal(key secret.Text, digest []byte) []byte {
	mac := hmac.New(sha256.New, []byte(key.Reveal()))
	mac.Write(digest)
	return mac.Sum(nil)
}
