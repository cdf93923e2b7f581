package account

import (
	"bytes"
	"context"
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"io"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/bcrypt"
	"golang.org/x/text/unicode/norm"

	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/secret"
)

// Argon2id's parameters for new hashes (OWASP's password storage cheat sheet: 19 MiB, two passes, one lane).
const (
	argonMemory = 19 * 1024 // KiB
	argonTime   = 2
	argonLanes  = 1
	argonSalt   = 16
	argonKey    = 32
)

// The shortest and longest passwords, in characters. There is no rule about which characters (NIST SP 800-63B-4).
const (
	minPassword = 8
	maxPassword = 256
	// maxPasswordBytes bounds what is hashed at all.
	maxPasswordBytes = 1024
)

// Bounds of imported hashes: a hash that takes minutes to check would hold a slot for as long.
const (
	maxArgonMemory  = 256 * 1024 // KiB
	maxArgonTime    = 16
	maxPBKDF2Rounds = 2_000_000
	maxHashLength   = 512
)

// bcryptForm is a bcrypt hash of a cost from 4 to 14; 2x, which a faulty program made, isn't one.
var bcryptForm = regexp.MustCompile(`^\$2[aby]\$(0[4-9]|1[0-4])\$[./A-Za-z0-9]{53}$`)

// maxBcryptPassword is the number of bytes that bcrypt looks at.
const maxBcryptPassword = 72

// checkPassword refuses a password for its length alone, in characters, and for bytes that two programs could read in
// different ways. It doesn't notice one that is common or was leaked elsewhere.
func checkPassword(field string, password secret.Text) error {
	text := password.Reveal()
	switch n := utf8.RuneCountInString(text); {
	case !utf8.ValidString(text) || len(text) > maxPasswordBytes:
		return authority.Field(field, "is not UTF-8 or longer than 1024 bytes", "")
	case n < minPassword:
		return authority.Field(field, "is shorter than 8 characters", "Choose a longer one.")
	case n > maxPassword:
		return authority.Field(field, "is longer than 256 characters", "Choose a shorter one.")
	}
	return nil
}

// hasher makes and checks hashes of passwords, a bounded number at a time. One takes 19 MiB and some 25 ms of a core:
// without a bound, a flood of log-ins would take all memory and every core from the calls that present tokens.
type hasher struct {
	slots  chan struct{} // one token a hash under way
	queue  chan struct{} // one token a caller, waiting or under way
	done   atomic.Uint64 // hashes begun since the start
	random io.Reader
	dummy  string // a hash whose password nobody has
}

// queuePerSlot is how many callers may wait for each slot; with 25 ms a hash, half a second at most.
const queuePerSlot = 20

// newHasher hashes a password that nobody has just as it would anybody's, so that checking it costs what theirs do.
func newHasher(slots int, random io.Reader) (*hasher, error) {
	if slots == 0 {
		slots = max(1, runtime.GOMAXPROCS(0)/2)
	}
	h := &hasher{slots: make(chan struct{}, slots), queue: make(chan struct{}, slots*(1+queuePerSlot)), random: random}
	nobody, err := secret.Make("", random)
	if err != nil {
		return nil, err
	}
	h.dummy, err = h.hash(context.Background(), nobody)
	return h, err
}

// enter waits in the queue for a slot; the caller calls leave when it is done. It returns ErrBusy where too many wait
// already.
func (h *hasher) enter(ctx context.Context) (leave func(), err error) {
	select {
	case h.queue <- struct{}{}:
	default:
		return nil, fmt.Errorf("checking a password: %w", authority.ErrBusy)
	}
	free, err := h.slot(ctx)
	if err != nil {
		<-h.queue
		return nil, err
	}
	return func() { free(); <-h.queue }, nil
}

// slot waits for a slot until ctx ends, and then returns ErrBusy.
func (h *hasher) slot(ctx context.Context) (leave func(), err error) {
	select {
	case h.slots <- struct{}{}:
		h.done.Add(1)
		return func() { <-h.slots }, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("waiting to hash a password: %w: %w", authority.ErrBusy, ctx.Err())
	}
}

// hash returns the PHC string of password under Argon2id. It waits for a slot as long as ctx allows, and not in the queue:
// who may set a password is known, and guesses that fill the queue must not keep an administrator from a reset.
func (h *hasher) hash(ctx context.Context, password secret.Text) (string, error) {
	leave, err := h.slot(ctx)
	if err != nil {
		return "", err
	}
	defer leave()
	salt := make([]byte, argonSalt)
	if _, err := io.ReadFull(h.random, salt); err != nil {
		return "", fmt.Errorf("reading randomness for a salt: %w", err)
	}
	sum := argon2.IDKey(composed(password), salt, argonTime, argonMemory, argonLanes, argonKey)
	enc := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, argonMemory, argonTime, argonLanes,
		enc.EncodeToString(salt), enc.EncodeToString(sum)), nil
}

// matches reports whether stored is a hash of password. The error is ErrBusy, or that of a hash that can't be read.
func (h *hasher) matches(ctx context.Context, stored string, password secret.Text) (bool, error) {
	check, err := parseHash(stored)
	if err != nil {
		return false, fmt.Errorf("reading a stored password hash: %w", err)
	}
	leave, err := h.enter(ctx)
	if err != nil {
		return false, err
	}
	defer leave()
	if check(composed(password)) {
		return true, nil
	}
	// Made elsewhere, it may be of the password as it was typed.
	return outdated(stored) && !norm.NFC.IsNormalString(password.Reveal()) && check([]byte(password.Reveal())), nil
}

