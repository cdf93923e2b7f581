package cli

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/jeton-io/jeton/client"
	"github.com/jeton-io/jeton/internal/app"
	"github.com/jeton-io/jeton/internal/config"
)

// backup writes the database into a file. Like recover it asks no Jeton but opens the database itself: who may read the
// server's files needs no credential of Jeton's.
func (p *program) backup() *cobra.Command {
	var options app.BackupOptions
	var passphraseFile string
	cmd := &cobra.Command{
		Use:   "backup",
		Short: "Write all records into an encrypted file, beside the running server",
		Long: `Write all records, as they are at one moment, into a file that is encrypted by
age, and read it back to the last byte before saying that it is done. The
server goes on meanwhile.

Whoever has the identity of one --recipient can open it, or whoever knows the
passphrase. "age-keygen -o FILE" makes an identity and shows its recipient,
which is no secret: keep the identity elsewhere.

The master key is never in a backup. Keep it elsewhere: without it the backup
is worth nothing, and with it alone "jeton restore" takes the backup.

It works on the server's machine, as the user who runs the server, with the
settings of "jeton serve".`,
		Example: "  jeton backup --out jeton.backup --recipient age1vp2r9ua3uf8lgpf58rfwc2kngmeqfm6mzdwu2hl6f9f0mch8w5esd7jadx\n" +
			"  jeton backup --out jeton.backup --passphrase-file backup.passphrase --force",
	}
	cmd.Flags().StringVar(&options.Out, "out", "", "`FILE` to write, with the mode 0600")
	cmd.Flags().StringArrayVar(&options.Recipients, "recipient", nil, "public `KEY` of age, \"age1…\", whose identity opens the file; may be repeated")
	cmd.Flags().StringVar(&passphraseFile, "passphrase-file", "", "`FILE` with a passphrase that opens the file, in place of recipients")
	cmd.Flags().BoolVar(&options.Replace, "force", false, "replace a file that is there already")
	config.Flags(cmd.Flags())
	cmd.RunE = p.run(func(cmd *cobra.Command, _ []string) (err error) {
		if err := backupUsage(cmd, &options, passphraseFile); err != nil {
			return err
		}
		o, err := p.serverOptions(cmd)
		if err != nil {
			return err
		}
		if options.Passphrase, err = p.passphrase(passphraseFile); err != nil {
			return err
		}
		shown := p.progress()
		options.Report = shown.tell
		done, err := app.Backup(cmd.Context(), o, options)
		shown.end()
		if err != nil {
			return backupFault(err, options.Out)
		}
		return p.showBackup(options.Out, done)
	})
	return cmd
}

// backupUsage finds what is missing, or doesn't go together.
func backupUsage(cmd *cobra.Command, o *app.BackupOptions, passphraseFile string) error {
	switch {
	case o.Out == "":
		return lacks(cmd, "out")
	case len(o.Recipients) == 0 && passphraseFile == "":
		return &usageError{text: nameOf(cmd) + " lacks --recipient or --passphrase-file", fix: "A backup is never written in the clear."}
	case len(o.Recipients) > 0 && passphraseFile != "":
		return &usageError{text: "--recipient and --passphrase-file exclude each other", fix: "age encrypts with a passphrase, or to recipients."}
	}
	for _, key := range o.Recipients {
		if strings.HasPrefix(strings.ToUpper(key), "AGE-SECRET-KEY-") {
			return &usageError{
				text: "--recipient was given an identity, which is a secret, in place of its public key",
				fix:  "It has stood in a command line, where others may have read it: make another with age-keygen.",
			}
		}
	}
	return nil
}

// passphrase reads a passphrase from a file, if one is named.
func (p *program) passphrase(file string) (client.Secret, error) {
	if file == "" {
		return "", nil
	}
	return p.secretFrom(file, "--passphrase-file")
}

// serverOptions reads the settings of the server, for a command that works on its database.
func (p *program) serverOptions(cmd *cobra.Command) (app.Options, error) {
	cfg, err := config.Load(cmd.Flags(), p.env.Environ)
	if err != nil {
		return app.Options{}, &configError{err}
	}
	p.warn(cfg.Warnings)
	return app.Options{Config: cfg, Stdout: p.env.Stdout, Stderr: p.env.Stderr, Command: p.env.Command, Now: p.env.Now}, nil
}

func (p *program) showBackup(path string, done app.BackedUp) error {
	result := map[string]any{
		"file": path, "bytes": done.Bytes, "taken_at": done.TakenAt.UTC().Format(time.RFC3339), "revision": done.Revision,
		"tables": done.Tables, "rows": done.Rows,
	}
	return p.show(result, func() {
		p.say("Wrote %s rows of %d tables to %s (%s), and read them back.", thousands(done.Rows), done.Tables, path, size(done.Bytes))
		p.say("They are as of %s, revision %d.", moment(done.TakenAt), done.Revision)
		p.say("The master key is not in it. Keep it elsewhere: without it the backup is worth nothing.")
	})
}

// backupFault says what to do about an error of a backup.
func backupFault(err error, path string) error {
	switch {
	case errors.Is(err, fs.ErrExist):
		return &fault{err, "there is already a file " + path, "Name another with --out, or give --force to replace it."}
	case errors.Is(err, fs.ErrNotExist):
		return &fault{err, "there is no folder " + filepath.Dir(path), ""}
	}
	return databaseFault(err)
}

// databaseFault says what to do where the server's database or its key aren't those that are meant.
func databaseFault(err error) error {
	switch {
	case errors.Is(err, app.ErrNoDatabase):
		return &fault{err, "", "--data or --database names the server's."}
	case errors.Is(err, app.ErrNoMasterKey), errors.Is(err, app.ErrWrongMasterKey):
		return &fault{err, "", "--master-key-file names the server's; without it, that is master.key in the folder of --data."}
	}
	return err
}
