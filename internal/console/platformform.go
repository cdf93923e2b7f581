package console

import (
	"bytes"
	"cmp"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jeton-io/jeton/internal/jose"
	"github.com/jeton-io/jeton/internal/platform"
	"github.com/jeton-io/jeton/internal/words"
)

// platformFields are those of a platform's record, as a form has them. For whom it speaks stands in three: everybody or only some, and
// then their roles and their names.
func platformFields() []string {
	return []string{
		"name", "algorithm", "speaks", "roles", "users", "administrators", "create_users", "new_user_roles", "one_time", "max_assertion_seconds",
		"issuer", "audience",
	}
}

// The words for whom a platform speaks, as package platform has them.
const (
	speaksForAll = "all"
	roleWord     = "role:"
	userWord     = "user:"
)

// platformAlgorithms returns those that a platform can have, BitCanuck's own first.
func platformAlgorithms() []jose.Algorithm {
	return []jose.Algorithm{jose.RS512, jose.RS384, jose.RS256, jose.ES256, jose.EdDSA, jose.HS512, jose.HS384, jose.HS256}
}

// platformFormView is a form by which a platform is enrolled or changed, or given a key.
type platformFormView struct {
	Form      form
	Platform  platform.Platform // which is changed or given a key
	Enrols    bool              // a new platform
	Keyed     bool              // the form has a key
	Described bool              // the form has the platform's own record
}

// Algorithm returns the field that says with which algorithm the platform signs.
func (v platformFormView) Algorithm(label, hint string) (choice, error) {
	f, err := newField(v.Form, "algorithm", label, "hint", hint)
	return choice{f, itself(platformAlgorithms()...)}, err
}

// More reports whether the fields that few platforms need are to be open: one of them is filled, or wrong.
func (v platformFormView) More() bool {
	return slices.ContainsFunc([]string{"issuer", "audience", "kid"}, func(name string) bool { return v.Form.Values[name] != "" || v.Form.Problems.Has(name) }) ||
		v.Form.Problems.Has("max_assertion_seconds")
}

func (c *call) renderPlatformForm(status int, v platformFormView) error {
	title := words.Say("Edit %s", v.Platform.Name)
	switch {
	case v.Enrols:
		title = words.Say("Enrol a platform")
	case v.Keyed:
		title = words.Say("Add a key")
	}
	return c.renderAdmin(status, "platform-form.html", platformsPath, title, v)
}

func (s *server) newPlatform(c *call) error {
	return c.renderPlatformForm(http.StatusOK, platformFormView{Enrols: true, Keyed: true, Described: true, Form: form{Values: map[string]string{
		"algorithm": string(jose.RS512), "source": sourcePublicKey, "speaks": speaksForAll, "max_assertion_seconds": "900",
	}}})
}

func (s *server) newPlatformAgain(c *call) error {
	return c.renderPlatformForm(http.StatusForbidden, platformFormView{Enrols: true, Keyed: true, Described: true, Form: c.refilled()})
}

// enrolPlatform makes a platform. What was made for it is shown on the result page, this once: see generateToken.
func (s *server) enrolPlatform(c *call) error {
	v := platformFormView{Enrols: true, Keyed: true, Described: true, Form: c.refilled()}
	c.demandKey(&v.Form)
	maxLife := v.Form.maxLife()
	if v.Form.Problems.First() != "" {
		return c.renderPlatformForm(http.StatusUnprocessableEntity, v)
	}
	enrolled, made, err := s.cfg.Platforms.Enrol(c.r.Context(), platform.Draft{
		Name: c.form["name"], Algorithm: jose.Algorithm(c.form["algorithm"]), Key: c.keyDraft(), Issuer: c.form["issuer"], Audience: c.form["audience"],
		SpeaksFor: v.Form.speaksFor(), Administrators: c.form["administrators"] != "", CreateUsers: c.form["create_users"] != "",
		NewUserRoles: v.Form.roles("new_user_roles"), MaxLife: maxLife, OneTime: c.form["one_time"] != "", Enabled: true,
	}, c.actor())
	if err != nil {
		return c.explainPlatform(v, err)
	}
	return c.showMade(enrolled, made, platformEnrolled)
}

func (s *server) editPlatform(c *call) error {
	p, err := c.platform()
	if err != nil {
		return err
	}
	f := map[string]string{
		"name": p.Name, "algorithm": string(p.Algorithm), "speaks": speaksForAll, "new_user_roles": strings.Join(p.NewUserRoles, ", "),
		"max_assertion_seconds": strconv.Itoa(p.Seconds()), "issuer": p.Issuer, "audience": p.Audience, "version": strconv.FormatInt(p.Version, 10),
	}
	if !p.SpeaksFor.All {
		var roles, users []string
		for _, word := range p.Words {
			if role, is := strings.CutPrefix(word, roleWord); is {
				roles = append(roles, role)
			} else {
				users = append(users, strings.TrimPrefix(word, userWord))
			}
		}
		f["speaks"], f["roles"], f["users"] = "some", strings.Join(roles, ", "), strings.Join(users, "\n")
	}
	for name, on := range map[string]bool{"administrators": p.Administrators, "create_users": p.CreateUsers, "one_time": p.OneTime} {
		if on {
			f[name] = "yes"
		}
	}
	return c.renderPlatformForm(http.StatusOK, platformFormView{Described: true, Platform: p.Platform, Form: form{Values: f}})
}