// composed returns the bytes of a password that are hashed: in Unicode's composed form (NFC), whether a keyboard gave é in
// one character or in two (RFC 8265, section 4.2.2; RFC 7617, section 2.1).
func composed(password secret.Text) []byte { return norm.NFC.Bytes([]byte(password.Reveal())) }

// outdated reports whether a hash was made otherwise than new ones are.
func outdated(stored string) bool {
	return !strings.HasPrefix(stored, fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$", argon2.Version, argonMemory, argonTime, argonLanes))
}

// importable returns a hash made elsewhere, if it can be checked here. The error is a *authority.FieldError, and never
// tells of the hash itself.
func importable(stored string) (string, error) {
	if _, err := parseHash(stored); err != nil {
		return "", authority.Field("password_hash", "is not a hash that Jeton can check: "+err.Error(), "Give Argon2id, bcrypt or PBKDF2 (sha256, sha512) as a PHC or modular-crypt string.")
	}
	return stored, nil
}

// parseHash reads a PHC or modular-crypt string and returns a function that says whether a password fits it.
func parseHash(stored string) (func(password []byte) bool, error) {
	if len(stored) > maxHashLength {
		return nil, errors.New("it is too long")
	}
	parts := strings.Split(stored, "$")
	if len(parts) < 4 || parts[0] != "" {
		return nil, errors.New("its form is unknown")
	}
	switch parts[1] {
	case "argon2id":
		return parseArgon2id(parts[2:])
	case "2a", "2b", "2y":
		return parseBcrypt(stored)
	case "pbkdf2-sha256":
		return parsePBKDF2(parts[2:], sha256.New)
	case "pbkdf2-sha512":
		return parsePBKDF2(parts[2:], sha512.New)
	default:
		return nil, errors.New("its algorithm is unknown")
	}
}

// parseArgon2id reads v=19, m=…,t=…,p=…, salt, hash.
func parseArgon2id(parts []string) (func([]byte) bool, error) {
	if len(parts) != 4 || parts[0] != "v="+strconv.Itoa(argon2.Version) {
		return nil, errors.New("it is no Argon2id of version 19")
	}
	var memory, time uint32
	var lanes uint8
	// Sscanf takes signs, spaces and anything after; written back, only the one spelling is the same.
	const form = "m=%d,t=%d,p=%d"
	if _, err := fmt.Sscanf(parts[1], form, &memory, &time, &lanes); err != nil || fmt.Sprintf(form, memory, time, lanes) != parts[1] {
		return nil, errors.New("its Argon2id parameters can't be read")
	}
	if memory < 8 || memory > maxArgonMemory || time < 1 || time > maxArgonTime || lanes < 1 || lanes > 16 {
		return nil, errors.New("its Argon2id parameters are out of bounds (256 MiB, 16 passes, 16 lanes)")
	}
	salt, sum, err := saltAndSum(parts[2], parts[3])
	if err != nil {
		return nil, err
	}
	return func(password []byte) bool {
		got := argon2.IDKey(password, salt, time, memory, lanes, uint32(len(sum))) //nolint:gosec // G115: below maxHashLength
		return subtle.ConstantTimeCompare(got, sum) == 1
	}, nil
}

// parseBcrypt takes the whole string.
func parseBcrypt(stored string) (func([]byte) bool, error) {
	if !bcryptForm.MatchString(stored) {
		return nil, errors.New("it is no bcrypt hash, or one of a cost above 14")
	}
	return func(password []byte) bool {
		fits := bcrypt.CompareHashAndPassword([]byte(stored), password) == nil
		return fits && len(password) <= maxBcryptPassword && tellsApart(password)
	}, nil
}

// tellsApart reports whether bcrypt and PBKDF2 tell a password from all others: they pad it by NULs, or repeat it after
// one. A password that passes for another would, by the next log-in, become the only one.
func tellsApart(password []byte) bool { return bytes.IndexByte(password, 0) < 0 }

// parsePBKDF2 reads rounds (or i=rounds, with or without further parameters), salt, hash.
func parsePBKDF2(parts []string, h func() hash.Hash) (func([]byte) bool, error) {
	if len(parts) != 3 {
		return nil, errors.New("it is no PBKDF2 of three parts")
	}
	first, _, _ := strings.Cut(strings.TrimPrefix(parts[0], "i="), ",")
	rounds, err := strconv.Atoi(first)
	if err != nil || rounds < 1 || rounds > maxPBKDF2Rounds {
		return nil, errors.New("its PBKDF2 rounds can't be read or are above 2,000,000")
	}
	salt, sum, err := saltAndSum(parts[1], parts[2])
	if err != nil {
		return nil, err
	}
	return func(password []byte) bool {
		got, err := pbkdf2.Key(h, string(password), salt, rounds, len(sum))
		return err == nil && subtle.ConstantTimeCompare(got, sum) == 1 && tellsApart(password)
	}, nil
}

// saltAndSum decodes Base64 as PHC strings use it, or passlib (a dot for a plus), padded or not.
func saltAndSum(salt, sum string) (s, k []byte, err error) {
	decode := func(text string) ([]byte, error) {
		return base64.RawStdEncoding.DecodeString(strings.TrimRight(strings.ReplaceAll(text, ".", "+"), "="))
	}
	if s, err = decode(salt); err != nil || len(s) < 8 {
		return nil, nil, errors.New("its salt is no Base64 of 8 bytes or more")
	}
	if k, err = decode(sum); err != nil || len(k) < 16 || len(k) > 64 {
		return nil, nil, errors.New("its hash is no Base64 of 16 to 64 bytes")
	}
	return s, k, nil
}
