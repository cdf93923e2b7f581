package main

import (
	"context"
	"fmt"
)

// inProcess measures once what needs no server: what a Go program pays that has Jeton's heart in it.
//
// Sealed tokens that were never seen are here because by HTTP each would have to be sealed a moment ago, which costs as much.
func (b *bench) inProcess(ctx context.Context) error {
	f := &b.figures
	for _, one := range []struct {
		measure func(context.Context) error
		to      []*figure
	}{
		{b.warmInProcess, []*figure{f.opaque, f.opaqueRandom, f.opaqueAllocs, f.cores, f.coresRandom}},
		{b.warmJWT, []*figure{f.jwt, f.jwtAllocs}},
		{b.coldInProcess, []*figure{f.personalProof}},
		{func(ctx context.Context) error { return b.coldSealed(ctx, coldGCM(), &f.gcm) }, []*figure{f.gcm.part, f.gcm.proven, f.gcm.opened}},
		{func(ctx context.Context) error { return b.coldSealed(ctx, coldCBC(), &f.cbc) }, []*figure{f.cbc.part, f.cbc.proven, f.cbc.opened}},
	} {
		err := one.measure(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err == nil {
			continue
		}
		b.progress.say("in process: %v", err)
		for _, f := range one.to {
			f.failed = err
		}
	}
	return nil
}

// warmInProcess presents opaque tokens that are remembered, on one core and on two.
func (b *bench) warmInProcess(ctx context.Context) error {
	parts, err := b.run(ctx, warmOpaque())
	if err != nil {
		return err
	}
	const few, many, second = "tokens=1000", "tokens=1000000", "-2"
	for _, name := range []string{few, many, few + second, many + second} {
		if parts[name]["ns/op"] <= 0 {
			return fmt.Errorf("reading the Go benchmark %s: it lacks %s: %v", warmOpaque().name, name, parts)
		}
	}
	b.figures.opaque.add(parts[few]["ns/op"])
	b.figures.opaqueRandom.add(parts[many]["ns/op"])
	b.figures.opaqueAllocs.add(parts[many]["allocs/op"])
	b.figures.cores.add(parts[few]["ns/op"] / parts[few+second]["ns/op"])
	b.figures.coresRandom.add(parts[many]["ns/op"] / parts[many+second]["ns/op"])
	return nil
}

// warmJWT presents an access token that is remembered.
func (b *bench) warmJWT(ctx context.Context) error {
	parts, err := b.run(ctx, warmAccess())
	if err != nil {
		return err
	}
	if parts[""]["ns/op"] <= 0 {
		return fmt.Errorf("reading the Go benchmark %s: %v", warmAccess().name, parts)
	}
	b.figures.jwt.add(parts[""]["ns/op"])
	b.figures.jwtAllocs.add(parts[""]["allocs/op"])
	return nil
}

// coldInProcess decides about calls by personal tokens that aren't in memory.
func (b *bench) coldInProcess(ctx context.Context) error {
	of, err := b.runPair(ctx, coldPersonal(), bareSelect, "proof")
	if err != nil {
		return err
	}
	b.figures.personalProof.add(of.ratio)
	return nil
}

// coldSealed proves sealed tokens that were never seen.
func (b *bench) coldSealed(ctx context.Context, of goBench, to *sealedFigures) error {
	unit, err := b.runPair(ctx, of, bareAES, "proof")
	if err != nil {
		return err
	}
	to.opened.add(unit.bare)
	to.proven.add(unit.bare * unit.ratio)
	to.part.add(unit.ratio)
	return nil
}
