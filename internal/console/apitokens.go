package console

import (
	"cmp"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/apitoken"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/words"
)

// Web Service Tokens are API tokens under the name that Matrix42's users know them by, and so are the steps by which one is made.

func (s *server) apiTokenRoutes() {
	const tokens = apiTokensPath
	s.serve("GET "+tokens, admins, s.listAPITokens)
	s.serveForm("POST "+tokens, admins, s.generateAPIToken, s.newAPITokenAgain, "name", "days", "never", "user")
	s.serve("GET "+tokens+"/new", admins|lately, s.newAPIToken)
	s.serve("POST "+tokens+"/disable", admins, s.disableAPITokens, "id*")
	s.serve("GET "+tokens+"/disable", admins, toList(tokens))
	s.serve("GET "+tokens+"/{id}", admins, s.showAPIToken)
	s.serve("POST "+tokens+"/{id}/enable", admins, s.switchAPIToken(true))
	s.serve("POST "+tokens+"/{id}/disable", admins, s.switchAPIToken(false))
	s.serve("POST "+tokens+"/{id}/delete", admins, s.deleteAPIToken)
	for _, action := range []string{"/enable", "/disable", "/delete"} {
		s.serve("GET "+tokens+"/{id}"+action, admins, s.toParent)
	}
}

// The notices of this area.
const (
	apiTokenEnabled   notice = "api-token-enabled"
	apiTokenDisabled  notice = "api-token-disabled"
	apiTokensDisabled notice = "api-tokens-disabled"
	apiTokenDeleted   notice = "api-token-deleted"
)

func apiTokenNotices() map[notice]words.Text {
	return map[notice]words.Text{
		apiTokenEnabled:   words.Say("Token enabled."),
		apiTokenDisabled:  words.Say("Token disabled. It and its access tokens are refused from now on."),
		apiTokensDisabled: words.Say("The tokens that you chose are disabled. They and their access tokens are refused from now on."),
		apiTokenDeleted:   words.Say("Token deleted. It and its access tokens are refused for good."),
	}
}

// recommendedDays is how long a token lasts where nobody says otherwise.
const recommendedDays = 30

// apiTokenRow is one token of the list, with its user's name.
type apiTokenRow struct {
	apitoken.Token
	User  string
	Ended bool // it is past its end
}

// State says in a word what a token is good for.
func (r apiTokenRow) State() words.Text {
	switch {
	case !r.Enabled:
		return words.Say("Disabled")
	case r.Ended:
		return words.Say("Expired")
	}
	return words.Say("Enabled")
}

// Narrowed reports whether the token has scopes of its own, or none, and not all that its user may.
func (r apiTokenRow) Narrowed() bool { return r.Limits.Scopes != nil }

// apiTokensView is the list.
type apiTokensView struct {
	listed
	Rows   []apiTokenRow
	Filter apiTokenFilter
}

// apiTokenFilter is what of the list is asked for, as the form has it.
type apiTokenFilter struct{ Sought, User, State, Expiring string }

// listAPITokens shows tokens in the order of a column that goes with what is asked for: names that are searched, by name, and tokens
// that end, by their end.
func (s *server) listAPITokens(c *call) (err error) {
	asked := c.r.URL.Query()
	v := apiTokensView{
		listed: listed{Path: apiTokensPath}, Filter: apiTokenFilter{User: asked.Get("user"), State: asked.Get("state"), Expiring: asked.Get("expiring")},
	}
	if v.Filter.Sought, err = c.sought(); err != nil {
		return err
	}
	v.Filtered = v.Filter != apiTokenFilter{}
	q, err := c.apiTokenQuery(v.Filter)
	if err != nil {
		return err
	}
	columns := []string{string(apitoken.ByName), string(apitoken.ByAge), string(apitoken.ByEnd)}
	switch {
	case !q.ExpiringBefore.IsZero():
		columns = columns[2:]
	case q.Find != "":
		columns = columns[:1]
	}
	v.Sort = c.sorted(columns...)
	q.Order, q.Descending = apitoken.Order(v.Sort.Column), v.Sort.Descending
	if err := c.resume(q.Resume); err != nil {
		return err
	}
	tokens, err := s.cfg.APITokens.List(c.r.Context(), q)
	if err != nil {
		return err
	}
	if tokens, v.Pages, err = pageOf(c, tokens, q.Position); err != nil {
		return err
	}
	if v.Rows, err = c.apiTokenRows(tokens); err != nil {
		return err
	}
	return c.renderAdmin(http.StatusOK, "apitokens.html", apiTokensPath, words.Say("Web Service Tokens"), v)
}

// apiTokenQuery is what the store is asked for a filter. A user whom there isn't has no tokens, and the list is empty then. A token that
// has ended isn't one that ends soon.
func (c *call) apiTokenQuery(f apiTokenFilter) (apitoken.Query, error) {
	q := apitoken.Query{Find: f.Sought, Limit: rowsPerPage + 1}
	if f.User != "" {
		id, err := c.s.cfg.Accounts.UserID(c.r.Context(), f.User)
		if errors.Is(err, authority.ErrNotFound) {
			id, err = uuid.Max, nil // nobody's
		}
		if err != nil {
			return q, err
		}
		q.UserID = id
	}
	if f.State == "enabled" || f.State == "disabled" {
		q.Enabled = new(f.State == "enabled")
	}
	if days, err := strconv.Atoi(f.Expiring); err == nil && days > 0 && days <= 36500 {
		q.EndingFrom, q.ExpiringBefore = c.s.cfg.Now(), c.s.cfg.APITokens.Ahead(days)
	}
	return q, nil
}

