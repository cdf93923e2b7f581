package app

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/jeton-io/jeton/internal/archive"
	"github.com/jeton-io/jeton/internal/config"
	"github.com/jeton-io/jeton/internal/feed"
	"github.com/jeton-io/jeton/internal/keyring"
	"github.com/jeton-io/jeton/internal/secret"
)

// What can go wrong with backups, for whoever tells a person of it.
var (
	ErrDamaged        = archive.ErrDamaged
	ErrForeign        = archive.ErrForeign
	ErrNewer          = archive.ErrNewer
	ErrLocked         = archive.ErrLocked
	ErrNotEmpty       = archive.ErrNotEmpty
	ErrOtherTables    = archive.ErrOtherTables
	ErrDiffers        = archive.ErrDiffers
	ErrClosed         = feed.ErrClosed
	ErrWrongMasterKey = keyring.ErrWrongMasterKey
	// ErrRowsLeft says that a restore was interrupted, and what it had loaded couldn't be deleted. No server uses it.
	ErrRowsLeft = errors.New("what was loaded is still there")
	// ErrNoMasterKey says that there is no master key where one must be.
	ErrNoMasterKey = errors.New("there is no master key")
	// ErrNoDatabase says that there is no database where one must be.
	ErrNoDatabase = archive.ErrNoDatabase
)

// Progress is how far a long piece of work has come.
type Progress = archive.Progress

// Amount is how many tables and rows something has.
type Amount struct {
	Tables int
	Rows   int64
}

func amount(sums []archive.Sum) Amount { return Amount{len(sums), archive.Rows(sums)} }

// presentMasterKey returns the master key that is configured or lies in the data folder. Unlike a server's start, it makes
// none.
func presentMasterKey(cfg *config.Config) (secret.Text, error) {
	if cfg.MasterKey != "" {
		return keyring.ParseMasterKey([]byte(cfg.MasterKey.Reveal()))
	}
	path := filepath.Join(cfg.Data, "master.key")
	text, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", fmt.Errorf("%w: neither --master-key-file names one, nor is it in %s", ErrNoMasterKey, path)
	case err != nil:
		return "", fmt.Errorf("reading the master key: %w", err)
	}
	key, err := keyring.ParseMasterKey(text)
	if err != nil {
		return "", fmt.Errorf("reading %s: %w", path, err)
	}
	return key, nil
}
