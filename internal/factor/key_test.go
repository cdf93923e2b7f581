package factor_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"slices"
	"testing"

	"github.com/go-webauthn/webauthn/protocol/webauthncbor"

	"github.com/jeton-io/jeton/internal/secret"
	inside "github.com/jeton-io/jeton/test/desk"
)

// The flags of an authenticator's data (Web Authentication section 6.1).
const (
	present  = 1 << 0
	eligible = 1 << 3
	attested = 1 << 6
)

// securityKey is a passkey's device and its browser, as the standard has them behave: ES256, no attestation.
type securityKey struct {
	origin, host string
	id           []byte
	key          *ecdsa.PrivateKey
	count        uint32
	flags        byte
	userHandle   []byte
}

func newKey(t *testing.T) *securityKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	inside.Check(t, err)
	k := &securityKey{origin: inside.Issuer, host: "tokens.example.com", id: make([]byte, 24), key: key, flags: present}
	_, err = rand.Read(k.id)
	inside.Check(t, err)
	return k
}

// options are what a page is given, as far as a device looks at it.
type options struct {
	PublicKey struct {
		Challenge string
		RP        struct{ ID string }
		RPID      string `json:"rpId"`
		User      struct{ ID, Name, DisplayName string }
		Timeout   int
		Exclude   []struct{ ID string } `json:"excludeCredentials"`
		Allow     []struct{ ID string } `json:"allowCredentials"`
	}
}

func read(t *testing.T, asked []byte) options {
	t.Helper()
	var o options
	inside.Check(t, json.Unmarshal(asked, &o))
	return o
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// client is what the browser says of the page that asked.
func (k *securityKey) client(t *testing.T, kind, challenge string) []byte {
	t.Helper()
	text, err := json.Marshal(map[string]any{"type": kind, "challenge": challenge, "origin": k.origin, "crossOrigin": false})
	inside.Check(t, err)
	return text
}

func (k *securityKey) data(flags byte, more ...byte) []byte {
	sum := sha256.Sum256([]byte(k.host))
	data := append(sum[:], flags)
	data = binary.BigEndian.AppendUint32(data, k.count)
	return append(data, more...)
}

// create makes a passkey as a page's navigator.credentials.create has it made.
func (k *securityKey) create(t *testing.T, asked []byte) secret.Text {
	t.Helper()
	o := read(t, asked)
	k.userHandle, _ = base64.RawURLEncoding.DecodeString(o.PublicKey.User.ID)
	point, err := k.key.PublicKey.Bytes() // 4, X, Y
	inside.Check(t, err)
	cose, err := webauthncbor.Marshal(map[int]any{1: 2, 3: -7, -1: 1, -2: point[1:33], -3: point[33:]})
	inside.Check(t, err)
	about := append(make([]byte, 16), byte(len(k.id)>>8), byte(len(k.id)))
	about = slices.Concat(about, k.id, cose)
	object, err := webauthncbor.Marshal(map[string]any{"fmt": "none", "attStmt": map[string]any{}, "authData": k.data(k.flags|attested, about...)})
	inside.Check(t, err)
	return k.answer(t, map[string]any{
		"clientDataJSON": encode(k.client(t, "webauthn.create", o.PublicKey.Challenge)), "attestationObject": encode(object), "transports": []string{"usb"},
	})
}

// get answers as a page's navigator.credentials.get has a device answer.
func (k *securityKey) get(t *testing.T, asked []byte) secret.Text {
	t.Helper()
	client := k.client(t, "webauthn.get", read(t, asked).PublicKey.Challenge)
	if k.count > 0 {
		k.count++
	}
	data := k.data(k.flags)
	hash := sha256.Sum256(client)
	signed := sha256.Sum256(append(slices.Clone(data), hash[:]...))
	signature, err := ecdsa.SignASN1(rand.Reader, k.key, signed[:])
	inside.Check(t, err)
	return k.answer(t, map[string]any{
		"clientDataJSON": encode(client), "authenticatorData": encode(data), "signature": encode(signature), "userHandle": encode(k.userHandle),
	})
}

func (k *securityKey) answer(t *testing.T, response map[string]any) secret.Text {
	t.Helper()
	text, err := json.Marshal(map[string]any{
		"id": encode(k.id), "rawId": encode(k.id), "type": "public-key", "clientExtensionResults": map[string]any{}, "response": response,
	})
	inside.Check(t, err)
	return secret.Text(text)
}
