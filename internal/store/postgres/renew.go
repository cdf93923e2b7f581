package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/jeton-io/jeton/internal/archive"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/feed"
	"github.com/jeton-io/jeton/internal/keyring"
)

const (
	suspendAll  = `UPDATE "user" SET state = 'suspended', version = version + 1, updated_at = $1 WHERE state = 'active' AND deleted_at IS NULL`
	suspendUser = suspendAll + ` AND id = $2`
	// suspendClient suspends the user of a client's secret or key, which has no state in which it could wait itself.
	suspendClient = suspendAll + ` AND id IN (
	SELECT user_id FROM client_secret WHERE id = $2 AND deleted_at IS NULL UNION SELECT user_id FROM client_key WHERE id = $2 AND deleted_at IS NULL)`
	endAll          = `UPDATE browser_session SET ended_at = $1 WHERE ended_at IS NULL`
	endAllTokens    = `UPDATE session_token SET ended_at = $1 WHERE ended_at IS NULL`
	disablePlatform = `UPDATE platform SET enabled = false, version = version + 1, updated_at = $1 WHERE id = $2 AND enabled AND deleted_at IS NULL`
	disableSets     = `UPDATE token_set SET active = false, version = version + 1, updated_at = $1 WHERE project_id = $2 AND active AND deleted_at IS NULL`
	disableAll      = `UPDATE api_token SET enabled = false, version = version + 1, updated_at = $1 WHERE enabled AND deleted_at IS NULL`
	disableAPIToken = disableAll + ` AND id = $2`
	revokeAll       = `UPDATE personal_token SET former_pepper = pepper, former_digest = digest, pepper = NULL, digest = NULL, revoked_at = $1 WHERE digest IS NOT NULL`
	revokeKeys      = `UPDATE signing_key SET wrapped = NULL, revoked_at = $1 WHERE purpose = $2 AND revoked_at IS NULL`
	suspendService  = `UPDATE service SET suspended = true, version = version + 1, updated_at = $1 WHERE id = $2 AND NOT suspended AND deleted_at IS NULL`
	// voidCodes has recovery codes count no more: which were used or replaced since isn't known. Their users make new ones.
	voidCodes       = `UPDATE recovery_code SET used_at = $1 WHERE used_at IS NULL`
	voidCodesOfUser = voidCodes + ` AND user_id = $2`
	voidCode        = voidCodes + ` AND substring(digest FROM 1 FOR 16) = $2` // see factor.CodeID
	revokeKey       = `UPDATE signing_key SET wrapped = NULL, revoked_at = $1 WHERE kid = $2 AND revoked_at IS NULL`
)

// outliving is longer than any access token lasts.
const outliving = 24 * time.Hour

// Renew does to the database as it stands what a renewal asks for, in one transaction, while nobody else writes. It takes a
// connection of its own, on which that may take its time.
func (s *Store) Renew(ctx context.Context, r *archive.Renewal) (o archive.Outcome, err error) {
	conn, err := dialPatiently(ctx, s.dial)
	if err != nil {
		return o, fmt.Errorf("connecting to the database: %w", kindOf(err))
	}
	t := &tx{ctx: ctx, conn: conn, alone: func(closed string) error {
		if closed != "" {
			return fmt.Errorf("%w: %s", feed.ErrClosed, archive.Told(closed))
		}
		return nil
	}}
	err = t.run(func(t *tx) error {
		o, err = t.renew(r)
		return err
	})
	if err = errors.Join(err, hangUp(conn)); err != nil {
		return o, fmt.Errorf("renewing the database: %w", kindOf(err))
	}
	s.notify()
	return o, nil
}

