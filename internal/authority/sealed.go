package authority

import (
	"crypto/sha256"
	"net/url"
	"strings"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/secret"
)

// SealedTokens are the encrypted tokens of a call, each as it stands in its URL or form: still percent-encoded. What stands
// in them, and whether it is good, the way in says.
type SealedTokens struct {
	Project  uuid.UUID   // that of the service that is called; zero where the call alone names one
	Number   secret.Text // by which the call names the project; empty where it doesn't
	Context  secret.Text // the security context that the call names, or nothing
	Security secret.Text // which application it is, since when
	User     secret.Text // which user
}

// Any reports whether there is a token.
func (s *SealedTokens) Any() bool { return s.Security != "" || s.User != "" }

// sum covers everything that the tokens are proven with. The hash of each part is of fixed length, so that no two run
// together. Their address isn't among it: a token has more bits than anyone can try out, unlike a password.
func (s *SealedTokens) sum() [sha256.Size]byte {
	var all [16 + 4*sha256.Size]byte
	to := all[copy(all[:], s.Project[:]):]
	for _, part := range [...]secret.Text{s.Number, s.Context, s.Security, s.User} {
		if part != "" {
			sum := hashOf(string(part))
			copy(to, sum[:])
		}
		to = to[sha256.Size:]
	}
	return sha256.Sum256(all[:])
}

// Parameters are the names of the parameters of a query or form in which sealed tokens come, and what stands beside them. They
// are those of a product, whose profile knows them.
type Parameters struct {
	Security, User   string // the tokens
	Context, Project string // what a call says of them
}

// maxSealed bounds a sealed token and what stands beside it, in bytes, as it stands in a query.
const maxSealed = 8 * 1024

// Read returns the tokens of a query, or of a form of the same notation. The error is a *Refusal, of the form of what is there:
// of a parameter that stands twice, in whatever spelling, nobody knows which one counts, and the service behind may believe the
// other.
//
// A name counts whatever the case of its ASCII letters, as it does for ASP.NET, and percent-encoded too: what the service behind
// would read as a token must not pass unseen.
func (n *Parameters) Read(query string) (SealedTokens, error) {
	s, ref := n.read(query)
	if ref != nil {
		return SealedTokens{}, ref
	}
	return s, nil
}

func (n *Parameters) read(query string) (SealedTokens, *Refusal) {
	var values [4]string
	var seen [len(values)]bool
	for query != "" {
		var pair string
		pair, query, _ = strings.Cut(query, "&")
		name, value, _ := strings.Cut(pair, "=")
		place := n.place(name)
		switch {
		case place < 0:
			continue
		case seen[place]:
			return SealedTokens{}, &Refusal{Reason: ReasonTwoCredentials}
		case len(value) > maxSealed:
			return SealedTokens{}, &Refusal{Reason: ReasonTooLong}
		}
		values[place], seen[place] = value, true
	}
	return SealedTokens{
		Security: secret.Text(values[0]), User: secret.Text(values[1]), Context: secret.Text(values[2]), Number: secret.Text(values[3]),
	}, nil
}

// Without returns a query, or a form of the same notation, less the tokens, for whoever is to have the call but not what it was
// proven with. What stays keeps its spelling and its order, to the byte: it is the service's own.
//
// More goes than Read finds, lest a server that reads in another way find what nobody here has looked at: a name behind a semicolon,
// by which some divide too; and one that can't be decoded, with its value, for there are servers that do ("%u0058ST").
func (n *Parameters) Without(query string) string {
	if *n == (Parameters{}) {
		return query
	}
	var kept strings.Builder
	first := true
	for rest, divider := query, ""; ; {
		pair, at := rest, strings.IndexAny(rest, "&;")
		if at >= 0 {
			pair = rest[:at]
		}
		if name, _, _ := strings.Cut(pair, "="); !n.bearsToken(name) {
			if !first {
				kept.WriteString(divider)
			}
			kept.WriteString(pair)
			first = false
		}
		if at < 0 {
			return kept.String()
		}
		divider, rest = rest[at:at+1], rest[at+1:]
	}
}

// bearsToken reports whether a name is that of a token, or might be read as one.
func (n *Parameters) bearsToken(name string) bool {
	if SameParameter(name, n.Security) || SameParameter(name, n.User) {
		return true
	}
	if !strings.Contains(name, "%") {
		return false
	}
	_, err := url.QueryUnescape(name)
	return err != nil
}

// place returns which of the parameters a name is, or -1.
func (n *Parameters) place(name string) int {
	for i, want := range [...]string{n.Security, n.User, n.Context, n.Project} {
		if SameParameter(name, want) {
			return i
		}
	}
	return -1
}

// SameParameter reports whether a parameter's name, as it stands in a query, is the wanted one but for percent-encoding and the
// case of ASCII letters: Unicode's folds are longer in UTF-8.
func SameParameter(name, want string) bool {
	if len(name) > len(want) && len(name) <= 3*len(want) && strings.ContainsAny(name, "%+") {
		plain, err := url.QueryUnescape(name)
		if err != nil {
			return false
		}
		name = plain
	}
	return len(name) == len(want) && strings.EqualFold(name, want)
}

// sealedTokens fills s with the tokens in the query of a call, if it is to a service that has a project. To every other, such
// parameters are no more than its own.
func (a *Authority) sealedTokens(in *Presented, s *SealedTokens) *Refusal {
	found, ref := a.cfg.Parameters.read(in.Query)
	if ref == nil && !found.Any() {
		return nil
	}
	service, ok := a.cfg.Policy().Find(in.Host, in.Path)
	if !ok || service.Project() == uuid.Nil {
		return nil
	}
	if ref == nil {
		*s = found
		s.Project = service.Project()
	}
	return ref
}

// bound returns a call to a service with the sealed tokens that its edge has found, in a form say, bound to the service's project, as
// those in its query are: which project the tokens of a call are judged by is never for the call to say. A service without a
// project takes none. Beside another express credential they are left for credential to refuse.
func (a *Authority) bound(in *Presented) (*Presented, *Refusal) {
	if in.Given == nil || in.Given.Kind != Sealed || len(in.Authorization) > 0 {
		return in, nil
	}
	service, ok := a.cfg.Policy().Find(in.Host, in.Path)
	if !ok || service.Project() == uuid.Nil {
		return in, &Refusal{Reason: ReasonNotAcceptedHere}
	}
	call, given := *in, *in.Given // what the edge has is its own
	given.Sealed.Project = service.Project()
	call.Given = &given
	return &call, nil
}
