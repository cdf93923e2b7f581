package identity

// Bound has a generation hold so many tokens, for a test that has no time for thousands of signatures.
func (t *Tokens) Bound(tokens int64) { t.memory.max = tokens }

// Told returns how many tokens are remembered.
func (t *Tokens) Told() (n int) {
	g := t.memory.current.Load()
	for _, one := range []*generation{g.young, g.old} {
		one.tokens.Range(func(any, any) bool { n++; return true })
	}
	return n
}
