package demo

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"time"

	"github.com/jeton-io/jeton/client"
	"github.com/jeton-io/jeton/internal/sealed"
)

// assertionLife is how long an assertion counts.
const assertionLife = 5 * time.Minute

// signer is the partner's platform, which signs assertions about its users (RS512).
type signer struct {
	key *rsa.PrivateKey
	now func() time.Time
}

// newSigner reads the platform's private key as Jeton hands it out: PKCS#1 in PEM.
func newSigner(text string, now func() time.Time) (*signer, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, errors.New("the platform's key is no PEM")
	}
	key, err := x509.ParsePKCS1PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("reading the platform's key: %w", err)
	}
	return &signer{key, now}, nil
}

// assertion says, signed, that the platform knows the user of an e-mail.
func (s *signer) assertion(email string) (client.Secret, error) {
	claims, err := json.Marshal(map[string]any{"email": email, "expire": s.now().Add(assertionLife).Unix()})
	if err != nil {
		return "", fmt.Errorf("making an assertion: %w", err)
	}
	input := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"RS512","typ":"JWT"}`)) + "." + base64.RawURLEncoding.EncodeToString(claims)
	hash := sha512.Sum512([]byte(input))
	signature, err := rsa.SignPKCS1v15(rand.Reader, s.key, crypto.SHA512, hash[:])
	if err != nil {
		return "", fmt.Errorf("signing an assertion: %w", err)
	}
	return client.Secret(input + "." + base64.RawURLEncoding.EncodeToString(signature)), nil
}

// sealer is the application that seals tokens under the key that it shares with Jeton.
type sealer struct {
	cipher *sealed.Cipher
	appKey client.Secret
	now    func() time.Time
}

// query returns the part of a query that says which application calls, as XST, and, where there is a user, for whom, as XUT. Both
// are good for 15 minutes.
func (s *sealer) query(user string) (string, error) {
	xst, err := s.seal("XST", map[string]any{
		"Context": securityContext, "AppId": appID, "AppKey": s.appKey.Reveal(), "GenDT": s.now().UTC().Format(time.RFC3339),
	})
	if err != nil || user == "" {
		return xst, err
	}
	xut, err := s.seal("XUT", map[string]any{"UserName": user})
	return xst + "&" + xut, err
}

func (s *sealer) seal(parameter string, fields map[string]any) (string, error) {
	text, err := json.Marshal(fields)
	if err != nil {
		return "", fmt.Errorf("making a sealed token: %w", err)
	}
	token, err := s.cipher.Seal(rand.Reader, text, sealed.Bound(project, parameter))
	if err != nil {
		return "", fmt.Errorf("sealing a token: %w", err)
	}
	_, encoded := sealed.Encode(token)
	return parameter + "=" + encoded, nil
}
