package console

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/platform"
	"github.com/jeton-io/jeton/internal/words"
)

// Platforms are BitCanuck's, with their ID, their code and the algorithm of their JWT. As in /v1, a path names one by ID or code.

func (s *server) platformRoutes() {
	const platforms, one = platformsPath, platformsPath + "/{id}"
	s.serve("GET "+platforms, admins, s.listPlatforms)
	s.serve("GET "+platforms+"/new", admins|lately, s.newPlatform)
	s.serveForm("POST "+platforms, admins, s.enrolPlatform, s.newPlatformAgain, append(platformFields(), keyFields()...)...)
	s.serve("POST "+platforms+"/disable", admins, s.disablePlatforms, "id*")
	s.serve("GET "+platforms+"/disable", admins, toList(platforms))
	s.serve("GET "+one, admins, s.showPlatform)
	s.serve("GET "+one+"/edit", admins|lately, s.editPlatform)
	s.serveForm("POST "+one+"/edit", admins, s.updatePlatform, s.platformAgain, append(platformFields(), "version")...)
	s.serve("POST "+one+"/enable", admins, s.switchPlatform(true))
	s.serve("POST "+one+"/disable", admins, s.switchPlatform(false))
	s.serve("POST "+one+"/delete", admins, s.deletePlatform)
	s.serve("GET "+one+"/keys", admins|lately, s.newPlatformKey)
	s.serveForm("POST "+one+"/keys", admins, s.addPlatformKey, s.platformKeyAgain, append(keyFields(), "algorithm")...)
	s.serve("POST "+one+"/keys/{key}/delete", admins, s.deletePlatformKey)
	for _, action := range []string{"/enable", "/disable", "/delete", "/keys/{key}/delete"} {
		s.serve("GET "+one+action, admins, s.toPlatform)
	}
}

// The notices of this area.
const (
	platformEnrolled   notice = "platform-enrolled"
	platformChanged    notice = "platform-changed"
	platformEnabled    notice = "platform-enabled"
	platformDisabled   notice = "platform-disabled"
	platformsDisabled  notice = "platforms-disabled"
	platformDeleted    notice = "platform-deleted"
	platformKeyAdded   notice = "platform-key-added"
	platformKeyDeleted notice = "platform-key-deleted"
)

func platformNotices() map[notice]words.Text {
	return map[notice]words.Text{
		platformEnrolled:   words.Say("Platform enrolled. It can log in its users from now on."),
		platformChanged:    words.Say("Platform changed."),
		platformEnabled:    words.Say("Platform enabled. It can log in its users again."),
		platformDisabled:   words.Say("Platform disabled. Its assertions are refused, and the session tokens that it has got have ended."),
		platformsDisabled:  words.Say("The platforms that you chose are disabled. Their assertions are refused, and the session tokens that they have got have ended."),
		platformDeleted:    words.Say("Platform deleted, with its keys. The session tokens that it has got have ended."),
		platformKeyAdded:   words.Say("Key added. What it signs is accepted from now on."),
		platformKeyDeleted: words.Say("Key deleted. What it signs is refused from now on."),
	}
}

// platformsView is the list.
type platformsView struct {
	listed
	Rows   []platform.Platform
	Sought string
}

func (s *server) listPlatforms(c *call) (err error) {
	v := platformsView{listed: listed{Path: platformsPath, Sort: c.sorted("name", "created")}}
	if v.Sought, err = c.sought(); err != nil {
		return err
	}
	v.Filtered = v.Sought != ""
	read := func(after string, limit int) ([]platform.Platform, error) {
		return s.cfg.Platforms.List(c.r.Context(), after, limit)
	}
	name := func(p platform.Platform) string { return account.Key(p.Name) }
	v.Rows, err = picked(read, name, func(p platform.Platform) bool { return holds(v.Sought, p.Name, p.Code, p.ID.String()) })
	if err != nil {
		return err
	}
	v.Rows, v.Pages, err = inOrder(c, v.Rows, v.Sort, map[string]func(platform.Platform) string{
		"name": name, "created": func(p platform.Platform) string { return aged(p.CreatedAt, name(p)) },
	})
	if err != nil {
		return err
	}
	return c.renderAdmin(http.StatusOK, "platforms.html", platformsPath, words.Say("Platforms"), v)
}

