package platform

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/jose"
)

// judgeType refuses every type but that of JWTs in general: an access token is no assertion, nor is what a platform signs for others
// under a type of its own (RFC 8725 section 3.11). Most libraries write JWT, and some nothing.
func (e *examination) judgeType(context.Context) (fault, error) {
	typ := e.token.Header().Type
	if typ != "" && strings.ToLower(typ) != "jwt" {
		return failed(authority.ReasonWrongType, "typ is "+shown(typ)+", where JWT is wanted, or none.", "Set typ to JWT, or leave it out."), nil
	}
	e.trace.Note("typ is %s, as it may be.", orAbsent(typ))
	return fault{}, nil
}

// orAbsent shows a value, or says that there is none.
func orAbsent(value string) string {
	if value == "" {
		return "absent"
	}
	return shown(value)
}

// judgeIssuer holds the assertion to being of its platform, by its own word (RFC 7523 section 3, item 1). It need not say so at a door
// whose URL does, as BitCanuck's, unless the platform's record has an issuer; nor can a key that is published be trusted to be that
// platform's alone.
func (e *examination) judgeIssuer(context.Context) (fault, error) {
	p := &e.platform
	names := []string{p.Code, p.ID.String()}
	if p.Issuer != "" {
		names = append(names, p.Issuer)
	}
	f := fault{Reason: authority.ReasonWrongIssuer, Fix: "Set iss to one of " + list(names) + "."}
	iss, err := e.claims.Text("iss")
	switch {
	case errors.Is(err, jose.ErrAbsent):
		if e.beside == "" || p.Issuer != "" || e.key.record.JWKSURI != "" {
			f.Found = "iss is absent. It is wanted by the jwt-bearer grant, of a platform with an issuer, and of one whose keys are published."
			return f, nil
		}
		e.trace.Note("iss is absent, as it may be.")
		return fault{}, nil
	case err != nil:
		f.Found = "iss is no text."
		return f, nil
	case !slices.Contains(names, iss):
		f.Found = "iss is " + shown(iss) + ", which isn't what the platform is called."
		return f, nil
	}
	e.trace.Note("iss is %s.", shown(iss))
	return fault{}, nil
}

// judgeAudience holds the assertion to being for Jeton (RFC 7523 section 3, item 3), and for nobody else: another that it is for
// could use it here. At a door whose URL names the platform it may say nothing of that, as BitCanuck's clients do: who signs such
// for several servers by one key lets each of them log in at the others, which an audience in the platform's record prevents.
func (e *examination) judgeAudience(context.Context) (fault, error) {
	p := &e.platform
	f := fault{Reason: authority.ReasonWrongAudience, Fix: "Set aud to " + shown(e.cfg.PublicURL) + "."}
	if p.Audience != "" {
		f.Fix = "Set aud to " + shown(p.Audience) + " or " + shown(e.cfg.PublicURL) + "."
	}
	audience, err := e.claims.Texts("aud")
	switch {
	case errors.Is(err, jose.ErrAbsent):
		if e.beside == "" || p.Audience != "" {
			f.Found = "aud is absent. It is wanted by the jwt-bearer grant, and of a platform with an audience."
			return f, nil
		}
		e.trace.Note("aud is absent, as it may be.")
		return fault{}, nil
	case err != nil:
		f.Found = "aud is neither a text nor a list of texts."
		return f, nil
	case len(audience) == 0:
		f.Found = "aud is an empty list."
		return f, nil
	}
	if i := slices.IndexFunc(audience, func(a string) bool { return !e.isMeant(a) }); i >= 0 {
		f.Found = "aud has " + shown(audience[i]) + ", which isn't Jeton. It must name nobody else."
		return f, nil
	}
	e.trace.Note("aud is %s.", list(audience))
	return fault{}, nil
}

// isMeant reports whether a name is Jeton's, for this platform. Names are compared letter by letter, as RFC 7519 section 2 has it
// (StringOrURI): two spellings of one URL are two names. The address of another platform's log-in isn't among them, so that an
// assertion that names its door opens no other.
func (e *examination) isMeant(name string) bool {
	p := &e.platform
	own := func(door string) bool { return name == door+p.Code || name == door+p.ID.String() }
	return name == e.cfg.PublicURL || p.Audience != "" && name == p.Audience || slices.Contains(e.cfg.Audiences, name) ||
		slices.ContainsFunc(e.cfg.Doors, own)
}

// maxListed bounds how many values of a claim are shown.
const maxListed = 5

// list shows values.
func list(values []string) string {
	told := make([]string, 0, len(values))
	for _, v := range values {
		if len(told) == maxListed {
			told = append(told, "…")
			break
		}
		told = append(told, shown(v))
	}
	return strings.Join(told, ", ")
}

// readEmail reads whom the assertion is about (RFC 7523 section 3, item 2). Who has accounts of its own may name them in sub, and say
// the e-mail beside: so an e-mail that is there counts alone, and where it is none, sub doesn't stand in for it.
func (e *examination) readEmail(context.Context) (fault, error) {
	name := "email"
	if !e.claims.Has(name) {
		name = "sub"
	}
	email, err := e.claims.Text(name)
	if err != nil || email == "" {
		return failed(authority.ReasonWrongClaims, "Neither email nor sub is an e-mail, or email is no text.", "Set email to the user's e-mail, as it is in Jeton."), nil
	}
	e.email = email
	e.trace.Note("%s is %s.", name, shown(email))
	return fault{}, nil
}

// use keeps that the assertion was used, where it counts once: if its platform says so of all, or if it has a "jti", for what else
// would that be (RFC 7523 section 3, item 7)? What has none is known by what was signed, of which its signer may make many signatures. Either counts for its
// platform alone.
func (e *examination) use(ctx context.Context) (fault, error) {
	kind, id := "signed", ""
	switch {
	case e.claims.Has("jti"):
		var err error
		if id, err = e.claims.Text("jti"); err != nil || id == "" {
			return failed(authority.ReasonWrongClaims, "jti is no text, or empty.", "Set jti to a text that no other assertion has, or leave it out."), nil
		}
		kind = "jti"
	case e.platform.OneTime:
		signed := e.token.Digest()
		id = string(signed[:])
	default:
		e.trace.Note("It has no jti, and may be presented again until it ends.")
		return fault{}, nil
	}
	used, err := e.isUsed(ctx, sha256.Sum256([]byte("platform "+kind+" "+e.platform.ID.String()+" "+id)))
	if err != nil {
		return fault{}, err
	}
	if used {
		return failed(authority.ReasonReplayed, "It counts once, and was used already.", "Sign a new one for each log-in, with a jti of its own."), nil
	}
	e.trace.Note("It counts once, and wasn't used yet.")
	return fault{}, nil
}

// isUsed reports whether an assertion was used before, and uses it where this isn't to explain it. To look first and use it then
// would let two of them through at once: the database decides by the one statement that writes.
func (e *examination) isUsed(ctx context.Context, digest [sha256.Size]byte) (bool, error) {
	if e.trace != nil {
		used, err := e.cfg.Store.AssertionUsed(ctx, digest)
		if err != nil {
			return false, fmt.Errorf("looking up whether an assertion was used: %w", err)
		}
		return used, nil
	}
	err := e.cfg.Store.UseAssertion(ctx, digest, e.ends)
	if errors.Is(err, authority.ErrConflict) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("keeping that an assertion was used: %w", err)
	}
	return false, nil
}
