package account_test

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/bcrypt"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/secret"
)

// newest is how every hash begins that Jeton makes.
const newest = "$argon2id$v=19$m=19456,t=2,p=1$"

func TestHash(t *testing.T) {
	d := newDesk(t)
	d.create(t, account.Draft{Username: "ann", Password: password})
	d.create(t, account.Draft{Username: "bob", Password: password})
	stored := d.hash(t, "ann")
	parts := strings.Split(strings.TrimPrefix(stored, newest), "$")
	if !strings.HasPrefix(stored, newest) || len(parts) != 2 {
		t.Fatalf("got %s, want a PHC string that begins with %s", stored, newest)
	}
	salt, err1 := base64.RawStdEncoding.Strict().DecodeString(parts[0])
	sum, err2 := base64.RawStdEncoding.Strict().DecodeString(parts[1])
	if err := errors.Join(err1, err2); err != nil || len(salt) != 16 || len(sum) != 32 {
		t.Fatalf("got a salt of %d bytes and a hash of %d, %v, want 16 and 32", len(salt), len(sum), err)
	}
	if want := argon2.IDKey([]byte(password.Reveal()), salt, 2, 19*1024, 1, 32); string(sum) != string(want) {
		t.Errorf("got %x, want %x", sum, want)
	}
	if d.hash(t, "bob") == stored {
		t.Error("got one hash for two users, want two salts")
	}
	// What Jeton made can be imported, and needs no upgrade.
	d.create(t, account.Draft{Username: "eve", PasswordHash: stored})
	before := d.Hashed()
	if why := d.why(t, "eve", password); why != "" || d.hash(t, "eve") != stored || d.Hashed() != before+1 {
		t.Errorf("got %q, %d hashes, want the password right at once", why, d.Hashed()-before)
	}
}

func TestPasswordRules(t *testing.T) {
	d := newDesk(t)
	tests := []struct {
		what, text string
		want       bool
	}{
		{"8 characters", "abcdefgh", true},
		{"7 characters", "abcdefg", false},
		{"8 characters of more bytes", "ääääääää", true},
		{"7 characters of 14 bytes", "äääääää", false},
		{"256 characters", strings.Repeat("語", 256), true},
		{"257 characters", strings.Repeat("a", 257), false},
		{"256 characters of 1024 bytes", strings.Repeat("𝄞", 256), true},
		{"spaces", "        ", true},
		{"invalid UTF-8", "abcdefgh\xff", false},
		{"a secret of Jeton's own", strings.Repeat("0", 51), true},
	}
	for i, tt := range tests {
		name := fmt.Sprintf("user%d", i)
		before := d.Hashed()
		_, err := d.Create(t.Context(), account.Draft{Username: name, Password: secret.Text(tt.text)}, root)
		switch {
		case tt.want && (err != nil || d.Hashed() != before+1):
			t.Errorf("%s: got %v, want it taken", tt.what, err)
		case !tt.want && (fieldOf(err) != "password" || d.Hashed() != before):
			t.Errorf("%s: got %v and %d hashes, want it refused without work", tt.what, err, d.Hashed()-before)
		}
	}
	if _, err := d.Create(t.Context(), account.Draft{Username: "both", Password: password, PasswordHash: bcryptHash}, root); fieldOf(err) != "password_hash" {
		t.Errorf("got %v for a password and a hash, want a complaint of password_hash", err)
	}
}

// TestNoTruncation changes the last of many bytes.
func TestNoTruncation(t *testing.T) {
	d := newDesk(t)
	for _, n := range []int{73, 256} {
		name := fmt.Sprintf("user%d", n)
		long := secret.Text(strings.Repeat("a", n))
		d.create(t, account.Draft{Username: name, Password: long})
		for text, want := range map[secret.Text]authority.Reason{
			long: "", long[:n-1]: authority.ReasonWrongPassword, long[:n-1] + "b": authority.ReasonWrongPassword,
		} {
			if got := d.why(t, name, text); got != want {
				t.Errorf("%d bytes of %d: got %q, want %q", len(text), n, got, want)
			}
		}
	}
}

