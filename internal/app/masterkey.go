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
		return keyring.ParseMasterKey(text)
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
