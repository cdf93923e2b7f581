package main

// row is one path of the table.
type row struct {
	name    string
	unit    string // what its ratio is to; empty where there is none
	ratio   levels
	tail    levels // of p99, in milliseconds
	samples []sample
	ratios  []float64
	rss     []float64 // of the server after each run, in bytes
	failed  error     // why its figures are worth nothing
}

// rows are the paths that are measured.
type rows struct {
	bare, bareFull, hot, access, password, cookie, sealedGCM, sealedCBC, random, unknown, mistyped, introspection *row
	cold, coldAccess, coldPassword, exchange, exchangeMatrix42, issue, bareProxy, proxy                           *row
}

// The units.
const (
	bareUnit      = "bare net/http"
	selectUnit    = "SQLite's select"
	insertUnit    = "SQLite's insert"
	checkUnit     = "the bare check"
	signatureUnit = "the bare signature"
	aesUnit       = "the bare AES"
	proxyUnit     = "the bare reverse proxy"
)

// exchangeLevels are those of an exchange, by HTTP and in process.
func exchangeLevels() levels { return levels{must: 0.4, aim: 0.6, beyond: 0.8} }

// newRows names the paths and what they have to reach.
func newRows() rows {
	warm := levels{must: 0.60, aim: 0.80, beyond: 1.20}
	inQuery := levels{must: 0.45, aim: 0.65, beyond: 0.90}
	exchange := exchangeLevels()
	tail := levels{must: 5, aim: 2.5, beyond: 1.5, atMost: true}
	return rows{
		bare:      &row{name: "bare net/http, 200, a request without headers"},
		bareFull:  &row{name: "bare net/http, 200, the request that nginx sends to Jeton", unit: bareUnit},
		hot:       &row{name: "`/auth-request`, one personal token, warm", unit: bareUnit, ratio: warm, tail: tail},
		access:    &row{name: "`/auth-request`, one access token, warm", unit: bareUnit, ratio: warm, tail: tail},
		password:  &row{name: "`/auth-request`, Basic, one user, warm", unit: bareUnit, ratio: levels{must: 0.55, aim: 0.75, beyond: 1.00}},
		cookie:    &row{name: "`/auth-request`, browser session by cookie, warm", unit: bareUnit, ratio: warm, tail: tail},
		sealedGCM: &row{name: "`/auth-request`, sealed tokens in the query, GCM, warm", unit: bareUnit, ratio: inQuery},
		sealedCBC: &row{name: "`/auth-request`, the same in CBC, warm", unit: bareUnit, ratio: inQuery},
		random:    &row{name: "`/auth-request`, personal tokens at random among all, warm", unit: bareUnit, ratio: warm, tail: tail},
		unknown:   &row{name: "`/auth-request`, refused: a token that nobody has", unit: bareUnit},
		mistyped:  &row{name: "`/auth-request`, refused: a wrong checksum", unit: bareUnit},
		introspection: &row{
			name: "`POST /oauth/introspect`, one access token, by a client's secret, warm", unit: bareUnit, ratio: levels{must: 0.45, aim: 0.60, beyond: 1.00},
		},
		cold:         &row{name: "`/auth-request`, personal tokens not yet seen", unit: selectUnit, ratio: levels{must: 0.4, aim: 0.6, beyond: 0.8}},
		coldAccess:   &row{name: "`/auth-request`, access tokens not yet seen", unit: checkUnit}, // its levels are those of figures.proof
		coldPassword: &row{name: "`/auth-request`, Basic, cold: a right password not remembered"},
		exchange:     &row{name: "`POST /oauth/token`, one API token, warm, for an access token", unit: signatureUnit, ratio: exchange},
		exchangeMatrix42: &row{
			name: "`POST /m42Services/…/GenerateAccessTokenFromApiToken/?`, the same", unit: signatureUnit, ratio: exchange,
		},
		bareProxy: &row{name: "bare `httputil.ReverseProxy`, a call with a personal token"},
		proxy: &row{
			name: "Jeton's proxy, the same call, warm", unit: proxyUnit, ratio: levels{must: 0.85, aim: 0.95, beyond: 1.00},
		},
		issue: &row{name: "`POST /v1/me/personal-token`, a new one for the former", unit: insertUnit, ratio: levels{must: 0.4, aim: 1.0, beyond: 2.0}},
	}
}

