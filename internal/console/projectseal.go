package console

import (
	"bytes"
	"cmp"
	"encoding/xml"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/project"
	"github.com/jeton-io/jeton/internal/secret"
	"github.com/jeton-io/jeton/internal/words"
)

// The parameters under which XDOC's tokens come.
const (
	securityToken = "XST"
	userToken     = "XUT"
)

// sealView is a test screen: the String Encryptor or the String Decryptor.
type sealView struct {
	projectPage
	Form  form
	Shown *project.SealedText // what came of it, if anything was asked
}

// Set returns the field that chooses the token set, active or not.
func (v sealView) Set(label string) (choice, error) {
	f, err := newField(v.Form, "set", label)
	made := choice{field: f}
	for n := range v.Sets {
		name := words.Say("%s", v.Sets[n].Name)
		if !v.Sets[n].Active {
			name = words.Say("%s (inactive)", v.Sets[n].Name)
		}
		made.Options = append(made.Options, option{v.Sets[n].ID.String(), name})
	}
	return made, err
}

// Parameter returns the field that says as what a token comes.
func (v sealView) Parameter(label, hint string) (choice, error) {
	f, err := newField(v.Form, "parameter", label, "hint", hint)
	return choice{f, []option{{securityToken, words.Say("Security Token (XST)")}, {userToken, words.Say("User Token (XUT)")}}}, err
}

// Problem says why what the plaintext says would be refused, or nothing.
func (v sealView) Problem() words.Text {
	if v.Shown.Problem == "" {
		return inWords(sealRefusals(), v.Shown.Refusal)
	}
	problem, place, ok := strings.Cut(v.Shown.Problem, " (byte ")
	at, err := strconv.Atoi(strings.TrimSuffix(place, ")"))
	if !ok || err != nil {
		return told(v.Shown.Problem)
	}
	return words.Say("%s (byte %d)", told(problem), at)
}

// sealRefusals say why what can be read would be refused all the same.
func sealRefusals() map[authority.Reason]words.Text {
	return map[authority.Reason]words.Text{
		authority.ReasonBadSeal:      words.Say("the token set is inactive"),
		authority.ReasonWrongFields:  words.Say("a security token needs a time as GenDT, and a user token a UserName"),
		authority.ReasonExpired:      words.Say("its GenDT is too long ago"),
		authority.ReasonNotYet:       words.Say("its GenDT is more than 5 minutes ahead"),
		authority.ReasonWrongContext: words.Say("its Context isn't the project's"),
		authority.ReasonWrongAppKey:  words.Say("its AppKey is none of the project's"),
	}
}

// showEncryptor offers a security token as XDOC's page has it, which would count now, but for the app key, which nobody is shown; or a
// user token.
func (s *server) showEncryptor(c *call) error {
	p, err := c.projectPage("encryptor")
	if err != nil {
		return err
	}
	f := form{Values: map[string]string{"plaintext": samplePlaintext(p.Project, s.cfg.Now())}}
	if c.r.URL.Query().Get("parameter") == userToken {
		f.Values = map[string]string{"parameter": userToken, "plaintext": sampleUserToken}
	}
	return c.renderSeal(http.StatusOK, sealView{projectPage: p, Form: f})
}

const sampleUserToken = "<UserToken>\n    <UserName>MyUserName</UserName>\n</UserToken>"

func samplePlaintext(p project.Project, now time.Time) string {
	var b strings.Builder
	b.WriteString("<SecurityToken>\n")
	for _, f := range [][2]string{
		{"Context", cmp.Or(p.SecurityContext, "MySecurityContext")}, {"AppId", "MyAppId"}, {"AppKey", "MyAppKey"}, {"GenDT", now.UTC().Format(time.RFC3339)},
	} {
		var value bytes.Buffer
		_ = xml.EscapeText(&value, []byte(f[1])) // a buffer takes all
		b.WriteString("    <" + f[0] + ">" + value.String() + "</" + f[0] + ">\n")
	}
	b.WriteString("</SecurityToken>")
	return b.String()
}

func (s *server) showDecryptor(c *call) error {
	p, err := c.projectPage("decryptor")
	if err != nil {
		return err
	}
	return c.renderSeal(http.StatusOK, sealView{projectPage: p})
}

func (c *call) renderSeal(status int, v sealView) error {
	title := words.Say("String Encryptor")
	if v.Tab == "decryptor" {
		title = words.Say("String Decryptor")
	}
	return c.renderAdmin(status, "projectseal.html", projectsPath, title, v)
}

// encrypt seals a text as the application would. The token counts as if it came from there.
func (s *server) encrypt(c *call) error {
	return c.seal("encryptor", func(at project.Screen) (project.SealedText, error) {
		return s.cfg.Projects.Seal(c.r.Context(), at, secret.Text(c.form["plaintext"]), c.actor())
	})
}

// decrypt opens a token. It is for administrators alone: see project.Projects.Unseal.
func (s *server) decrypt(c *call) error {
	return c.seal("decryptor", func(at project.Screen) (project.SealedText, error) {
		return s.cfg.Projects.Unseal(c.r.Context(), at, secret.Text(strings.TrimSpace(c.form["token"])), c.actor())
	})
}

// sealAgain returns the handler that shows a test screen again, with nothing done.
func sealAgain(tab string) handler {
	return func(c *call) error {
		p, err := c.projectPage(tab)
		if err != nil {
			return err
		}
		return c.renderSeal(http.StatusForbidden, sealView{projectPage: p, Form: c.filled()})
	}
}

// seal answers the form of a test screen.
func (c *call) seal(tab string, do func(at project.Screen) (project.SealedText, error)) error {
	p, err := c.projectPage(tab)
	if err != nil {
		return err
	}
	set, err := parseID(c.form["set"])
	if err != nil {
		return err
	}
	v := sealView{projectPage: p, Form: c.filled()}
	shown, err := do(project.Screen{Number: p.Number, Set: set, Parameter: c.form["parameter"]})
	if err != nil {
		if !v.Form.explain(err, nil) {
			return err
		}
		return c.renderSeal(http.StatusUnprocessableEntity, v)
	}
	v.Shown = &shown
	return c.renderSeal(http.StatusOK, v)
}
