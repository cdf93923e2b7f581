package console

import (
	"errors"
	"net/http"

	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/personal"
	"github.com/jeton-io/jeton/internal/words"
)

// homeView is the start page: what one has, and where to go from here.
type homeView struct {
	Name     string
	Token    *personal.Token // nil where there is none
	Security string          // the path of one's own security page
	Own      string          // that of what is known of one
	Admin    bool
	Codes    *int // recovery codes that are left, where one was just used
}

func (s *server) home(c *call) error {
	token, err := c.token()
	if err != nil {
		return err
	}
	v := homeView{Name: c.principal.DisplayName, Token: token, Security: c.securityPath(), Own: ownPath(c.principal.ID), Admin: c.principal.Admin()}
	if v.Name == "" {
		v.Name = c.principal.Username
	}
	if c.notice() == recoveryCodeUsed {
		status, err := s.cfg.Factors.Of(c.r.Context(), c.principal.ID)
		if err != nil {
			return err
		}
		v.Codes = &status.RecoveryCodes
	}
	return c.render(http.StatusOK, "home.html", page{Title: words.Say("Home"), Menu: "home", Main: v})
}

// token returns what is known of the user's token, or nil where there is none.
func (c *call) token() (*personal.Token, error) {
	token, err := c.s.cfg.Tokens.Metadata(c.r.Context(), &c.principal)
	if errors.Is(err, authority.ErrNotFound) {
		return nil, nil
	}
	return &token, err
}
