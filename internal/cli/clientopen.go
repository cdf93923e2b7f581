package cli

import (
	"context"
	"errors"

	"github.com/jeton-io/jeton/client"
)

// open returns the API token that is kept for a server, and where its key is.
func (p *program) open(ctx context.Context, s *safe, server string) (client.Secret, place, error) {
	token, at, err := s.get(ctx, server)
	return token, at, p.whyNot(err, s, server)
}

// whyNot says what is the matter with a token that is kept, or is to be, and what to do about it.
func (p *program) whyNot(err error, s *safe, server string) error {
	what, again := "the API token in "+s.file(server), p.env.Command+" client login --url "+shellWord(server)
	tooOpen, isTooOpen := errors.AsType[*modeError](err)
	switch {
	case errors.Is(err, errNotKept):
		return p.notLoggedIn(server)
	case isTooOpen:
		return &fault{
			err, "",
			"chmod " + tooOpen.want() + " " + shellWord(tooOpen.path) + " mends it. If somebody else may have read it, the token is no secret any more: have it replaced.",
		}
	case errors.Is(err, errDamaged):
		return &fault{err, what + " can't be read: the file or its key is damaged", "Log in anew: " + again}
	case errors.Is(err, errOtherKey):
		return &fault{err, what + " is encrypted with another key than this machine's", otherMachine + again}
	case errors.Is(err, errNoKey):
		return &fault{err, "the key of " + what + " is neither in the keyring nor in a file beside it", otherMachine + again}
	case errors.Is(err, errKeyring):
		return &fault{
			err, "the key of " + what + " is in no file, and the keyring can't be used: " + reason(err),
			"A keyring belongs to a session. For programs without one: " + again + " --no-keyring",
		}
	}
	return err
}

// otherMachine is what to do about a key that isn't here.
const otherMachine = "If the files come from another machine, log in on this one: "
