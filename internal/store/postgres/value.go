package postgres

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/jeton-io/jeton/internal/secret"
)

// micros returns a time as it is stored.
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

// raw returns an ID as it is sent. The ID's own Value would be text, to be parsed by the server.
func raw(id uuid.UUID) [16]byte { return id }

// rawAll returns IDs as they are sent in one parameter.
func rawAll(ids []uuid.UUID) [][16]byte {
	list := make([][16]byte, len(ids))
	for i, id := range ids {
		list[i] = id
	}
	return list
}

// optionalRaw returns an ID as it is sent, and NULL for none.
func optionalRaw(id uuid.UUID) any {
	if id == uuid.Nil {
		return nil
	}
	return raw(id)
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

// storable reports whether a text can be in this database, which takes no NUL and nothing but UTF-8. What can't is
// looked for in vain, and not a fault.
func storable(texts ...string) bool {
	for _, s := range texts {
		if !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
			return false
		}
	}
	return true
}

// asStorable returns a text that the database takes, for the audit log: what a stranger typed must not keep an event out.
func asStorable(s string) string {
	if storable(s) {
		return s
	}
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// timeColumn scans a time, and leaves the zero time where the column is NULL.
type timeColumn struct{ to *time.Time }

// ScanInt64 implements pgtype.Int64Scanner.
func (c timeColumn) ScanInt64(v pgtype.Int8) error {
	if v.Valid {
		*c.to = fromMicros(v.Int64)
	}
	return nil
}

// sumColumn scans a digest, whose length the schema sees to.
type sumColumn struct{ to *secret.Sum }

// ScanBytes implements pgtype.BytesScanner.
func (c sumColumn) ScanBytes(b []byte) error {
	if len(b) != len(c.to) {
		return fmt.Errorf("a digest of %d bytes", len(b))
	}
	*c.to = secret.Sum(b)
	return nil
}

// idColumn scans an ID, and leaves the zero ID where the column is NULL.
type idColumn struct{ to *uuid.UUID }

// ScanUUID implements pgtype.UUIDScanner.
func (c idColumn) ScanUUID(v pgtype.UUID) error {
	if v.Valid {
		*c.to = v.Bytes
	}
	return nil
}
