//go:build unix

package app

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/jeton-io/jeton/internal/config"
)

// handOver gives what root has made in the server's folders to the owner of the folder: a command that mends a server is often
// run as root, and a file of root's would keep the server from starting. Only a file that has no other name is given away, since
// the folder's owner could have given the name to one of root's own.
func handOver(cfg *config.Config) error {
	if os.Geteuid() != 0 {
		return nil
	}
	paths := []string{journalPath(cfg)}
	if cfg.DSN == "" {
		for _, suffix := range []string{"", "-wal", "-shm", "-lock", "-reserve"} {
			paths = append(paths, sqlitePath(cfg)+suffix)
		}
	}
	var errs []error
	for _, path := range paths {
		file, err := os.Lstat(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		folder, folderErr := os.Stat(filepath.Dir(path))
		if err = errors.Join(err, folderErr); err == nil {
			err = give(path, file, folder)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("giving %s to the owner of its folder: %w", path, err))
		}
	}
	return errors.Join(errs...)
}

// give gives a file of root's to the owner of a folder, unless that is root.
func give(path string, file, folder fs.FileInfo) error {
	of, ok := file.Sys().(*syscall.Stat_t)
	to, known := folder.Sys().(*syscall.Stat_t)
	if !ok || !known || !file.Mode().IsRegular() || of.Nlink != 1 || of.Uid != 0 || to.Uid == 0 {
		return nil
	}
	return os.Lchown(path, int(to.Uid), int(to.Gid))
}
