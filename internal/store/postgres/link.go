package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/keyring"
	"github.com/jeton-io/jeton/internal/link"
)

const (
	linkFields = `id, user_id, purpose, created_at, expires_at, used_at, ended_at`
	// Each of two names the columns apart, so that either half finds its row by the index.
	selectLink      = `SELECT ` + linkFields + ` FROM link WHERE pepper = $1 AND digest = $2`
	selectLinkOfTwo = selectLink + ` UNION ALL SELECT ` + linkFields + ` FROM link WHERE pepper = $3 AND digest = $4 LIMIT 1`
	selectLinkOf    = `SELECT ` + linkFields + ` FROM link WHERE user_id = $1 AND purpose = $2`
	// putLink finds no row where the user may not have a link.
	putLink = `
INSERT INTO link (user_id, purpose, id, pepper, digest, created_at, expires_at)
SELECT id, $1, $2, $3, $4, $5, $6 FROM "user" WHERE id = $7 AND state = 'active' AND deleted_at IS NULL
ON CONFLICT (user_id, purpose) DO UPDATE SET
	id = excluded.id, pepper = excluded.pepper, digest = excluded.digest, created_at = excluded.created_at, expires_at = excluded.expires_at,
	used_at = NULL, ended_at = NULL`
	// useLink finds no row where the link isn't good.
	useLink  = `UPDATE link SET used_at = $1 WHERE id = $2 AND used_at IS NULL AND ended_at IS NULL AND expires_at > $1`
	endLinks = `UPDATE link SET ended_at = $1 WHERE id IN (
	SELECT id FROM link WHERE user_id = $2 AND used_at IS NULL AND ended_at IS NULL ORDER BY id FOR NO KEY UPDATE)`
)

// PutLink implements link.Store.
func (s *Store) PutLink(ctx context.Context, l link.Link, d keyring.Digest, ev audit.Event) error {
	return s.write(ctx, "putting link", func(t *tx) error {
		if err := t.holdUser(l.UserID); err != nil {
			return err
		}
		if err := t.execOne(putLink, string(l.Purpose), raw(l.ID), d.Pepper, d.Sum[:], micros(l.CreatedAt), micros(l.ExpiresAt), raw(l.UserID)); err != nil {
			return err
		}
		return t.record(ev, unseen, l.UserID)
	})
}

// LinkByDigest implements link.Store.
func (s *Store) LinkByDigest(ctx context.Context, digests []keyring.Digest) (link.Link, error) {
	text, args, err := underDigests(digests, selectLink, selectLinkOfTwo)
	if err != nil {
		return link.Link{}, fmt.Errorf("looking up link: %w", kindOf(err))
	}
	return s.link(ctx, text, args...)
}

// LinkOf implements link.Store.
func (s *Store) LinkOf(ctx context.Context, userID uuid.UUID, p link.Purpose) (link.Link, error) {
	return s.link(ctx, selectLinkOf, raw(userID), string(p))
}

// link finds one link.
func (s *Store) link(ctx context.Context, text string, args ...any) (l link.Link, err error) {
	err = s.find(ctx, text, args...).Scan(
		idColumn{&l.ID}, idColumn{&l.UserID}, &l.Purpose, timeColumn{&l.CreatedAt}, timeColumn{&l.ExpiresAt}, timeColumn{&l.UsedAt}, timeColumn{&l.EndedAt})
	if err != nil {
		return link.Link{}, fmt.Errorf("looking up link: %w", kindOf(err))
	}
	return l, nil
}

// UseLink implements link.Store.
func (s *Store) UseLink(ctx context.Context, id uuid.UUID, ev audit.Event) error {
	return s.withdraw(ctx, "using link", func(t *tx) error {
		if err := t.execOne(useLink, micros(ev.At), raw(id)); err != nil {
			return err
		}
		return t.record(ev, unseen, id)
	})
}

// endLinks ends the links that were sent to a user.
func (t *tx) endLinks(userID uuid.UUID, at time.Time) error {
	_, err := t.exec(endLinks, micros(at), raw(userID))
	return err
}

// PruneLinks implements link.Store.
func (s *Store) PruneLinks(ctx context.Context, before time.Time) (count int64, err error) {
	err = s.withdraw(ctx, "deleting old links", func(t *tx) error {
		count, err = t.exec(`DELETE FROM link WHERE id IN (SELECT id FROM link WHERE expires_at < $1 ORDER BY id FOR UPDATE)`, micros(before))
		return err
	})
	return count, err
}