// TestComposition gives letters with accents in one character and in two: keyboards differ, and a password is the same.
// One that was hashed elsewhere as it was typed fits as it was typed, and either way once it was bettered.
func TestComposition(t *testing.T) {
	d := newDesk(t)
	const one, two, without = secret.Text("caf\u00e9 au lait"), secret.Text("cafe\u0301 au lait"), secret.Text("cafe au lait")
	d.create(t, account.Draft{Username: "one", Password: one})
	d.create(t, account.Draft{Username: "two", Password: two})
	d.create(t, account.Draft{Username: "import", PasswordHash: "$pbkdf2-sha256$1000$c2FsdHNhbHQ$t+/DjvOhSMcton2PsjHpC47iswLvkdihGxJmRfk+/gM"})
	for _, name := range []string{"import", "one", "two"} {
		for _, text := range []secret.Text{two, one} {
			if got := d.why(t, name, text); got != "" {
				t.Errorf("%s: got %q for %q", name, got, text.Reveal())
			}
		}
		if got := d.why(t, name, without); got != authority.ReasonWrongPassword {
			t.Errorf("%s: got %q without the accent", name, got)
		}
	}
}

// Hashes made elsewhere. bcrypt's are by libxcrypt (Perl's crypt), PBKDF2's by Python's hashlib, in the forms of passlib
// and of the PHC; Argon2id's are test vectors of its reference implementation.
const (
	horse      = secret.Text("correct horse battery")
	bcryptHash = "$2b$04$abcdefghijklmnopqrstuuqREtd3VJD2QVZbuFskFSLk6eRIrQoOS"
	bcrypt72   = "$2b$04$abcdefghijklmnopqrstuuBzzIgyKkz7xMWYSzkIjUSnxEQFQ0WNe" // of 72 times the letter a, and of 73
	pbkdf2Hash = "$pbkdf2-sha256$1000$c2FsdHlzYWx0eXNhbHR5IQ$KN0XuJQOjVE9PXN9kh.0zYvIJUQH6TKEPyYIm8n2ypw"
	argon2Hash = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"
)

func TestImports(t *testing.T) {
	tests := []struct {
		name     string
		hash     string
		password secret.Text
	}{
		{"bcrypt2b", bcryptHash, horse},
		{"bcrypt2a", "$2a$04$abcdefghijklmnopqrstuuqREtd3VJD2QVZbuFskFSLk6eRIrQoOS", horse},
		{"bcrypt2y", "$2y$05$abcdefghijklmnopqrstuuD3mHdCr44zlIZ.VZCaYRpfQhXMYnEo.", horse},
		{"bcrypt72", bcrypt72, secret.Text(strings.Repeat("a", 72))},
		{"passlib256", pbkdf2Hash, horse},
		{"phc256", "$pbkdf2-sha256$i=1000,l=32$c2FsdHlzYWx0eXNhbHR5IQ$KN0XuJQOjVE9PXN9kh+0zYvIJUQH6TKEPyYIm8n2ypw", horse},
		{"padded256", "$pbkdf2-sha256$i=1000$c2FsdHlzYWx0eXNhbHR5IQ==$KN0XuJQOjVE9PXN9kh+0zYvIJUQH6TKEPyYIm8n2ypw=", horse},
		{"passlib512", "$pbkdf2-sha512$1000$c2FsdHlzYWx0eXNhbHR5IQ$5afXCpiHTJHnL62PX1.9N1fH6uWwJimAo4Syyb1kISWmINDJQtya5x5M899.PnoOrFYB2bBQ/vMoollifsU6BA", horse},
		{"phc512", "$pbkdf2-sha512$i=1000,l=64$c2FsdHlzYWx0eXNhbHR5IQ$5afXCpiHTJHnL62PX1+9N1fH6uWwJimAo4Syyb1kISWmINDJQtya5x5M899+PnoOrFYB2bBQ/vMoollifsU6BA", horse},
		{"argon2id", argon2Hash, "password"},
		{"argon2idbig", "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc", "password"},
		{"argon2idlanes", "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc", "password"},
	}
	d := newDesk(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before := d.Hashed()
			user := d.create(t, account.Draft{Username: tt.name, PasswordHash: tt.hash})
			if d.Hashed() != before || d.hash(t, tt.name) != tt.hash || !user.HasPassword {
				t.Errorf("got %d hashes and %s stored, want the hash as it was given", d.Hashed()-before, d.hash(t, tt.name))
			}
			position, err := d.store.Position(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			events := len(d.events(t))
			logIn := func(text secret.Text, want authority.Reason, hashes uint64) {
				t.Helper()
				before := d.Hashed()
				if got := d.why(t, tt.name, text); got != want || d.Hashed()-before != hashes {
					t.Errorf("got %q with %d hashes, want %q with %d", got, d.Hashed()-before, want, hashes)
				}
			}
			wrong := tt.password[1:] + "a"
			if tt.name == "bcrypt72" {
				wrong = tt.password[1:]
			}
			logIn(wrong, authority.ReasonWrongPassword, 1)
			if d.hash(t, tt.name) != tt.hash {
				t.Error("got the hash changed by a wrong password")
			}
			logIn(tt.password, "", 2) // one to check, one to upgrade
			if got := d.hash(t, tt.name); !strings.HasPrefix(got, newest) {
				t.Errorf("got %s after a log-in, want it upgraded", got)
			}
			logIn(tt.password, "", 1)
			after, err := d.User(t.Context(), user.ID)
			if err != nil || after.Version != user.Version || !after.UpdatedAt.Equal(user.UpdatedAt) {
				t.Errorf("got version %d of %v, %v, want an upgrade that nobody sees", after.Version, after.UpdatedAt, err)
			}
			if now, err := d.store.Position(t.Context()); err != nil || now != position || len(d.events(t)) != events {
				t.Errorf("got %v and %d events, %v, want neither event nor change", now, len(d.events(t)), err)
			}
		})
	}
}

