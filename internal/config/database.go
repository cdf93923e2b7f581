package config

import (
	"cmp"
	"errors"
	"net/url"
	"slices"
	"strings"

	"github.com/jeton-io/jeton/internal/secret"
)

// defaultDatabase is jeton.db in the data folder.
const defaultDatabase = "sqlite:"

// database reads where the records are. For PostgreSQL it returns the address twice: for people to read, and with its
// password.
func (r *reader) database(env map[string]string) (shown string, dsn secret.Text) {
	if r.k.String("database") == defaultDatabase {
		r.k.Delete("database") // what nobody gave isn't given twice where there is a file
	}
	value := cmp.Or(r.secret("database", env).Reveal(), defaultDatabase)
	switch {
	case ambiguous(value):
		r.fault("database", "%w", errAmbiguous)
		return defaultDatabase, ""
	case isPostgres(value):
		return withoutPassword(value), secret.Text(value)
	case !strings.HasPrefix(value, "sqlite:") || strings.Contains(value, "://"): // sqlite:postgres://… is meant otherwise
		r.fault("database", "is none of sqlite:, sqlite:PATH and postgres://USER@HOST/NAME")
		return defaultDatabase, "" // what it is isn't shown
	}
	return value, ""
}

// Database is where records are, as a value of --database says.
type Database struct {
	Shown string      // for people to read
	DSN   secret.Text // of PostgreSQL, with its password; empty for SQLite
}

// ParseDatabase reads such a value, for commands that take a second one: in their arguments, where every user of the machine
// can read it, it may hold no password.
func ParseDatabase(value string, argument bool) (Database, error) {
	switch {
	case argument && holdsPassword(value):
		return Database{}, errors.New("has a password in it, which every user of this machine can read among the arguments")
	case ambiguous(value):
		return Database{}, errAmbiguous
	case isPostgres(value):
		return Database{withoutPassword(value), secret.Text(value)}, nil
	case strings.HasPrefix(value, defaultDatabase) && value != defaultDatabase && !strings.Contains(value, "://"):
		return Database{Shown: value}, nil
	}
	return Database{}, errors.New("is neither postgres://USER@HOST/NAME nor sqlite:PATH")
}

// isPostgres reports whether a value of --database names PostgreSQL.
func isPostgres(value string) bool {
	return strings.HasPrefix(value, "postgres://") || strings.HasPrefix(value, "postgresql://")
}

// errAmbiguous shows nothing of the address: which part of it is the password isn't known.
var errAmbiguous = errors.New("has an @ too many, or a #: in user and password, write @ as %40, # as %23, / as %2F, ? as %3F, : as %3A and % as %25")

// ambiguous reports whether the driver might take a part of the password for the host, which is then looked up, and shown in
// errors and logs: what stands behind an @ that was meant literally, or before a #. No name of a host or a database needs them.
func ambiguous(dsn string) bool {
	if !isPostgres(dsn) {
		return false
	}
	_, rest, _ := strings.Cut(dsn, "://")
	authority, _, _ := strings.Cut(rest, "?")
	first, path, _ := strings.Cut(authority, "/")
	return strings.Count(first, "@") > 1 || strings.Contains(path, "@") || strings.Contains(authority, "#")
}

// passwordKeys are the parameters of a DSN that hold a secret.
func passwordKeys() []string { return []string{"password", "sslpassword"} }

// withoutPassword returns a DSN as it may be shown: without its parameters, one of which may hold a secret wherever, and as "…"
// where it can't be read and may hold the password. It is cut by hand: a DSN with several hosts isn't a URL to net/url.
func withoutPassword(dsn string) string {
	scheme, rest, _ := strings.Cut(dsn, "://")
	rest, query, _ := strings.Cut(rest, "?")
	if strings.Contains(query, "@") {
		return scheme + "://…"
	}
	if at := strings.LastIndexByte(rest, '@'); at >= 0 {
		user, _, _ := strings.Cut(rest[:at], ":")
		rest = user + rest[at:]
	}
	return scheme + "://" + rest
}

// holdsPassword reports whether a DSN has, or may have, a password in it. An @ behind a ? may be the end of a password in which
// the ? wasn't written as %3F.
func holdsPassword(dsn string) bool {
	if !isPostgres(dsn) {
		return false
	}
	_, rest, _ := strings.Cut(dsn, "://")
	rest, query, _ := strings.Cut(rest, "?")
	at := strings.LastIndexByte(rest, '@')
	if at >= 0 && strings.Contains(rest[:at], ":") || strings.Contains(query, "@") {
		return true
	}
	values, err := url.ParseQuery(query)
	return err != nil || slices.ContainsFunc(passwordKeys(), values.Has)
}
