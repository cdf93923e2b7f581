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
	allocs  []float64 // of its heap, for each request; none where the server doesn't tell
	failed  error     // why its figures are worth nothing
}

// rows are the paths that are measured.
type rows struct {
	bare, bareFull, hot, forwarded, access, session, password, cookie, sealedGCM, sealedCBC, random, unknown, mistyped *row
	introspection, cold, coldAccess, coldPassword, exchange, exchangeMatrix42, issue, bareProxy, proxy                 *row
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
	tail := tailLevels()
	return rows{
		bare:      &row{name: "bare net/http, 200, a request without headers"},
		bareFull:  &row{name: "bare net/http, 200, the request that nginx sends to Jeton", unit: bareUnit},
		hot:       &row{name: "`/auth-request`, one personal token, warm", unit: bareUnit, ratio: warm, tail: tail},
		forwarded: &row{name: "`/forward-auth`, one personal token, warm", unit: bareUnit, ratio: warm, tail: tail},
		access:    &row{name: "`/auth-request`, one access token, warm", unit: bareUnit, ratio: warm, tail: tail},
		session:   &row{name: "`/auth-request`, one session token, warm", unit: bareUnit, ratio: warm, tail: tail},
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
		cold:         &row{name: "`/auth-request`, personal tokens not yet seen", unit: selectUnit}, // its levels are those of figures.personalProof
		coldAccess:   &row{name: "`/auth-request`, access tokens not yet seen", unit: checkUnit},    // its levels are those of figures.proof
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
		r.bare, r.bareFull, r.hot, r.forwarded, r.access, r.session, r.password, r.cookie, r.sealedGCM, r.sealedCBC, r.random, r.unknown, r.mistyped, r.introspection,
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
