package console

import (
	"net/http"
	"strconv"

	"github.com/jeton-io/jeton/internal/project"
	"github.com/jeton-io/jeton/internal/words"
)

// listTokenSets shows the token sets of a project. There are a few at most, so that the list has one page.
func (s *server) listTokenSets(c *call) error {
	p, err := c.projectPage("sets")
	if err != nil {
		return err
	}
	return c.renderAdmin(http.StatusOK, "projectsets.html", projectsPath, words.Say("API Tokens"), p)
}

// tokenSet returns the project and the token set that the path names.
func (c *call) tokenSet() (projectPage, project.TokenSet, error) {
	p, err := c.projectPage("sets")
	if err != nil {
		return p, project.TokenSet{}, err
	}
	id, err := c.id()
	if err != nil {
		return p, project.TokenSet{}, err
	}
	set, err := c.s.cfg.Projects.FindSet(c.r.Context(), p.Number, id)
	return p, set, err
}

// deleteTokenSet ends a token set: what was made by it is refused from then on.
func (s *server) deleteTokenSet(c *call) error {
	p, set, err := c.tokenSet()
	if err != nil {
		return err
	}
	if err := s.cfg.Projects.DeleteSet(c.r.Context(), p.Number, set.ID, c.actor()); err != nil {
		return err
	}
	return c.done(p.Path()+"/token-sets", tokenSetDeleted)
}

// KeySizeOf spells the size of a key as XDOC does, which has 196 for 192.
func (p projectPage) KeySizeOf(set project.TokenSet) string { return keySizeText(set.KeySize) }

func keySizeText(bits int) string {
	if bits == 192 {
		return "196"
	}
	return strconv.Itoa(bits)
}
