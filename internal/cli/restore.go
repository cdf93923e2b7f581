package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/jeton-io/jeton/client"
	"github.com/jeton-io/jeton/internal/app"
	"github.com/jeton-io/jeton/internal/config"
)

// restore puts a backup back, or makes a database that was put back by other means fit to be used.
func (p *program) restore() *cobra.Command {
	var options app.RestoreOptions
	var identityFile, passphraseFile string
	var asIs, withoutJournal bool
	cmd := &cobra.Command{
		Use:   "restore",
		Short: "Put a backup back, without what was taken away since",
		Long: `Put the records of a backup into a database that has none. The file is read to
the last byte before anything is written, and what was written is compared with
it. The master key must be the one of the backup's time.

What was revoked or deleted since the backup was made must not come back. With
--journal, the revocation journals that the servers have kept (of one server or
of several), what they tell of is taken away again: what was deleted is
deleted, users who were changed are suspended, their tokens ended, and so are
services that were changed, until "jeton service confirm", and platforms are
disabled, until "jeton platform enable". Without the journals, or where they
leave a gap, every user is suspended until "jeton user unblock" lets a user in
again, every session ended, of browsers and of programs, every personal token
and the key that signs access tokens revoked, and every API token and every
platform disabled.

--as-is restores no file: it does all this to a database that was put back by
other means, such as a copy of its file or PostgreSQL's recovery to a point in
time. It wants --journal, or --without-journal, by which you say that everybody
is to be suspended.

It works on the server's machine, as the user who runs the server, with the
settings of "jeton serve". Stop every server first.`,
		Example: "  jeton restore --in jeton.backup --identity-file backup.key --journal revocations.journal\n" +
			"  jeton restore --as-is --journal revocations.journal",
	}
	cmd.Flags().StringVar(&options.In, "in", "", "`FILE` that \"jeton backup\" has written")
	cmd.Flags().StringVar(&identityFile, "identity-file", "", "`FILE` with the age identity that opens it")
	cmd.Flags().StringVar(&passphraseFile, "passphrase-file", "", "`FILE` with the passphrase that opens it")
	cmd.Flags().StringArrayVar(&options.Journals, "journal", nil, "`FILE` with a server's revocation journal; may be repeated")
	cmd.Flags().BoolVar(&asIs, "as-is", false, "restore no file, but take the database as it stands")
	cmd.Flags().BoolVar(&withoutJournal, "without-journal", false, "there is no journal: suspend every user, and revoke what they hold")
	config.Flags(cmd.Flags())
	cmd.RunE = p.run(func(cmd *cobra.Command, _ []string) (err error) {
		if err := restoreUsage(cmd, options.In, identityFile, passphraseFile, asIs); err != nil {
			return err
		}
		if err := journalUsage(options.Journals, asIs, withoutJournal); err != nil {
			return err
		}
		o, err := p.serverOptions(cmd)
		if err != nil {
			return err
		}
		if options.Passphrase, err = p.passphrase(passphraseFile); err != nil {
			return err
		}
		if options.Identities, err = p.identities(identityFile); err != nil {
			return err
		}
		shown := p.progress()
		options.Report = shown.tell
		work := app.Restore
		if asIs {
			work = app.RestoreAsIs
		}
		done, err := work(cmd.Context(), o, options)
		shown.end()
		if err != nil {
			return restoreFault(err)
		}
		return p.showRestored(done, nextOf(cmd, o.Config.DSN != ""))
	})
	return cmd
}

// restoreUsage finds what is missing, or doesn't go together.
func restoreUsage(cmd *cobra.Command, in, identityFile, passphraseFile string, asIs bool) error {
	opened := identityFile != "" || passphraseFile != ""
	switch {
	case asIs && (in != "" || opened):
		return &usageError{text: "--as-is restores no file", fix: "Leave out --in and what opens it."}
	case asIs:
		return nil
	case in == "":
		return lacks(cmd, "in")
	case !opened:
		return &usageError{text: nameOf(cmd) + " lacks --identity-file or --passphrase-file"}
	case identityFile != "" && passphraseFile != "":
		return &usageError{text: "--identity-file and --passphrase-file exclude each other"}
	}
	return nil
}

