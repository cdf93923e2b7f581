package jose_test

import (
	"bytes"
	"errors"
	"io"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"
	"unicode"

	"github.com/jeton-io/jeton/internal/jose"
)

// inBase62 computes the ID anew; math/big counts 0-9 a-z A-Z.
func inBase62(b []byte) string {
	digits := strings.Map(func(r rune) rune {
		if unicode.IsLower(r) {
			return unicode.ToUpper(r)
		}
		return unicode.ToLower(r)
	}, new(big.Int).SetBytes(b).Text(62))
	return strings.Repeat("0", 22-len(digits)) + digits
}

func TestNewKeyID(t *testing.T) {
	random := rand.NewChaCha8([32]byte{1})
	inputs := [][]byte{make([]byte, 16), bytes.Repeat([]byte{255}, 16), append(make([]byte, 15), 61), append(make([]byte, 15), 62)}
	for range 1000 {
		b := make([]byte, 16)
		_, _ = random.Read(b)
		inputs = append(inputs, b)
	}
	seen := map[string]bool{}
	for _, input := range inputs {
		id, err := jose.NewKeyID(bytes.NewReader(input))
		if want := inBase62(input); id != want || err != nil || !jose.ValidKeyID(id) || seen[id] {
			t.Errorf("%x: got %s, %v, valid %t, seen %t, want %s", input, id, err, jose.ValidKeyID(id), seen[id], want)
		}
		seen[id] = true
	}
	broken := errors.New("broken")
	for _, source := range []struct {
		random io.Reader
		want   error
	}{{iotest.ErrReader(broken), broken}, {bytes.NewReader(make([]byte, 15)), io.ErrUnexpectedEOF}} {
		if id, err := jose.NewKeyID(source.random); id != "" || !errors.Is(err, source.want) {
			t.Errorf("got %q, %v, want nothing, %v", id, err, source.want)
		}
	}
}

func TestValidKeyID(t *testing.T) {
	const good = "7n42DGM5Tflk9n8mt7Fhc7" // 2¹²⁸−1
	for _, bad := range []string{
		"", good[1:], "0" + good, "7n42DGM5Tflk9n8mt7Fhc8", "8000000000000000000000", "zzzzzzzzzzzzzzzzzzzzzz",
		"../../../../etc/passwd", "' OR 1=1 OR '1'='1' --", "000000000000000000000\x00", "000000000000000000000\n", "00000000000000000000é",
		"000000000000000000000-", "00000000000000000000 0", strings.Repeat("0", 1<<20),
	} {
		if jose.ValidKeyID(bad) {
			t.Errorf("got %.40q valid, want it refused", bad)
		}
	}
	for _, id := range []string{good, "7n42DGM5Tflk9n8mt7Fhc6", "7000000000000000000000", "0000000000000000000000", "0zzzzzzzzzzzzzzzzzzzzz"} {
		if !jose.ValidKeyID(id) {
			t.Errorf("got %s refused, want it valid", id)
		}
	}
}
