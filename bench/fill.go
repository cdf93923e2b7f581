package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/keyring"
	"github.com/jeton-io/jeton/internal/secret"
)

// perTransaction is how many users the filling commits at a time: so many that a commit costs nothing, and few enough
// that Ctrl-C is heard within seconds.
const perTransaction = 50_000

// batch is users to be written, each with a role and a token, and some of them with an API token. IDs and digests stand one
// behind the other, as one value for the database: what is bound by itself for each row costs more than the row.
type batch struct {
	first     int    // number of the first user
	count     int    // of users
	ids       []byte // 16 for each user
	pepper    int64  // under which the digests are
	digests   []byte // 32 for each user
	apiTokens []byte // 16 for each API token: as many as there are IDs, of the first users
	passwords int    // how many users have the password, from the first
	at        int64  // when all of them were made, in microseconds
	ends      int64  // when the API tokens end
	hash      string // of the password
	keyID     string // by which the API tokens are signed
}

// writer writes batches into the tables of one kind of database.
type writer interface {
	// begin takes away what would be kept up for each row, and gives up every safety against a crash: a database that was being
	// filled when the bench died is thrown away.
	begin(ctx context.Context) error
	write(ctx context.Context, b *batch) error
	// settle leaves the database as Jeton left it, and on the disk.
	settle(ctx context.Context) error
	io.Closer
}

// fill gives a stopped instance, for each token, a user of its own with the role that may call the service, and to the
// first of them a password and an API token.
//
// They are written straight into the tables: by way of the API a million of them would take half an hour, and each API
// token a signature of RSA, which nobody would ever look at. So the writers know the columns of four tables; a test reads
// back by the store what was written, and fails when they change.
func fill(ctx context.Context, into writer, as *instance, live []secret.Text, done *counter) error {
	f := filler{as: as, random: source(liveSeed), now: time.Now()}
	err := into.begin(ctx)
	for len(live) > 0 && err == nil {
		texts := live[:min(perTransaction, len(live))]
		live = live[len(texts):]
		var next *batch
		if next, err = f.batch(texts); err != nil {
			break
		}
		if err = into.write(ctx, next); err == nil {
			done.add(len(texts))
		}
	}
	if err == nil {
		done.p.say("building the indexes")
		err = into.settle(ctx)
	}
	if err := errors.Join(err, into.Close()); err != nil {
		return fmt.Errorf("filling the database: %w", err)
	}
	done.end()
	return nil
}

// filler makes batches.
type filler struct {
	as     *instance
	random io.Reader // for IDs
	now    time.Time
	count  int // of users so far
}

// batch makes the users of the next tokens.
func (f *filler) batch(texts []secret.Text) (*batch, error) {
	b := &batch{
		first: 1 + f.count, count: len(texts), at: f.now.UnixMicro(), hash: f.as.caller.passwordHash, keyID: f.as.caller.apiTokenKey,
		ends:      f.now.Add(apiTokenDays * 24 * time.Hour).Truncate(time.Second).UnixMicro(),
		passwords: max(0, min(f.as.passwords-f.count, len(texts))),
	}
	parents := max(0, min(f.as.apiTokens-f.count, len(texts)))
	f.count += len(texts)
	for n := range texts {
		user, err := uuid.NewV7FromReader(f.random)
		if err != nil {
			return nil, err
		}
		b.ids = append(b.ids, user[:]...)
		if n >= parents {
			continue
		}
		id, err := uuid.NewV7FromReader(f.random)
		if err != nil {
			return nil, err
		}
		b.apiTokens = append(b.apiTokens, id[:]...)
		f.as.parents = append(f.as.parents, parent{id, user})
	}
	var err error
	b.pepper, b.digests, err = digestsOf(texts, f.as.digest)
	return b, err
}

// digestsOf returns the digests of tokens, which all are under one pepper, by both hands.
func digestsOf(texts []secret.Text, digest func(secret.Text) keyring.Digest) (pepper int64, all []byte, err error) {
	const size, hands = 32, 2
	all = make([]byte, size*len(texts))
	pepper = digest(texts[0]).Pepper
	var running sync.WaitGroup
	other := make([]bool, hands)
	for hand := range hands {
		running.Go(func() {
			for n := hand; n < len(texts); n += hands {
				d := digest(texts[n])
				other[hand] = other[hand] || d.Pepper != pepper
				copy(all[n*size:], d.Sum[:])
			}
		})
	}
	running.Wait()
	if other[0] || other[1] {
		return 0, nil, errors.New("the pepper changed while the tokens were digested")
	}
	return pepper, all, nil
}

// userName is the name of the n-th user; the caller is the one before the first. The writers know it, too.
func userName(n int) string { return fmt.Sprintf("User%07d", n) }
