package cli

// For tests: what stands behind Process and Run.
var (
	Hidden   = hidden
	CalledAs = calledAs
	Hangup   = hangup
	Meant    = meant
	Meanings = meanings
)
