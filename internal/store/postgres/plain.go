package postgres

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"unicode"

	"github.com/golang-migrate/migrate/v4/database"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// The SQLSTATEs of a server that lets nobody in, and of a role that may not do what it is asked to.
const (
	invalidAuthorization  = "28000"
	invalidPassword       = "28P01"
	noSuchDatabase        = "3D000"
	insufficientPrivilege = "42501"
)

// plainError says in one line what is wrong and what to do, to whoever operates the server, in place of the driver's words: those
// take several lines, and tell each fault once for every way by which it was tried.
type plainError struct {
	text string
	err  error
}

// Error implements error.
func (e *plainError) Error() string { return e.text }

// Unwrap returns the driver's error.
func (e *plainError) Unwrap() error { return e.err }

// plain puts an error of connecting, or of making tables, into plain words. What it doesn't know stays as it is.
func plain(err error, dial *pgx.ConnConfig) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return &plainError{reasons(err, &dial.Config), err}
	}
	if cause := ofMigration(err); codeOf(cause) == insufficientPrivilege {
		return &plainError{fmt.Sprintf("the user %q may make no tables in the database %q: have it own the database, ALTER DATABASE %s OWNER TO %s",
			dial.User, databaseName(&dial.Config), quote(databaseName(&dial.Config)), quote(dial.User)), cause}
	}
	return err
}

// ofMigration returns the server's error of a migration. The library's own hides it, and shows the whole migration.
func ofMigration(err error) error {
	if e, ok := errors.AsType[*database.Error](err); ok && e.OrigErr != nil {
		return e.OrigErr
	}
	if e, ok := errors.AsType[database.Error](err); ok && e.OrigErr != nil {
		return e.OrigErr
	}
	return err
}

// reasons says why there is no connection: one reason for each host, and each once.
func reasons(err error, dial *pgconn.Config) string {
	var all []string
	for _, part := range parts(err) {
		if text := reason(part, dial); !slices.Contains(all, text) {
			all = append(all, text)
		}
	}
	return strings.Join(all, "; ")
}

// parts returns the errors that one joins: the driver joins those of all addresses, and of all ways to encrypt.
func parts(err error) (all []error) {
	for e := err; e != nil; e = errors.Unwrap(e) {
		many, ok := e.(interface{ Unwrap() []error })
		if !ok {
			continue
		}
		for _, each := range many.Unwrap() {
			all = append(all, parts(each)...)
		}
		return all
	}
	return []error{err}
}

// reason says what is wrong with one way to connect, by the code or the kind of its error.
func reason(err error, dial *pgconn.Config) string {
	hosts, name := hostsOf(dial), databaseName(dial)
	if answer, ok := errors.AsType[*pgconn.PgError](err); ok {
		switch answer.Code {
		case invalidPassword:
			return fmt.Sprintf("%s doesn't take the password of the user %q: write the right one into the database's address", hosts, dial.User)
		case invalidAuthorization:
			return fmt.Sprintf("%s doesn't let the user %q in (%s): see that the name is right, and that pg_hba.conf allows it from this machine", hosts, dial.User, oneLine(answer.Message))
		case noSuchDatabase:
			return fmt.Sprintf("%s has no database %q: make it, CREATE DATABASE %s OWNER %s ENCODING 'UTF8' TEMPLATE template0", hosts, name, quote(name), quote(dial.User))
		case insufficientPrivilege:
			return fmt.Sprintf("%s doesn't let the user %q into the database %q: GRANT CONNECT, or have it own the database", hosts, dial.User, name)
		case tooManyConnections:
			return hosts + " has no connection left: raise its max_connections, or lower pool_max_conns in the addresses of all nodes"
		}
		return fmt.Sprintf("%s answers: %s (SQLSTATE %s)", hosts, oneLine(answer.Message), answer.Code)
	}
	if lookup, ok := errors.AsType[*net.DNSError](err); ok {
		if lookup.IsNotFound {
			return fmt.Sprintf("there is no host %q: write the right one into the database's address", lookup.Name)
		}
		return fmt.Sprintf("the host %q can't be looked up: see that a name server answers", lookup.Name)
	}
	if text := untrusted(err, hosts); text != "" {
		return text
	}
	return unanswered(err, hosts)
}

// untrusted says what is wrong with the encryption, or nothing.
func untrusted(err error, hosts string) string {
	if forged, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return fmt.Sprintf("the certificate of %s isn't trusted (%s): name the authority that has issued it, by sslrootcert in the database's address, and the host as it is named there",
			hosts, oneLine(forged.Err.Error()))
	}
	// The driver has no kind for this; should its words change, they are shown as they are.
	if strings.HasSuffix(err.Error(), "server refused TLS connection") {
		return hosts + " speaks no TLS, which sslmode in the database's address asks for: turn it on there (ssl = on); sslmode=disable is for a connection within one machine"
	}
	return ""
}

// unanswered says why nobody answers.
func unanswered(err error, hosts string) string {
	if dialled, ok := errors.AsType[*net.OpError](err); ok && dialled.Addr != nil {
		hosts = dialled.Addr.String()
	}
	_, network := errors.AsType[net.Error](err)
	switch {
	case errors.Is(err, context.Canceled):
		return "interrupted while connecting to " + hosts
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, os.ErrNotExist):
		return "nothing answers at " + hosts + ": see that PostgreSQL runs there, and that host and port are right"
	case pgconn.Timeout(err), errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		return hosts + " doesn't answer in time: see that host and port are right, and that every firewall lets the connection pass"
	case network:
		return "the way to " + hosts + " is cut (" + oneLine(last(err).Error()) + "): see that host and port are right"
	}
	return "connecting to " + hosts + " failed: " + oneLine(last(err).Error())
}

// last returns the innermost error.
func last(err error) error {
	for next := errors.Unwrap(err); next != nil; next = errors.Unwrap(err) {
		err = next
	}
	return err
}

// hostsOf names the hosts of an address, each once.
func hostsOf(dial *pgconn.Config) string {
	join := func(host string, port uint16) string { return net.JoinHostPort(host, strconv.Itoa(int(port))) }
	all := []string{join(dial.Host, dial.Port)}
	for _, other := range dial.Fallbacks {
		if name := join(other.Host, other.Port); !slices.Contains(all, name) {
			all = append(all, name)
		}
	}
	return strings.Join(all, ", ")
}

// databaseName returns the name of the database, which is the user's where the address has none.
func databaseName(dial *pgconn.Config) string { return cmp.Or(dial.Database, dial.User) }

// oneLine makes one line of a text, without what a terminal would obey.
func oneLine(text string) string {
	return strings.Join(strings.FieldsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), " ")
}
