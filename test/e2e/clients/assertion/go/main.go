// Command go logs in a user of a platform, by an assertion that it signs (RS512), and prints the session. It needs the standard
// library alone.
package main

import (
	"context"
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
	"log"
	"net/http"
	"os"
	"time"
)

func main() {
	key, err := readKey(os.Getenv("KEY_FILE"))
	if err != nil {
		log.Fatal(err)
	}
	assertion, err := sign(os.Getenv("EMAIL"), key)
	if err != nil {
		log.Fatal(err)
	}
	session, err := logIn(context.Background(), os.Getenv("API_URL"), os.Getenv("PLATFORM"), assertion)
	if err != nil {
		log.Fatal(err)
	}
	if err := json.NewEncoder(os.Stdout).Encode(session); err != nil {
		log.Fatal(err)
	}
}

// readKey reads a private RSA key, as Jeton makes it (PKCS#1) or openssl does (PKCS#8).
func readKey(path string) (*rsa.PrivateKey, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("%s holds no PEM", path)
	}
	if block.Type == "RSA PRIVATE KEY" {
		return x509.ParsePKCS1PrivateKey(block.Bytes)
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if private, ok := key.(*rsa.PrivateKey); ok {
		return private, nil
	}
	return nil, errors.Join(fmt.Errorf("%s holds no private RSA key", path), err)
}

// sign returns an assertion that a user logs in (RFC 7515): it counts for five minutes, and once.
func sign(email string, key *rsa.PrivateKey) (string, error) {
	claims, err := json.Marshal(map[string]any{
		"email": email, "expire": time.Now().Add(5 * time.Minute).Unix(), "jti": rand.Text(),
	})
	if err != nil {
		return "", err
	}
	encode := base64.RawURLEncoding.EncodeToString
	signed := encode([]byte(`{"alg":"RS512","typ":"JWT"}`)) + "." + encode(claims)
	digest := sha512.Sum512([]byte(signed))
	signature, err := rsa.SignPKCS1v15(nil, key, crypto.SHA512, digest[:])
	return signed + "." + encode(signature), err
}

// Session is what Jeton tells of a session that it has begun.
type Session struct {
	ID      string    `json:"id"`     // the session token
	UserID  string    `json:"userId"` // whose it is
	TTL     int       `json:"ttl"`    // in seconds
	Until   time.Time `json:"until"`
	Created time.Time `json:"created"`
}

// logIn has Jeton begin a session for an assertion.
func logIn(ctx context.Context, apiURL, platform, assertion string) (Session, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, apiURL+"/api/v1/authenticate-jwt/"+platform, http.NoBody)
	if err != nil {
		return Session{}, err
	}
	r.Header.Set("Token", assertion)
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return Session{}, err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return Session{}, errors.New("Jeton answered " + res.Status)
	}
	var answer struct{ Data Session }
	err = json.NewDecoder(res.Body).Decode(&answer)
	return answer.Data, err
}
