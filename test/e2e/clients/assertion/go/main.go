// Command go logs in a user of a platform, by an assertion that it signs with the standard library alone.
package main

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
	"io"
	"log"
	"net/http"
	"os"
	"time"
)

func main() {
	text, err := os.ReadFile(os.Getenv("KEY_FILE"))
	if err != nil {
		log.Fatal(err)
	}
	assertion, err := assert(os.Getenv("EMAIL"), text)
	if err != nil {
		log.Fatal(err)
	}
	r, err := http.NewRequest(http.MethodPost, os.Getenv("API_URL")+"/api/v1/authenticate-jwt/"+os.Getenv("PLATFORM"), http.NoBody) //nolint:noctx // it ends with the program
	if err != nil {
		log.Fatal(err)
	}
	r.Header.Set("Token", assertion)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		log.Fatal(err)
	}
	if answer.StatusCode != http.StatusOK {
		log.Fatal(answer.Status)
	}
	if _, err := io.Copy(os.Stdout, answer.Body); err != nil {
		log.Fatal(err)
	}
}

// assert says of whom a call is, for five minutes, and signs that (RS512) with a private key in PEM.
func assert(email string, key []byte) (string, error) {
	block, _ := pem.Decode(key)
	if block == nil {
		return "", errors.New("the key is not in PEM")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if block.Type == "RSA PRIVATE KEY" {
		parsed, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	}
	if err != nil {
		return "", err
	}
	private, ok := parsed.(*rsa.PrivateKey)
	if !ok {
		return "", errors.New("the key is not RSA")
	}
	claims, err := json.Marshal(map[string]any{"email": email, "expire": time.Now().Add(5 * time.Minute).Unix()})
	if err != nil {
		return "", err
	}
	encode := base64.RawURLEncoding.EncodeToString
	signed := encode([]byte(`{"alg":"RS512","typ":"JWT"}`)) + "." + encode(claims)
	digest := sha512.Sum512([]byte(signed))
	signature, err := rsa.SignPKCS1v15(rand.Reader, private, crypto.SHA512, digest[:])
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s.%s", signed, encode(signature)), nil
}
