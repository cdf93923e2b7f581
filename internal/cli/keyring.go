package cli

import (
	"errors"
	"fmt"
	"os"
	"runtime"

	"github.com/zalando/go-keyring"

	"github.com/jeton-io/jeton/client"
)

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