// TestImportsTellApart tries passwords that the imported hash can't tell from the right one: were one let in, the
// upgrade would make it the only right one.
func TestImportsTellApart(t *testing.T) {
	a72 := secret.Text(strings.Repeat("a", 72))
	tests := []struct {
		name, hash    string
		right, twin   secret.Text
		takenByBcrypt bool
	}{
		{"seventythree", bcrypt72, a72, a72 + "a", true},
		{"onehundred", bcrypt72, a72, a72 + "and something else altogether", true},
		{"repeated", bcryptHash, horse, horse + "\x00" + horse, true},
		{"padded", pbkdf2Hash, horse, horse + "\x00", false},
	}
	d := newDesk(t)
	for _, tt := range tests {
		if tt.takenByBcrypt && bcrypt.CompareHashAndPassword([]byte(tt.hash), []byte(tt.twin.Reveal())) != nil {
			t.Errorf("%s: want bcrypt itself to take it", tt.name)
		}
		d.create(t, account.Draft{Username: tt.name, PasswordHash: tt.hash})
		for _, when := range []string{"before", "after"} {
			if why := d.why(t, tt.name, tt.twin); why != authority.ReasonWrongPassword {
				t.Errorf("%s: got %q %s the upgrade, want it wrong", tt.name, why, when)
			}
			if why := d.why(t, tt.name, tt.right); why != "" {
				t.Errorf("%s: got the right password refused %s the upgrade: %q", tt.name, when, why)
			}
		}
	}
}

