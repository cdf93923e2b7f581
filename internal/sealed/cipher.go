package sealed

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"
	"fmt"
	"io"
	"strconv"
	"unsafe"

	"github.com/jeton-io/jeton/internal/secret"
)

const (
	blockSize = aes.BlockSize // 16, of every mode
	nonceSize = 12            // GCM's in front: NIST SP 800-38D section 5.2.1.1 recommends 96 bits
	tagSize   = 16            // GCM's behind, never cut: short tags are forged by trying (ibid. appendix C)
)

// Cipher seals and opens tokens by one set of settings and one key. It is safe for concurrent use, and none but those that New
// returns is of use.
type Cipher struct {
	mode    Mode
	padding Padding
	front   bool // an IV of each token's own stands in front
	iv      [blockSize]byte
	block   cipher.Block
	aead    cipher.AEAD // for GCM
}

// New derives the key and prepares it. It returns a *SettingError where Check does. With PBKDF2 or PasswordDeriveBytes it takes as
// long as its iterations do: up to a second or so.
func New(s Settings, key secret.Text) (*Cipher, error) {
	if err := s.Check(key); err != nil {
		return nil, err
	}
	derived, err := s.deriveKey(key.Reveal())
	if err != nil {
		return nil, err
	}
	return s.prepare(derived, expandIV(s.IV, s.IVExpansion))
}

// prepare does with the key what need be done but once.
func (s *Settings) prepare(key []byte, iv [blockSize]byte) (c *Cipher, err error) {
	c = &Cipher{mode: s.Mode, padding: s.Padding, front: s.IVExpansion == RandomIV, iv: iv}
	if c.block, err = aes.NewCipher(key); err != nil {
		return nil, fmt.Errorf("preparing AES: %w", err)
	}
	if s.Mode != GCM {
		return c, nil
	}
	if c.aead, err = cipher.NewGCM(c.block); err != nil {
		return nil, fmt.Errorf("preparing GCM: %w", err)
	}
	return c, nil
}

// Bound is what a token is bound to: GCM's associated data. A token that was sealed as one parameter of one project opens as no
// other. Other modes can't bind theirs to anything.
func Bound(project int, parameter string) string { return strconv.Itoa(project) + ":" + parameter }

// Open decrypts a token. The text is to be believed, as far as the mode allows (see Settings.Forgeable), only where sound is 1;
// else sound is 0, and there is a text all the same, so that the caller can go on as with a good one and refuse at the end:
// zeros where GCM's tag was wrong, the whole decrypted text where a padding was, zeros again where the length can't be right. It
// is as long as the one of a good token would be, or nearly, and never nil.
//
// Of tokens of one length, each that is refused has cost the same decryption, and what is done by hand with secret bytes depends
// on none of them. What reads the text afterwards is not so: its time goes by what it reads, also where that is noise. Nor is an
// opened token of GCM as cheap as a refused one, since the tag is checked first: but whoever gets it refused knows that by the
// answer.
func (c *Cipher) Open(token []byte, bound string) (plain []byte, sound int) {
	if c.mode == GCM {
		return c.openGCM(token, bound)
	}
	return c.openBlocks(token)
}

// openGCM opens nonce ‖ ciphertext ‖ tag (NIST SP 800-38D section 7.2).
func (c *Cipher) openGCM(token []byte, bound string) (plain []byte, sound int) {
	whole := 1
	if len(token) < nonceSize+tagSize {
		// The length is no secret; but even this token is tried as others are.
		token, whole = append(token[:len(token):len(token)], make([]byte, nonceSize+tagSize-len(token))...), 0
	}
	plain = make([]byte, len(token)-nonceSize-tagSize)
	data := unsafe.Slice(unsafe.StringData(bound), len(bound)) //nolint:gosec // G103: it is only read
	if _, err := c.aead.Open(plain[:0], token[:nonceSize], token[nonceSize:], data); err != nil {
		clear(plain) // as the library does: no text that wasn't authenticated leaves this function
		return plain, 0
	}
	return plain, whole
}

