// Package secret makes and reads Jeton's opaque secrets and keeps them out of logs.
//
// An opaque secret is 51 alphanumeric characters:
//
//	jtp 0aB3…xyz 1a2B3c
//	│   │        └ 6   zero-padded base62 of the CRC-32 (IEEE) over all that stands before
//	│   └ 42  random characters of 0-9A-Za-z: 250 bits
//	└ 3   tag: what kind of secret, and the version of this format
//
// The checksum is no protection: it lets a mistyped or cut secret be refused without a look-up, and lets a scanner
// that searches code for leaked secrets be sure of what it found. What protects is that 250 bits can't be guessed and
// that only an HMAC-SHA-256 under a key outside the table (a pepper) is stored: a dump of the database confirms no guess.
//
// The package refuses to make a secret when its source of randomness fails, and to print one: see [Text].
package secret

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"log/slog"
	"strings"
	"sync"
	"unsafe"
)

// Tag is the first three characters of an opaque secret: its kind and the version of its format.
type Tag string

// The tags in use.
const (
	Personal     Tag = "jtp" // a user's rotating personal token
	Session      Tag = "jts" // a session token
	ClientSecret Tag = "jtc" // an OAuth client secret of a service account
	Console      Tag = "jtb" // the cookie of a browser that is logged in to the console
	API          Tag = "jta" // the same browser's cookie for the protected APIs
	SealedAPI    Tag = "jtq" // that cookie where tokens in a query began the session, for their project's APIs
	Link         Tag = "jtl" // in a link that is good once: an invitation, or a log-in
)

// family is what every tag begins with.
const family = "jt"

// Opaque reports whether text is a well-formed secret of any tag, also of one that is yet to come: see Valid.
func Opaque(text string) bool {
	return strings.HasPrefix(text, family) && len(text) == Length && Valid(text, Tag(text[:tagLength]))
}

// Length is the number of characters of every opaque secret.
const Length = tagLength + randomLength + checksumLength

const (
	tagLength      = 3
	randomLength   = 42
	checksumLength = 6

	// maxReads bounds how often Random asks for 64 bytes, of which it can use about 62: that 16 times don't do for a secret
	// happens with a source that is broken, and never with another.
	maxReads = 16

	alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)

// redacted is what every printing of a Text shows.
const redacted = "[secret]"

// Text is a secret in the clear. It prints as "[secret]" by every way that package fmt, log/slog and encoding/json
// know; only Reveal gives it away, so that a search for Reveal finds every place where a secret leaves the program.
//
// Three ways round that are closed to no type that is a string:
//   - fmt calls no method of what it reaches through an unexported field, at whatever depth. Never print a struct that
//     keeps a Text below one; better, keep none there.
//   - fmt calls none either where it complains of a verb, as in "%!p(…)": of %p, of %w for what is no error, and of %s
//     for a pointer within a struct. Print structs by %v.
//   - encoding/json writes a map's key as it is. Never key a map by a Text.
type Text string

// Reveal returns the secret itself.
func (t Text) Reveal() string { return string(t) }

// String implements fmt.Stringer without giving the secret away.
func (t Text) String() string { return redacted }

// GoString implements fmt.GoStringer, for %#v, without giving the secret away.
func (t Text) GoString() string { return redacted }

// Format implements fmt.Formatter: whatever the verb (%x and %q would else go round String), it prints "[secret]".
func (t Text) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue implements slog.LogValuer without giving the secret away.
func (t Text) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText implements encoding.TextMarshaler, which encoding/json uses too, without giving the secret away.
func (t Text) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Make returns a new secret of the given tag, reading its 250 bits from random. It returns an error where Random does.
func Make(tag Tag, random io.Reader) (Text, error) {
	body, err := Random(randomLength, random)
	if err != nil {
		return "", err
	}
	text := append([]byte(tag), body...)
	sum := checksum(text)
	return Text(append(text, sum[:]...)), nil
}

// Random returns so many characters of 0-9A-Za-z, each as likely as any other: 43 are 256 bits. They survive every editor, shell and
// configuration file. It wraps the error of a source that fails, and refuses one that never yields what it can use: there is no weaker
// fallback. It is for some hundred characters at most.
func Random(length int, random io.Reader) (Text, error) {
	text := make([]byte, 0, length)
	var buf [64]byte
	for range maxReads {
		if _, err := io.ReadFull(random, buf[:]); err != nil {
			return "", fmt.Errorf("reading randomness for a secret: %w", err)
		}
		for _, b := range buf {
			// 248 is the largest multiple of 62 in a byte: taking the remainder of less keeps every character equally likely.
			if b < 248 {
				text = append(text, alphabet[b%62])
			}
			if len(text) == length {
				return Text(text), nil
			}
		}
	}
	return "", errors.New("reading randomness for a secret: the source yields none")
}

// Looks reports whether text starts like a secret of the given tag. It is cheap and proves nothing: see Valid.
func Looks(text string, tag Tag) bool {
	return len(text) >= tagLength && text[:tagLength] == string(tag)
}

// Valid reports whether text is a well-formed secret of the given tag: its length, its alphabet and its checksum.
// That it was ever issued is for a look-up to say.
func Valid(text string, tag Tag) bool {
	if len(text) != Length || !Looks(text, tag) {
		return false
	}
	for i := range len(text) {
		if !alphanumeric(text[i]) {
			return false
		}
	}
	body := text[:tagLength+randomLength]
	sum := checksum(unsafe.Slice(unsafe.StringData(body), len(body))) //nolint:gosec // G103: it is only read
	return string(sum[:]) == text[len(body):]
}

func alphanumeric(c byte) bool {
	return '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z'
}

