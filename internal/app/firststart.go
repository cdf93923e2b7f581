package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/secret"
)

// adminName is the user that the first start makes.
const adminName = "admin"

// firstPassword is the number of random characters of a first password: 119 bits.
const firstPassword = 20

// firstStart makes the administrator in a database that never had a user, and tells what to do next.
func (n *node) firstStart(ctx context.Context, o *Options) error {
	any, err := n.store.AnyUser(ctx)
	if err != nil || any {
		return err
	}
	password, random := o.Config.AdminPassword, false
	if password == "" {
		text, err := secret.Make("", o.Random)
		if err != nil {
			return err
		}
		password, random = text[:firstPassword], true
	}
	if random && !o.Terminal {
		// Written before the user exists: an administrator whose password nobody ever saw would be locked out. A file that
		// is there already is of a start that got no further, and opens nothing.
		if err := os.Remove(n.passwordFile()); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("removing the former initial password: %w", err)
		}
		if err := writePrivate(n.passwordFile(), []byte(password.Reveal()+"\n")); err != nil {
			return err
		}
	}
	_, err = n.accounts.Create(ctx, administrator(password), audit.Actor{})
	if errors.Is(err, authority.ErrConflict) { // of several nodes that start at once on a new database, one makes it
		n.logger.InfoContext(ctx, "another node has made the first administrator, with its password")
		if err := os.Remove(n.passwordFile()); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("removing an initial password that opens nothing: %w", err)
		}
		return nil
	}
	if err != nil {
		return fmt.Errorf("making the user %s: %w", adminName, err)
	}
	_, err = fmt.Fprint(o.Stdout, n.welcome(o, password, random))
	return err
}

func administrator(password secret.Text) account.Draft {
	return account.Draft{Username: adminName, Roles: []string{authority.AdminRole}, Password: password}
}

// defaultURL is where the commands look for Jeton unless they are told.
const defaultURL = "http://127.0.0.1:8080"

// welcome is what the first start shows: the one time a random password is seen, and the next three commands to type.
func (n *node) welcome(o *Options, password secret.Text, random bool) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\nJeton is new here. It keeps its data in %s and answers at %s\n", o.Config.Data, n.url)
	login := "read -rs JETON_PASSWORD; export JETON_USERNAME=" + adminName + " JETON_PASSWORD   # paste the password, press Enter"
	switch {
	case !random:
		fmt.Fprintf(&b, "The user %s has the password that you gave.\n", adminName)
	case o.Terminal:
		fmt.Fprintf(&b, "The user %s has this password, shown only now:\n\n    %s\n", adminName, password.Reveal())
	default:
		fmt.Fprintf(&b, "The password of the user %s is in %s, until it is changed.\n", adminName, n.passwordFile())
		login = "export JETON_USERNAME=" + adminName + " JETON_PASSWORD_FILE=" + n.passwordFile()
	}
	if n.url != defaultURL {
		login = "export JETON_URL=" + n.url + "; " + login
	}
	fmt.Fprintf(&b, "\nThe console, for a browser, is at %s/console/\n", n.url)
	fmt.Fprintf(&b, "\nNext, in another terminal:\n\n    %s\n    %s me\n    %s user list\n\n"+
		"README.md goes on from here, to a user, a service and a first token.\n\n", login, o.Command, o.Command)
	return b.String()
}

// passwordFile is where a random first password is kept until it is changed.
func (n *node) passwordFile() string { return filepath.Join(n.cfg.Data, "initial-password") }

// passwordChanged removes the file of the first password once that no longer opens anything.
func (n *node) passwordChanged(id uuid.UUID) {
	u, err := n.accounts.User(context.Background(), id)
	if err != nil || u.Username != adminName {
		return
	}
	if err := os.Remove(n.passwordFile()); err != nil && !errors.Is(err, os.ErrNotExist) {
		n.logger.Error("the file of the first password could not be removed; remove it by hand", "path", n.passwordFile(), "error", err)
	}
}

// makePrivate makes a folder that only its owner can enter, or closes one that stands open.
func makePrivate(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("making the data folder: %w", err)
	}
	info, err := os.Stat(dir)
	if err == nil && info.Mode().Perm() != 0o700 {
		err = os.Chmod(dir, 0o700) //nolint:gosec // G302: a folder needs its x
	}
	if err != nil {
		return fmt.Errorf("closing the data folder to others: %w", err)
	}
	return nil
}

// writePrivate makes a new file that only its owner can read, whole and on the disk when it returns. It writes beside
// the place and then links: a crash leaves no half a key, and a file that is there already is an error.
func writePrivate(path string, text []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*") // 0600 whatever the umask lets through
	if err != nil {
		return fmt.Errorf("making %s: %w", path, err)
	}
	defer func() {
		if removeErr := os.Remove(f.Name()); err == nil && removeErr != nil {
			err = removeErr
		}
	}()
	_, err = f.Write(text)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Link(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return nil
}
