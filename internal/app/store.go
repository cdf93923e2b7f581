package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/config"
	"github.com/jeton-io/jeton/internal/feed"
	"github.com/jeton-io/jeton/internal/store"
	"github.com/jeton-io/jeton/internal/store/postgres"
	"github.com/jeton-io/jeton/internal/store/sqlite"
)

// openStore opens the database and the journal beside it. They are on stops.
func (n *node) openStore(ctx context.Context, stops *stopStack) error {
	if err := makePrivate(n.cfg.Data); err != nil {
		return err
	}
	opened, err := n.open(ctx)
	if err != nil {
		return fmt.Errorf("opening %s: %w", n.databaseName(), err)
	}
	n.store = opened
	stops.push("store", func(context.Context) error { return n.store.Close() })
	if n.journal, err = n.openJournal(ctx); err != nil {
		return err
	}
	stops.push("revocation journal", func(context.Context) error { return n.journal.Close() })
	return nil
}

// open opens the database that is configured.
func (n *node) open(ctx context.Context) (store.Store, error) {
	if n.cfg.DSN != "" {
		return postgres.Open(ctx, postgres.Config{DSN: n.cfg.DSN.Reveal(), Now: n.now, Report: func(err error) {
			n.logger.DebugContext(ctx, "a hint of a change was lost; the change feed is read each second all the same", "error", err)
		}})
	}
	return sqlite.Open(ctx, sqlite.Config{Path: n.databasePath(), Now: n.now})
}

// databasePath returns where the SQLite file is.
func (n *node) databasePath() string { return sqlitePath(&n.cfg) }

// sqlitePath returns where the SQLite file of a configuration is.
func sqlitePath(cfg *config.Config) string {
	if path := strings.TrimPrefix(cfg.Database, "sqlite:"); path != "" {
		return path
	}
	return filepath.Join(cfg.Data, "jeton.db")
}

// databaseName is what an operator is told of the database: its file, or its address without the password.
func (n *node) databaseName() string {
	if n.cfg.DSN != "" {
		return n.cfg.Database
	}
	return n.databasePath()
}

// journalPath returns where the revocation journal is.
func (n *node) journalPath() string { return journalPath(&n.cfg) }

func journalPath(cfg *config.Config) string {
	if cfg.JournalFile != "" {
		return cfg.JournalFile
	}
	return filepath.Join(cfg.Data, "revocations.journal")
}

// openJournal opens the revocation journal. One of another database is put aside where the database is new: there is nothing
// in that one yet which could have been taken away. Beside any other database it is for the feed to refuse.
func (n *node) openJournal(ctx context.Context) (*feed.Journal, error) {
	path := n.journalPath()
	journal, err := feed.OpenJournal(path)
	if err != nil || journal.Position().Instance == uuid.Nil {
		return journal, err
	}
	position, err := n.store.Position(ctx)
	used := true
	if err == nil && position.Instance != journal.Position().Instance {
		used, err = n.store.AnyUser(ctx)
	}
	switch {
	case err != nil:
		return nil, errors.Join(fmt.Errorf("comparing the revocation journal with the database: %w", err), journal.Close())
	case used:
		return journal, nil
	}
	journal, aside, err := putAside(path, journal)
	if err == nil {
		n.logger.WarnContext(ctx, "the revocation journal is of another database and was put aside", "file", aside)
	}
	return journal, err
}

// putAside renames a journal that is another database's, and begins one in its place. One that was put aside before stays: a
// restore of its database needs them all.
func putAside(path string, journal *feed.Journal) (begun *feed.Journal, aside string, err error) {
	name := path + "." + journal.Position().Instance.String()
	aside = name
	for n := 2; ; n++ {
		if _, err := os.Lstat(aside); errors.Is(err, fs.ErrNotExist) {
			break
		} else if err != nil {
			return nil, "", errors.Join(fmt.Errorf("putting the revocation journal aside: %w", err), journal.Close())
		}
		aside = fmt.Sprintf("%s.%d", name, n)
	}
	if err := errors.Join(journal.Close(), os.Rename(path, aside)); err != nil {
		return nil, "", fmt.Errorf("putting the revocation journal aside: %w", err)
	}
	begun, err = feed.OpenJournal(path)
	return begun, aside, err
}

// follow starts to follow the change feed, by the second and by the store's hints where it gives any.
func (n *node) follow(ctx context.Context, running func(func())) {
	if source, ok := n.store.(interface {
		Listen(ctx context.Context, hint func())
	}); ok {
		running(func() { source.Listen(ctx, n.hint) })
	}
	running(func() { n.runFeed(ctx) })
}

// hint has the feed read soon.
func (n *node) hint() {
	select {
	case n.hints <- struct{}{}:
	default: // one is waiting
	}
}

// doubtReconnected has nothing that is remembered believed, where a store says that it has connected anew, until the feed was
// heard from there: somebody may have put an older database in the place of the one before.
func (n *node) doubtReconnected() {
	if source, ok := n.store.(interface{ OnReconnect(do func()) }); ok {
		source.OnReconnect(func() {
			n.feed.Doubt()
			n.hint()
		})
	}
}

// runFeed follows the feed until ctx ends. Of a feed that can't be heard it tells at first, then each minute, and when it is heard
// again. Where the database is no longer to be believed the node stays up, and refuses, so that whoever looks finds out why.
func (n *node) runFeed(ctx context.Context) {
	tick := time.NewTicker(feedEvery)
	defer tick.Stop()
	var told time.Time
	n.feed.Run(ctx, tick.C, n.hints, func(err error) {
		now := time.Now()
		switch {
		case err == nil && !told.IsZero():
			told = time.Time{}
			n.logger.InfoContext(ctx, "the change feed is heard again")
		case err == nil || !told.IsZero() && now.Sub(told) < feedToldEvery:
		case n.feed.Halted() == nil:
			told = now
			n.logger.WarnContext(ctx, "the change feed can't be heard", "error", err)
		default:
			told = now
			n.logger.ErrorContext(ctx, "no credential is honoured any more, because the database is not to be believed", "error", n.explainHalt(err))
		}
	})
}

// feedToldEvery is how often the log says that the feed still can't be heard, or that the node refuses everything.
const feedToldEvery = time.Minute

// explainHalt adds to the error of a database that isn't to be believed what an operator can do.
func (n *node) explainHalt(err error) error {
	switch {
	case errors.Is(err, feed.ErrUnaware):
		return fmt.Errorf("%w; restore the backup again, with \"jeton restore --journal %s\" and the journals of all other nodes", err, n.journalPath())
	case errors.Is(err, feed.ErrPast):
		return fmt.Errorf("%w; bring back the newer database, or, where this one was put back on purpose, say so by \"jeton restore --as-is\" with the revocation journals of all nodes", err)
	case errors.Is(err, feed.ErrOther):
		return fmt.Errorf("%w, by %s; look at --data and --database, or, where it was put in the place of the one before on purpose, say so by \"jeton restore --as-is\" with the revocation journals of all nodes, and restart", err, n.journalPath())
	default:
		return err
	}
}

// tellOfJournal returns what tells the operator, once, that the revocation journal can't be written, and that it can again.
func (n *node) tellOfJournal() func(context.Context) {
	behind := false
	return func(ctx context.Context) {
		switch err := n.journal.Err(); {
		case err != nil && !behind:
			behind = true
			n.logger.WarnContext(ctx, "the revocation journal can't be written; what is missing is written once it can", "error", err)
		case err == nil && behind:
			behind = false
			n.logger.InfoContext(ctx, "the revocation journal is written again")
		}
	}
}
