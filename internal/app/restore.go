package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/client"
	"github.com/jeton-io/jeton/internal/archive"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/feed"
	"github.com/jeton-io/jeton/internal/keyring"
	"github.com/jeton-io/jeton/internal/secret"
)

// RestoreOptions say what is restored, and what is known of the time since.
type RestoreOptions struct {
	In         string
	Identities client.Secret // the text of an age identity file
	Passphrase client.Secret // in place of identities
	Journals   []string      // files
	Report     func(Progress)
}

// Restored is what a restore has done.
type Restored struct {
	Amount
	archive.Outcome
	TakenAt time.Time     // when the backup was made; zero where the database was put back by other means
	From    feed.Position // where the database stood then
	Reach   archive.Reach // what the journals tell
	Whole   bool          // they tell all, up to their end: nobody was suspended who was left alone since
	// Unused is the server's own revocation journal, where it is of this database and wasn't given.
	Unused string
	// Aside is the file to which a journal that lay in its place was renamed, as it was another database's; empty for none.
	Aside string
	// JournalErr is why the restore couldn't be entered in the server's journal; nil where it was.
	JournalErr error
}

// Restore puts the records of a backup into a database that has none, and takes away again what was taken away since: what
// the journals tell of, or, where they don't tell all, everything. The file is read whole before anything is written; what was
// written is read back whole before it becomes the database.
func Restore(ctx context.Context, o Options, r RestoreOptions) (done Restored, err error) {
	o.fillDefaults()
	defer func() { err = errors.Join(err, handOver(&o.Config)) }()
	master, err := presentMasterKey(&o.Config)
	if err != nil {
		return done, err
	}
	d := databaseOf(&o)
	if d.dsn == "" { // PostgreSQL is asked when its tables are made
		if err := emptySQLite(ctx, d); err != nil {
			return done, err
		}
	}
	b := &backup{options: &r, random: o.Random}
	if err := b.verify(ctx, master); err != nil {
		return done, err
	}
	done = Restored{Amount: amount(b.sums), TakenAt: b.header.TakenAt, From: b.header.Position}
	renewal, err := o.renewal(&done, r.Journals, feed.Change{})
	if err != nil {
		return done, err
	}
	if err := o.makeData(); err != nil {
		return done, err
	}
	put := restoreSQLite
	if o.Config.DSN != "" {
		put = restorePostgres
	}
	if done.Outcome, err = put(ctx, d, b, renewal); err != nil {
		return done, err
	}
	o.beginEpoch(&done, renewal)
	return done, nil
}

// backup is a file that is being restored.
type backup struct {
	options *RestoreOptions
	random  io.Reader
	key     secret.Text
	header  archive.Header
	sums    []archive.Sum
}

func (b *backup) open() (*archive.File, error) {
	by := archive.Identities{Keys: secret.Text(b.options.Identities.Reveal()), Passphrase: secret.Text(b.options.Passphrase.Reveal())}
	return archive.Open(b.options.In, by, b.key)
}

// verify reads the file to its end, unless it is plain from its beginning that it was made with another master key.
func (b *backup) verify(ctx context.Context, master secret.Text) (err error) {
	if b.key, err = keyring.ArchiveKey(master); err != nil {
		return err
	}
	in, err := b.open()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	b.header = in.Header()
	if err := keyring.CheckMaster(master, b.header.MasterCheck); err != nil {
		return err
	}
	b.sums, err = archive.Sums(ctx, in, b.options.Report)
	return err
}

// put loads the records into a target, compares what is there with what was in the file, and opens it.
func (b *backup) put(ctx context.Context, d database, to loading, r *archive.Renewal) (done archive.Outcome, err error) {
	in, err := b.open()
	if err != nil {
		return done, err
	}
	if err := errors.Join(archive.Copy(ctx, in, to, b.options.Report), in.Close()); err != nil {
		return done, err
	}
	loaded, err := d.sums(ctx, b.options.Report)
	if err != nil {
		return done, err
	}
	if err := archive.Compare(b.sums, loaded); err != nil {
		return done, err
	}
	return to.Finish(ctx, b.header, r)
}

// renewal returns what a database that stands at a position must give up, by the journals. The server's own, which lies where it
// has its place, is read with those that are given: this node knows what is in it. Where none is given it isn't, and the
// operator is told of it. The new epoch is above any that it knows, or that would take the database for a past.
// The restore that began the database's epoch is zero where it isn't known.
func (o *Options) renewal(done *Restored, paths []string, began feed.Change) (*archive.Renewal, error) {
	entries, err := readJournals(paths, done.From)
	if err != nil {
		return nil, err
	}
	path := journalPath(&o.Config)
	own, err := readJournals([]string{path}, done.From)
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, feed.ErrOther) {
		return nil, err
	}
	if len(paths) > 0 {
		entries = append(entries, own...)
	}
	done.Reach = archive.Since(done.From, began, entries)
	done.Whole = done.Reach.Gap == ""
	epoch := done.Reach.Last.Epoch
	if len(own) > 0 {
		epoch = max(epoch, own[len(own)-1].Epoch)
		if len(paths) == 0 {
			done.Unused = path
		}
	}
	at := o.Now().UTC().Truncate(time.Microsecond)
	return &archive.Renewal{
		At: at, Epoch: epoch, Known: done.Reach.Last, Suspend: !done.Whole, Changes: done.Reach.Changes,
		Event: func(outcome archive.Outcome) audit.Event { return restoreEvent(at, done, &outcome) },
	}, nil
}