// checksum returns the CRC-32 of body in base62, the most significant digit first. 62⁶ is above 2³², so it always fits.
func checksum(body []byte) [checksumLength]byte {
	n := crc32.ChecksumIEEE(body)
	var sum [checksumLength]byte
	for i := checksumLength - 1; i >= 0; i-- {
		sum[i] = alphabet[n%62]
		n /= 62
	}
	return sum
}

// Sum is what is stored of a secret: HMAC-SHA-256 under a pepper.
type Sum [sha256.Size]byte

// Pepper is a key under which secrets are digested. Make one with NewPepper. It is safe for concurrent use.
//
// To make an HMAC costs more than to run it over a secret: one that has been used is kept for the next.
type Pepper struct{ idle sync.Pool } // of *hasher, each as it was when it was new

type hasher struct {
	mac hash.Hash
	sum []byte
}

// NewPepper returns the pepper of a key of 32 bytes, of which it keeps a copy of its own.
func NewPepper(key []byte) *Pepper {
	key = bytes.Clone(key)
	p := new(Pepper)
	p.idle.New = func() any { return &hasher{hmac.New(sha256.New, key), make([]byte, 0, sha256.Size)} }
	return p
}

// Digest returns the Sum of text.
func (p *Pepper) Digest(text Text) Sum {
	h := p.idle.Get().(*hasher)                                                  //nolint:errcheck,forcetypeassert // nothing else is put there
	_, _ = h.mac.Write(unsafe.Slice(unsafe.StringData(string(text)), len(text))) //nolint:gosec // G103: it is only read; a hash never fails to take bytes
	sum := Sum(h.mac.Sum(h.sum))
	h.mac.Reset() // also of what it still holds of the secret
	p.idle.Put(h)
	return sum
}

// Redact replaces whatever in text has the form of an opaque secret or of a signed token, whole or a little cut or mistyped,
// by "[secret]", and what stands behind the name of a parameter in which sealed tokens come: for text that a caller wrote and a log
// or an event shall show, such as a path into which a token was pasted. What has neither such a form nor such a name, it can't know
// for a secret.
func Redact(text string) string {
	return redactRuns(redactRuns(redactNamed(text), "eyJ", ofSigned), family, alphanumeric) // the signed ones first: family may stand in them
}

// maxExcerpt bounds an excerpt, in characters.
const maxExcerpt = 120

// Excerpt is what is shown to people of a value that anybody may have written: without what looks like a secret in it (see Redact), and
// not more than 120 characters. Whoever shows it on one line quotes it.
func Excerpt(value string) string {
	value = Redact(value)
	if runes := []rune(value); len(runes) > maxExcerpt {
		value = string(runes[:maxExcerpt]) + "…"
	}
	return value
}

// named are the parameters in which sealed tokens come, which have no form by which they could be known: their names say what they
// are. A product whose parameters are others adds them here.
var named = [...]string{"XST", "XUT"}

// redactNamed replaces what stands behind a name and "=", up to the next "&" or control character. It takes whatever may be there: a
// token's Base64 has "/" and "=" in it, its "+" may have become a space, and some clients put it into quotes. The name counts in any
// case, and "=" percent-encoded, too, as often as somebody likes. A name itself that is percent-encoded goes unseen: who pastes an
// address doesn't write it so.
func redactNamed(text string) string {
	if strings.IndexByte(text, '=') < 0 && strings.IndexByte(text, '%') < 0 {
		return text // as most are
	}
	var b strings.Builder
	kept := 0 // what stands before it is in b
	for at := 0; at < len(text); at++ {
		start := valueAt(text, at)
		if start == 0 {
			continue
		}
		for at = start; at < len(text) && text[at] != '&' && text[at] >= ' '; {
			at++
		}
		if at > start {
			b.WriteString(text[kept:start])
			b.WriteString(redacted)
			kept = at
		}
	}
	if kept == 0 {
		return text
	}
	return b.String() + text[kept:]
}

// valueAt returns where the value begins if one of the names, with "=", stands at a place of text, else 0.
func valueAt(text string, at int) int {
	for _, name := range named {
		end := at + len(name)
		if end >= len(text) || text[at]|0x20 != name[0]|0x20 || !strings.EqualFold(text[at:end], name) { // a first letter spares most places the rest
			continue
		}
		if text[end] == '=' {
			return end + 1
		}
		if text[end] != '%' {
			continue
		}
		for end++; strings.HasPrefix(text[end:], "25"); { // "%" itself, percent-encoded
			end += len("25")
		}
		if end+2 <= len(text) && strings.EqualFold(text[end:end+2], "3D") {
			return end + len("3D")
		}
	}
	return 0
}

// redactRuns replaces the runs that begin with a tag and are long enough, of the characters told.
func redactRuns(text, tag string, of func(c byte) bool) string {
	if len(text) < minRedacted {
		return text // as most are
	}
	var b strings.Builder
	kept := 0 // what stands before it is in b
	for at := 0; ; {
		next := strings.Index(text[at:], tag)
		if next < 0 {
			break
		}
		start := at + next
		for at = start; at < len(text) && of(text[at]); {
			at++
		}
		if at-start >= minRedacted {
			b.WriteString(text[kept:start])
			b.WriteString(redacted)
			kept = at
		}
	}
	if kept == 0 {
		return text
	}
	return b.String() + text[kept:]
}

// ofSigned reports whether a character may stand in a JWS (RFC 7515 section 3.1), or in one whose dots a URL has percent-encoded:
// its signature is more than nothing to whoever guesses the claims. One begins with {" in Base64.
func ofSigned(c byte) bool { return alphanumeric(c) || c == '-' || c == '_' || c == '.' || c == '%' }

// minRedacted is the length from which a run that begins like a secret is taken for one.
const minRedacted = 40
