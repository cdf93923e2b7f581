package e2e_test

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/jeton-io/jeton/test/postbox"
)

// guest is somebody who gets mail.
type guest struct {
	*stack
	box         *postbox.Box
	admin, page *page
	link        string // that came by mail
}

// TestInvitedByMail has an administrator invite somebody, who does the rest with what comes by mail: in browsers that share nothing, and
// through a mail server.
func TestInvitedByMail(t *testing.T) {
	s := emptyStack(t)
	g := &guest{stack: s, box: postbox.New(t, postbox.Options{})}
	s.serve = append(s.serve, "--smtp-url", "smtp://127.0.0.1:"+strconv.Itoa(g.box.Port), "--mail-from", "Jeton <jeton@example.com>")
	s.begin(t)
	g.admin = newBrowser(t)
	g.page = g.admin.otherBrowser(t)
	for i, step := range []struct {
		picture, name string
		at            **page
		do            func(*guest, *testing.T)
	}{
		{"invite", "the administrator creates a user and invites her", &g.admin, (*guest).beInvited},
		{"welcome", "she opens the link from the mail", &g.page, (*guest).openInvitation},
		{"in", "she chooses a password, and is in", &g.page, (*guest).choosePassword},
		{"notice", "she is told of it by mail", &g.page, (*guest).beTold},
		{"sent", "another day, she asks for a link to log in", &g.page, (*guest).askForLink},
		{"log-in", "she opens that link, and is in", &g.page, (*guest).openLink},
		{"over", "nobody gets in by it again", &g.admin, (*guest).openAgain},
	} {
		if !t.Run(fmt.Sprintf("%d %s", i+1, step.name), func(t *testing.T) {
			defer func() { (*step.at).picture(t, fmt.Sprintf("mail/%d-%s", i+1, step.picture)) }()
			step.do(g, t)
		}) {
			t.Fatal("the rest can't be done without this line")
		}
	}
	s.stop(t, s.jeton)
	s.searchSecrets(t)
}

// next returns the next letter to her: others are told of what was done to their accounts, too.
func (g *guest) next(t *testing.T) postbox.Letter {
	t.Helper()
	for {
		if l := g.box.Next(t); l.To == "grace@example.com" {
			return l
		}
	}
}

// linkIn finds the link in a letter. Its secret must appear nowhere else.
func (g *guest) linkIn(t *testing.T, subject string) {
	t.Helper()
	l := g.next(t)
	g.link = regexp.MustCompile(`http://127\.0\.0\.1:8080/console/\S+`).FindString(l.Body)
	if l.Subject != subject || g.link == "" {
		t.Fatalf("got %+v", l)
	}
	g.secrets = append(g.secrets, g.link[strings.LastIndex(g.link, "/")+1:])
}

func (g *guest) beInvited(t *testing.T) {
	g.admin.visit(t, "http://127.0.0.1:8080/")
	g.admin.logIn(t, "admin", adminPassword)
	g.admin.visit(t, "http://127.0.0.1:8080/console/administration/users")
	g.admin.find(t, "link", "New user").click(t)
	g.admin.find(t, "textbox", "User name").fill(t, "grace")
	g.admin.find(t, "textbox", "E-mail").fill(t, "grace@example.com")
	g.admin.find(t, "button", "Create and invite").click(t)
	g.admin.find(t, "heading", "Invitation")
	g.linkIn(t, "Your account at 127.0.0.1:8080")
	if issued := g.admin.eval(t, `document.querySelector("#issued").textContent`); issued != g.link {
		t.Error("the administrator is shown another link than was mailed")
	}
}

func (g *guest) openInvitation(t *testing.T) {
	g.page.visit(t, g.link)
	g.page.find(t, "heading", "Choose a password")
	if got := g.page.eval(t, `document.referrer`); got != "" {
		t.Errorf("got the referrer %q", got)
	}
}

func (g *guest) choosePassword(t *testing.T) {
	g.secrets = append(g.secrets, "canary-password-5e1f")
	g.page.find(t, "textbox", "New password").fill(t, "canary-password-5e1f")
	g.page.find(t, "textbox", "New password, again").fill(t, "canary-password-5e1f")
	g.page.find(t, "button", "Save and log in").click(t)
	g.page.find(t, "button", "Log out")
}

func (g *guest) beTold(t *testing.T) {
	l := g.next(t)
	if !strings.Contains(l.Body, "A password for your account was chosen by a link") || strings.Contains(l.Body, "jtl") {
		t.Errorf("got %+v", l)
	}
}

func (g *guest) askForLink(t *testing.T) {
	g.page.find(t, "button", "Log out").click(t)
	g.page.find(t, "textbox", "User name").fill(t, "Grace")
	g.page.find(t, "button", "Continue").click(t)
	g.page.find(t, "button", "Send me a log-in link").click(t)
	g.page.find(t, "heading", "Look into your mail")
	g.linkIn(t, "Log in to 127.0.0.1:8080")
}

func (g *guest) openLink(t *testing.T) {
	g.page.visit(t, g.link)
	g.page.find(t, "button", "Log in as grace").click(t)
	g.page.find(t, "button", "Log out")
}

func (g *guest) openAgain(t *testing.T) {
	g.admin.visit(t, g.link)
	g.admin.find(t, "heading", "This link is no longer good")
}
