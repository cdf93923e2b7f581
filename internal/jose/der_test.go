package jose_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/sha256"
	"math/big"
	"testing"

	"github.com/jeton-io/jeton/internal/jose"
)

// FuzzDER holds the two forms of a signature to each other: what is written in one is read in the other, and nothing else is.
func FuzzDER(f *testing.F) {
	whole := bytes.Repeat([]byte{0xff}, 32)
	for _, number := range [][]byte{{}, {0}, {1}, {0x7f}, {0x80}, {0xff}, {1, 0}, whole, whole[:31], append([]byte{0x7f}, whole[:31]...)} {
		f.Add(number, []byte{1}, []byte{})
		f.Add([]byte{1}, number, []byte{})
		f.Add(whole, number, number)
	}
	for _, der := range []string{
		"\x30\x06\x02\x01\x01\x02\x01\x01", "\x30\x06\x02\x01\x00\x02\x01\x01", "\x30\x07\x02\x02\x00\x01\x02\x01\x01", "\x30\x06\x02\x01\x80\x02\x01\x01", "\x30\x81\x06\x02\x01\x01\x02\x01\x01",
	} {
		f.Add([]byte{1}, []byte{1}, []byte(der))
	}
	f.Fuzz(func(t *testing.T, r, s, der []byte) {
		r, s = r[:min(len(r), 32)], s[:min(len(s), 32)]
		pair := append(new(big.Int).SetBytes(r).FillBytes(make([]byte, 32)), new(big.Int).SetBytes(s).FillBytes(make([]byte, 32))...)
		written, ok := jose.AppendDER(nil, pair[:32], pair[32:])
		if zero := new(big.Int).SetBytes(r).Sign() == 0 || new(big.Int).SetBytes(s).Sign() == 0; ok == zero {
			t.Errorf("%x: got %v, want %v", pair, ok, !zero)
		}
		if ok {
			if read, again := jose.SplitDER(written); !again || !bytes.Equal(read, pair) {
				t.Errorf("%x: written as %x and read as %x, %v", pair, written, read, again)
			}
		}
		if read, ok := jose.SplitDER(der); ok {
			if again, ok := jose.AppendDER(nil, read[:32], read[32:]); !ok || !bytes.Equal(again, der) {
				t.Errorf("%x: read as %x, which is written %x, %v", der, read, again, ok)
			}
		}
	})
}

// TestManySignatures makes so many that some have numbers with leading zeros, and holds each to crypto/ecdsa's own check by numbers:
// as it is, with a bit turned, with the group's order added or taken away, and with either number 0.
func TestManySignatures(t *testing.T) {
	s := signer(t, jose.ES256)
	pub, ok := s.Key().Public().(*ecdsa.PublicKey)
	if !ok {
		t.Fatal("got no key of ECDSA")
	}
	order := pub.Params().N
	short := 0
	for i := range 2000 {
		message := []byte{byte(i), byte(i >> 8)}
		sum := sha256.Sum256(message)
		good, err := s.SignForm(message)
		if err != nil {
			t.Fatal(err)
		}
		if good[0] == 0 || good[32] == 0 {
			short++
		}
		turned := bytes.Clone(good)
		turned[i%64] ^= 1 << (i % 8)
		for _, signature := range [][]byte{
			good, turned, append(make([]byte, 32), good[32:]...), append(bytes.Clone(good[:32]), make([]byte, 32)...),
			moved(good, order, 0), moved(good, order, 32), negated(good, order),
		} {
			want := ecdsa.Verify(pub, sum[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:]))
			if got := s.Key().Check(message, signature); got != want {
				t.Fatalf("%x: got %v, want %v", signature, got, want)
			}
		}
		if !s.Key().Check(message, good) {
			t.Fatalf("%x: refused", good)
		}
	}
	if short == 0 {
		t.Error("no signature had a leading zero: the test shows nothing of them")
	}
}

// moved is a signature of which one number is the order larger or, where that doesn't fit, the order itself.
func moved(signature []byte, order *big.Int, at int) []byte {
	n := new(big.Int).SetBytes(signature[at : at+32])
	if n.Add(n, order).BitLen() > 256 {
		n.Set(order)
	}
	other := bytes.Clone(signature)
	n.FillBytes(other[at : at+32])
	return other
}

// negated is a signature with the negative of its second number, which is good, too.
func negated(signature []byte, order *big.Int) []byte {
	other := bytes.Clone(signature)
	new(big.Int).Sub(order, new(big.Int).SetBytes(signature[32:])).FillBytes(other[32:])
	return other
}
