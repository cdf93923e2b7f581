package console

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/pem"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/jose"
	"github.com/jeton-io/jeton/internal/words"
)

// keyTable is the keys by which a service account or a platform signs, as the template "keys" writes them.
type keyTable struct {
	Path string     // below which each key has its own
	Loss words.Text // what is lost with a key that is deleted
	Rows []heldKey
}

// heldKey is one of them: a public key, or a set of such; or else a secret that both sides know.
type heldKey struct {
	ID                    uuid.UUID
	KeyID                 string // the "kid" by which its holder names it
	PublicKey, JWKSURI    string
	Algorithm             jose.Algorithm
	CreatedAt, LastUsedAt time.Time
	LastUsedIP            string
}

// Fingerprint tells one public key from another: the beginning of the SHA-256 of its DER, in hexadecimal digits.
func (k heldKey) Fingerprint() string {
	block, _ := pem.Decode([]byte(k.PublicKey))
	if block == nil {
		return ""
	}
	sum := sha256.Sum256(block.Bytes)
	return hex.EncodeToString(sum[:8])
}

// KeyTable returns the client's keys.
func (v clientView) KeyTable() keyTable {
	table := keyTable{Path: v.Path() + "/keys", Loss: words.Say("What it signs is refused at once and for good, and so are the access tokens that were got with it.")}
	for _, k := range v.Keys {
		table.Rows = append(table.Rows, heldKey{
			ID: k.ID, PublicKey: k.PublicKey, JWKSURI: k.JWKSURI, Algorithm: k.Algorithm,
			CreatedAt: k.CreatedAt, LastUsedAt: k.LastUsedAt, LastUsedIP: k.LastUsedIP,
		})
	}
	return table
}

// KeyTable returns the platform's keys.
func (v platformView) KeyTable() keyTable {
	table := keyTable{Path: platformPath(v.ID) + "/keys", Loss: words.Say("What it signs is refused from then on. Session tokens that were got by it go on.")}
	for n := range v.Keys {
		k := &v.Keys[n]
		table.Rows = append(table.Rows, heldKey{
			ID: k.ID, KeyID: k.KeyID, PublicKey: k.PublicKey, JWKSURI: k.JWKSURI, Algorithm: k.Algorithm,
			CreatedAt: k.CreatedAt, LastUsedAt: k.LastUsedAt, LastUsedIP: k.LastUsedIP,
		})
	}
	return table
}
