package keyring_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/jeton-io/jeton/internal/keyring"
)

func TestParseMasterKey(t *testing.T) {
	key := bytes.Repeat([]byte{0xfb, 0xef, 0x0a, 0x80}, 8) // its Base64 has + and /
	base := base64.StdEncoding.EncodeToString(key)
	digits := hex.EncodeToString(key)
	tests := []struct {
		name, text string
		want       bool
	}{
		{"32 bytes", string(key), true},
		{"31 bytes", string(key[1:]), false},
		{"33 bytes", string(key) + "0", false},
		{"32 bytes and a line break", string(key) + "\n", false},
		{"Base64", base, true},
		{"Base64 and a line break", base + "\n", true},
		{"Base64, as Windows ends lines, with space around", " \t" + base + "\r\n ", true},
		{"Base64 without padding", strings.TrimRight(base, "="), true},
		{"Base64 of 31 bytes", base64.StdEncoding.EncodeToString(key[1:]), false},
		{"Base64 of 33 bytes", base64.StdEncoding.EncodeToString(append(bytes.Clone(key), 1)), false},
		{"Base64 for URLs", base64.URLEncoding.EncodeToString(key), false},
		{"Base64 with a character cut", base[1:], false},
		{"Base64 with a character too many", "A" + base, false},
		{"hexadecimal", digits, true},
		{"hexadecimal in capitals", strings.ToUpper(digits) + "\n", true},
		{"hexadecimal, a digit short", digits[1:], false},
		{"hexadecimal, a digit too many", digits + "0", false},
		{"hexadecimal with another letter", "g" + digits[1:], false},
		{"hexadecimal after 0x", "0x" + digits, false},
		{"nothing", "", false},
		{"space", "\n", false},
	}
	for _, tt := range tests {
		got, err := keyring.ParseMasterKey([]byte(tt.text))
		switch {
		case tt.want && (err != nil || got.Reveal() != string(key)):
			t.Errorf("%s: got %q, %v, want the key", tt.name, got.Reveal(), err)
		case !tt.want && (err == nil || got != ""):
			t.Errorf("%s: got %q, want it refused", tt.name, got.Reveal())
		case !tt.want && (strings.Contains(err.Error(), base[:8]) || strings.Contains(err.Error(), digits[:8]) || strings.Contains(err.Error(), "byte 0")):
			t.Errorf("%s: got %v, want an error that shows nothing", tt.name, err)
		}
	}
}

func TestNewMasterKey(t *testing.T) {
	random := config(nil, 7).Random
	key, text, err := keyring.NewMasterKey(random)
	if err != nil || len(key) != 32 || len(text) != 45 || text[44] != '\n' {
		t.Fatalf("got %d bytes as %q, %v, want 32 as Base64 and a line break", len(key), text, err)
	}
	if parsed, err := keyring.ParseMasterKey(text); err != nil || parsed != key {
		t.Errorf("got %q, %v read back, want the key", parsed.Reveal(), err)
	}
	if other, _, err := keyring.NewMasterKey(random); err != nil || other == key {
		t.Errorf("got %q twice, %v, want another key", other.Reveal(), err)
	}
	broken := errors.New("broken")
	short := io.MultiReader(io.LimitReader(random, 31), iotest.ErrReader(broken))
	if key, text, err := keyring.NewMasterKey(short); !errors.Is(err, broken) || key != "" || text != nil {
		t.Errorf("got %q, %q, %v without randomness, want nothing but the error", key.Reveal(), text, err)
	}
}

// TestCheckMaster compares keys with the check value that a keyring has stored.
func TestCheckMaster(t *testing.T) {
	cfg := config(newStore(t), 1)
	if _, err := keyring.Open(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	stored, err := cfg.Store.MasterCheck(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := keyring.CheckMaster(cfg.Master, stored); err != nil {
		t.Errorf("got error %v for the key of the database, want none", err)
	}
	other := cfg.Master[1:] + cfg.Master[:1]
	for name, err := range map[string]error{
		"another key":     keyring.CheckMaster(other, stored),
		"no check value":  keyring.CheckMaster(cfg.Master, nil),
		"half of a value": keyring.CheckMaster(cfg.Master, stored[:16]),
	} {
		if !errors.Is(err, keyring.ErrWrongMasterKey) {
			t.Errorf("%s: got error %v, want %v", name, err, keyring.ErrWrongMasterKey)
		}
	}
	// The key that seals archives is of the master key alone, and tells neither it nor the check value.
	one, err := keyring.ArchiveKey(cfg.Master)
	if err != nil || len(one) != 32 || one == cfg.Master || one.Reveal() == string(stored) {
		t.Errorf("got a key of %d bytes, %v, want one of its own", len(one), err)
	}
	if two, err := keyring.ArchiveKey(other); err != nil || two == one {
		t.Errorf("got the same key for another master key, %v", err)
	}
}