// renew does what a renewal asks for. Its single row of the feed has every node forget all it knows, so that what is changed
// here needs none of its own; and one event tells of all together.
func (t *tx) renew(r *archive.Renewal) (o archive.Outcome, err error) {
	at := micros(r.At)
	if r.Suspend {
		if err := t.suspend(at, &o); err != nil {
			return o, err
		}
	}
	for _, c := range r.Changes {
		if err := t.renewOne(c, at, &o); err != nil {
			return o, err
		}
	}
	if _, err := t.exec(`DELETE FROM link`); err != nil { // used or not: that isn't known
		return o, err
	}
	reach := r.Reach()
	if _, err := t.exec(`UPDATE store SET epoch = greatest(epoch, $1) + 1, reach_epoch = $2, reach_revision = $3`, r.Epoch, reach.Epoch, reach.Revision); err != nil {
		return o, err
	}
	c := feed.RestoredTo(reach, r.At)
	t.changes = append(t.changes, change{c.Kind, c.ID, c.At, c.Gone})
	var b pgx.Batch
	t.publish(&b)
	t.changes = nil
	p := &o.Position
	b.Queue(`SELECT EXISTS (` + administrators + `)`).QueryRow(func(row pgx.Row) error { return row.Scan(&o.Administer) })
	b.Queue(`SELECT instance, epoch, revision, mark FROM store`).QueryRow(func(row pgx.Row) error {
		return row.Scan(idColumn{&p.Instance}, &p.Epoch, &p.Revision, &p.Mark)
	})
	if err := t.send(&b); err != nil {
		return o, err
	}
	values, err := eventValues(r.Event(o))
	if err == nil {
		_, err = t.exec(insertEvent, values...)
	}
	return o, err
}

// suspend takes from everybody what can be had anew: the user who is let in again has none of it, since it may have been taken
// away. The key that signs access tokens goes, too, and the next one that is needed is made; those of API tokens stay, as these
// are disabled, and would all be lost.
func (t *tx) suspend(at int64, o *archive.Outcome) error {
	for _, all := range []struct {
		to        *int64
		statement string
	}{{&o.Suspended, suspendAll}, {&o.Sessions, endAll}, {&o.Sessions, endAllTokens}, {&o.Tokens, revokeAll}, {&o.Tokens, disableAll}} {
		if err := t.count(all.to, all.statement, at); err != nil {
			return err
		}
	}
	if _, err := t.exec(voidCodes, at); err != nil {
		return err
	}
	if err := t.count(&o.Keys, revokeKeys, at, string(keyring.ForAccessTokens)); err != nil {
		return err
	}
	if err := t.disablePlatforms(at, o); err != nil {
		return err
	}
	return t.disableProjects(at, o)
}

// renewOne does what one change since asks for. A record that isn't there was made since, and is lost: nothing counts that
// rests on it.
func (t *tx) renewOne(c feed.Change, at int64, o *archive.Outcome) (err error) {
	switch c.Kind {
	case feed.User:
		return t.renewUser(c, at, o)
	case feed.PersonalToken:
		return t.count(&o.Tokens, revokeToken, at, raw(c.ID))
	case feed.APIToken:
		statement := disableAPIToken
		if c.Gone {
			statement = deleteAPIToken
		}
		return t.renewProgram(c, at, o, statement)
	case feed.ClientSecret:
		return t.renewClient(c, at, o)
	case feed.BrowserSession:
		return t.count(&o.Sessions, endSession, at, raw(c.ID))
	case feed.SessionToken:
		return t.count(&o.Sessions, endSessionToken, at, raw(c.ID))
	case feed.Platform, feed.PlatformRules:
		return t.renewPlatform(c, at, o)
	case feed.PlatformKey:
		return t.count(&o.Tokens, deletePlatformKey, at, raw(c.ID))
	case feed.TokenSet:
		return t.count(&o.Tokens, deleteTokenSet, at, raw(c.ID))
	case feed.Project:
		return t.renewProject(c, at, o)
	case feed.Authenticator, feed.Passkey, feed.RecoveryCode:
		return t.renewFactor(c, at)
	case feed.Service:
		return t.renewService(c, at, o)
	case feed.RevokedKey:
		return t.renewKey(c, at, o)
	case feed.Pepper, feed.SigningKey, feed.Restored: // took nothing away
	}
	return nil
}

