package factor

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/keyring"
	"github.com/jeton-io/jeton/internal/secret"
)

// A recovery code is ten characters of Crockford's Base32, shown in two groups: 50 bits, stored as every opaque secret is. Whoever has
// the password would guess for two thousand years at a thousand a second, so guesses aren't bounded: a person who mistypes isn't kept out.
const (
	recoveryCodes  = 16
	recoveryLength = 10
	crockford      = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
)

// newCodes returns recovery codes as they are shown, once, and as they are stored.
func (f *Factors) newCodes() (codes []secret.Text, stored []keyring.Digest, err error) {
	random := make([]byte, recoveryCodes*recoveryLength)
	if _, err := io.ReadFull(f.cfg.Random, random); err != nil {
		return nil, nil, fmt.Errorf("reading randomness for recovery codes: %w", err)
	}
	for len(random) > 0 {
		var code [recoveryLength]byte
		for i := range code {
			code[i] = crockford[random[i]%byte(len(crockford))] // 32 divides 256: each as likely as any other
		}
		random = random[recoveryLength:]
		text := string(code[:])
		codes = append(codes, secret.Text(strings.ToLower(text[:recoveryLength/2]+"-"+text[recoveryLength/2:])))
		stored = append(stored, f.cfg.Keyring.Digest(secret.Text(text)))
	}
	return codes, stored, nil
}

// misread are the letters that Crockford's alphabet leaves out for being taken for others, and what separates.
var misread = strings.NewReplacer("O", "0", "I", "1", "L", "1", "-", "", " ", "")

// recoveryCode returns the one spelling of a code that was typed, or false where it can be none.
func recoveryCode(typed string) (secret.Text, bool) {
	text := misread.Replace(strings.ToUpper(typed))
	return secret.Text(text), len(text) == recoveryLength && strings.Trim(text, crockford) == ""
}

// IsRecoveryCode reports whether what was typed has the form of a recovery code.
func IsRecoveryCode(typed string) bool {
	_, ok := recoveryCode(typed)
	return ok
}

// RenewCodes gives a user 16 recovery codes in place of all that it had, and returns them. It returns ErrNotFound where the user has no
// second factor.
func (f *Factors) RenewCodes(ctx context.Context, owner *authority.User, actor audit.Actor) ([]secret.Text, error) {
	codes, stored, err := f.newCodes()
	if err != nil {
		return nil, err
	}
	ev := f.event(audit.RecoveryCodesRenew, owner, actor)
	if err := f.changed(ctx, "renewing recovery codes", f.cfg.Store.ReplaceRecoveryCodes(ctx, owner.ID, stored, ev)); err != nil {
		return nil, err
	}
	return codes, nil
}
