package console

import (
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/words"
)

// catalogProblem says what the catalog found wrong with a field, and how to mend that.
func catalogProblem(wrong *authority.FieldError) words.Text {
	return wrongWith(words.Say("This"), wrong, serviceProblems())
}

// wrongWith says what is wrong with something that has a name, and how to mend that, in the forms that languages have.
func wrongWith(name words.Text, wrong *authority.FieldError, forms []words.Text) words.Text {
	problem := words.Say("%s %s.", name, words.Recognize(wrong.Problem, forms))
	if wrong.Fix == "" {
		return problem
	}
	return words.Say("%s %s", problem, words.Recognize(wrong.Fix, forms))
}

// policyProblem says what the policy found wrong with a part of an operation.
func policyProblem(problem string) words.Text {
	return words.Say("Not usable: %s.", words.Recognize(problem, operationProblems()))
}

// serviceProblems are what the catalog, and the policy behind it, say of a service's fields.
func serviceProblems() []words.Text {
	return []words.Text{
		words.Say("is not usable: %s"),
		words.Say("is not 1 to 64 of a-z 0-9 - _ . beginning with a letter or digit"),
		words.Say("Rename the service."),
		words.Say("is another service's"),
		words.Say("Choose another name."),
		words.Say("is another service's on the same host"),
		words.Say("Choose another prefix or host."),
		words.Say("is an address of Jeton itself, to which each call would come back"),
		words.Say("Give the address of the API."),
		words.Say("is no address of an API"),
		words.Say("Give http://host:port, https://host:port or h2c://host:port, without a path."),
		words.Say("is no project"),
		words.Say("Make the project first."),
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

// operationProblems are what the catalog, and the policy behind it, say of the parts of an operation.
func operationProblems() []words.Text {
	return []words.Text{
		words.Say("names a user who doesn't exist"),
		words.Say("Make the user first, or name a role."),
		words.Say("is none of user:NAME, role:NAME and self:{variable}"),
		words.Say("are more than 5000"),
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