// all lists the rows in the order of the table.
func (r *rows) all() []*row {
	return []*row{
		r.bare, r.bareFull, r.hot, r.access, r.password, r.cookie, r.sealedGCM, r.sealedCBC, r.random, r.unknown, r.mistyped, r.introspection,
		r.bareProxy, r.proxy, r.cold, r.coldAccess, r.coldPassword, r.exchange, r.exchangeMatrix42, r.issue,
	}
}

// each picks one figure of every sample.
func (r *row) each(pick func(*sample) float64) []float64 {
	values := make([]float64, len(r.samples))
	for i := range r.samples {
		values[i] = pick(&r.samples[i])
	}
	return values
}

// The figures of a sample that the table shows.
func rateOf(s *sample) float64 { return s.rate() }
func p50Of(s *sample) float64  { return s.p50.Seconds() * 1000 }
func p99Of(s *sample) float64  { return s.p99.Seconds() * 1000 }
func busyOf(s *sample) float64 { return s.busy }
func costOf(s *sample) float64 { return s.busy / s.rate() * 1e6 } // microseconds of the core for each request

// saturated is the share of its core that a server must have had for a rate to be its own. With less, wrk was the slower
// of the two, or something else ran on the core.
const saturated = 0.85

// verdict says which levels the row reaches, and doubts them where the core wasn't the server's. Issuing is left out of
// that: it waits for the disk.
func (r *row) verdict() string {
	switch {
	case r.failed != nil:
		return "**failed**: " + r.failed.Error()
	case len(r.samples) == 0:
		return "**not measured**"
	}
	text := r.ratio.verdict(median(r.ratios))
	if r.tail != (levels{}) {
		text += ", p99 " + r.tail.verdict(median(r.each(p99Of)))
	}
	if busy := median(r.each(busyOf)); busy < saturated && r.unit != insertUnit {
		text += ", but the server had only " + percent(busy) + " of its core"
	}
	return text
}

// figure is one line of the second table: what is no path.
type figure struct {
	name   string
	values []float64
	format func(float64) string
	levels levels
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

// sealedFigures are what sealed tokens of a mode take that were never seen.
type sealedFigures struct{ part, proven, opened *figure }

func newSealedFigures(mode string) sealedFigures {
	return sealedFigures{
		part:   &figure{name: "in process, to " + aesUnit + " in " + mode + ": a call's sealed tokens, not yet seen, are proven", format: fineRatio},
		proven: &figure{name: "in process: a call's sealed tokens in " + mode + ", not yet seen, proven, a second", format: thousands},
		opened: &figure{name: aesUnit + " in " + mode + ": both tokens of a call decrypted, a second", format: thousands},
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
	ready, proof, exchanged                    *figure
	selects, inserts, checks, signatures, file *figure
}

func newFigures() figures {
	return figures{
		ready:    &figure{name: "start to ready", format: seconds, levels: levels{must: 2, aim: 1, beyond: 0.2, atMost: true}},
		personal: newFootprint("live token"),
		access:   newFootprint("live API token, by its access token"),
		// What HTTP costs is as much as a third of a signature's check: no server could reach these levels by way of it.
		proof: &figure{
			name: "in process, to " + checkUnit + ": an access token not yet seen is proven", format: ratio, levels: levels{must: 0.85, aim: 0.95, beyond: 0.98},
		},
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
		f.up.grown, f.down.grown, f.up.rate, f.down.rate, f.proof, f.exchanged, f.gcm.part, f.cbc.part, f.gcm.proven, f.cbc.proven,
		f.selects, f.inserts, f.checks, f.signatures, f.gcm.opened, f.cbc.opened, f.file,
	}
}
