// Package archive carries the records of a store elsewhere: into a file that is kept, back out of it, or into the other
// kind of store.
//
// What is carried is one stream, the same for every store. It begins with a header and goes on table by table, each in the
// order of its primary key:
//
//	Source  a store as of one moment, or a file        ──┐
//	                                                     ├─ Copy: in batches, in constant memory
//	Target  a file, or a store that has nothing yet    ◀─┘
//
// So a backup of one store can be restored into the other, and a move is the two joined. A value is NULL, an integer, a
// text or bytes, whatever the database calls it, so that the digest of a table is the same on both sides.
//
// The file is encrypted by age and compressed by gzip; within are lines that a person can read (values are divided by tabs):
//
//	jeton-archive 1
//	taken 2026-11-01T12:00:00.123456Z
//	instance 0190a8f4-…                         which database, how far it had come, and by which history:
//	position 1 4711 8123456789                  epoch, revision, mark
//	schema 6
//	master 5f0c…                                check value of the master key
//	event 90210                                 the number of the last event of the audit log
//	table user 12 id created_at,deleted_at,…    every table: rows, key, columns; it refers to none below it
//
//	rows user                                   then every table's rows
//	x0190… 1762 ~ 'alice                        bytes in hexadecimal, an integer, NULL, a text
//	end user 12 9f86…                           how many they were, and their SHA-256
//	…
//	end 24 90345 2c26…                          tables and rows in all, and the SHA-256 of every line above
//	seal 8d70…                                  HMAC-SHA256 of that under a key derived from the master key
//
// What a file says is believed only once all of it has been read: a cut, altered, reordered or foreign one is refused, and
// so is one of a newer form. Encryption alone wouldn't do, since whoever knows to whom a file is encrypted can make another;
// without the master key, nobody can seal it. The master key itself is in no archive, and without it an archive is worth
// nothing. It doesn't defend against whoever has that key and the identity to which it is encrypted.
package archive

import (
	"context"
	"errors"
	"iter"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jeton-io/jeton/internal/feed"
)

// The kinds of error of this package.
var (
	// ErrDamaged says that an archive isn't whole: cut, altered, or not in the order in which it was written.
	ErrDamaged = errors.New("the archive is damaged")
	// ErrForeign says that something is no archive of Jeton's, or one that another master key has sealed.
	ErrForeign = errors.New("this is no archive of this Jeton")
	// ErrNewer says that a newer Jeton has made the archive.
	ErrNewer = errors.New("a newer Jeton has made the archive")
	// ErrNoDatabase says that nothing is there whose records could be carried.
	ErrNoDatabase = errors.New("there is no database of Jeton")
	// ErrNotEmpty says that a target holds records already, which aren't those of an interrupted load of the same source.
	ErrNotEmpty = errors.New("the database isn't empty")
	// ErrOtherTables says that a target holds tables of another program: nothing was changed in it.
	ErrOtherTables = errors.New("the database has tables that aren't Jeton's")
	// ErrDiffers says that what a target holds is not what its source does.
	ErrDiffers = errors.New("what was loaded differs from its source")
	// ErrGivenUp says that a load was given up, or finished, by somebody else.
	ErrGivenUp = errors.New("records are no longer being loaded into the database")
)

// Header says of which database and of which moment the records are.
type Header struct {
	Position    feed.Position // how far the database had come
	Schema      int64         // the number of its schema
	MasterCheck []byte        // by which a master key is known to be the right one; empty where the database had none yet
	LastEvent   int64         // the number of the last event ever written, though it may be gone: none is given twice
	TakenAt     time.Time
	// Closed says why the database may not be used any more, and is empty where it may. It isn't part of an archive.
	Closed string
}

// Table is a table, with what a reader must know of it to ask for its rows.
type Table struct {
	Name    string
	Key     []string // the columns of its primary key, in the key's own order
	Columns []string // all of its columns, in the order of their names, which is that of a row's values
	Rows    int64    // how many there are
}

// Row is the values of a row: each nil, an int64, a string or a []byte. An ID is its 16 bytes, and a truth 0 or 1.
type Row []any

// Text returns a text as every store can hold it: PostgreSQL takes no NUL, and nothing but UTF-8. Whoever reads one from a store
// that took more, as what a stranger typed, carries it so.
func Text(s string) string {
	if utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 {
		return s
	}
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// Source is the records of a database as of one moment.
type Source interface {
	// Header returns what is known of the records as a whole.
	Header() Header
	// Tables returns every table, in an order in which each refers only to those before it. A column that a later schema
	// adds is among them without anybody's doing.
	Tables() []Table
	// Rows returns the rows of a table in the order of its primary key, byte by byte: those after the one with the given
	// values of the key, or all where that is nil. It ends with the first error. A file is read but once, in its own order and
	// to its end, so from it only the next table can be asked for, and all of it.
	Rows(ctx context.Context, t Table, after Row) iter.Seq2[Row, error]
	// Close lets go of what the Source holds.
	Close() error
}

// Target takes the records of a Source. What was loaded can't be used until Finish, and is not believed before it has been
// compared.
type Target interface {
	// Begin prepares for records of that header in those tables. It returns ErrNotEmpty where there are others already. A store
	// in which a load of the same source was interrupted goes on from there.
	Begin(ctx context.Context, h Header, tables []Table) error
	// Reached returns the values of the key of the last row of a table that was loaded, nil where there is none, and how many
	// were.
	Reached(ctx context.Context, t Table) (last Row, rows int64, err error)
	// Load adds rows that follow the last ones. All of them are stored when it returns, or none; on the disk, if the target
	// is a store.
	Load(ctx context.Context, t Table, rows []Row) error
}

// Progress is how far work has come, for whoever waits for it.
type Progress struct {
	Doing string // what is being done: "writing", "verifying", …
	Table string
	Done  int64 // rows of all tables
	Total int64
}
