package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/jeton-io/jeton/internal/secret"
)

// coldRound starts Jeton anew, so that it has seen no token and no password, and presents each once at most. What it reads into its
// memory by itself has come to an end then, and the personal tokens come into the database after that. The warm-up is with a token
// that never gets as far as a look-up, so that SQLite's own cache is cold, too, when the run begins.
//
// Each access token is of another API token and of another user, so for each Jeton checks a signature and looks up the record.
func (b *bench) coldRound(ctx context.Context) (err error) {
	kept, err := b.keepBack(ctx, b.coldUsers())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, kept.Close()) }()
	j, err := b.startSettled(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, j.stop()) }()
	if err := kept.putIn(ctx); err != nil {
		return err
	}
	unit, err := b.storeRate(ctx, selectRate)
	if err != nil {
		return err
	}
	b.figures.selects.add(unit)
	if err := b.take(ctx, turn{b.rows.cold, j.process, b.mistyped(j), b.ask(j, b.tokens.cold, once, http.StatusOK), unit}); err != nil {
		return err
	}
	signed, err := b.runPair(ctx, coldAccess(), bareSignature, "proof")
	if err != nil {
		return err
	}
	b.figures.checks.add(signed.bare)
	b.figures.proof.add(signed.ratio)
	if err := b.take(ctx, turn{b.rows.coldAccess, j.process, b.mistyped(j), b.ask(j, b.tokens.access, once, http.StatusOK), signed.bare}); err != nil {
		return err
	}
	hashed := b.askByPassword(j, b.tokens.passwords, once)
	hashed.few = true
	return b.take(ctx, turn{row: b.rows.coldPassword, server: j.process, warmUp: b.mistyped(j), load: hashed})
}

// startSettled starts Jeton and waits until it is idle.
func (b *bench) startSettled(ctx context.Context) (*jeton, error) {
	j, err := b.startJeton(ctx)
	if err != nil {
		return nil, err
	}
	b.figures.ready.add(j.took.Seconds())
	if j.readIn, err = b.settle(ctx, j); err != nil {
		return nil, errors.Join(err, j.stop())
	}
	return j, nil
}

// accessRound has large bodies pass a Jeton that has seen nothing, and then measures what access tokens take, one for each API token.
func (b *bench) accessRound(ctx context.Context) (err error) {
	j, err := b.startSettled(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, j.stop()) }()
	if err := b.bodies(ctx, j); err != nil {
		return err
	}
	before, err := b.memory(ctx, j)
	if err != nil {
		return err
	}
	if err := b.warmUp(ctx, j, b.tokens.access); err != nil {
		return err
	}
	after, err := b.memory(ctx, j)
	if err != nil {
		return err
	}
	b.figures.access.grown(before, after, float64(b.apiTokens))
	return nil
}

// warmRounds presents every token once and then measures, each path beside the bare server. The paths take turns within
// a round, so that a minute in which the machine is slow is every path's.
//
// Two of them are refusals, which cost an attacker nothing to cause: they must not be dearer than what they refuse.
//
// A remembered password is hashed again after fifteen minutes, or one of rest. The probe before each run, and the second
// of warm-up, see to it that it is remembered when the run begins; of the two ends, only the first can come within a run.
func (b *bench) warmRounds(ctx context.Context, j *jeton) (err error) {
	unit, err := b.startBare(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unit.stop()) }()
	if err := b.warmUp(ctx, j, b.tokens.live.part(0, b.presented)); err != nil {
		return err
	}
	after, err := b.memory(ctx, j)
	if err != nil {
		return err
	}
	b.figures.personal.grown(b.empty, after, after.remembered)
	if _, err := b.wrk(ctx, nothing(unit), 1); err != nil {
		return err
	}
	bareFull := load{address: unit.address, request: askGateway(unit.address), order: fixed, tokens: b.tokens.live.one(), status: http.StatusOK}
	// The bare server looks at no token, so any will do.
	paths := append([]turn{{row: b.rows.bareFull, server: unit.process, load: bareFull}}, b.warmPaths(j)...)
	for round := range b.rounds {
		b.progress.say("warm, round %d of %d", round+1, b.rounds)
		for _, path := range paths {
			if err := b.beside(ctx, unit, path); err != nil {
				return err
			}
		}
	}
	b.figures.gcm.compare(b.rows.sealedGCM)
	b.figures.cbc.compare(b.rows.sealedCBC)
	return nil
}

