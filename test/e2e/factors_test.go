package e2e_test

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/client"
)

// careful is Alice, who has read what Cantook Hub's page says of its Security tab, and turns on a second factor.
type careful struct {
	person
	secret string   // of her authenticator app
	codes  []string // her recovery codes
}

// TestPersonTurnsOnASecondFactor follows that page: in the Security tab an authenticator app by its QR code and a 6-digit code, and 16
// recovery codes; then the log-in asks for the user name, the password and the second factor. A passkey is hers beside it, by a security
// key as Chromium plays one. Each step leaves a picture.
func TestPersonTurnsOnASecondFactor(t *testing.T) {
	s := emptyStack(t)
	s.serve = []string{"--public-url", "http://localhost:8080"} // of an address no browser has passkeys
	s.begin(t)
	s.startProxies(t, []string{"nginx"})
	alice := &careful{person: person{stack: s, page: newBrowser(t)}}
	for i, step := range []struct {
		picture, name string
		do            func(*careful, *testing.T)
	}{
		{"security", "open the tab Security", (*careful).openTab},
		{"authenticator", "turn on an authenticator app: its QR code", (*careful).scan},
		{"recovery-codes", "enter the 6-digit code, and get 16 recovery codes", (*careful).turnOn},
		{"log-in", "log in by user name, password and code", (*careful).logInByCode},
		{"recovery", "log in by a recovery code, which counts once", (*careful).logInByRecoveryCode},
		{"passkey", "add a passkey", (*careful).addPasskey},
		{"passkey-log-in", "log in by the passkey", (*careful).logInByPasskey},
		{"new-codes", "get new recovery codes", (*careful).renewCodes},
		{"api", "call the API by password, which asks for no second factor", (*careful).callAPI},
	} {
		if !t.Run(fmt.Sprintf("%d %s", i+1, step.name), func(t *testing.T) {
			defer alice.page.picture(t, fmt.Sprintf("second-factor/%d-%s", i+1, step.picture))
			step.do(alice, t)
		}) {
			t.Fatal("the rest can't be done without this step")
		}
	}
	s.stop(t, s.via.cmd)
	s.stop(t, s.jeton)
	s.searchSecrets(t)
}

func (c *careful) openTab(t *testing.T) {
	c.page.visit(t, "http://localhost:8080/")
	c.page.logIn(t, "alice", userPassword)
	c.openProfile(t)
	c.openSelf(t)
	c.openSecurity(t)
	c.page.find(t, "heading", "Second factor")
}

// scan takes a picture of the page and has zbarimg read it, as a phone's camera would.
func (c *careful) scan(t *testing.T) {
	link := c.page.find(t, "link", "Turn on an authenticator app")
	if got := link.ask(t, heading); got != "Authenticator app" {
		t.Errorf("the link stands under %q", got)
	}
	link.click(t)
	c.page.find(t, "image", "QR code for your authenticator app")
	photo := filepath.Join(t.TempDir(), "photo.png")
	must(t, os.WriteFile(photo, do(t, c.page, "taking a picture", chromedp.FullScreenshot(100)), 0o600))
	out, err := exec.Command("zbarimg", "--quiet", "--raw", photo).Output()
	must(t, err)
	u, err := url.Parse(strings.TrimSpace(string(out)))
	must(t, err)
	c.secret = u.Query().Get("secret")
	shown := strings.ReplaceAll(c.page.eval(t, `document.querySelector("#secret").textContent`), " ", "")
	if u.Scheme != "otpauth" || u.Host != "totp" || !strings.HasSuffix(u.Path, ":alice") || c.secret != shown || c.secret == "" {
		t.Fatalf("the QR code says %s of %s, and the page another secret", u.Scheme, u.Path)
	}
	c.secrets = append(c.secrets, c.secret)
}

// code returns what the app shows, or will some time later, by another program than ours.
func (c *careful) code(t *testing.T, later time.Duration) string {
	t.Helper()
	cmd := exec.Command("oathtool", "--base32", "--totp", "--now", time.Now().Add(later).UTC().Format("2006-01-02 15:04:05 UTC"), "-")
	cmd.Stdin = strings.NewReader(c.secret)
	out, err := cmd.Output()
	must(t, err)
	return strings.TrimSpace(string(out))
}

func (c *careful) turnOn(t *testing.T) {
	c.page.find(t, "textbox", "6-digit code").fill(t, c.code(t, 0))
	c.page.find(t, "button", "Turn on").click(t)
	c.page.find(t, "heading", "Your recovery codes")
	c.codes = c.shownCodes(t)
}

func (c *careful) shownCodes(t *testing.T) []string {
	t.Helper()
	codes := strings.Fields(c.page.eval(t, `document.querySelector("#issued").innerText`))
	for _, code := range codes {
		if !regexp.MustCompile(`^[0-9a-z]{5}-[0-9a-z]{5}$`).MatchString(code) {
			t.Errorf("got the recovery code %q", code)
		}
	}
	if len(codes) != 16 {
		t.Fatalf("got %d recovery codes, want 16", len(codes))
	}
	c.secrets = append(c.secrets, codes...)
	return codes
}

