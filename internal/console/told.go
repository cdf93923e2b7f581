package console

import (
	"slices"

	"github.com/jeton-io/jeton/internal/words"
)

// told returns what the inside tells in English, so that it is said in the reader's language: a text that the languages have as it
// stands, or one of these, which have a value in them or may be one. What the catalog and the policy tell stands here whole, so that the
// test demands it of each language.
func told(english string) words.Text {
	return words.Recognize(english, slices.Concat(toldOfServices(), toldOfOperations(), toldOfKeys(), toldOfTexts(), toldOfTokenSets()))
}

// toldOfServices is what the catalog and the policy behind it tell of the fields of a service.
func toldOfServices() []words.Text {
	return []words.Text{
		words.Say("is not usable: %s"),
		words.Say("is an address of Jeton itself, to which each call would come back"),
		words.Say("Give the address of the API."),
		words.Say("is no address of an API"),
		words.Say("Give http://host:port, https://host:port or h2c://host:port, without a path."),
		words.Say("is no user"),
		words.Say("Make the user first."),
		words.Say("is not 1 to %s"),
		words.Say("give a host without scheme or path, such as api.example.com"),
		words.Say("its port is no number from 1 to 65535"),
		words.Say("write an IPv6 address in its shortest form in brackets, such as [2001:db8::1]"),
		words.Say("write only the name, such as api.example.com or xn--caf-dma.example, and a port if need be"),
		words.Say(`write "/" or at most 255 bytes such as /api, which begin with a slash and don't end in one`),
		words.Say("it has an empty segment or a dot segment"),
		words.Say("write its segments with letters, digits, '-', '.', '_' and '~' only"),
	}
}

// toldOfOperations is what they tell of operations.
func toldOfOperations() []words.Text {
	return []words.Text{
		words.Say("names a user who doesn't exist"),
		words.Say("Make the user first, or name a role."),
		words.Say("is none of user:NAME, role:NAME and self:{variable}"),
		words.Say("Write user:ExternalApp for a user, role:NAME for a role."),
		words.Say("Make several services of it, by path prefix."),
		words.Say("it is empty: write a path such as /reports/{id}"),
		words.Say("it is longer than %s bytes or not UTF-8"),
		words.Say("it has two variables {%s}: give each a name of its own"),
		words.Say("a space ends the method: write a space of the path as %s"),
		words.Say("what stands before the space isn't a method: write GET, POST or the like"),
		words.Say("methods are compared with their case: write %s"),
		words.Say("the path doesn't begin with /, and a host belongs to the service: write %s"),
		words.Say("the path doesn't begin with /: write %s"),
		words.Say("it has an empty segment: write one slash, or match with {x...}"),
		words.Say("%s is neither text nor variable: a variable takes a whole segment, and the text { is written %s"),
		words.Say("%s must end the pattern"),
		words.Say("%s has no good name: letters, digits and _ make one, no digit first"),
		words.Say("no path can match %s (%s): write the text plainly, or a variable"),
		words.Say("it has a dot segment"),
		words.Say("it has a segment of parameters alone"),
		words.Say("it has an empty segment"),
		words.Say("it holds a semicolon"),
		words.Say("it holds an encoded ;"),
		words.Say("it holds a backslash, # or ?"),
		words.Say("it holds a control character"),
		words.Say("it holds overlong UTF-8"),
		words.Say("it holds a %s without two hexadecimal digits"),
		words.Say("it holds an encoded slash or backslash"),
		words.Say("it holds an encoded NUL"),
		words.Say("it holds an encoded unreserved character"),
		words.Say("it is encoded twice"),
		words.Say("the pattern has no variable {%s}: name one of its own"),
		words.Say("a role's name consists of letters, digits, '.', '_' and '-'"),
		words.Say(`a scope is printable ASCII without space, " and \`),
		words.Say("scopes that begin with jeton. are Jeton's own"),
	}
}

// toldOfKeys is what package platform tells of keys, and package jose of what is wrong with one.
func toldOfKeys() []words.Text {
	return []words.Text{
		words.Say("are %s already"),
		words.Say("has more than %s words"),
		words.Say("is none of %s"),
		words.Say("is for public keys, which %s hasn't"),
		words.Say("is no secret, and %s needs one"),
		words.Say("is too short: %s"),
		words.Say("is weak: %s"),
		words.Say("can't be used: %s"),
		words.Say("needs a longer secret than the platform has: %s"),
		words.Say("a secret for %s has %s bytes at least"),
		words.Say("it is of a type or curve that %s doesn't use"),
		words.Say("it has a prime in common with another key that is registered"),
		words.Say("it is not one PEM block"),
		words.Say("it is too long"),
		words.Say("an RSA key has %s bits at least"),
		words.Say("an RSA key has %s bits at most"),
		words.Say("an RSA key's exponent is 65537"),
		words.Say("an RSA modulus is odd"),
		words.Say("the Ed25519 key has small order"),
		words.Say("the PEM block is of another type than PUBLIC KEY and RSA PUBLIC KEY"),
		words.Say("the RSA key comes from a broken generator (ROCA)"),
		words.Say("the RSA modulus has a small factor"),
	}
}

// toldOfTexts is what several packages tell of texts, and of lists of them.
func toldOfTexts() []words.Text {
	return []words.Text{
		words.Say("are more than %s"),
		words.Say("is longer than %s characters"),
	}
}

// toldOfTokenSets is what package sealed tells of token sets, and of what they are to seal.
func toldOfTokenSets() []words.Text {
	return []words.Text{
		words.Say("is given, but the key derivation %s has none"),
		words.Say("is not %s bytes, as key_size and the key derivation raw have it"),
		words.Say("can't be sealed by this token set: %s"),
		words.Say("an empty text can't be sealed with this padding"),
		words.Say("the text has %s bytes, which is no multiple of 16, as it must be without padding"),
		words.Say("the text is longer than 8,192 bytes"),
		words.Say("the text ends in NUL, which this padding would take off"),
	}
}
