package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/config"
	"github.com/jeton-io/jeton/internal/keyring"
	"github.com/jeton-io/jeton/internal/secret"
)

// Recover gives an operator who has lost the administrator's password a way back in: it sets the password of the named user, takes away
// its second factor, unblocks it and makes it an administrator, or makes such a user where there is none. It reports whether there was a
// second factor. It asks for nothing but what the operator has anyway, the data folder and the master key, and writes the same audit
// events as an administrator's change. A server that runs on the same database hears of it within a second.
func Recover(ctx context.Context, o Options, user, password string) (hadFactor bool, err error) {
	o.fillDefaults()
	defer func() { err = errors.Join(err, handOver(&o.Config)) }()
	var stops stopStack
	defer func() { err = errors.Join(err, stops.unwind()) }()
	n, err := newNode(ctx, &o, publicURL(&o.Config, o.Config.Listen), slog.New(slog.DiscardHandler), &stops)
	if err != nil {
		return false, err
	}
	if used, err := n.store.AnyUser(ctx); err != nil || !used {
		return false, errors.Join(err, fmt.Errorf("%s never had a user: name the database of the server with --data or --database", n.databaseName()))
	}
	text := secret.Text(password)
	u, err := n.accounts.Find(ctx, user)
	if errors.Is(err, authority.ErrNotFound) {
		draft := administrator(text)
		draft.Username = user
		_, err = n.accounts.Create(ctx, draft, audit.Actor{})
		return false, err
	}
	if err != nil {
		return false, fmt.Errorf("looking for the user: %w", err)
	}
	active, roles := account.Active, append(slices.Clone(u.Roles), authority.AdminRole)
	if _, err = n.accounts.Update(ctx, u.ID, 0, account.Patch{State: &active, Roles: &roles, Password: &text}, audit.Actor{}); err != nil {
		return false, err
	}
	holder := u.Holder()
	if err = n.factors.RemoveAll(ctx, &holder, audit.Actor{}); errors.Is(err, authority.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// Check finds faults that only the parts that use a setting can see, and adds to the configuration's warnings what they
// would warn of. It starts and writes nothing.
func Check(cfg *config.Config, now time.Time) error {
	var faults []error
	if cfg.MasterKey != "" {
		if _, err := keyring.ParseMasterKey([]byte(cfg.MasterKey.Reveal())); err != nil {
			faults = append(faults, fmt.Errorf("master-key: %w", err))
		}
	}
	certificate, err := loadCertificate(cfg)
	if err != nil {
		faults = append(faults, fmt.Errorf("tls-cert: %w", err))
	}
	if _, err := upstreamRoots(cfg.UpstreamCA); err != nil {
		faults = append(faults, fmt.Errorf("upstream-ca: %w", err))
	}
	if certificate != nil {
		cfg.Warnings = append(cfg.Warnings, certificateWarnings(cfg, certificate, now)...)
	}
	return errors.Join(faults...)
}
