package e2e_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// administrator is somebody who has read another product's page and knows nothing of Jeton: what it says to do is looked for by its words.
type administrator struct {
	*stack
	page  *page
	token string // what a page has shown once

	whole   *testing.T // whose folders outlast a step's
	partner *partner
}

// procedure is what such a page says, step by step.
type procedure []struct {
	picture, name string
	do            func(*administrator, *testing.T)
}

// follow does it in a browser. Each step leaves a picture.
func (p procedure) follow(t *testing.T, folder string) {
	t.Helper()
	s := newStack(t, []string{"nginx"})
	s.via = s.proxies[0]
	a := &administrator{stack: s, page: newBrowser(t), whole: t}
	for i, step := range p {
		if !t.Run(fmt.Sprintf("%d %s", i+1, step.name), func(t *testing.T) {
			defer a.page.picture(t, fmt.Sprintf("%s/%d-%s", folder, i+1, step.picture))
			step.do(a, t)
		}) {
			t.Fatal("the rest can't be done without this step")
		}
	}
}

// TestAdministratorGeneratesAPIToken does in a browser what Matrix42's page says of an application ExternalApp, step by step: a person,
// the audience of one method, a token for that person, which is shown once, and its use.
func TestAdministratorGeneratesAPIToken(t *testing.T) {
	procedure{
		{"log-in", "log in as an administrator", (*administrator).logIn},
		{"person", "create a person with name ExternalApp", (*administrator).createPerson},
		{"audience", "change the audience of the needed Web Service Method", (*administrator).changeAudience},
		{"tokens", "open Integration, Web Service Tokens", (*administrator).openTokens},
		{"result", "run Generate New Token, and copy it from the result page", (*administrator).generate},
		{"call", "use the token in the external application", (*administrator).use},
		{"disable", "disable the token, which ends its use", (*administrator).disable},
	}.follow(t, "api-token")
}

// TestAdministratorSealsTokens does what XDOC's page says: the encryption settings of a project, and the three steps of a token, which
// then counts.
func TestAdministratorSealsTokens(t *testing.T) {
	procedure{
		{"log-in", "log in as an administrator", (*administrator).logIn},
		{"settings", "make the project, with its API settings", (*administrator).makeProject},
		{"token-set", "configure the encryption settings", (*administrator).addTokenSet},
		{"steps", "construct, encrypt and encode a security token", (*administrator).encrypt},
		{"call", "pass it to the parameter XST", (*administrator).passXST},
	}.follow(t, "sealed")
}

// TestAdministratorEnrolsAPlatform does what BitCanuck's page needs to be there: a platform, which then logs its own user in.
func TestAdministratorEnrolsAPlatform(t *testing.T) {
	procedure{
		{"log-in", "log in as an administrator", (*administrator).logIn},
		{"platform", "enrol the platform with its public key", (*administrator).enrol},
		{"call", "have the platform log its user in, as the page says", (*administrator).logPartnerIn},
	}.follow(t, "platform")
}

func (a *administrator) enrol(t *testing.T) {
	a.partner = a.partnerToBe(a.whole)
	a.page.find(t, "link", "Platforms").click(t)
	a.page.find(t, "link", "Enrol a platform").click(t)
	a.page.find(t, "textbox", "Name").fill(t, "Partner")
	a.page.find(t, "textbox", "Public key").fill(t, publicPEM(t, &a.partner.key.PublicKey))
	a.page.find(t, "button", "Enrol").click(t)
	a.page.find(t, "heading", "Partner")
	a.partner.code = a.page.eval(t, `[...document.querySelectorAll("dt")].find(e => e.textContent === "Platform Code").nextElementSibling.textContent.trim()`)
}

func (a *administrator) logPartnerIn(t *testing.T) {
	a.partner.testRecipe(t, "openssl")
}

func (a *administrator) makeProject(t *testing.T) {
	a.page.find(t, "link", "Projects").click(t)
	a.page.find(t, "link", "New project").click(t)
	if got := a.page.field(t, "number").ask(t, `return this.value`); got != "1000" {
		t.Errorf("got the number %s offered, want 1000, which calls mean that name none", got)
	}
	a.page.find(t, "textbox", "Name").fill(t, "Portal")
	a.page.find(t, "textbox", "Security Context").fill(t, "MySecurityContext")
	a.page.find(t, "button", "Make the project").click(t)
	a.page.find(t, "link", "API Tokens")
}

func (a *administrator) addTokenSet(t *testing.T) {
	a.page.find(t, "link", "API Tokens").click(t)
	a.page.find(t, "heading", "Token sets")
	a.page.visit(t, a.page.eval(t, `document.querySelector("main a[href$='/token-sets/new']").href`))
	a.page.find(t, "textbox", "Name").fill(t, "Portal")
	a.page.find(t, "button", "Add the token set").click(t)
	a.page.find(t, "heading", "The token set has been added")
	a.secrets = append(a.secrets, a.page.eval(t, `document.querySelector("#issued").textContent`))
}