// disablePlatforms disables those that were chosen in the list. One that is gone meanwhile is as disabled as can be.
func (s *server) disablePlatforms(c *call) error {
	return c.doToChosen(platformsPath, platformsDisabled, func(id uuid.UUID) error {
		_, err := s.cfg.Platforms.Update(c.r.Context(), id.String(), 0, platform.Patch{Enabled: new(false)}, c.actor())
		return err
	})
}

// platformView is the page of one platform.
type platformView struct {
	platform.Platform
	Words     []string // for whom it speaks, in people's words
	Keys      []platform.Key
	MoreKeys  bool  // whether it may have one more
	BitCanuck bool  // whether it can log its users in as BitCanuck's clients do
	SampleEnd int64 // when an assertion of now may end, as a Unix time
}

// sampleLife is how long the assertion lasts that the page shows.
const sampleLife = 10 * time.Minute

// Seconds returns how far ahead the end of an assertion may lie.
func (v platformView) Seconds() int { return int(v.MaxLife.Seconds()) }

// Roles returns those of the users that it makes.
func (v platformView) Roles() string { return strings.Join(v.NewUserRoles, ", ") }

// Said says for whom it speaks, if not for all.
func (v platformView) Said() []words.Text {
	said := make([]words.Text, len(v.Words))
	for n, word := range v.Words {
		if role, is := strings.CutPrefix(word, roleWord); is {
			said[n] = words.Say("the role %s", role)
		} else {
			said[n] = words.Say("%s", strings.TrimPrefix(word, userWord))
		}
	}
	return said
}

func (s *server) showPlatform(c *call) error {
	v, err := c.platform()
	if err != nil {
		return err
	}
	return c.renderAdmin(http.StatusOK, "platform.html", platformsPath, words.Say("%s", v.Name), v)
}

// platform returns the platform that the path names, with what its pages show.
func (c *call) platform() (v platformView, err error) {
	ctx, platforms := c.r.Context(), c.s.cfg.Platforms
	if v.Platform, err = platforms.Find(ctx, c.r.PathValue("id")); err != nil {
		return v, err
	}
	if v.Words, err = platforms.SpeaksFor(ctx, v.Platform); err != nil {
		return v, err
	}
	v.Keys, err = platforms.Keys(ctx, v.ID.String())
	v.SampleEnd = c.s.cfg.Now().Add(min(v.MaxLife, sampleLife)).Unix()
	v.MoreKeys, v.BitCanuck = len(v.Keys) < platform.MaxKeys, c.s.cfg.BitCanuck
	return v, err
}

// switchPlatform returns the handler that enables a platform, or disables it and ends what it has got.
func (s *server) switchPlatform(enabled bool) handler {
	done := platformDisabled
	if enabled {
		done = platformEnabled
	}
	return func(c *call) error {
		p, err := s.cfg.Platforms.Update(c.r.Context(), c.r.PathValue("id"), 0, platform.Patch{Enabled: &enabled}, c.actor())
		if err != nil {
			return err
		}
		return c.done(platformPath(p.ID), done)
	}
}

func (s *server) deletePlatform(c *call) error {
	if err := s.cfg.Platforms.Delete(c.r.Context(), c.r.PathValue("id"), c.actor()); err != nil && !errors.Is(err, authority.ErrNotFound) {
		return err
	}
	return c.done(platformsPath, platformDeleted)
}

func platformPath(id uuid.UUID) string { return platformsPath + "/" + id.String() }

// toPlatform leads from what a form is sent to, to the page that has the form.
func (s *server) toPlatform(c *call) error {
	p, err := s.cfg.Platforms.Find(c.r.Context(), c.r.PathValue("id"))
	if err != nil {
		return err
	}
	return c.redirect(platformPath(p.ID))
}
