package postgres

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// What holds where the URL doesn't say otherwise.
const (
	defaultConns = 24
	// defaultConnectTimeout is for one of the hosts. While all are unreachable, each caller waits for no longer than this.
	defaultConnectTimeout = 2 * time.Second
)

// settings are what a URL says.
type settings struct {
	pool        *pgxpool.Config
	dial        *pgx.ConnConfig // for single connections
	finds, work int32           // how many connections each pool has at most
}

// errURL says nothing of what it found, because a URL that can't be read may hold its password anywhere.
var errURL = errors.New("postgres: the database's URL can't be read: " +
	"it is postgres://user:password@host:port/database?name=value, with each of % @ / ? # : in user and password written as %25, %40 …, and with values that libpq knows")

// parse reads the database's URL. No error tells the password.
func parse(dsn string) (settings, error) {
	if !strings.HasPrefix(dsn, "postgres://") && !strings.HasPrefix(dsn, "postgresql://") {
		return settings{}, errors.New("postgres: the database's URL begins with postgres://")
	}
	given, err := parameters(dsn)
	if err != nil {
		return settings{}, errURL
	}
	if attrs := given.Get("target_session_attrs"); attrs != "" && attrs != "read-write" && attrs != "primary" {
		return settings{}, errors.New("postgres: target_session_attrs is read-write or primary, because a replica may not know yet what was revoked: leave it out")
	}
	config, err := pgxpool.ParseConfig(dsn)
	if missing, ok := errors.AsType[*fs.PathError](err); ok {
		return settings{}, fmt.Errorf("postgres: reading a file that the database's URL names: %w", missing)
	}
	if err != nil {
		return settings{}, errURL
	}
	dial := config.ConnConfig
	if dial.DefaultQueryExecMode == pgx.QueryExecModeSimpleProtocol {
		return settings{}, errors.New("postgres: default_query_exec_mode=simple_protocol puts values into the text of statements: leave it out")
	}
	if dial.ValidateConnect == nil || given.Get("target_session_attrs") == "" { // whatever the environment says
		dial.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
	}
	if dial.ConnectTimeout == 0 {
		dial.ConnectTimeout = defaultConnectTimeout
	}
	dial.DialFunc = dialer(dial.ConnectTimeout).DialContext
	dial.LookupFunc = lookup(dial.ConnectTimeout)
	if dial.RuntimeParams["application_name"] == "" {
		dial.RuntimeParams["application_name"] = "jeton"
	}
	most := int32(defaultConns)
	if given.Has("pool_max_conns") {
		most = config.MaxConns
	}
	finds := max(1, most/3)
	return settings{pool: config, dial: dial.Copy(), finds: finds, work: max(1, most-finds)}, nil
}

// parameters returns what stands behind the URL's question mark. The part before it is not Go's idea of a URL where it
// names several hosts.
func parameters(dsn string) (url.Values, error) {
	dsn, _, _ = strings.Cut(dsn, "#")
	_, query, _ := strings.Cut(dsn, "?")
	return url.ParseQuery(query)
}

// dialer notices that the other end is gone, which answers nothing, within some five seconds, also on a connection that
// waits for an answer: a context alone would end the wait of one caller and not say why.
func dialer(timeout time.Duration) *net.Dialer {
	return &net.Dialer{
		Timeout:         timeout,
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 2 * time.Second, Interval: time.Second, Count: 3},
		Control:         giveUpUnacknowledged,
	}
}

// lookup resolves names within the time that connecting may take, for a resolver waits longer.
func lookup(timeout time.Duration) pgconn.LookupFunc {
	return func(ctx context.Context, host string) ([]string, error) {
		ctx, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		return net.DefaultResolver.LookupHost(ctx, host)
	}
}
