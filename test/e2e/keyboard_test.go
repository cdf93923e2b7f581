package e2e_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/client"
	"github.com/jeton-io/jeton/jetontest"
)

// typist has a keyboard, and nothing else.
type typist struct {
	*page
	server *jetontest.Server
}

// TestKeyboard does by keyboard alone what people come to the console for: the seeds' procedures, and what goes with them.
func TestKeyboard(t *testing.T) {
	j := jetontest.New(t)
	j.User("alice", "partner")
	j.Service("reports", "api.example.com", "GET /reports/{id} role:partner")
	k := &typist{page: newBrowser(t), server: j}
	do(t, k.page, "having the focus", calling(emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true}))
	for _, step := range []struct {
		name string
		do   func(*typist, *testing.T)
	}{
		{"log in", func(k *typist, t *testing.T) { k.logIn(t, "alice") }},
		{"skip to the content", (*typist).skip},
		{"make a token, and revoke it", (*typist).makeToken},
		{"be told of a wrong password", (*typist).mistakePassword},
		{"log out", (*typist).logOut},
		{"log in as an administrator", func(k *typist, t *testing.T) { k.logIn(t, "admin") }},
		{"generate a Web Service Token, after a mistake", (*typist).generate},
		{"disable and delete it", (*typist).endToken},
		{"make a project and a token set", (*typist).makeSet},
		{"encrypt a token", (*typist).encrypt},
		{"enrol a platform", (*typist).enrol},
		{"change an audience", (*typist).changeAudience},
		{"block a user who is chosen in a list", (*typist).block},
		{"filter the audit log", (*typist).filter},
		{"choose a language", (*typist).chooseLanguage},
	} {
		if !t.Run(step.name, func(t *testing.T) { step.do(k, t) }) {
			t.Fatal("the rest can't be done without this step")
		}
	}
}

// atFocus tells where the focus is, and what is wrong with how it looks there.
const atFocus = `(() => {
	const e = document.activeElement;
	if (!e || e === document.body) return "";
	const style = getComputedStyle(e), box = e.getBoundingClientRect();
	const ringed = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2 || style.boxShadow !== "none";
	const inSight = box.width > 0 && box.height > 0 && box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
	return (ringed ? "" : "no ring: ") + (inSight ? "" : "out of sight: ") + e.outerHTML.slice(0, 100);
})()`

// press presses a key, and looks whether one sees where the focus then is.
func (k *typist) press(t *testing.T, key string, how ...chromedp.KeyOption) {
	t.Helper()
	do(t, k.page, "pressing a key", chromedp.KeyEvent(key, how...))
	if at := k.eval(t, atFocus); strings.HasPrefix(at, "no ring: ") || strings.HasPrefix(at, "out of sight: ") {
		t.Errorf("the focus can't be seen on %s: %s", k.address(t), at)
	}
}

// leads has the page that a key leads to be there: the one with that heading.
func (k *typist) leads(t *testing.T, key, heading string) {
	t.Helper()
	do(t, k.page, "pressing a key", chromedp.KeyEvent(key))
	k.find(t, "heading", heading)
}

// maxTabs is how many keys somebody presses to come to a thing on a page before giving up.
const maxTabs = 60

// reach goes forward to an element by the Tab key.
func (k *typist) reach(t *testing.T, role, name string) {
	t.Helper()
	e := k.find(t, role, name)
	var way []string
	for range maxTabs {
		if e.ask(t, `return this === document.activeElement`) == "true" {
			return
		}
		k.press(t, kb.Tab)
		way = append(way, k.eval(t, atFocus))
	}
	t.Fatalf("%s can't be reached on %s, by way of\n%s", e.said, k.address(t), strings.Join(way, "\n"))
}

// enter goes to a field and writes over what is in it.
func (k *typist) enter(t *testing.T, name, text string) {
	t.Helper()
	k.reach(t, "textbox", name)
	do(t, k.page, "choosing all", chromedp.KeyEvent("a", chromedp.KeyModifiers(kb.ModifierCtrl)))
	do(t, k.page, "typing", chromedp.KeyEvent(text))
}

// wantFocus compares the name of the field that has the focus as a page comes.
func (k *typist) wantFocus(t *testing.T, field string) {
	t.Helper()
	got := ""
	if !becomes(t, patience, func() bool { got = k.eval(t, `document.activeElement.name ?? ""`); return got == field }) {
		t.Errorf("the focus is on %q at first, want it on %q", got, field)
	}
}

// onward waits for a page after the one that there is.
func (k *typist) onward(t *testing.T, key string) {
	t.Helper()
	k.eval(t, `document.documentElement.dataset.former = "yes"; ""`)
	do(t, k.page, "pressing a key", chromedp.KeyEvent(key))
	within(t, patience, "the page that a key leads to", func() bool { return k.isNext() })
}