func TestHostileImports(t *testing.T) {
	b64 := base64.RawStdEncoding.EncodeToString
	argon := func(version, parameters string, salt, sum int) string {
		return "$argon2id$v=" + version + "$" + parameters + "$" + b64(make([]byte, salt)) + "$" + b64(make([]byte, sum))
	}
	pbkdf2 := func(rounds string) string { return strings.Replace(pbkdf2Hash, "1000", rounds, 1) }
	cost := func(cost string) string { return strings.Replace(bcryptHash, "04", cost, 1) }
	tests := []struct {
		what, hash string
		want       bool
	}{
		{"Argon2id at every bound", argon("19", "m=262144,t=16,p=16", 8, 64), true},
		{"Argon2id at the other", argon("19", "m=8,t=1,p=1", 8, 16), true},
		{"more memory", argon("19", "m=262145,t=1,p=1", 8, 32), false},
		{"all memory", argon("19", "m=4294967295,t=1,p=1", 8, 32), false},
		{"more memory than a number holds", argon("19", "m=4294967304,t=1,p=1", 8, 32), false},
		{"too little memory", argon("19", "m=7,t=1,p=1", 8, 32), false},
		{"no passes", argon("19", "m=256,t=0,p=1", 8, 32), false},
		{"more passes", argon("19", "m=256,t=17,p=1", 8, 32), false},
		{"no lanes", argon("19", "m=256,t=1,p=0", 8, 32), false},
		{"more lanes", argon("19", "m=256,t=1,p=17", 8, 32), false},
		{"256 lanes", argon("19", "m=256,t=1,p=256", 8, 32), false},
		{"negative passes", argon("19", "m=256,t=-1,p=1", 8, 32), false},
		{"a parameter too many", argon("19", "m=256,t=1,p=1,data=AAAA", 8, 32), false},
		{"a parameter too few", argon("19", "m=256,t=1", 8, 32), false},
		{"parameters with spaces", argon("19", "m= 256,t=1,p=1", 8, 32), false},
		{"parameters with a sign", argon("19", "m=+256,t=1,p=1", 8, 32), false},
		{"parameters in another order", argon("19", "t=1,m=256,p=1", 8, 32), false},
		{"the former version", argon("16", "m=256,t=1,p=1", 8, 32), false},
		{"a short salt", argon("19", "m=256,t=1,p=1", 7, 32), false},
		{"a short hash", argon("19", "m=256,t=1,p=1", 8, 15), false},
		{"a long hash", argon("19", "m=256,t=1,p=1", 8, 65), false},
		{"no hash", "$argon2id$v=19$m=256,t=1,p=1$c29tZXNhbHQ", false},
		{"a part too many", argon2Hash + "$", false},
		{"what is no Base64", argon2Hash[:len(argon2Hash)-1] + "!", false},
		{"Argon2i", strings.Replace(argon2Hash, "argon2id", "argon2i", 1), false},
		{"512 bytes", argon2Hash + strings.Repeat("=", 512-len(argon2Hash)), true},
		{"513 bytes", argon2Hash + strings.Repeat("=", 513-len(argon2Hash)), false},

		{"bcrypt of cost 14", cost("14"), true},
		{"bcrypt of cost 15", cost("15"), false},
		{"bcrypt of cost 31", cost("31"), false},
		{"bcrypt of cost 3", cost("03"), false},
		{"bcrypt of cost +4", cost("+4"), false},
		{"bcrypt, a character short", bcryptHash[:59], false},
		{"bcrypt, a character long", bcryptHash + ".", false},
		{"bcrypt with a line break", bcryptHash + "\n", false},
		{"bcrypt with another character", bcryptHash[:59] + "+", false},
		{"bcrypt of another version", strings.Replace(bcryptHash, "2b", "2x", 1), false},

		{"PBKDF2 of 2,000,000 rounds", pbkdf2("2000000"), true},
		{"PBKDF2 of 2,000,001 rounds", pbkdf2("2000001"), false},
		{"PBKDF2 of one round", pbkdf2("1"), true},
		{"PBKDF2 of no rounds", pbkdf2("0"), false},
		{"PBKDF2 of negative rounds", pbkdf2("-1"), false},
		{"PBKDF2 of more rounds than a number holds", pbkdf2("99999999999999999999"), false},
		{"PBKDF2 of rounds that aren't said", pbkdf2(""), false},
		{"PBKDF2 with SHA-1", strings.Replace(pbkdf2Hash, "-sha256", "", 1), false},
		{"Django's, whose salt is text", "pbkdf2_sha256$1000$saltysalt$KN0XuJQOjVE9PXN9kh+0zYvIJUQH6TKEPyYIm8n2ypw=", false},
		{"Django's behind a dollar", "$pbkdf2_sha256$1000$c2FsdHlzYWx0eXNhbHR5IQ$KN0XuJQOjVE9PXN9kh+0zYvIJUQH6TKEPyYIm8n2ypw=", false},
		{"PBKDF2 without a hash", "$pbkdf2-sha256$1000$c2FsdHlzYWx0eXNhbHR5IQ", false},

		{"MD5", "$1$saltsalt$qjXMvbEw8oaL.CzflDtaK/", false},
		{"SHA-512 crypt", "$6$saltsalt$qFmFH.bQmmtXzyBY0s9v7Oicd2z4XSIecDzlB5KiA2/jctKu9YterLp8wwnSq.qc.eoxqOmSuNp2xS0ktL3nh/", false},
		{"hexadecimal", hex.EncodeToString(make([]byte, 32)), false},
		{"a password", "correct horse battery", false},
		{"dollars", "$$$$$$", false},
	}
	d := newDesk(t)
	for i, tt := range tests {
		before := d.Hashed()
		name := fmt.Sprintf("user%d", i)
		_, err := d.Create(t.Context(), account.Draft{Username: name, PasswordHash: tt.hash}, root)
		if (err == nil) != tt.want || err != nil && fieldOf(err) != "password_hash" {
			t.Errorf("%s: got %v, want it taken: %t", tt.what, err, tt.want)
		}
		if d.Hashed() != before {
			t.Errorf("%s: got %d hashes, want it judged without work", tt.what, d.Hashed()-before)
		}
		if err != nil && (strings.Contains(err.Error(), "c29tZXNhbHQ") || strings.Contains(err.Error(), "abcdef") || strings.Contains(err.Error(), "horse")) {
			t.Errorf("%s: got %v, want an error without the hash", tt.what, err)
		}
		if _, found := d.UserID(t.Context(), name); (found == nil) != tt.want {
			t.Errorf("%s: got %v, want a user only of a good hash", tt.what, found)
		}
	}
}

