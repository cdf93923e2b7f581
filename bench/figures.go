package main

import "cmp"

// figure is one line of the second table: what is no path.
type figure struct {
	name   string
	values []float64
	format func(float64) string
	levels levels
	failed error // why it has no value
}

func (f *figure) add(v float64) { f.values = append(f.values, v) }

// footprint is what tokens take.
type footprint struct{ heap, resident, mapped *figure }

// newFootprint names what one of some tokens takes.
func newFootprint(tokens string) footprint {
	memory := levels{must: 300, aim: 128, beyond: 64, atMost: true}
	return footprint{
		heap:     &figure{name: "memory per " + tokens + ": live heap grown by", format: octets, levels: memory},
		resident: &figure{name: "memory per " + tokens + ": RSS grown by", format: octets, levels: memory},
		mapped:   &figure{name: "memory per " + tokens + ": of that RSS, pages of the database's file, which the system can take back", format: octets},
	}
}

// sealedFigures are what sealed tokens of a mode take that were never seen, and what those that are remembered are to the bare AES.
type sealedFigures struct{ part, proven, opened, warm *figure }

func newSealedFigures(mode string) sealedFigures {
	return sealedFigures{
		part:   &figure{name: "in process, to " + aesUnit + " in " + mode + ": a call's sealed tokens, not yet seen, are proven", format: fineRatio},
		proven: &figure{name: "in process: a call's sealed tokens in " + mode + ", not yet seen, proven, a second", format: thousands},
		opened: &figure{name: aesUnit + " in " + mode + ": both tokens of a call decrypted, a second", format: thousands},
		warm:   &figure{name: "by HTTP, to " + aesUnit + " in " + mode + ": a call's sealed tokens, warm, are admitted", format: fineRatio},
	}
}

// compare sets the calls of a row, whose tokens are remembered, beside the bare AES.
func (f *sealedFigures) compare(warm *row) {
	if f.warm.failed = cmp.Or(warm.failed, f.opened.failed); f.warm.failed != nil || len(f.opened.values) == 0 {
		return
	}
	for _, rate := range warm.each(rateOf) {
		f.warm.add(rate / median(f.opened.values))
	}
}

// bodyFigures are what a large body takes that passes the proxy.
type bodyFigures struct{ grown, rate *figure }

func newBodyFigures(way string) bodyFigures {
	return bodyFigures{
		grown: &figure{name: "a large body " + way + " through Jeton's proxy: peak RSS grown by", format: mebibytes, levels: levels{must: 32, aim: 16, beyond: 8, atMost: true}.times(1 << 20)},
		rate:  &figure{name: "a large body " + way + " through Jeton's proxy: of it, a second", format: mebibytes},
	}
}

// figures are those lines.
type figures struct {
	up, down                                   bodyFigures
	personal, access                           footprint
	gcm, cbc                                   sealedFigures
	ready, proof, personalProof, exchanged     *figure
	opaque, opaqueRandom, jwt                  *figure // nanoseconds of a warm check
	opaqueAllocs, jwtAllocs                    *figure
	cores, coresRandom                         *figure // what a second core adds
	selects, inserts, checks, signatures, file *figure
}

func newFigures() figures {
	opaque := levels{must: 1000, aim: 300, beyond: 200, atMost: true}
	cores := levels{must: 1.7, aim: 1.9, beyond: 1.95}
	return figures{
		ready:    &figure{name: "start to ready", format: seconds, levels: levels{must: 2, aim: 1, beyond: 0.2, atMost: true}},
		personal: newFootprint("live token"),
		access:   newFootprint("live API token, by its access token"),
		// What HTTP costs is as much as a third of a signature's check: no server could reach these levels by way of it.
		proof: &figure{
			name: "in process, to " + checkUnit + ": an access token not yet seen is proven", format: ratio, levels: levels{must: 0.85, aim: 0.95, beyond: 0.98},
		},
		personalProof: &figure{
			name: "in process, to " + selectUnit + ": a personal token not yet seen is admitted", format: ratio, levels: levels{must: 0.4, aim: 0.6, beyond: 0.8},
		},
		opaque:       &figure{name: "in process: an opaque token, warm, of 1,000", format: nanoseconds, levels: opaque},
		opaqueRandom: &figure{name: "in process: opaque tokens at random of 1,000,000, warm", format: nanoseconds, levels: opaque},
		jwt:          &figure{name: "in process: a JWT, warm", format: nanoseconds, levels: levels{must: 1000, aim: 600, beyond: 500, atMost: true}},
		opaqueAllocs: &figure{name: "in process: allocations of a warm check of an opaque token", format: thousands},
		jwtAllocs:    &figure{name: "in process: allocations of a warm check of a JWT", format: thousands},
		cores:        &figure{name: "in process: two cores to one, opaque tokens of 1,000", format: ratio, levels: cores},
		coresRandom:  &figure{name: "in process: two cores to one, opaque tokens of 1,000,000", format: ratio, levels: cores},
		exchanged: &figure{
			name: "in process, to " + signatureUnit + ": an API token, warm, is exchanged", format: ratio, levels: exchangeLevels(),
		},
		up:         newBodyFigures("up"),
		down:       newBodyFigures("down"),
		gcm:        newSealedFigures("GCM"),
		cbc:        newSealedFigures("CBC"),
		selects:    &figure{name: selectUnit + ": one prepared select by digest, a second", format: thousands},
		inserts:    &figure{name: insertUnit + ": one durable transaction of a token and its audit event, a second", format: thousands},
		checks:     &figure{name: checkUnit + ": one ES256 signature checked, a second", format: thousands},
		signatures: &figure{name: signatureUnit + ": one ES256 signature made, a second", format: thousands},
		file:       &figure{name: "database file", format: mebibytes},
	}
}

// all lists the figures in the order of the table.
func (f *figures) all() []*figure {
	return []*figure{
		f.ready, f.personal.heap, f.personal.resident, f.personal.mapped, f.access.heap, f.access.resident, f.access.mapped,
		f.up.grown, f.down.grown, f.up.rate, f.down.rate, f.opaque, f.opaqueRandom, f.jwt, f.opaqueAllocs, f.jwtAllocs, f.cores, f.coresRandom,
		f.personalProof, f.proof, f.exchanged, f.gcm.part, f.cbc.part, f.gcm.warm, f.cbc.warm, f.gcm.proven, f.cbc.proven,
		f.selects, f.inserts, f.checks, f.signatures, f.gcm.opened, f.cbc.opened, f.file,
	}
}
