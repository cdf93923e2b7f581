package jose

import "errors"

// The kinds of refusal of a token, in the order in which they are found. Callers of Jeton never learn which it was.
var (
	// ErrTooLong says that the text is longer than MaxLength. Nothing of it was looked at.
	ErrTooLong = errors.New("token too long")
	// ErrSegments says that the text is not three segments that hold something: a cut token, a JWE, JSON serialisation.
	ErrSegments = errors.New("not three segments")
	// ErrEncoding says that a segment is not the one base64url spelling of its bytes.
	ErrEncoding = errors.New("not canonical base64url")
	// ErrJSON says that header or claims are not one JSON object, strictly read.
	ErrJSON = errors.New("not a strict JSON object")
	// ErrMemberName says that a member's name is there twice, or in another case than it has.
	ErrMemberName = errors.New("ambiguous member name")
	// ErrHeader says that the header lacks alg, or has more than the strings alg, kid and typ.
	ErrHeader = errors.New("header not allowed")
	// ErrAlgorithm says that the header's alg is not the key's.
	ErrAlgorithm = errors.New("not the key's algorithm")
	// ErrSignature says that the signature is not the key's, or not of its algorithm's form.
	ErrSignature = errors.New("wrong signature")
)

// The kinds of refusal of a single claim.
var (
	// ErrAbsent says that there is no such claim.
	ErrAbsent = errors.New("claim absent")
	// ErrClaimType says that the claim has another type than the one asked for; null has none.
	ErrClaimType = errors.New("claim of another type")
	// ErrClaimRange says that the claim is an integer beyond int64.
	ErrClaimRange = errors.New("claim out of range")
)

// The kinds of refusal of a key.
var (
	// ErrNoKey says that a Key or Signer is the zero one.
	ErrNoKey = errors.New("no key")
	// ErrUnknownAlgorithm says that an algorithm is not among those of this package, or not one for this kind of key.
	ErrUnknownAlgorithm = errors.New("unknown algorithm")
	// ErrKeyFormat says that a key can't be read, or is not one for its algorithm.
	ErrKeyFormat = errors.New("unusable key")
	// ErrWeakKey says that a key protects nothing.
	ErrWeakKey = errors.New("weak key")
	// ErrPrivateKey says that a private key was given where a public one was asked for: whoever sent it should take it
	// for leaked and make a new one.
	ErrPrivateKey = errors.New("private key where a public one belongs")
)

// problem is an error of one of the kinds above, with what was wrong in this case.
type problem struct {
	kind error
	text string
}

func (p *problem) Error() string { return p.kind.Error() + ": " + p.text }
func (p *problem) Unwrap() error { return p.kind }

// refuse makes an error of the given kind. The text never quotes what was sent: it goes into logs.
func refuse(kind error, text string) error { return &problem{kind, text} }

// Problem returns what was wrong beside the kind of an error of this package, or nothing where there is no more to say. It
// quotes nothing of what was sent, so that whoever sent it can be told.
func Problem(err error) string {
	if p, ok := errors.AsType[*problem](err); ok {
		return p.text
	}
	return ""
}
