package main

import (
	"encoding/base64"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"

	"github.com/jeton-io/jeton/internal/secret"
)

// The tokens come from a seeded generator: two sessions measure the same ones. They open nothing but the instance in the
// session's temporary folder, on loopback, for as long as the session runs; the file of them is 0600 all the same.
const (
	liveSeed = iota + 1
	unknownSeed
	orderSeed
	callerSeed
	accessSeed
	verifierSeed
	sessionSeed
)

// unknownTokens is how many well-formed tokens that nobody has are presented, one after the other.
const unknownTokens = 100_000

// span is a range of lines in a file. Each is one credential, and as long as all others of the file.
type span struct {
	file         string
	width        int // bytes of a line: the credential and a line break
	first, count int
}

// part returns count lines of the span from the first-th on.
func (s span) part(first, count int) span {
	s.first, s.count = s.first+first, count
	return s
}

// one returns the first line of the span.
func (s span) one() span { return s.part(0, 1) }

// lines are the credentials that a span holds.
type lines struct {
	text  []byte
	width int
}

// read returns what a span holds.
func (s span) read() (lines, error) {
	f, err := os.Open(s.file)
	if err != nil {
		return lines{}, fmt.Errorf("reading the tokens: %w", err)
	}
	defer drop(f)
	text := make([]byte, s.count*s.width)
	if _, err := io.ReadFull(io.NewSectionReader(f, int64(s.first)*int64(s.width), int64(len(text))), text); err != nil {
		return lines{}, fmt.Errorf("reading the tokens: %w", err)
	}
	return lines{text, s.width}, nil
}

// count returns how many there are; at returns the n-th.
func (l lines) count() int      { return len(l.text) / l.width }
func (l lines) at(n int) string { return string(l.text[n*l.width : (n+1)*l.width-1]) }

// tokens are what is presented. A file holds one a line, the live ones shuffled: a path that presents one after the other
// then meets users in no order. Behind the personal tokens stand the other credentials that are as long.
type tokens struct {
	live, unknown, bad span
	cold               span // kept back for the cold rounds
	cookie, session    span // the caller's
	password           span // the same
	passwords          span // one for each of the first users, shuffled
	access             span // one for each API token that was filled in, shuffled
	apiToken           span // the caller's

	sealedGCM, sealedCBC span // the queries of a call by the caller
}

// source returns a generator for a seed: one whose bytes are as good as random, so that digests spread as real ones do.
func source(seed uint64) *rand.ChaCha8 {
	var key [32]byte
	key[0] = byte(seed)
	return rand.NewChaCha8(key)
}

// makeSecrets returns the first n personal tokens of a seed.
func makeSecrets(n int, seed uint64) ([]secret.Text, error) {
	random := source(seed)
	all := make([]secret.Text, n)
	for i := range all {
		var err error
		if all[i], err = secret.Make(secret.Personal, random); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// mistype returns a token whose checksum is wrong, and nothing else: one of another length or alphabet would be refused
// even sooner.
func mistype(t secret.Text) secret.Text {
	text := []byte(t.Reveal())
	last := &text[len(text)-1]
	if *last == '0' {
		*last = '1'
	} else {
		*last = '0'
	}
	return secret.Text(text)
}

// everyonesPassword is the password of the caller, and of the first users.
const everyonesPassword = "twenty-six characters long"

// basicText returns what stands for the n-th user's name and password in HTTP Basic (RFC 7617), but for the padding of its
// Base64: a name of 11 characters, a colon and a password of 26 come to 51 characters, as a token does, and "=".
func basicText(n int) secret.Text {
	return secret.Text(base64.RawStdEncoding.EncodeToString([]byte(userName(n) + ":" + everyonesPassword)))
}

// writeTokens writes the file of tokens: the live ones shuffled, then the unknown ones, then a mistyped one; then the
// caller's cookie, session token and password, the first users' passwords shuffled, and the tokens that
// are kept back.
func writeTokens(dir string, live, cold []secret.Text, of *caller, passwords int) (tokens, error) {
	unknown, err := makeSecrets(unknownTokens, unknownSeed)
	if err != nil {
		return tokens{}, err
	}
	all := span{file: filepath.Join(dir, "tokens"), width: secret.Length + 1}
	next := func(count int) span {
		s := all.part(all.count, count)
		all.count += count
		return s
	}
	t := tokens{live: next(len(live)), unknown: next(len(unknown)), bad: next(1), cookie: next(1), session: next(1), password: next(1), passwords: next(passwords), cold: next(len(cold))}
	text := make([]byte, 0, all.count*all.width)
	order := rand.New(source(orderSeed))
	for _, i := range order.Perm(len(live)) {
		text = append(append(text, live[i].Reveal()...), '\n')
	}
	for _, s := range append(unknown, mistype(unknown[0]), of.cookie, of.session, basicText(callerNumber)) {
		text = append(append(text, s.Reveal()...), '\n')
	}
	for _, i := range order.Perm(passwords) {
		text = append(append(text, basicText(1+i).Reveal()...), '\n')
	}
	for _, i := range order.Perm(len(cold)) {
		text = append(append(text, cold[i].Reveal()...), '\n')
	}
	if err := os.WriteFile(all.file, text, 0o600); err != nil {
		return tokens{}, fmt.Errorf("writing the tokens: %w", err)
	}
	return t, nil
}
