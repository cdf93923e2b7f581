package e2e_test

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"
)

// publisher serves a JWK Set, and counts how often it is read.
type publisher struct {
	*httptest.Server
	reads atomic.Int64
}

func publish(t *testing.T, kid string, key *rsa.PublicKey) *publisher {
	t.Helper()
	encode := base64.RawURLEncoding.EncodeToString
	set, err := json.Marshal(object{"keys": []object{{
		"kty": "RSA", "use": "sig", "kid": kid, "n": encode(key.N.Bytes()), "e": encode(big.NewInt(int64(key.E)).Bytes()),
	}}})
	must(t, err)
	p := new(publisher)
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		p.reads.Add(1)
		_, _ = w.Write(set)
	}))
	t.Cleanup(p.Close)
	return p
}

// testPublished enrols a platform by the address of its keys. Jeton reads that address, seldom, and no other, whatever an assertion's
// header says.
func (p *partner) testPublished(t *testing.T) {
	key, thief := newKey(t), newKey(t)
	own, others := publish(t, "own", &key.PublicKey), publish(t, "own", &thief.PublicKey)
	enrolled := p.v1(t, http.MethodPost, "/platforms", object{"name": "Publisher before " + p.via.name, "jwks_uri": own.URL}, http.StatusCreated)
	code := enrolled.text("code")
	sign := func(header object, by *rsa.PrivateKey, issuer any) string {
		t.Helper()
		header["alg"] = "RS512"
		claims := object{"email": johnsEmail, "exp": time.Now().Add(5 * time.Minute).Unix(), "jti": rand.Text(), "iss": issuer}
		if issuer == nil {
			delete(claims, "iss")
		}
		return present(assertionPath+code, p.signAs(t, header, by, claims))
	}
	p.wantSession(t, "its key", sign(object{"kid": "own"}, key, code))
	p.wantSession(t, "without kid", sign(object{}, key, code))
	for name, test := range map[string]struct {
		header object
		by     *rsa.PrivateKey
		issuer any
		want   string
	}{
		"without issuer":          {object{"kid": "own"}, key, nil, "wrong_issuer"},
		"another's issuer":        {object{"kid": "own"}, key, p.code, "wrong_issuer"},
		"no kid of its":           {object{"kid": "next"}, key, code, "unknown_key"},
		"another's key":           {object{"kid": "own"}, thief, code, "bad_signature"},
		"an address of the thief": {object{"kid": "own", "jku": others.URL}, thief, code, "malformed"},
	} {
		p.wantLoginFailed(t, name, sign(test.header, test.by, test.issuer), test.want)
	}
	if reads := own.reads.Load(); reads != 1 {
		t.Errorf("the platform's set was read %d times within seconds, want once", reads)
	}
	if reads := others.reads.Load(); reads != 0 {
		t.Errorf("the address in a header was read %d times", reads)
	}
}

func newKey(t *testing.T) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	return key
}