func (c *call) apiTokenRows(tokens []apitoken.Token) ([]apiTokenRow, error) {
	ids := make([]uuid.UUID, len(tokens))
	for n := range tokens {
		ids[n] = tokens[n].UserID
	}
	names, err := c.s.cfg.Accounts.Names(c.r.Context(), ids)
	if err != nil {
		return nil, err
	}
	rows := make([]apiTokenRow, len(tokens))
	for n := range tokens {
		rows[n] = apiTokenRow{tokens[n], names[tokens[n].UserID], c.ended(tokens[n].ExpiresAt)}
	}
	return rows, nil
}

// newAPITokenView is the form, and the page that shows the token.
type newAPITokenView struct {
	Form     form
	Issued   string // the token itself, on the one page that shows it
	Token    apiTokenRow
	Exchange exchange
}

// apiTokenView is one token's page.
type apiTokenView struct {
	apiTokenRow
	Exchange exchange
}

// exchange is how a program gets an access token for its API token: as Matrix42's clients do where they are served, else by OAuth 2.0.
type exchange struct {
	Bearer bool // the token itself is the credential, as for a product's clients
	Call   string
	Life   words.Text
}

func (s *server) exchange() exchange {
	path := cmp.Or(s.cfg.ExchangePath, "/oauth/token")
	return exchange{s.cfg.ExchangePath != "", "POST " + s.cfg.PublicURL + path, waitWords(s.cfg.AccessLife)}
}

func (s *server) newAPIToken(c *call) error {
	return c.renderNewAPIToken(http.StatusOK, newAPITokenView{Form: form{Values: map[string]string{
		"days": strconv.Itoa(recommendedDays), "user": c.r.URL.Query().Get("user"),
	}}})
}

func (c *call) renderNewAPIToken(status int, v newAPITokenView) error {
	return c.renderAdmin(status, "apitoken-new.html", apiTokensPath, words.Say("Generate New Token"), v)
}

func (s *server) newAPITokenAgain(c *call) error {
	return c.renderNewAPIToken(http.StatusForbidden, newAPITokenView{Form: c.filled()})
}

// explainDays says what is wrong with the number of days where it isn't just the number: "Expires at" makes people think of a date.
func (f *form) explainDays() {
	text := f.Values["days"]
	switch separators := strings.FieldsFunc(text, func(r rune) bool { return !strings.ContainsRune("-./", r) }); {
	case !strings.ContainsAny(text, "123456789"):
		f.Problems.add("days", words.Say("Give a number of days, or choose Never Expires."))
	case len(separators) > 1:
		f.Problems.add("days", words.Say("Give a number of days, such as 30, not a date."))
	}
}

// generateAPIToken makes a token and shows it on the result page, this once: see generateToken.
func (s *server) generateAPIToken(c *call) error {
	f := c.filled()
	d := apitoken.Draft{Name: c.form["name"], User: c.form["user"], Never: c.form["never"] != ""}
	if !d.Never {
		if d.Days = f.number("days"); d.Days == 0 {
			f.explainDays()
			return c.renderNewAPIToken(http.StatusUnprocessableEntity, newAPITokenView{Form: f})
		}
	}
	text, token, err := s.cfg.APITokens.Create(c.r.Context(), d, &c.principal, c.actor())
	if err != nil {
		if !f.explain(err, map[string]string{"expires_in_days": "days"}) {
			return err
		}
		return c.renderNewAPIToken(http.StatusUnprocessableEntity, newAPITokenView{Form: f})
	}
	return c.renderNewAPIToken(http.StatusOK, newAPITokenView{Issued: text.Reveal(), Token: apiTokenRow{Token: token, User: d.User}, Exchange: s.exchange()})
}

func (s *server) showAPIToken(c *call) error {
	token, err := s.apiToken(c)
	if err != nil {
		return err
	}
	rows, err := c.apiTokenRows([]apitoken.Token{token})
	if err != nil {
		return err
	}
	return c.renderAdmin(http.StatusOK, "apitoken.html", apiTokensPath, words.Say("%s", token.Name), apiTokenView{rows[0], s.exchange()})
}

// apiToken returns the token that the path names.
func (s *server) apiToken(c *call) (apitoken.Token, error) {
	id, err := c.id()
	if err != nil {
		return apitoken.Token{}, err
	}
	return s.cfg.APITokens.Token(c.r.Context(), id)
}

// switchAPIToken returns the handler that enables a token, or disables it and all its access tokens.
func (s *server) switchAPIToken(enabled bool) handler {
	done := apiTokenDisabled
	if enabled {
		done = apiTokenEnabled
	}
	return func(c *call) error {
		id, err := c.id()
		if err != nil {
			return err
		}
		if _, err := s.cfg.APITokens.Update(c.r.Context(), id, apitoken.Patch{Enabled: &enabled}, &c.principal, c.actor()); err != nil {
			return err
		}
		return c.done(apiTokensPath+"/"+id.String(), done)
	}
}

// disableAPITokens disables those that were chosen in the list. One that is gone meanwhile is as disabled as it can be.
func (s *server) disableAPITokens(c *call) error {
	return c.doToChosen(apiTokensPath, apiTokensDisabled, func(id uuid.UUID) error {
		_, err := s.cfg.APITokens.Update(c.r.Context(), id, apitoken.Patch{Enabled: new(false)}, &c.principal, c.actor())
		return err
	})
}

func (s *server) deleteAPIToken(c *call) error {
	id, err := c.id()
	if err != nil {
		return err
	}
	if err := s.cfg.APITokens.Delete(c.r.Context(), id, c.actor()); err != nil && !errors.Is(err, authority.ErrNotFound) {
		return err
	}
	return c.done(apiTokensPath, apiTokenDeleted)
}
