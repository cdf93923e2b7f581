package sealed

import "crypto/cipher"

// What is otherwise seen only by the tokens that come out.
var (
	NewHash     = newHash
	DotNetBytes = passwordDeriveBytes
	Unpad       = unpad
	ExpandIV    = expandIV
)

// DeriveKey makes the key of settings that needn't have been checked.
func DeriveKey(s Settings, text string) ([]byte, error) { return s.deriveKey(text) }

// Prepare makes a cipher of a key and an IV that are no texts, as those of the vectors aren't.
func Prepare(s Settings, key []byte, iv [blockSize]byte) (*Cipher, error) { return s.prepare(key, iv) }

// Counted returns the cipher so that it counts the blocks and the tokens of GCM that it decrypts, good or not.
func (c *Cipher) Counted(count *int) *Cipher {
	counted := *c
	counted.block = countedBlock{c.block, count}
	if c.aead != nil {
		counted.aead = countedAEAD{c.aead, count}
	}
	return &counted
}

type countedBlock struct {
	cipher.Block
	count *int
}

func (c countedBlock) Decrypt(dst, src []byte) {
	*c.count++
	c.Block.Decrypt(dst, src)
}

type countedAEAD struct {
	cipher.AEAD
	count *int
}

func (c countedAEAD) Open(dst, nonce, token, data []byte) ([]byte, error) {
	*c.count++
	return c.AEAD.Open(dst, nonce, token, data)
}