// openBlocks opens the ciphertext of ECB or CBC, before which there may be an IV.
//
// Nothing of it is authenticated. With ECB anybody can leave blocks out, repeat them and put them in another order. With CBC, who
// changes a block of ciphertext spoils its text and changes the next one's bit by bit; the IV in front changes the first block's
// text in that way and spoils nothing. So a random IV keeps equal texts from looking equal, and does no more.
func (c *Cipher) openBlocks(token []byte) (plain []byte, sound int) {
	whole := len(token)%blockSize == 0
	token = token[:len(token)-len(token)%blockSize]
	iv := c.iv[:]
	if c.front && len(token) > 0 {
		iv, token = token[:blockSize], token[blockSize:]
	}
	plain = make([]byte, len(token))
	if len(plain) == 0 {
		return plain, 0
	}
	c.decrypt(plain, token, iv)
	if !whole { // the length is no secret
		clear(plain)
		return plain, 0
	}
	n, sound := unpad(c.padding, (*[blockSize]byte)(plain[len(plain)-blockSize:]))
	return plain[:len(plain)-subtle.ConstantTimeSelect(sound, n, 0)], sound
}

// decrypt decrypts whole blocks, of which there is at least one. In CBC each block's text is its decryption XOR the ciphertext
// before it (NIST SP 800-38A section 6.2), which for all blocks is one XOR with the ciphertext moved by one. The library's own
// CBC would copy the prepared key for each token.
func (c *Cipher) decrypt(plain, token, iv []byte) {
	for at := 0; at < len(token); at += blockSize {
		c.block.Decrypt(plain[at:], token[at:])
	}
	if c.mode == CBC {
		subtle.XORBytes(plain, plain[:blockSize], iv)
		subtle.XORBytes(plain[blockSize:], plain[blockSize:], token)
	}
}

// Seal encrypts a text, good or not, to the bytes of a token, which Encode makes fit for a URL. Randomness is read for GCM's nonce,
// for an IV in front and for the padding ISO10126. It returns an error where that fails, and where the padding can't carry the
// text: None, if it doesn't fill its blocks, and Zeros, if it ends in NUL.
//
// GCM's nonces are random, so that one key must not seal more than 2^32 tokens (NIST SP 800-38D section 8.3).
func (c *Cipher) Seal(random io.Reader, plain []byte, bound string) ([]byte, error) {
	if c.mode == GCM {
		nonce, err := readRandom(random, nonceSize, len(plain)+tagSize)
		if err != nil {
			return nil, err
		}
		return c.aead.Seal(nonce, nonce, plain, []byte(bound)), nil
	}
	padded, err := pad(c.padding, plain, random)
	if err != nil {
		return nil, err
	}
	iv, token := c.iv[:], make([]byte, 0, len(padded))
	if c.front {
		if token, err = readRandom(random, blockSize, len(padded)); err != nil {
			return nil, err
		}
		iv = token
	}
	return c.encrypt(token, padded, iv), nil
}

// encrypt appends the encryption of whole blocks to token.
func (c *Cipher) encrypt(token, padded, iv []byte) []byte {
	from := len(token)
	token = append(token, padded...)
	if c.mode == CBC {
		cipher.NewCBCEncrypter(c.block, iv).CryptBlocks(token[from:], padded)
		return token
	}
	for at := 0; at < len(padded); at += blockSize {
		c.block.Encrypt(token[from+at:], padded[at:])
	}
	return token
}

// readRandom reads n bytes into a slice with room for more.
func readRandom(random io.Reader, n, more int) ([]byte, error) {
	b := make([]byte, n, n+more)
	if _, err := io.ReadFull(random, b); err != nil {
		return nil, fmt.Errorf("reading randomness for an IV: %w", err)
	}
	return b, nil
}
