package project

import (
	"context"
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/secret"
)

// Question asks why tokens are refused.
type Question struct {
	Query          secret.Text // of a call, still percent-encoded; instead of the three below
	Security, User secret.Text // tokens as they stand in a URL, or before they were URL encoded
	Context        secret.Text // that the call names, as it is
	From           netip.Addr  // of the caller: where it isn't valid, addresses aren't judged
}

// Explain examines tokens as Prove does, and tells what it finds. It is the same examination, so that what is told can't be other than
// what happens. Nothing is used up, and nobody made: that they are accepted says that they would have been at this moment, and that
// nobody else has presented them by then. A call is examined as one to a service of the project. Errors are a *authority.FieldError
// (query, security_token), ErrNotFound where no project of that number lives, or a store's.
func (p *Projects) Explain(ctx context.Context, number int, q Question) (authority.Explanation, error) {
	asked, err := p.Find(ctx, number)
	if err != nil {
		return authority.Explanation{}, err
	}
	e := examination{Projects: p, from: q.From, now: p.cfg.Now(), trace: &authority.Trace{}}
	if e.presented, err = p.presentedBy(q); err != nil {
		return authority.Explanation{}, err
	}
	e.presented.Project = asked.ID
	told, err := e.trace.Explanation(e.run(ctx))
	if err != nil {
		return told, fmt.Errorf("examining sealed tokens: %w", err)
	}
	return told, nil
}

// maxAsked bounds a token that is asked about, as the authority bounds one that is presented.
const maxAsked = 8 * 1024

// presentedBy returns the tokens that a question is about.
func (p *Projects) presentedBy(q Question) (authority.SealedTokens, error) {
	s := authority.SealedTokens{Security: q.Security, User: q.User, Context: secret.Text(url.QueryEscape(q.Context.Reveal()))}
	if q.Query != "" {
		if s.Any() || s.Context != "" {
			return s, authority.Field("query", "stands beside tokens", "Give the query alone, or the tokens.")
		}
		var err error
		if s, err = p.cfg.Parameters.Read(strings.TrimPrefix(q.Query.Reveal(), "?")); err != nil {
			return s, authority.Field("query", "has a parameter twice, or one of more than 8 KiB", "Such a call is refused: see that the application sends each once.")
		}
	}
	switch {
	case !s.Any() && q.Query != "":
		return s, authority.Field("query", "has no token", "Give the part of the URL behind the question mark, with "+p.cfg.Parameters.Security+" or "+p.cfg.Parameters.User+".")
	case !s.Any():
		return s, authority.Field("security_token", "is absent, and user_token and query are, too", "Give a token, or the query of a call.")
	case len(s.Security) > maxAsked:
		return s, authority.Field("security_token", "is longer than 8 KiB", "")
	case len(s.User) > maxAsked:
		return s, authority.Field("user_token", "is longer than 8 KiB", "")
	}
	return s, nil
}

// told puts together what is told of each token.
func told(tokens []*token, tell func(*token) string) string {
	var all []string
	for _, t := range tokens {
		all = append(all, tell(t))
	}
	return strings.Join(all, " ")
}

// list shows names that anybody may have written.
func list(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return secret.Excerpt(strings.Join(names, ", "))
}

// shown is a value that anybody may have written, as it is shown: on one line, bounded, without what looks like a secret in it. It is
// made into that text only where it is printed.
type shown string

// String implements fmt.Stringer.
func (s shown) String() string { return strconv.Quote(secret.Excerpt(string(s))) }
