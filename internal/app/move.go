package app

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"github.com/jeton-io/jeton/internal/archive"
	"github.com/jeton-io/jeton/internal/config"
)

// A move goes on after a crash at any moment, because both databases say how far it is. Each step is one transaction, and is
// taken only where the one before it stands:
//
//	target                    source
//	empty                     open
//	loading (token)           open              neither is used by the other
//	loading (token)           moving (token)    closed: what is copied from here on doesn't change
//	loading (token), whole    moving (token)    compared, table by table
//	loading (token), whole    moved (token)     nobody opens the source again, unless the target is emptied first
//	open                      moved (token)     servers are started on it
//
// So at most one of them is open at any moment, and two targets never are.

// ErrMoved says that a move was finished before.
var ErrMoved = errors.New("the records were moved before")

// ErrElsewhere says that records are being moved to another database than the one named.
var ErrElsewhere = errors.New("the records are being moved to another database than this one")

// MoveOptions say where records are moved.
type MoveOptions struct {
	To     config.Database
	Report func(Progress)
}

// move is one on its way.
type move struct {
	o        *Options
	m        *MoveOptions
	from, to database
	token    string
	target   loading
}

func newMove(o *Options, m *MoveOptions) *move {
	o.fillDefaults()
	return &move{o: o, m: m, from: databaseOf(o), to: anotherDatabase(o, m.To)}
}

// Move moves all records to another database, which is empty, and closes the one they were in: servers that use it refuse from
// then on. It goes on with a move that was interrupted.
func Move(ctx context.Context, o Options, m MoveOptions) (done Amount, err error) {
	v := newMove(&o, &m)
	source, err := v.prepare(ctx)
	if err != nil {
		return done, err
	}
	defer func() { err = errors.Join(err, v.target.Close()) }()
	if err := v.begin(ctx, source); err != nil {
		return done, err
	}
	sums, header, err := v.copy(ctx)
	if err != nil {
		return done, err
	}
	if err := v.swap(ctx, archive.Why(archive.Moving, v.token), archive.Why(archive.Moved, v.token)); err != nil {
		return done, err
	}
	if _, err := v.target.Finish(ctx, header, nil); err != nil {
		return done, err
	}
	return amount(sums), nil
}

// prepare brings the source's schema up to date, learns how far a move is, and opens the target.
func (v *move) prepare(ctx context.Context) (h archive.Header, err error) {
	if h, err = v.from.header(ctx); err != nil { // where there is none, none is made
		return h, err
	}
	if h.Closed == "" {
		s, err := v.from.open(ctx)
		if err != nil {
			return h, err
		}
		if err := s.Close(); err != nil {
			return h, err
		}
		if h, err = v.from.header(ctx); err != nil {
			return h, err
		}
	}
	if v.token, err = v.tokenOf(h.Closed); err != nil {
		return h, err
	}
	v.target, err = v.to.target(ctx, h.Schema, v.token)
	return h, err
}

// tokenOf returns the token of the move that a source says it is in, or of a new one.
func (v *move) tokenOf(closed string) (string, error) {
	for _, reason := range []string{archive.Moving, archive.Moved} {
		if token, ok := archive.Token(closed, reason); ok {
			return token, nil
		}
	}
	if closed != "" {
		return "", fmt.Errorf("%w: %s", ErrClosed, archive.Told(closed))
	}
	random := make([]byte, 8)
	if _, err := io.ReadFull(v.o.Random, random); err != nil {
		return "", fmt.Errorf("reading randomness for a move: %w", err)
	}
	return hex.EncodeToString(random), nil
}

// begin claims the target and closes the source, or makes sure that an earlier run has.
func (v *move) begin(ctx context.Context, source archive.Header) error {
	target, err := v.target.State(ctx)
	if err != nil {
		return err
	}
	claimed := target.Closed == archive.Why(archive.Loading, v.token)
	_, moved := archive.Token(source.Closed, archive.Moved)
	switch {
	case source.Closed != "" && claimed:
		return nil
	case moved && target.Closed == "" && target.Position.Instance == source.Position.Instance:
		return ErrMoved
	case source.Closed != "":
		return ErrElsewhere
	}
	from, err := v.from.snapshot(ctx)
	if err != nil {
		return err
	}
	if err := errors.Join(v.target.Begin(ctx, from.Header(), from.Tables()), from.Close()); err != nil {
		return err
	}
	return v.swap(ctx, "", archive.Why(archive.Moving, v.token))
}

// swap changes why the source is closed, if nobody else has meanwhile.
func (v *move) swap(ctx context.Context, former, closed string) error {
	now, err := v.from.swapClosed(ctx, former, closed)
	if err == nil && now != closed {
		err = fmt.Errorf("%w: the source isn't as this move left it", archive.ErrGivenUp)
	}
	return err
}

// copy loads what isn't there yet, and compares the two databases.
func (v *move) copy(ctx context.Context) (sums []archive.Sum, h archive.Header, err error) {
	from, err := v.from.snapshot(ctx)
	if err != nil {
		return nil, h, err
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	if err := archive.Copy(ctx, from, v.target, v.m.Report); err != nil {
		return nil, h, err
	}
	if sums, err = archive.Sums(ctx, from, v.m.Report); err != nil {
		return nil, h, err
	}
	found, err := v.to.sums(ctx, v.m.Report)
	if err == nil {
		err = archive.Compare(sums, found)
	}
	return sums, from.Header(), err
}

// AbandonMove gives a move up that was interrupted, and opens the source again. Where the target may be in use already, it is
// emptied first, and the source stays closed if that can't be done.
func AbandonMove(ctx context.Context, o Options, m MoveOptions) (err error) {
	v := newMove(&o, &m)
	source, err := v.prepare(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, v.target.Close()) }()
	if source.Closed == "" { // an earlier run has come so far
		return v.empty(ctx, source)
	}
	if err := v.swap(ctx, archive.Why(archive.Moving, v.token), ""); err == nil {
		return v.empty(ctx, source)
	}
	if err := v.target.GiveUp(ctx, v.token); err != nil {
		return fmt.Errorf("the other database may be in use, so this one stays closed: %w", err)
	}
	return v.swap(ctx, source.Closed, "")
}

// empty deletes what was loaded of a source that is open again: whoever still loads is told so.
func (v *move) empty(ctx context.Context, source archive.Header) error {
	target, err := v.target.State(ctx)
	if err != nil {
		return err
	}
	token, is := archive.Token(target.Closed, archive.Loading)
	if !is || target.Position.Instance != source.Position.Instance {
		return nil
	}
	return v.target.GiveUp(ctx, token)
}
