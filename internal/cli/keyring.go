package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"time"

	"github.com/zalando/go-keyring"

	"github.com/jeton-io/jeton/client"
)

// keyringWait bounds what the keyring is asked. A locked one asks its user for the password, and one that was made for a
// screen waits for that even where there is none.
const keyringWait = 30 * time.Second

// Keyring is a store of secrets that the system keeps for its user. Its methods may take as long as the user needs.
type Keyring interface {
	// Get returns a secret, or ErrNotInKeyring.
	Get(name string) (client.Secret, error)
	// Set stores a secret in place of a former one.
	Set(name string, secret client.Secret) error
	// Delete removes a secret, if it is there.
	Delete(name string) error
}

// ErrNotInKeyring is the error of a secret that a keyring doesn't have.
var ErrNotInKeyring = errors.New("not in the keyring")

// bounded waits for the keyring, but not without end: what is abandoned ends with the process.
func bounded[T any](ctx context.Context, f func() (T, error)) (T, error) {
	limited, cancel := context.WithTimeout(ctx, keyringWait)
	defer cancel()
	value, err := await(limited, f)
	if ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("no answer within %s", keyringWait)
	}
	return value, err
}

// keyringService is the name under which the system's keyring lists what is Jeton's.
const keyringService = "jeton"

// systemKeyring is the keyring of the system's own: the Secret Service of a desktop session, the keychain of macOS.
type systemKeyring struct {
	missing error // why there is none; nil where there may be one
}

// newSystemKeyring looks for the session's bus where godbus does, by its address or at its usual place. Where it finds
// none, godbus would start one by dbus-launch: a second bus has no keyring, and outlives the command.
func newSystemKeyring(address, usual string) systemKeyring {
	if runtime.GOOS == "darwin" { // which has a keyring without a bus
		return systemKeyring{}
	}
	if _, err := os.Stat(usual); err == nil || address != "" && address != "autolaunch:" {
		return systemKeyring{}
	}
	return systemKeyring{fmt.Errorf("there is no session: DBUS_SESSION_BUS_ADDRESS is not set, and %s doesn't exist", usual)}
}

// Get implements Keyring.
func (k systemKeyring) Get(name string) (client.Secret, error) {
	if k.missing != nil {
		return "", k.missing
	}
	secret, err := keyring.Get(keyringService, name)
	if errors.Is(err, keyring.ErrNotFound) {
		err = ErrNotInKeyring
	}
	return client.Secret(secret), err
}

// Set implements Keyring.
func (k systemKeyring) Set(name string, secret client.Secret) error {
	if k.missing != nil {
		return k.missing
	}
	return keyring.Set(keyringService, name, secret.Reveal())
}

// Delete implements Keyring.
func (k systemKeyring) Delete(name string) error {
	if k.missing != nil {
		return k.missing
	}
	if err := keyring.Delete(keyringService, name); !errors.Is(err, keyring.ErrNotFound) {
		return err
	}
	return nil
}
