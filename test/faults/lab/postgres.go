package lab

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// Where PostgreSQL keeps what it has. Its data has a file system of its own, of a size that a ballast can fill.
const (
	pgDir    = runDir + "/pg"
	pgData   = pgDir + "/data"
	pgSocket = runDir + "/pg-socket"
	ballast  = pgDir + "/ballast"
	diskSize = "400m"
)

// The ways in which PostgreSQL is told to stop, by the signals of its manual.
const (
	fast      = syscall.SIGINT  // clients are told, and all is written
	immediate = syscall.SIGQUIT // all is dropped, as in a crash
)

// Postgres is Debian's PostgreSQL. The harness looks into it by a Unix socket, which no network has to do with.
type Postgres struct {
	lab     *Lab
	bin     string   // folder of its programs
	as      []string // command line by which they run as their user
	process *process
}

// pgConfig is what differs from PostgreSQL's defaults. Durability doesn't: fsync and synchronous_commit are on.
const pgConfig = `
listen_addresses = '` + DB + `'
unix_socket_directories = '` + pgSocket + `'
max_connections = 150
shared_buffers = 48MB
log_connections = off
log_line_prefix = '%m [%p] %a '
`

// pgAccess lets the harness in by the socket, and the nodes by the network, with a password.
const pgAccess = `
local all    all                    trust
host  jeton  jeton 198.51.100.0/24  scram-sha-256
`

const pgPassword = "a-password-for-the-database"

