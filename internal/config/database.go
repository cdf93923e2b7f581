package config

import (
	"cmp"
	"net/url"
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
	case isPostgres(value):
		return withoutPassword(value), secret.Text(value)
	case !strings.HasPrefix(value, "sqlite:"):
		r.fault("database", "is none of sqlite:, sqlite:PATH and postgres://USER@HOST/NAME")
	}
	return value, ""
}

// isPostgres reports whether a value of --database names PostgreSQL.
func isPostgres(value string) bool {
	return strings.HasPrefix(value, "postgres://") || strings.HasPrefix(value, "postgresql://")
}

// passwordKeys are the parameters of a DSN that hold a secret.
func passwordKeys() []string { return []string{"password", "sslpassword"} }

// withoutPassword returns a DSN as it may be shown. It is cut by hand: a DSN with several hosts isn't a URL to net/url.
func withoutPassword(dsn string) string {
	scheme, rest, _ := strings.Cut(dsn, "://")
	rest, query, asked := strings.Cut(rest, "?")
	if at := strings.LastIndexByte(rest, '@'); at >= 0 {
		user, _, _ := strings.Cut(rest[:at], ":")
		rest = user + rest[at:]
	}
	if asked {
		values, err := url.ParseQuery(query)
		if err != nil { // what can't be read isn't shown
			return scheme + "://" + rest
		}
		for _, key := range passwordKeys() {
			values.Del(key)
		}
		if rest += "?" + values.Encode(); len(values) == 0 {
			rest = strings.TrimSuffix(rest, "?")
		}
	}
	return scheme + "://" + rest
}

// holdsPassword reports whether a DSN has a password in it.
func holdsPassword(dsn string) bool {
	if !isPostgres(dsn) {
		return false
	}
	_, rest, _ := strings.Cut(dsn, "://")
	rest, query, _ := strings.Cut(rest, "?")
	if at := strings.LastIndexByte(rest, '@'); at >= 0 && strings.Contains(rest[:at], ":") {
		return true
	}
	values, err := url.ParseQuery(query)
	for _, key := range passwordKeys() {
		if err != nil || values.Has(key) {
			return true
		}
	}
	return false
}
