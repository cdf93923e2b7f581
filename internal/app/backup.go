package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jeton-io/jeton/client"
	"github.com/jeton-io/jeton/internal/archive"
	"github.com/jeton-io/jeton/internal/keyring"
	"github.com/jeton-io/jeton/internal/secret"
)

// BackupOptions say where a backup goes, and who can open it.
type BackupOptions struct {
	Out        string
	Replace    bool          // a file that is there already
	Recipients []string      // public keys of age
	Passphrase client.Secret // in place of recipients
	Report     func(Progress)
}

// BackedUp is what a backup holds.
type BackedUp struct {
	Amount
	Bytes    int64
	TakenAt  time.Time
	Revision int64
}

// Backup writes the records of the database into a file, as of one moment, and reads it back. Servers go on meanwhile. The
// master key is needed to seal the file, and is not in it.
func Backup(ctx context.Context, o Options, b BackupOptions) (done BackedUp, err error) {
	o.fillDefaults()
	master, err := presentMasterKey(&o.Config)
	if err != nil {
		return done, err
	}
	key, err := keyring.ArchiveKey(master)
	if err != nil {
		return done, err
	}
	from, err := databaseOf(&o).snapshot(ctx)
	if err != nil {
		return done, err
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	h := from.Header()
	if h.Closed != "" {
		return done, fmt.Errorf("%w: %s", ErrClosed, archive.Told(h.Closed))
	}
	if err := keyring.CheckMaster(master, h.MasterCheck); err != nil {
		return done, err
	}
	w, err := archive.WriteFile(ctx, from, archive.Output{
		Path: b.Out, Replace: b.Replace, Key: key, Report: b.Report,
		Recipients: archive.Recipients{Keys: b.Recipients, Passphrase: secret.Text(b.Passphrase.Reveal())},
	})
	return BackedUp{amount(w.Sums), w.Bytes, h.TakenAt, h.Position.Revision}, err
}
