package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/jeton-io/jeton/internal/keyring"
	"github.com/jeton-io/jeton/internal/store"
	"github.com/jeton-io/jeton/internal/store/postgres"
	"github.com/jeton-io/jeton/internal/store/sqlite"
)

// home is where an instance has what it keeps.
type home struct {
	data string // its folder
	dsn  string // of PostgreSQL; empty for SQLite, whose file is in the folder
}

// What a first start of Jeton leaves in its data folder.
func databaseIn(data string) string  { return filepath.Join(data, "jeton.db") }
func masterKeyIn(data string) string { return filepath.Join(data, "master.key") }

// open opens the database of a stopped instance.
func (h home) open(ctx context.Context) (store.Store, error) {
	if h.dsn != "" {
		return postgres.Open(ctx, postgres.Config{DSN: h.dsn, Now: time.Now})
	}
	return sqlite.Open(ctx, sqlite.Config{Path: databaseIn(h.data), Now: time.Now})
}

// writer opens what fills the database.
func (h home) writer(ctx context.Context) (writer, error) {
	if h.dsn != "" {
		return openPostgresWriter(ctx, h.dsn)
	}
	return openSQLiteWriter(ctx, databaseIn(h.data))
}

// size returns how much room the database takes on the disk, in bytes, without its log of changes.
func (h home) size(ctx context.Context) (size int64, err error) {
	if h.dsn == "" {
		info, err := os.Stat(databaseIn(h.data))
		if err != nil {
			return 0, fmt.Errorf("looking at the database: %w", err)
		}
		return info.Size(), nil
	}
	conn, err := pgx.Connect(ctx, h.dsn)
	if err != nil {
		return 0, fmt.Errorf("looking at the database: %w", err)
	}
	defer func() { err = errors.Join(err, conn.Close(context.WithoutCancel(ctx))) }()
	if err := conn.QueryRow(ctx, `SELECT pg_database_size(current_database())`).Scan(&size); err != nil {
		return 0, fmt.Errorf("looking at the database: %w", err)
	}
	return size, nil
}

// inside does something with the inside of the stopped instance.
func (h home) inside(ctx context.Context, do func(store.Store, *keyring.Keyring) error) (err error) {
	opened, err := h.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, opened.Close()) }()
	keys, err := openKeyring(ctx, opened, h.data)
	if err != nil {
		return err
	}
	return do(opened, keys)
}