// makeData makes the data folder where there is none yet, as on a new machine that has the master key elsewhere: the journal of
// the new epoch begins in it. What is wrong with it is better known before anything is changed.
func (o *Options) makeData() error {
	if err := os.MkdirAll(o.Config.Data, 0o700); err != nil {
		return fmt.Errorf("making the data folder: %w", err)
	}
	return nil
}

// beginEpoch has the server's own journal go on with the epoch of the restore. One of another database makes room. Where it
// can't be written, the restore was done all the same: the journal then has a gap.
func (o *Options) beginEpoch(done *Restored, r *archive.Renewal) {
	done.JournalErr = func() error {
		path := journalPath(&o.Config)
		journal, err := feed.OpenJournal(path)
		if err != nil {
			return err
		}
		if of := journal.Position().Instance; of != uuid.Nil && of != done.Position.Instance {
			if journal, done.Aside, err = putAside(path, journal); err != nil {
				return err
			}
		}
		return errors.Join(journal.Restore(done.Position, r.Reach(), r.At), journal.Close())
	}()
}

// readJournals reads the journals of a database.
func readJournals(paths []string, p feed.Position) (entries []feed.Entry, err error) {
	for _, path := range paths {
		file, err := os.Open(path)
		if err != nil {
			return nil, fmt.Errorf("reading the revocation journal: %w", err)
		}
		instance, found, err := feed.ReadJournal(file)
		if err = errors.Join(err, file.Close()); err != nil {
			return nil, fmt.Errorf("reading the revocation journal %s: %w", path, err)
		}
		if len(found) > 0 && instance != p.Instance {
			return nil, fmt.Errorf("the revocation journal %s is of another database: %w", path, feed.ErrOther)
		}
		entries = append(entries, found...)
	}
	return entries, nil
}

// restoreEvent is what the audit log says of a restore.
func restoreEvent(at time.Time, done *Restored, outcome *archive.Outcome) audit.Event {
	number := func(n int64) string { return strconv.FormatInt(n, 10) }
	journal := "tells of all changes up to revision " + number(done.Reach.Last.Revision)
	if !done.Whole {
		journal = "doesn't tell of all changes: " + done.Reach.Gap
	}
	detail := []string{
		"revision", number(done.From.Revision), "epoch", number(done.From.Epoch), "journal", journal,
		"users_suspended", number(outcome.Suspended), "deleted", number(outcome.Deleted), "tokens_ended", number(outcome.Tokens),
		"sessions_ended", number(outcome.Sessions), "keys_revoked", number(outcome.Keys),
	}
	if !done.TakenAt.IsZero() {
		detail = append(detail, "backup_made_at", done.TakenAt.UTC().Format(time.RFC3339), "rows", number(done.Rows))
	}
	if !done.Reach.At.IsZero() {
		detail = append(detail, "journal_until", done.Reach.At.UTC().Format(time.RFC3339))
	}
	if len(outcome.Services) > 0 {
		detail = append(detail, "services_suspended", strings.Join(outcome.Services, ", "))
	}
	if len(outcome.Platforms) > 0 {
		detail = append(detail, "platforms_disabled", strings.Join(outcome.Platforms, ", "))
	}
	if len(outcome.Projects) > 0 {
		detail = append(detail, "projects_disabled", strings.Join(outcome.Projects, ", "))
	}
	return audit.New(audit.StoreRestore, audit.Actor{}, audit.Target{Kind: "store", ID: outcome.Position.Instance}, at, detail...)
}

// RestoreAsIs takes a database as it stands, which was put back by other means than Restore, and does to it what Restore does:
// what was taken away since the moment of which it is, is taken away again.
func RestoreAsIs(ctx context.Context, o Options, r RestoreOptions) (done Restored, err error) {
	o.fillDefaults()
	defer func() { err = errors.Join(err, handOver(&o.Config)) }()
	master, err := presentMasterKey(&o.Config)
	if err != nil {
		return done, err
	}
	d := databaseOf(&o)
	mixed := d.hasLog()     // before anybody opens it
	h, err := d.header(ctx) // where there is none, none is made
	if err != nil {
		return done, err
	}
	if err := keyring.CheckMaster(master, h.MasterCheck); err != nil {
		return done, err
	}
	s, err := d.open(ctx)
	if err != nil {
		return done, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if done.From, err = s.Position(ctx); err != nil {
		return done, err
	}
	batch, err := s.ChangesAfter(ctx, done.From.Revision)
	if err != nil {
		return done, err
	}
	// The restore before this one is in the journal of one node at the most; the database knows of it, too.
	renewal, err := o.renewal(&done, r.Journals, feed.RestoredTo(batch.Reach, time.Time{}))
	if err != nil {
		return done, err
	}
	if mixed {
		renewal.Suspend, done.Whole = true, false
		done.Reach.Gap = "beside the database lies a log, " + d.path + "-wal, that may be of a newer one: what is in which isn't known"
	}
	if err := o.makeData(); err != nil {
		return done, err
	}
	if done.Outcome, err = s.Renew(ctx, renewal); err != nil {
		return done, err
	}
	o.beginEpoch(&done, renewal)
	return done, nil
}
