package console

import (
	"cmp"
	"net/http"
	"net/url"
	"time"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/internal/words"
)

// languageCookie keeps the language that somebody has chosen at the foot of a page. It tells nothing of who that is.
const languageCookie = "jeton_language"

const languageKept = 365 * 24 * time.Hour

// spoken returns the words in which a request is answered: those that were chosen, else those that the browser asks for, else
// those of the setting.
func (s *server) spoken(r *http.Request) *words.Words {
	if chosen, err := r.Cookie(languageCookie); err == nil {
		if w, ok := words.For(chosen.Value); ok {
			return w
		}
	}
	return words.Preferred(r.Header.Get("Accept-Language"), s.language)
}

// chooseLanguage keeps a language, and leads back to the page on which it was chosen.
func (s *server) chooseLanguage(c *call) error {
	w, ok := words.For(c.form["language"])
	if !ok {
		return api.NewProblem(api.CodeMalformedRequest, "")
	}
	http.SetCookie(c.w, &http.Cookie{ //nolint:gosec // G124: as those of a log-in, see Cookies
		Name: languageCookie, Value: w.Code(), Path: homePath, MaxAge: int(languageKept / time.Second),
		Secure: s.cfg.Cookies.secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
	asked := c.form["next"]
	if u, err := url.Parse(asked); err == nil && u.Path == loginPath { // to which next doesn't lead
		return c.redirect(loginFor(u.Query().Get("next"), ""))
	}
	return c.redirect(cmp.Or(next(asked), homePath))
}
