package console

import (
	"net/http"
	"time"

	"github.com/jeton-io/jeton/internal/apitoken"
	"github.com/jeton-io/jeton/internal/keyring"
	"github.com/jeton-io/jeton/internal/words"
)

// The overview answers two questions: does anything need me, and what went on today? Everything it asks is bounded, whatever there is:
// nothing is counted that may be a million rows.

func (s *server) overviewRoutes() {
	s.serve("GET "+adminPath, admins, s.overview)
}

const (
	endingDays  = 7   // a token that ends within so many days needs somebody: so early its owner gets the mail
	maxEnding   = 100 // how many of these are counted
	shownEnding = 5   // how many are shown
	maxCounted  = 200 // how many records of other kinds are counted
	shownNames  = 5   // how many names an attention tells
)

// attention is something that an administrator should look at.
type attention struct {
	What words.Text
	Path string     // where to do something about it
	Do   words.Text // what that is
}

// recordCount is how many of something there are.
type recordCount struct {
	Name words.Text
	Path string
	N    int
	More bool // there are more than N
}

// overviewView is the page.
type overviewView struct {
	Attention  []attention
	Ending     []apiTokenRow // those that end the soonest
	MoreEnding bool          // there are others that end within the days
	Counts     []recordCount
	Day        dayTally
}

func (s *server) overview(c *call) error {
	var v overviewView
	for _, look := range []func(*call, *overviewView) error{s.lookAtTokens, s.lookAtPlatforms, s.lookAtServices, s.lookAtProjects, s.lookAtKeys} {
		if err := look(c, &v); err != nil {
			return err
		}
	}
	var err error
	if v.Day, err = s.readDay(c); err != nil {
		return err
	}
	return c.renderAdmin(http.StatusOK, "overview.html", adminPath, words.Say("Overview"), v)
}

// need adds something to be looked at.
func (v *overviewView) need(what words.Text, path string, do words.Text) {
	v.Attention = append(v.Attention, attention{what, path, do})
}

// lookAtTokens looks for tokens that are good and soon won't be.
func (s *server) lookAtTokens(c *call, v *overviewView) error {
	tokens, err := s.cfg.APITokens.List(c.r.Context(), apitoken.Query{
		EndingFrom: s.cfg.Now(), ExpiringBefore: s.cfg.APITokens.Ahead(endingDays), Enabled: new(true), Limit: maxEnding + 1,
	})
	if err != nil || len(tokens) == 0 {
		return err
	}
	what := words.Say("%d Web Service Tokens end within 7 days.", len(tokens))
	if len(tokens) > maxEnding {
		what = words.Say("More than %d Web Service Tokens end within 7 days.", maxEnding)
	}
	v.need(what, apiTokensPath+"?state=enabled&expiring=7", words.Say("See them"))
	v.MoreEnding = len(tokens) > shownEnding
	v.Ending, err = c.apiTokenRows(tokens[:min(len(tokens), shownEnding)])
	return err
}

func (s *server) lookAtPlatforms(c *call, v *overviewView) error {
	platforms, err := s.cfg.Platforms.List(c.r.Context(), "", maxCounted+1)
	if err != nil {
		return err
	}
	var disabled []string
	for n := range platforms {
		if !platforms[n].Enabled {
			disabled = append(disabled, platforms[n].Name)
		}
	}
	if len(disabled) > 0 {
		v.need(words.Say("Platforms that are disabled: %s. Nobody is logged in by them.", someOf(disabled)), platformsPath, words.Say("Go to the platforms"))
	}
	v.count(words.Say("Platforms"), platformsPath, len(platforms))
	return nil
}

// lookAtServices asks the compiled policy, which is in memory.
func (s *server) lookAtServices(_ *call, v *overviewView) error {
	services := s.cfg.Catalog.Services()
	var suspended []string
	for n := range services {
		if services[n].Suspended {
			suspended = append(suspended, services[n].Name)
		}
	}
	if len(suspended) > 0 {
		v.need(words.Say("Services that are suspended since the database was restored: %s. Every call of them is refused until somebody has looked at them.", someOf(suspended)),
			servicesPath, words.Say("Go to the services"))
	}
	if len(services) == 0 {
		v.need(words.Say("No API is protected yet."), servicesPath, words.Say("Describe the first service"))
	}
	v.Counts = append(v.Counts, recordCount{Name: words.Say("Services"), Path: servicesPath, N: len(services)})
	return nil
}

func (s *server) lookAtProjects(c *call, v *overviewView) error {
	projects, err := s.cfg.Projects.List(c.r.Context(), 0, maxCounted+1)
	v.count(words.Say("Projects"), projectsPath, len(projects))
	return err
}

// lookAtKeys looks for keys that sign and are in the last tenth of their age, or past it.
func (s *server) lookAtKeys(c *call, v *overviewView) error {
	age := s.cfg.KeyAge
	if age == 0 {
		return nil
	}
	for _, key := range s.cfg.Keys.SigningKeys() {
		end := key.CreatedAt.Add(age)
		switch now := s.cfg.Now(); {
		case key.State() != keyring.KeyActive:
		case !now.Before(end.Add(time.Hour)): // which is longer than anybody waits for the next round of maintenance
			v.need(words.Say("The signing key of %s is too old: it should have been replaced on %s.", signedBy(key.Purpose), c.words.Date(end)), keysPath, words.Say("Go to the signing keys"))
		case !now.Before(end.Add(-age / 10)):
			v.need(words.Say("The signing key of %s grows old: Jeton replaces it by itself on %s.", signedBy(key.Purpose), c.words.Date(end)), keysPath, words.Say("Go to the signing keys"))
		}
	}
	return nil
}

// signedBy says what a signing key signs within a sentence, where languages write it smaller than at the beginning of a row.
func signedBy(p keyring.Purpose) words.Text {
	return inWords(map[keyring.Purpose]words.Text{
		keyring.ForAPITokens:    words.Say("Web Service Tokens"),
		keyring.ForAccessTokens: words.Say("access tokens"),
		keyring.ForIdentity:     words.Say("identity tokens"),
	}, p)
}

// count adds how many of something there are, of which one more than are counted was asked for.
func (v *overviewView) count(name words.Text, path string, n int) {
	v.Counts = append(v.Counts, recordCount{name, path, min(n, maxCounted), n > maxCounted})
}

// someOf lists names, the first few of many.
func someOf(names []string) words.Text {
	list := names[0]
	for _, name := range names[1:min(len(names), shownNames)] {
		list += ", " + name
	}
	if more := len(names) - shownNames; more > 0 {
		return words.Say("%s and %d more", list, more)
	}
	return words.Say("%s", list)
}
