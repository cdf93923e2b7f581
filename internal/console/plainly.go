package console

import (
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/words"
)

// plainly says what is wrong with a field in a sentence that needs no subject, for what people run into the most: there the label, which
// stands beside it, would be read as what was typed. The latter is never said again: it may be a password that went into the wrong field.
func plainly(wrong *authority.FieldError) (words.Text, bool) {
	said, ok := plainSentences(told(wrong.Fix))[wrong.Error()]
	return said, ok
}

// plainSentences are the sentences by field and problem. The fix is the inside's own, for what is mended by more than a word.
func plainSentences(fix words.Text) map[string]words.Text {
	return map[string]words.Text{
		"username is another user's":                        words.Say("There is already a user with this name. Choose another name."),
		"email is another user's":                           words.Say("There is already a user with this e-mail address. Each needs one of its own."),
		"user is no user":                                   words.Say("There is no such user. Check the name, or make the user first."),
		"name is another service's":                         words.Say("There is already a service with this name. Choose another name."),
		"name is another platform's":                        words.Say("There is already a platform with this name. Choose another name."),
		"name is another project's":                         words.Say("There is already a project with this name. Choose another name."),
		"number is another project's":                       words.Say("There is already a project with this number. Choose another number."),
		"project is no project":                             words.Say("There is no such project. Make it first."),
		"name is another token's":                           words.Say("There is already a token with this name. Choose another name."),
		"name is another token set's of this project":       words.Say("This project already has a token set with this name. Choose another name."),
		"issuer is another platform's":                      words.Say("Another platform has this issuer. Give what this platform alone calls itself, or nothing."),
		"path_prefix is another service's on the same host": words.Say("Another service has this path prefix on the same host. Choose another prefix or host."),

		"name is not 1 to 64 of a-z 0-9 - _ . beginning with a letter or digit": words.Say("Use up to 64 small letters, digits, - _ and ., such as sasm-services. Begin with a letter or a digit."),

		"code is not the app's code": words.Say("This is not the app's code. %s", fix),
	}
}
