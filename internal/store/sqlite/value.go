package sqlite

import (
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/secret"
)

// micros returns a time as it is stored. What is finer than a microsecond is cut off, as PostgreSQL's times would be.
func micros(t time.Time) int64 { return t.UnixMicro() }

// fromMicros returns a time as it was stored: in UTC, whatever the zone of this machine.
func fromMicros(n int64) time.Time { return time.UnixMicro(n).UTC() }

// optionalMicros returns a time as it is stored, and NULL for none.
func optionalMicros(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return micros(t)
}

// blob returns an ID as it is stored. The ID's own Value would be text, more than twice as long in every index.
func blob(id uuid.UUID) []byte { return id[:] }

// optionalBlob returns an ID as it is stored, and NULL for none.
func optionalBlob(id uuid.UUID) any {
	if id == uuid.Nil {
		return nil
	}
	return blob(id)
}

// optionalBytes returns NULL for no bytes.
func optionalBytes(b []byte) any {
	if len(b) == 0 {
		return nil
	}
	return b
}

// optionalText returns NULL for an empty text, where an index must pass over it.
func optionalText(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// timeColumn scans a time, and leaves the zero time where the column is NULL. The columns are STRICT integers, so there
// is nothing else that it could meet.
type timeColumn struct{ to *time.Time }

// Scan implements sql.Scanner.
func (c timeColumn) Scan(value any) error {
	if n, ok := value.(int64); ok {
		*c.to = fromMicros(n)
	}
	return nil
}

// numberColumn scans a number, and leaves it zero where the column is NULL. Its columns are STRICT integers, too.
type numberColumn struct{ to *int64 }

// Scan implements sql.Scanner.
func (c numberColumn) Scan(value any) error {
	if n, ok := value.(int64); ok {
		*c.to = n
	}
	return nil
}

// sumColumn scans a digest, whose length the schema sees to.
type sumColumn struct{ to *secret.Sum }

// Scan implements sql.Scanner.
func (c sumColumn) Scan(value any) error {
	b, _ := value.([]byte)
	if len(b) != len(c.to) {
		return fmt.Errorf("a digest of %d bytes", len(b))
	}
	*c.to = secret.Sum(b)
	return nil
}

// listColumn scans texts joined by commas, which none of them holds: the schema sees to it.
type listColumn struct{ to *[]string }

// Scan implements sql.Scanner.
func (c listColumn) Scan(value any) error {
	if s, ok := value.(string); ok && s != "" {
		*c.to = strings.Split(s, ",")
	}
	return nil
}

// idsColumn scans IDs that stand one after the other in a hexadecimal text.
type idsColumn struct{ to *[]uuid.UUID }

// Scan implements sql.Scanner.
func (c idsColumn) Scan(value any) error {
	const digits = 2 * len(uuid.UUID{})
	s, _ := value.(string)
	for ; len(s) >= digits; s = s[digits:] {
		id, err := uuid.Parse(s[:digits])
		if err != nil {
			return err
		}
		*c.to = append(*c.to, id)
	}
	return nil
}
