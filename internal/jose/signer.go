package jose

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"sync"
)

// Signer signs tokens by one algorithm. The zero Signer signs nothing. It is safe for concurrent use where its source of
// randomness is, and printing it shows no secret: only PKCS8, PKCS8PEM and PKCS1PEM give the private key away.
type Signer struct {
	private func() crypto.Signer // a function for what stands beside check
	key     Key
}

// GenerateSigner makes a new pair for an algorithm of public keys, RSA with 2048 bits. It returns ErrUnknownAlgorithm for
// any other, and wraps the error of a source of randomness that fails.
//
// Since Go 1.26, crypto/rsa and crypto/ecdsa draw from the system's generator whatever reader they are given (unless
// GODEBUG=cryptocustomrand=1), and that ends the program rather than fail. So random counts for Ed25519 alone. It
// is asked for all the same: which algorithm reads it is not for the caller to know.
func GenerateSigner(alg Algorithm, random io.Reader) (Signer, error) {
	var private crypto.Signer
	var err error
	switch f, _ := alg.scheme(); f {
	case familyPKCS1, familyPSS:
		private, err = rsa.GenerateKey(random, minRSABits)
	case familyECDSA:
		private, err = ecdsa.GenerateKey(elliptic.P256(), random)
	case familyEdDSA:
		_, private, err = ed25519.GenerateKey(random)
	default:
		return Signer{}, errOtherKey(alg)
	}
	if err != nil {
		return Signer{}, fmt.Errorf("making a key pair: %w", err)
	}
	return newSigner(alg, private)
}

// ParseSigner reads a private key in PKCS#8 DER (RFC 5958), as PKCS8 returns it: any other spelling of a good key is
// ErrKeyFormat, since only what PKCS8 returned is ever stored. What is no key of the algorithm it refuses with the errors
// of [NewKey].
func ParseSigner(alg Algorithm, der []byte) (Signer, error) {
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return Signer{}, refuse(ErrKeyFormat, "it is no private key in PKCS#8") // err might quote of it
	}
	private, ok := parsed.(crypto.Signer)
	if !ok {
		return Signer{}, errOtherKey(alg)
	}
	s, err := newSigner(alg, private)
	if err != nil {
		return Signer{}, err
	}
	if again, err := s.PKCS8(); err != nil || !bytes.Equal(again, der) {
		return Signer{}, refuse(ErrKeyFormat, "it is another spelling of PKCS#8")
	}
	return s, nil
}

func newSigner(alg Algorithm, private crypto.Signer) (Signer, error) {
	key, err := NewKey(alg, private.Public())
	if err != nil {
		return Signer{}, err
	}
	return Signer{func() crypto.Signer { return private }, key}, nil
}

// Key returns the key that checks what the Signer signs, the zero Key for the zero Signer.
func (s Signer) Key() Key { return s.key }

// PKCS8 returns the private key in PKCS#8 DER, unencrypted. It returns ErrNoKey for the zero Signer.
func (s Signer) PKCS8() ([]byte, error) {
	if s.private == nil {
		return nil, ErrNoKey
	}
	der, err := x509.MarshalPKCS8PrivateKey(s.private())
	if err != nil {
		return nil, fmt.Errorf("encoding a private key: %w", err)
	}
	return der, nil
}

// PKCS8PEM returns the private key as a PEM block of type PRIVATE KEY (PKCS#8), unencrypted. It returns ErrNoKey for the zero
// Signer.
func (s Signer) PKCS8PEM() ([]byte, error) {
	der, err := s.PKCS8()
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: pemPKCS8Secret, Bytes: der}), nil
}

// PKCS1PEM returns an RSA private key as a PEM block of type RSA PRIVATE KEY (PKCS#1), unencrypted: the form in which
// BitCanuck's integrators get theirs. It returns ErrNoKey where there is none.
func (s Signer) PKCS1PEM() ([]byte, error) {
	if s.private == nil {
		return nil, ErrNoKey
	}
	private, ok := s.private().(*rsa.PrivateKey)
	if !ok {
		return nil, refuse(ErrNoKey, "it is not RSA")
	}
	return pem.EncodeToMemory(&pem.Block{Type: pemPKCS1Secret, Bytes: x509.MarshalPKCS1PrivateKey(private)}), nil
}

