package sealed

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
)

// unpad says how many bytes of padding the last block of a decrypted text ends in, and whether it is sound: 1 or 0.
//
// Neither a branch nor an index depends on the block, so that the time taken tells nobody what stands in it: who can ask often
// whether a padding is sound learns the text behind any ciphertext without the key (Vaudenay 2002). That the answer doesn't tell
// it either, and that whatever is done with the text costs the same, is up to the caller, who gets one bit and must use it late.
//
// A sound padding proves nothing. Under a wrong key, PKCS7 and ANSIX923 are sound once in 256 times, ISO10126, which says no more
// than its length, once in 16, Zeros nearly always and None always: noise comes off clean, and only its fields show what it is.
func unpad(padding Padding, last *[blockSize]byte) (n, sound int) {
	switch padding {
	case PKCS7:
		return unpadFilled(last, last[blockSize-1])
	case ANSIX923:
		return unpadFilled(last, 0)
	case ISO10126:
		return unpadLength(last)
	case Zeros:
		return unpadZeros(last)
	default: // NoPadding
		return 0, 1
	}
}

// unpadLength reads the length that the block ends in.
func unpadLength(last *[blockSize]byte) (n, sound int) {
	n = int(last[blockSize-1])
	return n, subtle.ConstantTimeLessOrEq(1, n) & subtle.ConstantTimeLessOrEq(n, blockSize)
}

// unpadFilled reads the length that the block ends in and wants so many bytes, itself included but not looked at, to be fill.
func unpadFilled(last *[blockSize]byte, fill byte) (n, sound int) {
	n, sound = unpadLength(last)
	for back := 2; back <= blockSize; back++ { // so far from the end
		outside := 1 ^ subtle.ConstantTimeLessOrEq(back, n)
		sound &= outside | subtle.ConstantTimeByteEq(last[blockSize-back], fill)
	}
	return n, sound
}

// unpadZeros counts the zeros at the end. .NET leaves them on; but no text of ours has any of its own there (see pad), nor has one
// more than it needs: a whole block of zeros is none that was sealed.
func unpadZeros(last *[blockSize]byte) (n, sound int) {
	within := 1
	for back := 1; back <= blockSize; back++ {
		within &= subtle.ConstantTimeByteEq(last[blockSize-back], 0)
		n += within
	}
	return n, subtle.ConstantTimeLessOrEq(n, blockSize-1)
}

// pad returns the text with its padding. Where there is no telling the one from the other again, it returns an error.
func pad(padding Padding, plain []byte, random io.Reader) ([]byte, error) {
	n := blockSize - len(plain)%blockSize // 1 to 16
	padded := make([]byte, len(plain)+n)
	copy(padded, plain)
	fill := padded[len(plain):]
	switch padding {
	case PKCS7:
		for i := range fill {
			fill[i] = byte(n)
		}
	case ISO10126:
		if _, err := io.ReadFull(random, fill); err != nil {
			return nil, fmt.Errorf("reading randomness for a padding: %w", err)
		}
	case Zeros, NoPadding:
		return padToBlocks(padding, padded, len(plain))
	}
	fill[n-1] = byte(n)
	return padded, nil
}

// padToBlocks takes off the block that a text which fills its blocks doesn't need where the padding says no length.
func padToBlocks(padding Padding, padded []byte, length int) ([]byte, error) {
	switch {
	case length == 0:
		return nil, errors.New("an empty text can't be sealed with this padding")
	case length%blockSize == 0:
		padded = padded[:length]
	case padding == NoPadding:
		return nil, fmt.Errorf("the text has %d bytes, which is no multiple of 16, as it must be without padding", length)
	}
	if padding == Zeros && padded[length-1] == 0 {
		return nil, errors.New("the text ends in NUL, which this padding would take off")
	}
	return padded, nil
}