// updatePlatform changes a platform. For whom it speaks is left as it is where the form says what it said: users who are deleted
// aren't shown there, and somebody who changes a name must not have to think of those.
func (s *server) updatePlatform(c *call) error {
	former, err := c.platform()
	if err != nil {
		return err
	}
	version, err := c.version()
	if err != nil {
		return err
	}
	v := platformFormView{Described: true, Platform: former.Platform, Form: c.refilled()}
	maxLife := v.Form.maxLife()
	if v.Form.Problems.First() != "" {
		return c.renderPlatformForm(http.StatusUnprocessableEntity, v)
	}
	patch := platform.Patch{
		Name: new(c.form["name"]), Algorithm: new(jose.Algorithm(c.form["algorithm"])), Issuer: new(c.form["issuer"]), Audience: new(c.form["audience"]),
		Administrators: new(c.form["administrators"] != ""), CreateUsers: new(c.form["create_users"] != ""),
		NewUserRoles: new(v.Form.roles("new_user_roles")), MaxLife: &maxLife, OneTime: new(c.form["one_time"] != ""),
	}
	if said := v.Form.speaksFor(); !sameWords(said, former.Words) {
		patch.SpeaksFor = &said
	}
	if _, err := s.cfg.Platforms.Update(c.r.Context(), former.ID.String(), version, patch, c.actor()); err != nil {
		return c.explainPlatform(v, err)
	}
	return c.done(platformPath(former.ID), platformChanged)
}

func (s *server) platformAgain(c *call) error {
	p, err := c.platform()
	if err != nil {
		return err
	}
	return c.renderPlatformForm(http.StatusForbidden, platformFormView{Described: true, Platform: p.Platform, Form: c.refilled()})
}

// speaksFor returns for whom a platform speaks, in the words of package platform: roles first, then users, whose names may have
// commas and spaces and therefore stand on a line each.
func (f *form) speaksFor() []string {
	if f.Values["speaks"] == speaksForAll {
		return []string{speaksForAll}
	}
	all := []string{}
	for _, role := range f.roles("roles") {
		all = append(all, roleWord+role)
	}
	for _, name := range f.lines("users") {
		all = append(all, userWord+name)
	}
	return all
}

// platformNames are the form's names of what package platform calls otherwise: of its one list of words, the form has two.
func (f *form) platformNames() map[string]string {
	names := map[string]string{"keys": "source", "speaks_for": "roles"}
	roles := len(f.entries["roles"])
	for n := range f.entries["users"] {
		names[fmt.Sprintf("speaks_for[%d]", roles+n)] = fmt.Sprintf("users[%d]", n)
	}
	return names
}

func sameWords(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

// maxLife returns how far ahead the end of an assertion may lie.
func (f *form) maxLife() time.Duration {
	return time.Duration(f.number("max_assertion_seconds")) * time.Second
}

// refilled is filled but for secrets: those that were typed, and what was pasted where a public key or its address belongs and isn't
// one, for that may be a private key or a secret. What wasn't chosen is left out, too. What was chosen and isn't shown is marked.
func (c *call) refilled() form {
	f := c.filled()
	chosen := f.Values["source"]
	shown := map[string]bool{
		"public_key": (chosen == "" || chosen == "public_key") && isPublicPEM(f.Values["public_key"]),
		"jwks_uri":   chosen == "jwks_uri" && isPublicURL(f.Values["jwks_uri"]),
		"secret":     false,
	}
	for name, shown := range shown {
		if _, ours := f.Values[name]; !ours || shown {
			continue
		}
		if f.Values[name] != "" && name == cmp.Or(chosen, sourcePublicKey) {
			f.empty(name)
		}
		f.Values[name] = ""
	}
	return f
}

// isPublicPEM reports whether a text is one block of PEM, and that of a public key.
func isPublicPEM(text string) bool {
	block, rest := pem.Decode([]byte(text))
	if block == nil || len(bytes.TrimSpace(rest)) > 0 || !strings.HasPrefix(strings.TrimSpace(text), "-----BEGIN ") {
		return false
	}
	_, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		_, err = x509.ParsePKCS1PublicKey(block.Bytes)
	}
	return err == nil
}

// isPublicURL reports whether a text is an address that holds no password.
func isPublicURL(text string) bool {
	u, err := url.Parse(text)
	return err == nil && u.Scheme == "https" && u.Host != "" && u.User == nil
}

// explainPlatform answers with the form as it was filled, and what is wrong with it.
func (c *call) explainPlatform(v platformFormView, err error) error {
	if !v.Form.explain(err, v.Form.platformNames()) {
		return err
	}
	return c.renderPlatformForm(http.StatusUnprocessableEntity, v)
}