func (k *typist) logIn(t *testing.T, name string) {
	k.visit(t, k.server.URL+"/")
	k.find(t, "textbox", "User name")
	k.wantFocus(t, "username")
	k.enter(t, "User name", name)
	k.onward(t, kb.Enter)
	k.find(t, "textbox", "Password")
	k.wantFocus(t, "password")
	k.enter(t, "Password", jetontest.Password)
	k.onward(t, kb.Enter)
	k.find(t, "button", "Log out")
}

// skip takes the first way that there is, past the menus, and then goes back to it.
func (k *typist) skip(t *testing.T) {
	k.visit(t, k.server.URL+"/console/")
	k.press(t, kb.Tab)
	if got := k.eval(t, `document.activeElement.innerText`); got != "Skip to the content" {
		t.Fatalf("the first key leads to %q, want a way to the content", got)
	}
	do(t, k.page, "pressing a key", chromedp.KeyEvent(kb.Enter))
	k.press(t, kb.Tab)
	if got := k.eval(t, `String(document.querySelector("main").contains(document.activeElement))`); got != "true" {
		t.Errorf("the key after it leads to %s, want what is first in the content", k.eval(t, atFocus))
	}
	k.press(t, kb.Tab, chromedp.KeyModifiers(kb.ModifierShift))
	if got := k.eval(t, `String(document.querySelector("main").contains(document.activeElement) && document.activeElement.tagName !== "MAIN")`); got == "true" {
		t.Errorf("Shift and Tab lead on to %s, want back", k.eval(t, atFocus))
	}
}

func (k *typist) makeToken(t *testing.T) {
	k.reach(t, "link", "Profile")
	k.leads(t, kb.Enter, "Users")
	k.reach(t, "link", "Edit alice")
	k.leads(t, kb.Enter, "alice")
	k.reach(t, "link", "Security")
	k.leads(t, kb.Enter, "Authentication token for APIs")
	k.reach(t, "button", "Generate authentication token")
	k.onward(t, " ")
	if !strings.Contains(k.text(t), "jtp") {
		t.Fatal("the page shows no token")
	}
	k.reach(t, "DisclosureTriangle", "Revoke the token")
	k.press(t, kb.Enter)
	k.reach(t, "button", "Revoke")
	k.onward(t, kb.Enter)
	k.find(t, "button", "Generate authentication token")
	if text := k.text(t); !strings.Contains(text, "Token revoked.") || !strings.Contains(text, "You have no token.") {
		t.Errorf("the page says:\n%s\nwant that the token is revoked", text)
	}
}

func (k *typist) mistakePassword(t *testing.T) {
	k.enter(t, "Current password", jetontest.Password)
	k.enter(t, "New password", "a new long phrase")
	k.enter(t, "New password, again", "another long phrase")
	k.onward(t, kb.Enter)
	k.find(t, "heading", "Password")
	k.wantFocus(t, "again")
}

func (k *typist) logOut(t *testing.T) {
	k.visit(t, k.server.URL+"/console/")
	k.reach(t, "button", "Log out")
	k.leads(t, kb.Enter, "Log in")
	k.wantFocus(t, "username")
}

// administer goes to an area of the administration.
func (k *typist) administer(t *testing.T, area string) {
	t.Helper()
	k.visit(t, k.server.URL+"/console/")
	k.reach(t, "link", "Administration")
	k.leads(t, kb.Enter, "Overview")
	k.reach(t, "link", area)
	k.leads(t, kb.Enter, area)
}

func (k *typist) generate(t *testing.T) {
	k.administer(t, "Web Service Tokens")
	k.reach(t, "link", "Generate New Token")
	k.leads(t, kb.Enter, "Generate New Token")
	k.enter(t, "Name", "Worker")
	k.enter(t, "User", "nobody")
	k.reach(t, "button", "Generate")
	k.onward(t, kb.Enter)
	k.wantFocus(t, "user")
	k.enter(t, "User", "alice")
	k.reach(t, "button", "Generate")
	k.leads(t, " ", "The token has been generated")
	k.reach(t, "button", "Copy")
}

func (k *typist) endToken(t *testing.T) {
	k.reach(t, "link", "Go to the token's page")
	k.leads(t, kb.Enter, "Worker")
	k.reach(t, "button", "Disable")
	k.onward(t, kb.Enter)
	k.find(t, "button", "Enable")
	k.reach(t, "DisclosureTriangle", "Delete the token")
	k.press(t, " ")
	k.reach(t, "button", "Delete")
	k.leads(t, kb.Enter, "Web Service Tokens")
}

