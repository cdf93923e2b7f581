package cli

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/jeton-io/jeton/client"
)

// The variables that say where to ask and who is asking. Secrets may stand in the environment, which other users can't
// read; a file is safer still, as the environment is handed on to every program that is started from here.
const (
	varURL          = "JETON_URL"
	varToken        = "JETON_TOKEN"
	varTokenFile    = "JETON_TOKEN_FILE"
	varUsername     = "JETON_USERNAME"
	varPassword     = "JETON_PASSWORD"
	varPasswordFile = "JETON_PASSWORD_FILE"
)

// credential is the one that a command presents: a token, or a name and a password. Its secrets are of a type that
// doesn't print.
type credential struct {
	token    client.Secret
	username string
	password client.Secret
}

// credential finds the credential to present, and keeps in mind where it was: an error names the source, so that who is
// refused knows which one to mend, and never shows the value.
//
// A flag goes before the environment. In the environment, two credentials are refused, as Jeton itself refuses two in a
// request: nobody could tell which was meant, and the wrong guess would act as somebody else. A user name beside a token
// is no credential, and is let be.
func (p *program) credential(ctx context.Context) (who credential, err error) {
	if p.tokenFile != "" {
		p.source, p.byToken = "--token-file", true
		who.token, err = p.tokenFrom(p.tokenFile, p.source)
		return who, err
	}
	// Two of the same kind are as bad as one of each: the value and the file may differ.
	tokens, passwords := p.set(varToken, varTokenFile), p.set(varPassword, varPasswordFile)
	if all := append(tokens, passwords...); len(all) > 1 {
		return who, &usageError{text: all[0] + " and " + all[1] + " are both set", fix: "Unset one: a request has one credential."}
	}
	switch {
	case len(tokens) > 0:
		p.source, p.byToken = tokens[0], true
		// $(cat FILE) has lost its line break already; what was pasted may have brought a space along.
		who.token = client.Secret(strings.TrimSpace(p.vars[varToken]))
		if tokens[0] == varTokenFile {
			who.token, err = p.tokenFrom(p.vars[varTokenFile], varTokenFile)
		}
		return who, err
	// A script that lacks a credential must fail and not wait for somebody to type it.
	case p.env.Hidden == nil && (len(passwords) == 0 || p.vars[varUsername] == ""):
		return who, p.noCredential(passwords)
	}
	return p.basic(ctx, passwords)
}

// basic finds a user name and a password; what the environment lacks is asked of the terminal. passwords are those of the
// variables that are set: none or one.
func (p *program) basic(ctx context.Context, passwords []string) (who credential, err error) {
	name, from := varUsername, "the terminal"
	if who.username = p.vars[varUsername]; who.username == "" {
		name = "the terminal"
		if who.username, err = p.askLine(ctx, "User name: "); err != nil {
			return who, err
		}
	}
	switch {
	case len(passwords) == 0:
		who.password, err = p.askHidden(ctx, "Password of "+who.username+": ")
	case passwords[0] == varPassword: // exactly as it is: any character may belong to a password
		from, who.password = varPassword, client.Secret(p.vars[varPassword])
	default:
		from = varPasswordFile
		who.password, err = p.secretFrom(p.vars[varPasswordFile], varPasswordFile)
	}
	if p.source = name + " and " + from; name == from {
		p.source = from
	}
	// A user who presses Enter has changed their mind; a request without a password would be refused all the same.
	if err == nil && (who.username == "" || who.password == "") {
		err = &usageError{text: "the user name or the password is empty"}
	}
	return who, err
}

// noCredential says what is missing where there is no terminal to ask.
func (p *program) noCredential(passwords []string) error {
	text := "no credential is given"
	switch {
	case len(passwords) > 0:
		text = passwords[0] + " is set, but " + varUsername + " is not"
	case p.vars[varUsername] != "":
		text = varUsername + " is set, but neither " + varPassword + " nor " + varPasswordFile
	}
	return &usageError{text: text, fix: "Set " + varUsername + " and " + varPassword + ", or " + varToken + " or " + varTokenFile + "."}
}

// set returns those of the variables that are set and not empty: a script often can only empty one.
func (p *program) set(names ...string) (found []string) {
	for _, name := range names {
		if p.vars[name] != "" {
			found = append(found, name)
		}
	}
	return found
}

// tokenFrom reads a token from a file. Space around it is no part of a token.
func (p *program) tokenFrom(path, source string) (client.Secret, error) {
	text, err := p.secretFrom(path, source)
	return client.Secret(strings.TrimSpace(text.Reveal())), err
}

// secretFrom reads a secret from a file; an error begins with the flag or variable that names the file. Who
// else may read the file is not looked at: it may well be a mount or a pipe, whose modes say nothing.
func (p *program) secretFrom(path, source string) (client.Secret, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("%s: %w", source, err)
	}
	defer func() { _ = f.Close() }()
	text, err := readSecret(f, path)
	if err != nil {
		return "", fmt.Errorf("%s: %w", source, err)
	}
	return text, nil
}