// firstSteps logs out, and in again up to the second factor.
func (c *careful) firstSteps(t *testing.T) {
	t.Helper()
	if len(c.page.named("button", "Log out")) > 0 {
		c.page.find(t, "button", "Log out").click(t)
	}
	c.page.find(t, "textbox", "User name").fill(t, "alice")
	c.page.find(t, "button", "Continue").click(t)
	c.page.find(t, "textbox", "Password").fill(t, userPassword)
	c.page.find(t, "button", "Log in").click(t)
	c.page.find(t, "heading", "Second factor")
	if cookies := c.page.cookiesAt(t, "http://localhost:8080/console/"); cookies[consoleCookie] != nil || cookies[apiCookie] != nil {
		t.Error("the password alone gave a cookie")
	}
}

// logInByCode takes the app's next code: the one that turned it on has counted.
func (c *careful) logInByCode(t *testing.T) {
	c.page.find(t, "link", "I have kept them").click(t)
	c.page.find(t, "heading", "Second factor")
	c.firstSteps(t)
	c.page.picture(t, "second-factor/4-second-step")
	c.page.find(t, "textbox", "Code").fill(t, c.code(t, 30*time.Second))
	c.page.find(t, "button", "Log in").click(t)
	c.page.find(t, "button", "Log out")
}

func (c *careful) byRecoveryCode(t *testing.T, code string) {
	t.Helper()
	c.firstSteps(t)
	c.page.find(t, "DisclosureTriangle", "Use a recovery code").click(t)
	c.page.find(t, "textbox", "Recovery code").fill(t, strings.ToUpper(code))
	c.page.find(t, "button", "Log in with it").click(t)
}

func (c *careful) logInByRecoveryCode(t *testing.T) {
	c.byRecoveryCode(t, c.codes[0])
	c.page.find(t, "button", "Log out")
	c.byRecoveryCode(t, c.codes[0])
	c.page.find(t, "alert", "")
	if got := c.page.text(t); !strings.Contains(got, "This code was used already.") {
		t.Errorf("the page says %s", got)
	}
	c.page.visit(t, "http://localhost:8080/console/login")
	c.byRecoveryCode(t, c.codes[1])
	c.page.find(t, "button", "Log out")
}

func (c *careful) addPasskey(t *testing.T) {
	do(t, c.page, "plugging in a security key", calling(webauthn.Enable, webauthn.EnableParams{}))
	do(t, c.page, "plugging in a security key", calling(webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{Options: &webauthn.VirtualAuthenticatorOptions{
		Protocol: "ctap2", Transport: "usb", HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true,
	}}))
	c.page.find(t, "link", "Profile").click(t)
	c.openSelf(t)
	c.openSecurity(t)
	c.page.find(t, "link", "Add a passkey").click(t)
	c.page.find(t, "textbox", "Name").fill(t, "Blue key")
	c.page.find(t, "button", "Add a passkey").click(t)
	c.page.find(t, "rowheader", "Blue key")
}

func (c *careful) logInByPasskey(t *testing.T) {
	c.firstSteps(t)
	c.page.find(t, "button", "Use a passkey").click(t)
	c.page.find(t, "button", "Log out")
	c.page.find(t, "link", "Profile").click(t)
	c.openSelf(t)
	c.openSecurity(t)
	c.page.find(t, "rowheader", "Blue key")
	if got := c.page.eval(t, `document.querySelector("section[aria-labelledby=second-factor] tbody tr").innerText`); strings.Contains(got, "Never") {
		t.Errorf("the passkey's row says %q, want when it was used", got)
	}
}

func (c *careful) renewCodes(t *testing.T) {
	c.page.find(t, "DisclosureTriangle", "New recovery codes").click(t)
	c.page.find(t, "button", "Make new recovery codes").click(t)
	c.page.find(t, "heading", "Your recovery codes")
	if fresh := c.shownCodes(t); slices.ContainsFunc(c.codes, func(code string) bool { return slices.Contains(fresh, code) }) {
		t.Error("a former recovery code is among the new ones")
	}
}

// callAPI: a second factor guards the console alone, and the password alone no longer makes a token.
func (c *careful) callAPI(t *testing.T) {
	c.curl(t, "200", "user = \"alice:"+userPassword+"\"\n", "password")
	byPassword := c.client(t, client.Config{Username: "alice", Password: userPassword})
	_, err := byPassword.RotatePersonalToken(t.Context())
	if problem, ok := errors.AsType[*api.Problem](err); !ok || problem.Code != api.CodeCredentialTooWeak {
		t.Errorf("got %v for a token by the password alone, want %s", err, api.CodeCredentialTooWeak)
	}
	if me, err := byPassword.Me(t.Context()); err != nil || me.User.Username != "alice" {
		t.Errorf("twin: got %v and %v, want to be told who it is", me, err)
	}
}