// newPostgres makes a database server and starts it.
func newPostgres(ctx context.Context, l *Lab) (*Postgres, error) {
	p := &Postgres{lab: l}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if err != nil || len(found) == 0 {
		return nil, errors.Join(err, errors.New("there is no PostgreSQL below /usr/lib/postgresql: test/deps.sh installs it"))
	}
	p.bin = filepath.Dir(found[len(found)-1])
	var uid int
	if p.as, uid, err = nobody("postgres"); err != nil {
		return nil, err
	}
	for _, dir := range []string{pgDir, pgSocket} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			return nil, err
		}
	}
	if err := l.run("mount", "-t", "tmpfs", "-o", "mode=0700,size="+diskSize, "pg", pgDir); err != nil {
		return nil, err
	}
	if err := errors.Join(os.Chown(pgDir, uid, -1), os.Chown(pgSocket, uid, -1)); err != nil {
		return nil, err
	}
	init := slices.Concat(p.as, []string{filepath.Join(p.bin, "initdb"), "-D", pgData, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale", "C.UTF-8", "--no-sync"})
	if err := l.run(init...); err != nil {
		return nil, err
	}
	if err := errors.Join(add("postgresql.conf", pgConfig), os.WriteFile(filepath.Join(pgData, "pg_hba.conf"), []byte(pgAccess), 0o600)); err != nil {
		return nil, err
	}
	if err := p.start(ctx); err != nil {
		return nil, err
	}
	return p, p.furnish(ctx)
}

// add adds lines to a file of the data folder.
func add(name, text string) error {
	f, err := os.OpenFile(filepath.Join(pgData, name), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}

// furnish makes Jeton's database, and some files of the write-ahead log to be used again, as a server that has run for a
// while has them.
func (p *Postgres) furnish(ctx context.Context) error {
	statements := []string{"CREATE ROLE jeton LOGIN PASSWORD '" + pgPassword + "'", "CREATE DATABASE jeton OWNER jeton"}
	for range 3 {
		statements = append(statements, "SELECT pg_switch_wal()", "CHECKPOINT")
	}
	for _, s := range statements {
		if err := p.exec(ctx, "postgres", s); err != nil {
			return err
		}
	}
	return nil
}

// DSN is how the nodes find the database.
func (p *Postgres) DSN() string {
	u := url.URL{
		Scheme: "postgres", User: url.UserPassword("jeton", pgPassword), Host: DB + ":5432", Path: "/jeton", RawQuery: "sslmode=disable",
	}
	return u.String()
}

// connect opens a connection of the harness's own.
func (p *Postgres) connect(ctx context.Context, database string) (*pgx.Conn, error) {
	return pgx.Connect(ctx, "host="+pgSocket+" user=postgres application_name=harness dbname="+database)
}

func (p *Postgres) exec(ctx context.Context, database, statement string) error {
	c, err := p.connect(ctx, database)
	if err != nil {
		return fmt.Errorf("connecting to PostgreSQL: %w", err)
	}
	defer func() { _ = c.Close(ctx) }()
	_, err = c.Exec(ctx, statement)
	return err
}

// Version returns what the server says of itself.
func (p *Postgres) Version(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, filepath.Join(p.bin, "postgres"), "--version").Output()
	return strings.TrimSpace(string(out)), err
}

// start starts the server and returns when it takes connections.
func (p *Postgres) start(ctx context.Context) error {
	var err error
	if p.process, err = p.lab.start("db", "postgres", nil, slices.Concat(p.as, []string{filepath.Join(p.bin, "postgres"), "-D", pgData})...); err != nil {
		return err
	}
	return p.await(ctx)
}

// await returns when the server takes connections.
func (p *Postgres) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		if c, err := p.connect(ctx, "postgres"); err == nil {
			return c.Close(ctx)
		}
		select {
		case <-ctx.Done():
			return errors.New("PostgreSQL takes no connections: see logs/postgres.log")
		case <-p.process.done:
			return errors.New("PostgreSQL ended as it started: see logs/postgres.log")
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func (p *Postgres) running() bool { return p.process != nil && !p.process.ended() }

// stop stops the server and returns when it has ended. Those of its processes that another fault has stopped where they stand
// are let go on, or it would wait for them.
func (p *Postgres) stop(how syscall.Signal) error {
	p.process.signal(how)
	for range int(patience / (100 * time.Millisecond)) {
		_ = p.all(syscall.SIGCONT) // fails where it has ended
		select {
		case <-p.process.done:
			return nil
		case <-time.After(100 * time.Millisecond):
		}
	}
	return errors.New("PostgreSQL doesn't stop: see logs/postgres.log")
}

// all sends a signal to all processes of the server: its first, and those that this one made.
func (p *Postgres) all(s syscall.Signal) error {
	first := p.process.cmd.Process.Pid
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", first, first))
	if err != nil {
		return fmt.Errorf("finding the processes of PostgreSQL: %w", err)
	}
	p.process.signal(s) // first, so that it makes no more of them
	for _, text := range strings.Fields(string(children)) {
		if pid, err := strconv.Atoi(text); err == nil {
			_ = syscall.Kill(pid, s) // it may have ended
		}
	}
	if s == syscall.SIGKILL {
		<-p.process.done
	}
	return nil
}

// cutListeners ends the connections on which nodes hear notifications: of the node with that address, or of all where it is
// empty. It returns how many there were.
func cutListeners(ctx context.Context, c *pgx.Conn, address string) (count int, err error) {
	const statement = `SELECT count(*) FROM (
		SELECT pg_terminate_backend(pid) FROM pg_stat_activity
		WHERE datname = 'jeton' AND query ILIKE 'listen %' AND ($1 = '' OR host(client_addr) = $1)) AS ended`
	return count, c.QueryRow(ctx, statement, address).Scan(&count)
}

// listeners returns the server's processes behind the connections on which nodes hear notifications.
func listeners(ctx context.Context, c *pgx.Conn) ([]int, error) {
	const statement = "SELECT pid FROM pg_stat_activity WHERE datname = 'jeton' AND query ILIKE 'listen %'"
	rows, err := c.Query(ctx, statement)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[int])
}

// Tables are those of which no row may go in a run.
func Tables() []string {
	return []string{"user", "personal_token", "api_token", "audit_event", "signing_key"}
}

// Count returns how many rows a table has.
func (p *Postgres) Count(ctx context.Context, table string) (rows int64, err error) {
	c, err := p.connect(ctx, "jeton")
	if err != nil {
		return 0, err
	}
	defer func() { _ = c.Close(ctx) }()
	return rows, c.QueryRow(ctx, "SELECT count(*) FROM "+pgx.Identifier{table}.Sanitize()).Scan(&rows)
}

// fill leaves no byte free on the server's disk.
func (p *Postgres) fill() error {
	f, err := os.Create(ballast)
	if err != nil {
		return err
	}
	block := make([]byte, 1<<20)
	for size := len(block); size > 0; {
		if _, err := f.Write(block[:size]); errors.Is(err, syscall.ENOSPC) {
			size /= 2
		} else if err != nil {
			return errors.Join(fmt.Errorf("filling the disk: %w", err), f.Close())
		}
	}
	return f.Close()
}

func (p *Postgres) free() error { return os.Remove(ballast) }