// warmPaths are all that is asked of a Jeton that remembers.
func (b *bench) warmPaths(j *jeton) []turn {
	paths := []turn{
		{row: b.rows.hot, load: b.ask(j, b.tokens.live.one(), fixed, http.StatusOK)},
		{row: b.rows.forwarded, load: b.askForwardAuth(j, b.tokens.live.one())},
		{row: b.rows.access, load: b.ask(j, b.tokens.access.one(), fixed, http.StatusOK)},
		{row: b.rows.session, load: b.ask(j, b.tokens.session, fixed, http.StatusOK)},
		{row: b.rows.password, load: b.askByPassword(j, b.tokens.password, fixed)},
		{row: b.rows.cookie, load: b.askByCookie(j)},
		{row: b.rows.sealedGCM, load: b.askBySealed(j, b.tokens.sealedGCM)},
		{row: b.rows.sealedCBC, load: b.askBySealed(j, b.tokens.sealedCBC)},
		{row: b.rows.random, load: b.ask(j, b.tokens.live.part(0, b.presented), random, http.StatusOK)},
		{row: b.rows.unknown, load: b.ask(j, b.tokens.unknown, random, http.StatusUnauthorized)},
		{row: b.rows.mistyped, load: b.mistyped(j)},
		{row: b.rows.introspection, load: b.introspect(j)},
	}
	for n := range paths {
		paths[n].server = j.process
	}
	return paths
}

// nothing is what the bare server is asked as the unit.
func nothing(unit *bare) load {
	return load{address: unit.address, request: plain(unit.address), order: fixed, status: http.StatusOK, brief: true}
}

// beside measures the bare server and then a path. The two stand seconds apart: the same machine gave 57,000 and 106,000
// bare requests a second within one hour, and a ratio over minutes would be one of the machine to itself.
func (b *bench) beside(ctx context.Context, unit *bare, path turn) error {
	if err := b.take(ctx, turn{row: b.rows.bare, server: unit.process, load: nothing(unit)}); err != nil {
		return err
	}
	if b.rows.bare.failed != nil {
		return fmt.Errorf("measuring the bare server: %w", b.rows.bare.failed)
	}
	if len(path.row.samples) == 0 && !b.hurried { // later it is as warm as it gets
		path.warmUp = path.load
	}
	path.unit = b.rows.bare.samples[len(b.rows.bare.samples)-1].rate()
	return b.take(ctx, path)
}

// warmUps is how often tokens are presented before a path is called warm.
const warmUps = 3

// warmUp has every token of a span verified until Jeton says that it remembers them all. Once isn't enough: while Jeton
// makes room for more, it may decide without remembering.
func (b *bench) warmUp(ctx context.Context, j *jeton, tokens span) error {
	presented, err := tokens.read()
	if err != nil {
		return err
	}
	for range warmUps {
		if err := b.emptyLog(); err != nil {
			return err
		}
		if err := warm(ctx, j.gateway, presented, b.progress.count("presenting every token", tokens.count)); err != nil {
			return err
		}
		if err = j.remembers(ctx, tokens.count); err == nil {
			return nil
		}
		b.progress.say("%v; once more", err)
	}
	return err
}

// maxSettling bounds how many seconds of load go before a look at the memory.
const maxSettling = 10

// idle is a load for which nothing is looked up and nothing is remembered, and which a Jeton without a service refuses as well.
func idle(j *jeton) load {
	return load{address: j.gateway, request: request{head: askGateway(j.gateway).with("jtp" + strings.Repeat("0", secret.Length-3))}, order: fixed}
}