func (k *typist) makeSet(t *testing.T) {
	k.administer(t, "Projects")
	k.reach(t, "link", "New project")
	k.leads(t, kb.Enter, "New project")
	k.reach(t, "button", "Make the project")
	k.eval(t, `document.querySelector("main form").noValidate = true; ""`) // a browser that lets it be sent
	k.onward(t, kb.Enter)
	k.wantFocus(t, "name")
	k.enter(t, "Name", "Portal")
	k.enter(t, "Security Context", "MySecurityContext")
	k.reach(t, "button", "Make the project")
	k.onward(t, kb.Enter)
	k.reach(t, "link", "API Tokens")
	k.leads(t, kb.Enter, "Token sets")
	k.reach(t, "link", "New token set")
	k.leads(t, kb.Enter, "New token set")
	k.enter(t, "Name", "Sealed")
	k.reach(t, "combobox", "Key Size")
	k.press(t, kb.ArrowDown)
	k.reach(t, "button", "Add the token set")
	k.leads(t, kb.Enter, "The token set has been added")
}

func (k *typist) encrypt(t *testing.T) {
	k.reach(t, "link", "String Encryptor")
	k.onward(t, kb.Enter)
	k.reach(t, "button", "Encrypt")
	k.leads(t, kb.Enter, "The token in the three steps of its making")
}

// enrol chooses among radio buttons by the arrows, and writes a key of several lines.
func (k *typist) enrol(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	k.administer(t, "Platforms")
	k.reach(t, "link", "Enrol a platform")
	k.leads(t, kb.Enter, "Enrol a platform")
	k.enter(t, "Name", "Partner")
	k.reach(t, "radio", "The platform's public key")
	k.press(t, kb.ArrowDown)
	k.reach(t, "radio", "The address at which the platform publishes its keys")
	k.press(t, kb.ArrowUp)
	k.enter(t, "Public key", strings.ReplaceAll(strings.TrimSpace(publicPEM(t, &key.PublicKey)), "\n", "\r"))
	k.reach(t, "radio", "All users")
	k.press(t, kb.ArrowDown)
	k.reach(t, "radio", "Some users only")
	k.press(t, kb.ArrowUp)
	k.reach(t, "button", "Enrol")
	k.leads(t, kb.Enter, "Partner")
}

func (k *typist) changeAudience(t *testing.T) {
	k.administer(t, "Services")
	k.reach(t, "link", "reports")
	k.leads(t, kb.Enter, "reports")
	k.enter(t, "Audience, row 1", "user:alice")
	k.reach(t, "button", "Save")
	k.onward(t, kb.Enter)
	operations, _, err := k.server.Admin.Operations(t.Context(), "reports")
	if must(t, err); len(operations) != 1 || strings.Join(operations[0].Audience, " ") != "user:alice" {
		t.Errorf("got %v, want the operation with the audience user:alice", operations)
	}
}

func (k *typist) block(t *testing.T) {
	k.administer(t, "Users")
	k.reach(t, "checkbox", "Choose alice")
	k.press(t, " ")
	k.reach(t, "button", "Block the chosen ones")
	k.onward(t, kb.Enter)
	if u, _, err := k.server.Admin.User(t.Context(), "alice"); err != nil || u.State != "blocked" {
		t.Errorf("alice is %s, %v, want blocked", u.State, err)
	}
	_, err := k.server.Admin.UpdateUser(t.Context(), "alice", client.AnyVersion, api.UserPatch{State: api.Some("active")})
	must(t, err)
}

func (k *typist) filter(t *testing.T) {
	k.administer(t, "Audit")
	k.reach(t, "combobox", "What")
	do(t, k.page, "typing the begin of a choice", chromedp.KeyEvent("User created"))
	k.enter(t, "To what", "alice")
	k.onward(t, kb.Enter)
	if got := k.eval(t, `String(document.querySelectorAll("main tbody tr").length)`); got != "1" {
		t.Errorf("got %s events at %s, want the one by which alice was made", got, k.address(t))
	}
	k.reach(t, "link", "Show all")
	k.onward(t, kb.Enter)
}

func (k *typist) chooseLanguage(t *testing.T) {
	k.visit(t, k.server.URL+"/console/")
	k.press(t, kb.Tab, chromedp.KeyModifiers(kb.ModifierShift)) // the last thing on the page
	k.reach(t, "button", "Deutsch")
	k.onward(t, kb.Enter)
	if got := k.eval(t, `document.documentElement.lang`); got != "de" {
		t.Errorf("the page is in %q, want de", got)
	}
}

// isNext reports whether the page is another than the one that was marked. While one follows another there may be nothing to ask.
func (k *typist) isNext() bool {
	ctx, cancel := context.WithTimeout(k.ctx, patience)
	defer cancel()
	there, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`document.readyState === "complete" && !("former" in document.documentElement.dataset)`))
	return err == nil && there
}
