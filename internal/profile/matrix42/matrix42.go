// Package matrix42 serves Matrix42's clients, unchanged: the one address at which they get an access token for the API
// token that they keep.
//
//	POST /m42Services/api/ApiToken/GenerateAccessTokenFromApiToken/?     Authorization: Bearer <API token>
//	                                                               200   {"RawToken":"<access token>","LifeTime":"2026-11-21T19:20:00Z"}
//	                                                               401   null
//
// These clients spell the path in one case or another, with a slash at its end or without, and send no body or one that
// says nothing: none of that makes a difference. The exchange itself is that of package accesstoken, as at /oauth/token;
// here are the product's words for it.
//
// It refuses every credential but an API token, and all that is wrong with one in the same way. It never says null of a
// token that it couldn't look at: clients take that for the token's end, and may ask their owner for another one.
package matrix42

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/jeton-io/jeton/internal/accesstoken"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/web"
)

// Access issues access tokens.
type Access interface {
	// Issue gets a principal that came by an API token an access token. It returns a *authority.Refusal where the record
	// of the API token bears none, and any other error where that couldn't be found out.
	Issue(ctx context.Context, p *authority.Principal, ask accesstoken.Ask) (accesstoken.Issued, error)
}

// Config is what the profile needs. Every field is required.
type Config struct {
	Authority *authority.Authority
	Access    Access
	Peers     *web.Peers // the proxies whose word about a client is believed
	// RefusalStatus is the status of null: 401, or 200 as the product itself answers.
	RefusalStatus int
}

// profile answers at the address. Everything in it is fixed once it is made.
type profile struct {
	cfg   Config
	door  authority.Door
	fixed fixed
}

// New returns the handler of the requests that Serves names, or an error where the configuration lacks something.
func New(cfg Config) (http.Handler, error) {
	if cfg.Authority == nil || cfg.Access == nil || cfg.Peers == nil {
		return nil, errors.New("matrix42: Authority, Access and Peers are required")
	}
	if cfg.RefusalStatus != http.StatusUnauthorized && cfg.RefusalStatus != http.StatusOK {
		return nil, fmt.Errorf("matrix42: RefusalStatus is %d, which is neither 401 nor 200", cfg.RefusalStatus)
	}
	return &profile{cfg, authority.Door{Name: "matrix42", Kinds: authority.KindsOf(authority.APIToken)}, newFixed()}, nil
}

// address is the path of the exchange, as the product's own documents spell it.
const address = "/m42Services/api/ApiToken/GenerateAccessTokenFromApiToken"

// ExchangePath is that address as the product's page writes it.
const ExchangePath = address + "/?"

// Serves reports whether a request of this path, still percent-encoded and without its query, is the profile's: the
// address in any case of its letters, with one slash at its end or none.
//
// The length is compared beside the letters: Unicode folds further characters into k and s, and those are longer.
func Serves(path string) bool {
	path = strings.TrimSuffix(path, "/")
	return len(path) == len(address) && strings.EqualFold(path, address)
}

// exchange gets the caller an access token. A refusal has been counted and entered for the audit log.
//
// Of the request it looks at the header alone, and there at what says who calls: neither at the query nor at the form of
// the body, which isn't read.
func (p *profile) exchange(w http.ResponseWriter, r *http.Request) (accesstoken.Issued, error) {
	client, _ := p.cfg.Peers.Client(r)
	in, line := web.PresentedHere(r, client), web.Note(w)
	line.Client = client
	caller, err := p.cfg.Authority.Identify(r.Context(), &in, &p.door)
	if err != nil {
		return accesstoken.Issued{}, err
	}
	line.Caller(&caller)
	issued, err := p.cfg.Access.Issue(r.Context(), &caller, accesstoken.Ask{})
	if err != nil {
		return accesstoken.Issued{}, p.cfg.Authority.Withhold(err, &in, &p.door, &caller)
	}
	return issued, nil
}