// count adds the rows that a statement changed.
func (t *tx) count(to *int64, statement string, args ...any) error {
	n, err := t.exec(statement, args...)
	*to += n
	return err
}

// renewUser deletes a user again, or suspends it: it may have been blocked since, or lost a role. Its sessions may have been
// ended with a new password, and its recovery codes replaced.
func (t *tx) renewUser(c feed.Change, at int64, o *archive.Outcome) error {
	if lives, err := t.yes(userLives, raw(c.ID)); err != nil || !lives {
		o.Unknown++
		return err
	}
	if c.Gone {
		o.Deleted++
		return t.endUser(c.ID, fromMicros(at))
	}
	for _, all := range []string{endAll, endAllTokens} {
		if err := t.count(&o.Sessions, all+` AND user_id = $2`, at, raw(c.ID)); err != nil {
			return err
		}
	}
	if _, err := t.exec(voidCodesOfUser, at, raw(c.ID)); err != nil {
		return err
	}
	return t.count(&o.Suspended, suspendUser, at, raw(c.ID))
}

// renewFactor takes away a second factor again, or a recovery code.
func (t *tx) renewFactor(c feed.Change, at int64) error {
	var err error
	switch c.Kind {
	case feed.Authenticator:
		_, err = t.exec(deleteAuthenticator, raw(c.ID))
	case feed.Passkey:
		_, err = t.exec(deletePasskey, raw(c.ID))
	default:
		_, err = t.exec(voidCode, at, c.ID[:])
	}
	return err
}

// renewProgram changes an API token by a statement. One that isn't there may be an access token: that was taken back.
func (t *tx) renewProgram(c feed.Change, at int64, o *archive.Outcome, statement string) error {
	if known, err := t.yes(`SELECT EXISTS (SELECT 1 FROM api_token WHERE id = $1)`, raw(c.ID)); err != nil || !known {
		o.Unknown++
		return errors.Join(err, t.revokeUnknown(c, at))
	}
	return t.count(&o.Tokens, statement, at, raw(c.ID))
}

// renewClient deletes a client's secret or key again, or suspends its user.
func (t *tx) renewClient(c feed.Change, at int64, o *archive.Outcome) error {
	known, err := t.yes(`SELECT EXISTS (SELECT 1 FROM client_secret WHERE id = $1 UNION ALL SELECT 1 FROM client_key WHERE id = $1)`, raw(c.ID))
	switch {
	case err != nil || !known:
		o.Unknown++
		return errors.Join(err, t.revokeUnknown(c, at))
	case !c.Gone:
		return t.count(&o.Suspended, suspendClient, at, raw(c.ID))
	}
	for _, table := range []string{"client_secret", "client_key"} {
		if err := t.count(&o.Tokens, `UPDATE `+table+` SET deleted_at = $1 WHERE id = $2 AND deleted_at IS NULL`, at, raw(c.ID)); err != nil {
			return err
		}
	}
	return nil
}

// revokeUnknown has an access token of that ID refused for as long as one may last.
func (t *tx) revokeUnknown(c feed.Change, at int64) error {
	_, err := t.exec(`INSERT INTO revoked_access_token (id, expires_at) VALUES ($1, $2) ON CONFLICT DO NOTHING`,
		raw(c.ID), micros(fromMicros(at).Add(outliving)))
	return err
}

// renewService deletes a service again, or suspends it and has it told of: who may call what is as before, which may be more.
func (t *tx) renewService(c feed.Change, at int64, o *archive.Outcome) error {
	var name string
	err := kindOf(t.one(`SELECT name FROM service WHERE id = $1 AND deleted_at IS NULL`, &name, raw(c.ID)))
	switch {
	case errors.Is(err, authority.ErrNotFound):
		o.Unknown++
		return nil
	case err != nil:
		return err
	case c.Gone:
		o.Deleted++
		return t.endService(c.ID, fromMicros(at))
	}
	o.Services = append(o.Services, name)
	_, err = t.exec(suspendService, at, raw(c.ID))
	return err
}

