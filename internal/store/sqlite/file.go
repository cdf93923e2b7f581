package sqlite

import (
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	_ "modernc.org/sqlite" // the driver
)

// pragmas returns the settings of a connection, with those of its own role. The database waits five seconds for another
// process's lock and no longer: a caller gets ErrUnavailable rather than a hung request. With synchronous=FULL a commit is on
// the disk when it returns.
func pragmas(own ...string) []string {
	return append([]string{"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(FULL)", "temp_store(MEMORY)"}, own...)
}

// writerPragmas give the writer room for a large change, and shrink a log that a large one left. What is deleted is
// overwritten where its page is written anyway, so that the hash of a password that went doesn't lie in the file for
// whoever copies it later; pages in the log and those freed whole may keep some for a while.
//
// The commit that makes the log so many pages long moves them into the file, and all others wait for it: at SQLite's own thousand for
// 12 ms, at two hundred for 4, and a commit costs no more on the whole (64 rows at random of a million each).
func writerPragmas() []string {
	return pragmas("foreign_keys(1)", "cache_size(-32768)", "wal_autocheckpoint(200)", "journal_size_limit(67108864)", "secure_delete(FAST)")
}

// readerPragmas make a connection refuse to write.
func readerPragmas() []string {
	return pragmas("foreign_keys(1)", "cache_size(-8192)", "query_only(1)")
}

// lookupPragmas are those of readers that find single rows in a file of any size: they read it where the system has it
// in memory (a third faster at a million tokens). A disk that fails to read then ends the process, and not one look-up;
// a gateway that gets no answer refuses, too.
func lookupPragmas() []string {
	return append(readerPragmas(), "mmap_size(1073741824)")
}

// migrationPragmas leave foreign keys alone: SQLite changes a table by making it anew.
func migrationPragmas() []string {
	return pragmas("foreign_keys(0)")
}

// makeFile makes the database file, readable by its owner alone, in a directory that only its owner may enter, whatever
// the umask. SQLite gives its two side files the mode of the database file. What is there already is tightened, if it
// is a file of ours: a copy made by hand often comes with the mode of the hand.
func makeFile(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	for _, name := range []string{path, path + "-wal", path + "-shm", path + "-reserve", path + "-lock"} {
		info, err := os.Stat(name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return err
		case info.Mode().Perm() == 0o600:
			continue
		}
		if err := os.Chmod(name, 0o600); err != nil {
			return fmt.Errorf("tightening the mode of a database file: %w", err)
		}
	}
	return nil
}

// connect returns a pool of at most so many connections, which stay open, each with the pragmas.
func connect(path string, settings []string, connections int) (*sql.DB, error) {
	db, err := sql.Open("sqlite", dsn(path, settings))
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	return db, nil
}

// dsn spells the path as a URI, in which a name may hold any character.
func dsn(path string, settings []string) string {
	escaped := (&url.URL{Path: filepath.ToSlash(path)}).EscapedPath()
	escaped = strings.ReplaceAll(escaped, "//", "/") // the part after "file://" would be taken for a host
	return "file:" + escaped + "?" + url.Values{"_pragma": settings, "_txlock": {"immediate"}}.Encode()
}
