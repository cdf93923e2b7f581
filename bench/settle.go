package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver
)

// A Jeton that has just started reads what it may be asked about into its memory, in the background. What is measured of a
// Jeton beside that would be a mixture of both, and what it has read is not cold.
const (
	settleEvery = 100 * time.Millisecond // how often it is looked at
	settledFor  = 10                     // looks without a change
	settleMost  = 5 * time.Minute
)

// settle waits until Jeton has read into its memory what it reads by itself, and returns how long that took.
func (b *bench) settle(ctx context.Context, j *jeton) (took time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, settleMost)
	defer cancel()
	began, last := time.Now(), -1.0
	for unchanged := 0; unchanged < settledFor; {
		figures, err := j.metrics(ctx)
		if err != nil {
			return 0, err
		}
		unchanged++
		if now := figures["jeton_remembered_proofs"]; now != last {
			last, unchanged = now, 0
		}
		select {
		case <-ctx.Done():
			return 0, fmt.Errorf("waiting until jeton has read its memory: %w", ctx.Err())
		case <-time.After(settleEvery):
		}
	}
	if last > 0 {
		took = time.Since(began) - settledFor*settleEvery
		b.progress.say("jeton read %s credentials into its memory by itself, in %s", thousands(last), took.Round(100*time.Millisecond))
	}
	return took, nil
}

// coldPerSecond is how many tokens are kept back for each second of a cold run: more than a core looks up.
const coldPerSecond = 45_000

// coldUsers is how many users have a token that is kept back.
func (b *bench) coldUsers() int { return coldPerSecond * b.seconds }

// keptBack is tokens that are not in the database while Jeton reads it into its memory, and come in afterwards, as if another node had
// issued them: Jeton has to look them up. Meanwhile they are in a schema of the bench's own, called aside.
type keptBack struct{ db *sql.DB }

// keepBack opens the database of a stopped instance and takes out the tokens of so many users, who come before the spare ones.
func (b *bench) keepBack(ctx context.Context, users int) (*keptBack, error) {
	driver, from, schema := "sqlite", "file:"+databaseIn(b.at.data)+pragmas, `ATTACH '`+b.at.data+`-aside.db' AS aside`
	if b.at.dsn != "" {
		driver, from, schema = "pgx", b.at.dsn, `CREATE SCHEMA IF NOT EXISTS aside`
	}
	db, err := sql.Open(driver, from)
	if err != nil {
		return nil, fmt.Errorf("opening the database: %w", err)
	}
	db.SetMaxOpenConns(1) // what is attached is attached to a connection
	k := &keptBack{db}
	err = k.exec(ctx, schema)
	if err == nil {
		err = k.exec(ctx, fmt.Sprintf(`CREATE TABLE IF NOT EXISTS aside.token AS SELECT * FROM personal_token
			WHERE user_id IN (SELECT id FROM "user" ORDER BY id DESC LIMIT %d OFFSET %d)`, users, spareUsers))
	}
	if err == nil {
		err = k.exec(ctx, `DELETE FROM personal_token WHERE user_id IN (SELECT user_id FROM aside.token)`)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("keeping tokens back: %w", err), db.Close())
	}
	return k, nil
}

// putIn puts them into the database again.
func (k *keptBack) putIn(ctx context.Context) error {
	if err := k.exec(ctx, `INSERT INTO personal_token SELECT * FROM aside.token`); err != nil {
		return fmt.Errorf("putting tokens in: %w", err)
	}
	return nil
}

func (k *keptBack) exec(ctx context.Context, statement string) error {
	_, err := k.db.ExecContext(ctx, statement)
	return err
}

// Close closes the databases.
func (k *keptBack) Close() error { return k.db.Close() }
