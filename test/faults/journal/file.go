package journal

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Journal takes entries down. It is safe for concurrent use. Make one with Create.
type Journal struct {
	began time.Time
	mu    sync.Mutex
	files map[string]*file
	err   error // the first that a file made; Close returns it
}

type file struct {
	*os.File
	w *bufio.Writer
}

// Create makes the journals of a run in a folder, which must not hold any yet.
func Create(dir string) (*Journal, error) {
	j := &Journal{began: time.Now(), files: map[string]*file{}}
	for _, t := range tables {
		f, err := os.OpenFile(filepath.Join(dir, t.name), os.O_CREATE|os.O_EXCL|os.O_APPEND|os.O_WRONLY, 0o644)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("making the journal: %w", err), j.Close())
		}
		j.files[t.name] = &file{f, bufio.NewWriter(f)}
		_, j.err = fmt.Fprintln(j.files[t.name].w, strings.ReplaceAll(t.fields, " ", "\t"))
	}
	return j, nil
}

// Now returns the time since the run began.
func (j *Journal) Now() time.Duration { return time.Since(j.began) }

// At returns the time since the run began of a moment by the wall clock.
func (j *Journal) At(wall time.Time) time.Duration { return wall.Round(0).Sub(j.began.Round(0)) }

// Began returns when the run began.
func (j *Journal) Began() time.Time { return j.began }

// Add writes entries down.
func (j *Journal) Add(entries ...entry) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, e := range entries {
		name, fields := e.line()
		texts := make([]string, len(fields))
		for i, f := range fields {
			texts[i] = text(f)
		}
		if _, err := fmt.Fprintln(j.files[name].w, strings.Join(texts, "\t")); err != nil && j.err == nil {
			j.err = fmt.Errorf("writing the journal: %w", err)
		}
		if _, many := e.(Check); many {
			continue // a few are lost where the harness itself is killed; of all else, none
		}
		if err := j.files[name].w.Flush(); err != nil && j.err == nil {
			j.err = fmt.Errorf("writing the journal: %w", err)
		}
	}
}

// Close writes what isn't written yet, and returns the first error there was.
func (j *Journal) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	errs := []error{j.err}
	for _, f := range j.files {
		errs = append(errs, f.w.Flush(), f.Close())
	}
	return errors.Join(errs...)
}

// Read reads the journals of a run from its folder.
func Read(dir string) (*Run, error) {
	r := new(Run)
	for _, t := range tables {
		if err := t.readFile(r, filepath.Join(dir, t.name)); err != nil {
			return nil, fmt.Errorf("reading the journal: %w", err)
		}
	}
	return r, nil
}

func (t *table) readFile(r *Run, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for n := 1; lines.Scan(); n++ {
		l := &reader{fields: strings.Split(lines.Text(), "\t")}
		switch {
		case n > 1:
			t.read(r, l)
		case strings.Join(l.fields, " ") != t.fields:
			return fmt.Errorf("%s: its first line is not %q", path, t.fields)
		default:
			continue
		}
		if l.err == nil && len(l.fields) > 0 {
			l.fail("a field too many")
		}
		if l.err != nil {
			return fmt.Errorf("%s, line %d: %w", path, n, l.err)
		}
	}
	return lines.Err()
}