// Sign returns a signed token with the header's kid and typ and the given claims, one JSON object. The header's algorithm
// may be left empty; another than the Signer's is ErrAlgorithm. It returns ErrNoKey for the zero Signer, the errors of
// [Parse] for claims or a header that the gate would not let in again, and wraps the error of a source of randomness that
// fails.
//
// random becomes the salt of PSS. RSASSA-PKCS1-v1_5 and Ed25519 take none. crypto/ecdsa reads the system's generator
// instead since Go 1.26, and mixes private key and digest into the nonce, so that not even a broken generator gives two
// messages the same one.
func (s Signer) Sign(random io.Reader, header Header, claims []byte) (string, error) {
	if s.private == nil {
		return "", ErrNoKey
	}
	if header.Algorithm == "" {
		header.Algorithm = s.key.alg
	}
	if header.Algorithm != s.key.alg {
		return "", ErrAlgorithm
	}
	encoded := header.append(make([]byte, 0, 256))
	if err := admits(encoded, header, claims); err != nil {
		return "", fmt.Errorf("signing a token: %w", err)
	}
	encode := base64.RawURLEncoding.AppendEncode
	text := append(encode(make([]byte, 0, roomForText(len(encoded), len(claims))), encoded), '.')
	text = encode(text, claims)
	signature, err := s.sign(random, text)
	if err != nil {
		return "", fmt.Errorf("signing a token: %w", err)
	}
	text = encode(append(text, '.'), signature)
	if len(text) > MaxLength {
		return "", fmt.Errorf("signing a token: %w", errTooLong())
	}
	return view(text), nil
}

// roomForText returns how long a token is at most whose signature is one of a usual key.
func roomForText(header, claims int) int {
	const dots, signature = 2, 2048 / 8
	return base64.RawURLEncoding.EncodedLen(header) + base64.RawURLEncoding.EncodedLen(claims) + dots + base64.RawURLEncoding.EncodedLen(signature)
}

// Encode returns the header as it stands before the first dot of a token, in the spelling of [Signer.Sign]. Members that are empty are
// left out.
func (h Header) Encode() string { return base64.RawURLEncoding.EncodeToString(h.append(nil)) }

// append adds the header in JSON. Members that are empty are left out.
func (h Header) append(text []byte) []byte {
	text = AppendText(append(text, `{"alg":`...), string(h.Algorithm))
	if h.KeyID != "" {
		text = AppendText(append(text, `,"kid":`...), h.KeyID)
	}
	if h.Type != "" {
		text = AppendText(append(text, `,"typ":`...), h.Type)
	}
	return append(text, '}')
}

// rooms are used again: of what admits reads, nothing is left that stands in one.
var rooms = sync.Pool{New: func() any { return new(room) }}

// admits returns why the gate would refuse a token of these parts: what it refuses must not leave. Of what [Parse] looks at
// it leaves out only what can't fail here: the segments are three, and encoded just now in the one spelling.
func admits(encoded []byte, header Header, claims []byte) error {
	in, _ := rooms.Get().(*room)
	defer rooms.Put(in)
	read, err := readHeader(encoded, in)
	if err != nil {
		return err
	}
	if read != header { // AppendText mends invalid UTF-8 in silence, which gives another kid
		return refuse(ErrHeader, "kid or typ isn't UTF-8")
	}
	_, err = readClaims(claims, in)
	return err
}

// errSignatureForm says that crypto/ecdsa has made something else than a signature on P-256.
var errSignatureForm = errors.New("the signature is not in DER")

// sign returns the signature in its JWS form.
func (s Signer) sign(random io.Reader, signed []byte) ([]byte, error) {
	f, hash := s.key.alg.scheme()
	switch private := s.private().(type) {
	case *rsa.PrivateKey:
		if f == familyPSS {
			options := &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: hash}
			return rsa.SignPSS(random, private, hash, digest(hash, signed), options)
		}
		return rsa.SignPKCS1v15(nil, private, hash, digest(hash, signed))
	case *ecdsa.PrivateKey:
		der, err := ecdsa.SignASN1(random, private, digest(hash, signed))
		if err != nil {
			return nil, err
		}
		var pair [2 * scalarSize]byte
		if !splitDER(&pair, der) {
			return nil, errSignatureForm
		}
		return pair[:], nil
	case ed25519.PrivateKey:
		return ed25519.Sign(private, signed), nil
	default:
		return nil, ErrNoKey
	}
}