// litter is a load that makes garbage: a check hardly does, and where nothing is thrown away, nothing is collected.
func litter(j *jeton) load {
	return load{address: j.admin, request: request{head: "GET /metrics HTTP/1.1\r\nHost: " + j.admin + "\r\n\r\n"}, order: fixed, few: true}
}

// memory measures Jeton after seconds of load: when all connections have their buffers, and when two garbage collections
// have ended since. What the first of them found alive may be from before. Where that takes too long, it says so.
func (b *bench) memory(ctx context.Context, j *jeton) (memory, error) {
	m, err := j.memory(ctx)
	if err != nil {
		return m, err
	}
	if _, err := b.wrk(ctx, idle(j), 1); err != nil {
		return memory{}, err
	}
	settled := m.collections + 2
	for range maxSettling {
		if err := b.emptyLog(); err != nil {
			return memory{}, err
		}
		if _, err := b.wrk(ctx, litter(j), 1); err != nil {
			return memory{}, err
		}
		if m, err = j.memory(ctx); err != nil || m.collections >= settled {
			return m, err
		}
	}
	b.progress.say("jeton has not collected its garbage twice within %d seconds of load: its live heap may be from before", maxSettling)
	return m, nil
}

// grown adds what memory grew by, for each of a number of tokens.
func (f *footprint) grown(before, after memory, n float64) {
	f.heap.add((after.heap - before.heap) / n)
	f.resident.add((after.resident - before.resident) / n)
	f.mapped.add((after.mapped - before.mapped) / n)
}

// exchangeRounds has the caller's API token, which is warm, exchanged for access tokens, by OAuth's endpoint and by that of
// Matrix42's clients.
func (b *bench) exchangeRounds(ctx context.Context, j *jeton) error {
	matrix42 := b.exchange(j)
	matrix42.request, matrix42.says = exchangeMatrix42(j.public), `"RawToken":"ey`
	paths := []turn{{row: b.rows.exchange, server: j.process, load: b.exchange(j)}, {row: b.rows.exchangeMatrix42, server: j.process, load: matrix42}}
	for round := range b.rounds {
		b.progress.say("exchange, round %d of %d", round+1, b.rounds)
		unit, err := b.runPair(ctx, exchanged(), bareSignature, "exchange")
		if err != nil {
			return err
		}
		b.figures.signatures.add(unit.bare)
		b.figures.exchanged.add(unit.ratio)
		for _, path := range paths {
			path.warmUp, path.unit = path.load, unit.bare
			if err := b.take(ctx, path); err != nil {
				return err
			}
		}
	}
	return nil
}

// exchange has the caller's API token exchanged by OAuth's endpoint.
func (b *bench) exchange(j *jeton) load {
	return load{
		address: j.public, request: exchange(j.public, b.tokens.apiToken.width-1), says: `"access_token":"ey`,
		order: fixed, tokens: b.tokens.apiToken, status: http.StatusOK,
	}
}

// issueTokens is how many tokens a run of issuing begins with: enough for all connections, and soon used up.
const issueTokens = 1024

// issueRounds has owners replace their tokens by new ones, and these by newer ones. But for the first of a run, each
// request presents a token that was issued a moment ago and that Jeton has not seen since, so it pays for a look-up
// beside its change.
//
// It is measured with tokens and not with passwords, which can do it too: the hash of one takes as long as a hundred
// changes, on purpose.
func (b *bench) issueRounds(ctx context.Context, j *jeton) error {
	size := min(issueTokens, b.tokens.live.count/(2*b.rounds))
	slice := func(n int) load {
		tokens := b.tokens.live.part(n*size, size)
		return load{address: j.public, request: rotation(j.public), order: rotating, tokens: tokens, status: http.StatusCreated}
	}
	for round := range b.rounds {
		b.progress.say("issue, round %d of %d", round+1, b.rounds)
		unit, err := b.storeRate(ctx, insertRate)
		if err != nil {
			return err
		}
		b.figures.inserts.add(unit)
		if err := b.take(ctx, turn{b.rows.issue, j.process, slice(2 * round), slice(2*round + 1), unit}); err != nil {
			return err
		}
	}
	return nil
}