// disablePlatforms disables every platform and has it told of: who may speak for whom is as before, which may be more.
func (t *tx) disablePlatforms(at int64, o *archive.Outcome) error {
	ids, err := collect(t.ctx, t.conn, func(row scanner) (id uuid.UUID, err error) {
		err = row.Scan(idColumn{&id})
		return id, err
	}, `SELECT id FROM platform WHERE enabled AND deleted_at IS NULL ORDER BY name_key`)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if err := t.renewPlatform(feed.Change{Kind: feed.Platform, ID: id}, at, o); err != nil {
			return err
		}
	}
	return nil
}

// renewPlatform deletes a platform again, or disables it and has it told of, by its code. Its sessions may have been ended since.
func (t *tx) renewPlatform(c feed.Change, at int64, o *archive.Outcome) error {
	var code string
	err := kindOf(t.one(`SELECT code FROM platform WHERE id = $1 AND deleted_at IS NULL`, &code, raw(c.ID)))
	switch {
	case errors.Is(err, authority.ErrNotFound):
		o.Unknown++
		return nil
	case err != nil:
		return err
	case c.Gone:
		o.Deleted++
		tokens, err := t.endPlatform(c.ID, fromMicros(at))
		o.Sessions += tokens
		return err
	}
	if !slices.Contains(o.Platforms, code) {
		o.Platforms = append(o.Platforms, code)
	}
	if _, err := t.exec(disablePlatform, at, raw(c.ID)); err != nil {
		return err
	}
	return t.count(&o.Sessions, endTokensOfPlatform, at, raw(c.ID))
}

// disableProjects turns off every token set and has its project told of: by whose keys one calls is as before, which may be more.
func (t *tx) disableProjects(at int64, o *archive.Outcome) error {
	ids, err := collect(t.ctx, t.conn, func(row scanner) (id uuid.UUID, err error) {
		err = row.Scan(idColumn{&id})
		return id, err
	}, `
SELECT id FROM project p WHERE deleted_at IS NULL AND EXISTS (SELECT 1 FROM token_set WHERE project_id = p.id AND active AND deleted_at IS NULL)
ORDER BY number`)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if err := t.renewProject(feed.Change{Kind: feed.Project, ID: id}, at, o); err != nil {
			return err
		}
	}
	return nil
}

// renewProject deletes a project again, with its service account, or turns off its token sets and has it told of, by its number.
// What its tokens began may have been ended since.
func (t *tx) renewProject(c feed.Change, at int64, o *archive.Outcome) error {
	var number string
	err := kindOf(t.one(`SELECT number::text FROM project WHERE id = $1 AND deleted_at IS NULL`, &number, raw(c.ID)))
	switch {
	case errors.Is(err, authority.ErrNotFound):
		o.Unknown++
		return nil
	case err != nil:
		return err
	case c.Gone:
		o.Deleted++
		sessions, own, err := t.endProject(c.ID, fromMicros(at))
		o.Sessions += sessions
		if own != uuid.Nil {
			o.Deleted++
		}
		return err
	}
	if !slices.Contains(o.Projects, number) {
		o.Projects = append(o.Projects, number)
	}
	if _, err := t.exec(disableSets, at, raw(c.ID)); err != nil {
		return err
	}
	return t.count(&o.Sessions, endSessionsOfProject, at, raw(c.ID))
}

// renewKey revokes a signing key again, which the feed names by what stands for its kid. Another is made when one is needed.
func (t *tx) renewKey(c feed.Change, at int64, o *archive.Outcome) error {
	kids, err := collect(t.ctx, t.conn, func(row scanner) (kid string, err error) {
		err = row.Scan(&kid)
		return kid, err
	}, `SELECT kid FROM signing_key`)
	if err != nil {
		return err
	}
	for _, kid := range kids {
		if feed.KeyID(kid) == c.ID {
			return t.count(&o.Keys, revokeKey, at, kid)
		}
	}
	o.Unknown++
	return nil
}