func (a *administrator) encrypt(t *testing.T) {
	a.page.visit(t, "http://127.0.0.1:8080/console/administration/integration/projects/1000/encryptor")
	a.page.find(t, "button", "Encrypt").click(t)
	a.page.find(t, "heading", "The token in the three steps of its making")
	plaintext := a.page.eval(t, `document.querySelector("#step-1").textContent`)
	if !strings.Contains(plaintext, "<Context>MySecurityContext</Context>") {
		t.Errorf("got the plaintext %q, want a security token of the project's context", plaintext)
	}
	a.token = a.page.eval(t, `document.querySelector("#step-3").textContent`)
	a.secrets = append(a.secrets, a.token)
}

func (a *administrator) passXST(t *testing.T) {
	for change, want := range map[string]string{"": "0", "A": "403"} {
		res, err := http.Get("http://127.0.0.1:8080/XDocApi/?XM=App.ApiTest&XSC=MySecurityContext&XST=" + change + a.token)
		must(t, err)
		must(t, res.Body.Close())
		if got := res.Header.Get("Xwsresultcode"); got != want {
			t.Errorf("got XwsResultCode %s, want %s, with %q before the token", got, want, change)
		}
	}
}

func (a *administrator) logIn(t *testing.T) {
	a.page.visit(t, "http://127.0.0.1:8080/")
	a.page.logIn(t, "admin", adminPassword)
	a.page.find(t, "link", "Administration").click(t)
	a.page.find(t, "heading", "Overview")
}

func (a *administrator) createPerson(t *testing.T) {
	a.page.find(t, "link", "Users").click(t)
	a.page.find(t, "link", "New user").click(t)
	a.page.find(t, "textbox", "User name").fill(t, "ExternalApp")
	a.page.find(t, "button", "Create user").click(t)
	a.page.find(t, "heading", "ExternalApp")
}

func (a *administrator) changeAudience(t *testing.T) {
	a.page.find(t, "link", "Services").click(t)
	a.page.find(t, "link", "reports").click(t)
	a.page.find(t, "heading", "reports")
	row := a.page.eval(t, `String([...document.querySelectorAll("[name=pattern]")].findIndex(e => e.value === "GET /reports/{id}") + 1)`)
	a.page.find(t, "textbox", "Audience, row "+row).add(t, " user:ExternalApp")
	a.page.find(t, "button", "Save").click(t)
	within(t, patience, "the audience as it was saved", func() bool {
		return strings.Contains(a.page.eval(t, `[...document.querySelectorAll("[name=audience]")].map(e => e.value).join("|")`), "user:ExternalApp") &&
			strings.Contains(a.page.address(t), "notice=")
	})
}

func (a *administrator) openTokens(t *testing.T) {
	link := a.page.find(t, "link", "Web Service Tokens")
	const above = `const group = this.closest("ul").previousElementSibling; return group ? group.innerText.trim() : ""`
	if got := link.ask(t, above); got != "Integration" {
		t.Errorf("Web Service Tokens stands under %q, want Integration", got)
	}
	link.click(t)
	a.page.find(t, "heading", "Web Service Tokens")
}

func (a *administrator) generate(t *testing.T) {
	a.page.find(t, "link", "Generate New Token").click(t)
	a.page.find(t, "textbox", "Name").fill(t, "Worker")
	if got := a.page.field(t, "days").ask(t, `return this.value`); got != "30" {
		t.Errorf("got %s days offered, want the 30 that are recommended", got)
	}
	a.page.find(t, "textbox", "User").fill(t, "ExternalApp")
	a.page.find(t, "button", "Generate").click(t)
	a.page.find(t, "heading", "The token has been generated")
	a.token = jwt.FindString(a.page.text(t))
	if a.token == "" {
		t.Fatal("the result page shows no token")
	}
	a.secrets = append(a.secrets, a.token)
}

func (a *administrator) use(t *testing.T) {
	a.testRecipe(t, "", a.token)
}

func (a *administrator) disable(t *testing.T) {
	a.page.find(t, "link", "Go to the token's page").click(t)
	a.page.find(t, "heading", "Worker")
	if strings.Contains(a.page.source(t), a.token) {
		t.Error("the token's page shows the token, which is shown only once")
	}
	a.page.find(t, "button", "Disable").click(t)
	a.page.find(t, "button", "Enable")
	if status, _ := a.seedExchange(t, a.token); status != "401" {
		t.Errorf("the exchange of a disabled token got %s, want 401", status)
	}
}