// TestWithoutRandomness lets the source fail at each place where one is needed.
func TestWithoutRandomness(t *testing.T) {
	broken := errors.New("broken")
	d := newDesk(t)
	cfg := account.Config{Store: d.store, Applied: nothing, Now: time.Now}
	for _, n := range []int64{0, 63, 64, 79} { // the dummy's password takes 64 bytes, its salt 16
		cfg.Random = io.MultiReader(io.LimitReader(newRandom(), n), iotest.ErrReader(broken))
		if a, err := account.New(cfg); !errors.Is(err, broken) || a != nil {
			t.Errorf("%d random bytes: got %v, want the source's error", n, err)
		}
	}
	ann := d.create(t, account.Draft{Username: "ann", Password: password})
	d.random.from = iotest.ErrReader(broken)
	replacement := secret.Text("another password")
	for what, do := range map[string]func() error{
		"create": func() error {
			_, err := d.Create(t.Context(), account.Draft{Username: "bob", Password: password}, root)
			return err
		},
		"reset": func() error {
			_, err := d.Update(t.Context(), ann.ID, 0, account.Patch{Password: &replacement}, root)
			return err
		},
		"change": func() error {
			return d.ChangePassword(t.Context(), ann.ID, password, replacement, audit.Actor{})
		},
	} {
		if err := do(); !errors.Is(err, broken) {
			t.Errorf("%s: got %v, want the source's error", what, err)
		}
	}
	if _, err := d.UserID(t.Context(), "bob"); !errors.Is(err, authority.ErrNotFound) {
		t.Errorf("got %v, want no user", err)
	}
	if why := d.why(t, "ann", password); why != "" {
		t.Errorf("got %q, want the former password in force", why)
	}
	// An imported hash can't be bettered just now; the password is right all the same.
	d.create(t, account.Draft{Username: "eve", PasswordHash: bcryptHash})
	if why := d.why(t, "eve", horse); why != "" || d.hash(t, "eve") != bcryptHash {
		t.Errorf("got %q, %s, want the imported hash to do", why, d.hash(t, "eve"))
	}
}