// journalUsage has whoever takes a database as it stands say what is known of the time since: it may be one in use, in which
// everybody would be suspended at once, while a backup goes into an empty one.
func journalUsage(journals []string, asIs, without bool) error {
	switch {
	case len(journals) > 0 && without:
		return &usageError{text: "--journal and --without-journal exclude each other"}
	case asIs && len(journals) == 0 && !without:
		return &usageError{
			text: "--as-is lacks --journal or --without-journal",
			fix:  "--journal names the revocation journal of each server. Without any, every user is suspended and every session ended, every personal token revoked, and every API token and every platform disabled: --without-journal says that you want that.",
		}
	}
	return nil
}

// identities reads an identity file of age, if one is named.
func (p *program) identities(file string) (client.Secret, error) {
	if file == "" {
		return "", nil
	}
	f, err := os.Open(file)
	if err != nil {
		return "", fmt.Errorf("--identity-file: %w", err)
	}
	defer func() { _ = f.Close() }()
	text, err := io.ReadAll(io.LimitReader(f, maxSecret))
	if err != nil {
		return "", fmt.Errorf("--identity-file: %w", err)
	}
	return client.Secret(text), nil
}

// showRestored tells what was done, and what is left for a person to do.
func (p *program) showRestored(done app.Restored, next afterRestore) error {
	if done.JournalErr != nil {
		p.warn([]string{"the revocation journal couldn't be written, so that another restore to this backup would suspend everybody: " + done.JournalErr.Error()})
	}
	result := map[string]any{
		"tables": done.Tables, "rows": done.Rows, "from": map[string]int64{"epoch": done.From.Epoch, "revision": done.From.Revision},
		"position":         map[string]int64{"epoch": done.Position.Epoch, "revision": done.Position.Revision},
		"journal_complete": done.Whole, "journal_revision": done.Reach.Last.Revision,
		"users_suspended": done.Suspended, "deleted": done.Deleted, "tokens_ended": done.Tokens, "sessions_ended": done.Sessions,
		"keys_revoked": done.Keys, "services_suspended": append([]string{}, done.Services...), "platforms_disabled": append([]string{}, done.Platforms...),
		"projects_disabled": append([]string{}, done.Projects...), "administrator_left": done.Administer,
	}
	if !done.TakenAt.IsZero() {
		result["taken_at"] = done.TakenAt.UTC().Format(time.RFC3339)
	}
	if !done.Reach.At.IsZero() {
		result["journal_until"] = done.Reach.At.UTC().Format(time.RFC3339)
	}
	if !done.Whole {
		result["journal_gap"] = done.Reach.Gap
	}
	return p.show(result, func() { p.sayRestored(&done, next) })
}

func (p *program) sayRestored(done *app.Restored, next afterRestore) {
	if done.TakenAt.IsZero() {
		p.say("The database stays as it stands: as of revision %d of epoch %d.", done.From.Revision, done.From.Epoch)
	} else {
		p.say("Restored %s rows of %d tables, and read them back. They are as of %s, revision %d of epoch %d.",
			thousands(done.Rows), done.Tables, moment(done.TakenAt), done.From.Revision, done.From.Epoch)
	}
	switch {
	case !done.Whole:
		p.say("What was taken away since isn't known: %s. So every user is suspended, every session ended, of browsers and of programs, every personal token and the key of access tokens revoked, and every API token and every platform disabled.", done.Reach.Gap)
	case done.Reach.At.IsZero():
		p.say("The journal tells of no change since, up to revision %d of epoch %d.", done.Reach.Last.Revision, done.Reach.Last.Epoch)
	default:
		p.say("The journal tells of every change since, up to revision %d of epoch %d, at %s. What it tells of was taken away again.",
			done.Reach.Last.Revision, done.Reach.Last.Epoch, moment(done.Reach.At))
	}
	count := func(n int64) string { return strconv.FormatInt(n, 10) }
	p.fields(
		"users suspended", count(done.Suspended), "users, services and platforms deleted", count(done.Deleted), "tokens, secrets and keys ended", count(done.Tokens),
		"sessions ended", count(done.Sessions), "signing keys revoked", count(done.Keys),
		"epoch and revision from here on", fmt.Sprintf("%d, %d", done.Position.Epoch, done.Position.Revision),
	)
	p.say("What was made since is lost, and no journal tells what that was: users, services, operations, tokens. Make anew what is missed.")
	p.restoredNext(done, next)
}

