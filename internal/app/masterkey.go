package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/jeton-io/jeton/internal/keyring"
	"github.com/jeton-io/jeton/internal/secret"
)

// masterKey returns the key of the configuration, or that of the file in the data folder, which a single node makes
// at its first start.
func (n *node) masterKey(ctx context.Context, o *Options) (secret.Text, error) {
	if o.Config.MasterKey != "" {
		return keyring.ParseMasterKey([]byte(o.Config.MasterKey.Reveal()))
	}
	path := filepath.Join(o.Config.Data, "master.key")
	text, err := os.ReadFile(path)
	if err == nil {
		return n.foundKey(ctx, path, text)
	}
	if !errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("reading the master key: %w", err)
	}
	check, err := n.store.MasterCheck(ctx)
	if err != nil {
		return "", err
	}
	if len(check) > 0 {
		return "", fmt.Errorf("the database has a master key, but %s is missing: restore it from its backup, or name another with --master-key-file", path)
	}
	key, text, err := keyring.NewMasterKey(o.Random)
	if err != nil {
		return "", err
	}
	return key, writePrivate(path, text)
}

// foundKey reads the key file. One beside an empty database is told of: the data may be elsewhere.
func (n *node) foundKey(ctx context.Context, path string, text []byte) (secret.Text, error) {
	key, err := keyring.ParseMasterKey(text)
	if err != nil {
		return "", fmt.Errorf("reading %s: %w", path, err)
	}
	if info, err := os.Stat(path); err == nil && info.Mode().Perm()&0o077 != 0 {
		n.logger.WarnContext(ctx, "the master key could be read by others; it can no longer be, but may have been", "file", path, "mode", info.Mode().Perm().String())
		if err := os.Chmod(path, 0o600); err != nil {
			return "", fmt.Errorf("closing the master key to others: %w", err)
		}
	}
	check, err := n.store.MasterCheck(ctx)
	if err == nil && len(check) == 0 {
		n.logger.WarnContext(ctx, "a new database is made beside a master key that was here before: if you expected your data, look at --data and --database", "database", n.databaseName())
	}
	return key, err
}
