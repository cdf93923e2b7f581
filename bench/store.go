package main

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	_ "modernc.org/sqlite" // the driver
)

// What the cold paths are compared with: the very database, asked by nothing but the driver, from a process of its own
// on the core where Jeton runs. Jeton can't be faster by a statement a request; it can by letting changes share a commit.
//
// The rates depend on the machine's disk more than on anything else: where its cache answers a sync at once, they say
// little about a disk that doesn't, and the ratio to them says as much on either.
const (
	selectRate = "store-select" // one prepared select of a token by its digest
	insertRate = "store-insert" // one transaction, on the disk when it returns, of two rows: a token and its audit event
)

// pragmas are those of Jeton's own connections.
const pragmas = "?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)" +
	"&_pragma=foreign_keys(1)&_pragma=temp_store(MEMORY)&_pragma=cache_size(-16384)"

// storeRate measures a step by running this program again, and returns how often a second it was done. Jeton is idle
// meanwhile, on the same file: SQLite lets both in.
func (b *bench) storeRate(ctx context.Context, name string) (float64, error) {
	self, err := os.Executable()
	if err != nil {
		return 0, fmt.Errorf("finding this program: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, time.Duration(b.unitSeconds())*time.Second+wrkGrace)
	defer cancel()
	argv := b.pins.wrap(b.pins.server, self, name, databaseIn(b.at.data), strconv.Itoa(b.unitSeconds()))
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.SysProcAttr = attributes()
	cmd.Env = append(bareEnvironment(), oneProcessor)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return 0, fmt.Errorf("measuring %s: %w", name, err)
	}
	rate, err := strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
	if err != nil || rate <= 0 {
		return 0, fmt.Errorf("measuring %s: it printed %q", name, out)
	}
	return rate, nil
}

// printStoreRate is that program. One connection does one step after the other: more would wait for each other on one
// core, and SQLite has one writer anyway.
func printStoreRate(ctx context.Context, name, path, seconds string) error {
	n, err := strconv.Atoi(seconds)
	if err != nil {
		return fmt.Errorf("reading the seconds: %w", err)
	}
	db, err := sql.Open("sqlite", "file:"+path+pragmas)
	if err != nil {
		return fmt.Errorf("opening the database: %w", err)
	}
	defer drop(db)
	conn, err := db.Conn(ctx)
	if err != nil {
		return fmt.Errorf("opening the database: %w", err)
	}
	defer drop(conn)
	// The loop looks at ctx itself: for each statement under one that can end, the driver would start a goroutine.
	step, err := storeStep(name)(context.WithoutCancel(ctx), conn)
	if err != nil {
		return fmt.Errorf("preparing %s: %w", name, err)
	}
	count := 0
	began := time.Now()
	for end := began.Add(time.Duration(n) * time.Second); time.Now().Before(end) && ctx.Err() == nil; count++ {
		if err := step(); err != nil {
			return fmt.Errorf("doing %s: %w", name, err)
		}
	}
	fmt.Printf("%.1f\n", float64(count)/time.Since(began).Seconds())
	return nil
}

// storeStep returns what prepares the step that is done again and again under a name, or nil for no such name.
func storeStep(name string) func(context.Context, *sql.Conn) (step func() error, err error) {
	switch name {
	case selectRate:
		return selectTokens
	case insertRate:
		return insertTokens
	}
	return nil
}