// restoredNext says what is left for a person to do.
func (p *program) restoredNext(done *app.Restored, next afterRestore) {
	if done.Unused != "" {
		p.say("A revocation journal of this database lies at %s, and wasn't given. To use it, move the database away and restore again, with --journal.", done.Unused)
	}
	if done.Aside != "" {
		p.say("The revocation journal of another database was put aside, as %s.", done.Aside)
	}
	if !done.Whole {
		p.say("Of these nobody knows what was taken away since, and they count as before. Look at them before you let anybody in: secrets and keys of clients and platforms, keys of token sets, operations, and the signing keys of API tokens (%s keys list).", p.env.Command)
	}
	if len(done.Services) > 0 {
		p.say("These services were changed since. They are as before, and suspended: nobody may call them until you have looked at who may call what: %s. With the server started: %s service operations NAME, then a change, or %s service confirm NAME",
			strings.Join(done.Services, ", "), p.env.Command, p.env.Command)
	}
	if len(done.Platforms) > 0 {
		p.say("These platforms were changed since, or may have been. They are as before, and disabled: none logs anybody in until you have looked at its keys and for whom it speaks: %s. With the server started: %s platform show CODE, then %s platform enable CODE",
			strings.Join(done.Platforms, ", "), p.env.Command, p.env.Command)
	}
	if len(done.Projects) > 0 {
		p.say("These projects were changed since, or may have been. They are as before, and their token sets are turned off: nobody gets in by a sealed token until you have looked at its keys, app keys and addresses: %s. With the server started: %s project show NUMBER, then, for each set that is to count, %s token-set enable NUMBER SET",
			strings.Join(done.Projects, ", "), p.env.Command, p.env.Command)
	}
	if !done.Administer {
		p.say("No administrator can log in. Let one in%s: %s recover%s", next.same, p.env.Command, next.data)
	}
	if next.nodes {
		p.say("Start every server anew, each with its own --data: what refuses everything does so until then.")
	} else {
		p.say("Start the server%s: %s serve%s", next.same, p.env.Command, next.data)
	}
	if done.Suspended > 0 {
		p.say("Then look at who is suspended, and let in again whom you know: %s user list, %s user unblock NAME. They have the roles and the password of then, whatever was changed since.", p.env.Command, p.env.Command)
	}
}

// afterRestore is how the commands that come after a restore find the same database.
type afterRestore struct {
	data  string // " --data FOLDER", as it was given
	same  string // ", with the same --database", and the like
	nodes bool   // there may be several servers
}

func nextOf(cmd *cobra.Command, nodes bool) afterRestore {
	next := afterRestore{nodes: nodes}
	settings := pflag.NewFlagSet("", pflag.ContinueOnError)
	config.Flags(settings)
	var same []string
	cmd.Flags().Visit(func(f *pflag.Flag) {
		switch {
		case f.Name == "data":
			next.data = " --data " + shellWord(f.Value.String())
		case settings.Lookup(f.Name) != nil:
			same = append(same, "--"+f.Name)
		}
	})
	if len(same) > 0 {
		next.same = ", with the same " + strings.Join(same, ", ")
	}
	return next
}

// restoreFault says what to do about an error of a restore.
func restoreFault(err error) error {
	switch {
	case errors.Is(err, app.ErrRowsLeft):
		return &fault{err, "", "Repeat the command: it deletes them first, and begins anew. No server uses them."}
	case errors.Is(err, app.ErrNotEmpty):
		return &fault{err, "", "A backup is restored into a database that has no records: name another with --data or --database, or move this one away. To go on with this one as it is, use --as-is."}
	case errors.Is(err, app.ErrOtherTables):
		return &fault{err, "", "Nothing was changed. Make another database, which is empty, and name it with --database."}
	case errors.Is(err, app.ErrLocked):
		return &fault{err, "", "It opens with the identity of a recipient that it was encrypted to, by --identity-file, or with its passphrase, by --passphrase-file."}
	case errors.Is(err, app.ErrDamaged):
		return &fault{err, "", "Nothing was changed. Fetch the file once more, or take another backup."}
	case errors.Is(err, app.ErrWrongMasterKey):
		return &fault{err, "the backup was made with another master key", "--master-key-file names the one of that time; without it, that is master.key in the folder of --data. Nothing was changed."}
	case errors.Is(err, app.ErrForeign):
		return &fault{err, "", "--in names a file that \"jeton backup\" has written, under the master key given. Nothing was changed."}
	}
	return databaseFault(err)
}
