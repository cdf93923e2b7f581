package console_test

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/catalog"
)

const projectsRoute = "/console/administration/integration/projects"

// projectForm is the form of a project as it is sent when nobody changes it, with those fields that are given.
func projectForm(pairs ...string) map[string]string {
	f := map[string]string{"name": "Portal", "security_context": "", "context_required": "", "app_keys": "", "allowed_ips": "", "max_age_seconds": "900", "new_user_roles": "", "token_required": "yes"}
	for n := 0; n < len(pairs); n += 2 {
		f[pairs[n]] = pairs[n+1]
	}
	return f
}

// setForm is that of a token set.
func setForm(pairs ...string) map[string]string {
	f := map[string]string{
		"name": "current", "active": "yes", "key": "", "key_size": "256", "mode": "GCM", "padding": "", "iv": "", "iv_expansion": "", "key_derivation": "sha256",
		"salt": "", "hash": "", "iterations": "",
	}
	for n := 0; n < len(pairs); n += 2 {
		f[pairs[n]] = pairs[n+1]
	}
	return f
}

func send(route string, fields map[string]string) ask {
	q := ask{route: "POST " + projectsRoute + route, form: form()}
	for name, value := range fields {
		if value != "" || name != "active" && name != "token_required" {
			q.form.Set(name, value)
		}
	}
	return q
}

// shown returns the fields of the form of a page as a browser would send them.
func shown(t testing.TB, a answer) map[string]string {
	t.Helper()
	f := map[string]string{}
	for _, input := range a.all("main input[name]") {
		if input.attribute("type") != "checkbox" || input.has("checked") {
			f[input.attribute("name")] = input.attribute("value")
		}
	}
	for _, area := range a.all("main textarea") {
		f[area.attribute("name")] = strings.TrimPrefix(area.text(), "\n")
	}
	for _, choice := range a.all("main select") {
		f[choice.attribute("name")] = choice.one(t, "option[selected]").attribute("value")
	}
	return f
}

// TestProjects goes the way of an administrator who lets an application in: a project with what its tokens must say, changed once,
// and deleted.
func TestProjects(t *testing.T) {
	d := newDesk(t)
	b := d.admin(t)
	if a := b.want(t, ask{route: "GET " + projectsRoute}, 200); len(a.all("table")) != 0 || a.one(t, "main .none").text() == "" {
		t.Error("got a table of nothing, want what to do first")
	}
	a := b.want(t, ask{route: "GET " + projectsRoute + "/new"}, 200)
	checkPage(t, "the new project", a.node)
	if got := a.one(t, "#number").attribute("value"); got != "1000" {
		t.Errorf("got the number %q offered, want 1000, which is free", got)
	}
	b.to(t, send("/new", projectForm("number", "1000", "security_context", "Portal & Co", "app_keys", "unmistakable\r\n\r\nother", "allowed_ips", "192.0.2.7\r\n 198.51.100.0/24 \r\n",
		"create_users", "yes", "new_user_roles", "partner, reader")), projectsRoute+"/1000/token-sets?notice=project-made")
	if a = b.want(t, ask{route: "GET " + projectsRoute + "/new"}, 200); a.one(t, "#number").has("value") {
		t.Error("got a number offered that another project has")
	}
	if a = b.want(t, ask{route: "GET " + projectsRoute}, 200); a.one(t, "tbody tr").text() != "1000 Portal Portal & Co 2 Yes 21 November 2026" {
		t.Errorf("got the row %q", a.one(t, "tbody tr").text())
	}
	a = b.want(t, ask{route: "GET " + projectsRoute + "/1000"}, 200)
	checkPage(t, "the project", a.node)
	f := shown(t, a)
	delete(f, "opened")
	want := map[string]string{
		"version": "1", "name": "Portal", "security_context": "Portal & Co", "context_required": "yes", "token_required": "yes", "app_keys": "",
		"allowed_ips": "192.0.2.7 198.51.100.0/24", "max_age_seconds": "900", "create_users": "yes", "new_user_roles": "partner reader",
	}
	if !maps.Equal(f, want) || strings.Contains(a.body, "unmistakable") {
		t.Errorf("got the form %q, want %q", f, want)
	}
	if got := a.one(t, "main .failure").text(); !strings.Contains(got, "no active token set") {
		t.Errorf("got %q, want that no token counts yet", got)
	}

	f["allowed_ips"], f["name"], f["app_keys"] = "192.0.2.7", "Partners", ""
	b.to(t, send("/1000", f), projectsRoute+"/1000?notice=project-saved")
	b.want(t, send("/1000", f), http.StatusConflict) // the version is another by now
	p, err := d.inside.Projects.Find(t.Context(), 1000)
	check(t, err)
	if p.Name != "Partners" || p.AppKeyCount != 2 || len(p.AllowedIPs) != 1 || p.Version != 2 {
		t.Errorf("got %+v, want the other name and addresses, and the app keys as they were", p.Project)
	}
	f["version"], f["without_keys"] = "2", "yes"
	b.to(t, send("/1000", f), projectsRoute+"/1000?notice=project-saved")
	if p, err = d.inside.Projects.Find(t.Context(), 1000); err != nil || p.AppKeyCount != 0 {
		t.Errorf("got %d app keys, want none", p.AppKeyCount)
	}
	if got := b.want(t, ask{route: "GET " + projectsRoute + "/1000"}, 200).one(t, "#app_keys-hint").text(); !strings.HasPrefix(got, "None is set: any AppKey will do.") {
		t.Errorf("got %q said of no app keys", got)
	}
	delete(f, "version")
	b.want(t, send("/1000", f), http.StatusBadRequest)

	b.to(t, ask{route: "GET " + projectsRoute + "/1000/delete"}, projectsRoute+"/1000")
	b.to(t, send("/1000/delete", nil), projectsRoute+"?notice=project-deleted")
	for _, path := range []string{"/1000", "/1000/token-sets", "/1000/encryptor", "/0", "/01000", "/x"} {
		b.want(t, ask{route: "GET " + projectsRoute + path}, http.StatusNotFound)
	}
	wantActions := []string{"project.create Portal", "user.create project-1000", "project.update Partners", "project.update Partners", "project.delete Partners", "user.delete project-1000"}
	if got := d.actions(t); !equalSets(got[len(got)-6:], wantActions) {
		t.Errorf("got %q in the audit log, want it to end with %q", got, wantActions)
	}
}

// TestServicesOfProject lets a project's tokens in at a service: the project's pages lead there.
func TestServicesOfProject(t *testing.T) {
	d := newDesk(t)
	b := d.admin(t)
	service := d.reports(t)
	b.want(t, send("/new", projectForm("number", "1000")), 303)
	paths := []string{"/1000", "/1000/token-sets"}
	for _, path := range paths {
		a := b.want(t, ask{route: "GET " + projectsRoute + path}, 200)
		checkPage(t, path, a.node)
		if got := a.one(t, "main .plain").text(); !strings.HasPrefix(got, "No service accepts the project's tokens yet: write 1000 ") || a.one(t, "main .plain a").attribute("href") != servicesRoute {
			t.Errorf("%s: got %q, want what to do, and where", path, got)
		}
	}
	const call = "https://api.example.com/v2/reports/7?xst=secret"
	if a := b.call(t, "admin", "GET", call); !strings.Contains(a.one(t, "section").text(), "the service has no project") || strings.Contains(a.body, "secret") {
		t.Errorf("got %q, want that the token doesn't count", a.one(t, "section").text())
	}
	_, err := d.inside.Catalog.Update(t.Context(), "reports", service.Version+1, catalog.Draft{Name: "reports", Host: "api.example.com", PathPrefix: "/v2", Project: 1000}, audit.Actor{})
	check(t, err)
	for _, path := range paths {
		a := b.want(t, ask{route: "GET " + projectsRoute + path}, 200)
		checkPage(t, path, a.node)
		if got := a.one(t, "main a[href="+servicesRoute+"/reports/settings]").text(); got != "reports" {
			t.Errorf("%s: got %q, want the service", path, got)
		}
	}
	if a := b.call(t, "admin", "GET", call); strings.Contains(a.one(t, "section").text(), "project") {
		t.Errorf("got %q, want nothing of a project", a.one(t, "section").text())
	}
}

// equalSets compares what happened at one moment in any order.
func equalSets(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

// TestTokenSets makes a key, sees it once, changes the set's mode to one of old and back, and deletes the set.
func TestTokenSets(t *testing.T) {
	d := newDesk(t)
	b := d.admin(t)
	b.want(t, send("/new", projectForm("number", "1000")), 303)
	const sets = projectsRoute + "/1000/token-sets"
	if a := b.want(t, ask{route: "GET " + sets}, 200); len(a.all("table")) != 0 || a.one(t, "main .none").text() == "" {
		t.Error("got a table of nothing, want what to do first")
	}
	a := b.want(t, ask{route: "GET " + sets + "/new"}, 200)
	checkPage(t, "the new token set", a.node)
	if got := a.one(t, ".warned .notice").text(); !strings.Contains(got, "can be forged") {
		t.Errorf("got the warning %q", got)
	}
	a = b.want(t, send("/1000/token-sets/new", setForm()), 200)
	key := a.one(t, ".token").text()
	if len(key) != 43 || a.header.Get("Cache-Control") != "no-store" {
		t.Errorf("got the key %q, want one that nobody keeps", key)
	}
	p, err := d.inside.Projects.Find(t.Context(), 1000)
	check(t, err)
	set := "/1000/token-sets/" + p.Sets[0].ID.String()
	a = b.want(t, ask{route: "GET " + sets}, 200)
	if got := a.one(t, "tbody tr").text(); got != "Yes current GCM 256 – Never" || strings.Contains(a.body, key) || len(a.all("main .failure")) != 0 {
		t.Errorf("got the row %q, want the set without key and warning", got)
	}

	a = b.want(t, ask{route: "GET " + projectsRoute + set}, 200)
	checkPage(t, "the token set", a.node)
	f := shown(t, a)
	f["mode"], f["key_size"], f["active"] = "CBC", "196", ""
	b.to(t, send(set, f), sets+"?notice=token-set-saved")
	b.want(t, send(set, f), http.StatusConflict)
	a = b.want(t, ask{route: "GET " + sets}, 200)
	if got := a.one(t, "tbody tr").text(); got != "No current CBC (forgeable) 196 PKCS7 Never" || !strings.Contains(a.one(t, "main .failure").text(), "forged") {
		t.Errorf("got the row %q, want it marked, and what that means above", got)
	}
	f = shown(t, b.want(t, ask{route: "GET " + projectsRoute + set}, 200))
	if f["iv"] != "@1B2c3D4" || f["iv_expansion"] != "utf16le" || f["padding"] != "PKCS7" {
		t.Errorf("got %q, want what XDOC has where nothing is said", f)
	}
	f["mode"] = "GCM" // what belongs to CBC stays in the form
	a = b.want(t, send(set, f), http.StatusUnprocessableEntity)
	if bad := a.one(t, "[aria-invalid]"); bad.attribute("id") != "key" {
		t.Errorf("got %s marked, want the key, which another mode mustn't have", bad.attribute("id"))
	}
	f["key"] = "a text that is long enough for GCM"
	b.to(t, send(set, f), sets+"?notice=token-set-saved")
	if a = b.want(t, ask{route: "GET " + projectsRoute + set}, 200); strings.Contains(a.body, f["key"]) || shown(t, a)["iv"] != "" {
		t.Error("got the key, or the IV of CBC, shown again")
	}
	b.to(t, send("/1000/token-sets/new", setForm("name", "brought", "key", "a text that is long enough as well")), sets+"?notice=token-set-added")

	b.to(t, ask{route: "GET " + projectsRoute + set + "/delete"}, projectsRoute+set)
	b.to(t, send(set+"/delete", nil), sets+"?notice=token-set-deleted")
	b.want(t, ask{route: "GET " + projectsRoute + set}, http.StatusNotFound)
	want := []string{"token_set.create current", "token_set.update current", "token_set.update current", "token_set.create brought", "token_set.delete current"}
	if got := d.actions(t); !slices.Equal(got[len(got)-5:], want) {
		t.Errorf("got %q in the audit log, want it to end with %q", got, want)
	}
}

// TestProjectProblems fills the forms wrongly: what was typed stands there again, but for keys, with what is wrong beside its field, in
// the reader's language.
func TestProjectProblems(t *testing.T) {
	d := newDesk(t)
	b := d.admin(t)
	b.want(t, send("/new", projectForm("number", "1000")), 303)
	for _, tc := range []struct {
		route         string
		fields        map[string]string
		field, german string
	}{
		{"/new", projectForm("number", "1000", "name", "x"), "number", "„Nummer“ hat schon ein anderes Projekt, oder es steht im Namen eines anderen Benutzers, den das Konto des Projekts haben soll. Wählen Sie eine andere Nummer."},
		{"/new", projectForm("number", "many", "name", "x"), "number", "Geben Sie eine ganze Zahl an."},
		{"/new", projectForm("number", "2147483648", "name", "x"), "number", "Geben Sie eine kleinere Zahl an."},
		{"/new", projectForm("number", "7", "name", "PORTAL"), "name", "Es gibt schon ein Projekt mit diesem Namen. Wählen Sie einen anderen Namen."},
		{"/new", projectForm("number", "7", "name", ""), "name", "„Name“ ist leer. Sagen Sie, wem es gehört."},
		{"/new", projectForm("number", "7", "name", "x", "allowed_ips", "192.0.2.7\r\nhere"), "allowed_ips", "„here“ ist weder eine Adresse noch ein Netz. Geben Sie 192.0.2.7 oder 192.0.2.0/24 an."},
		{"/new", projectForm("number", "7", "name", "x", "app_keys", "one\r\none"), "app_keys", "Eintrag 2 steht zweimal da. Lassen Sie eines weg."},
		{"/new", projectForm("number", "7", "name", "x", "new_user_roles", "partner admin"), "new_user_roles", "„admin“ macht Administratoren. Geben Sie die Rolle den Personen einzeln."},
		{"/new", projectForm("number", "7", "name", "x", "max_age_seconds", "5"), "max_age_seconds", "„Höchstalter in Sekunden“ ist nicht 10 bis 86400. 900 genügen meist: Ein Token wird vorgelegt, sobald es erzeugt ist."},
		{"/1000", projectForm("version", "1", "context_required", "no", "max_age_seconds", ""), "max_age_seconds", ""},
		{"/1000", projectForm("version", "1", "context_required", "no", "name", strings.Repeat("x", 129)), "name", "„Name“ ist länger als 128 Zeichen. Geben Sie etwas Kürzeres an."},
		{"/1000/token-sets/new", setForm("name", " x"), "name", "„Name“ beginnt oder endet mit einem Leerzeichen. Lassen Sie es weg."},
		{"/1000/token-sets/new", setForm("key", "short"), "key", ""},
		{"/1000/token-sets/new", setForm("key", "not as long", "key_derivation", "raw"), "key", "„Schlüssel (Encryption Key)“ hat nicht 32 Byte, wie Schlüssellänge und diese Ableitung es wollen. Geben Sie genau so viele Byte an, oder wählen Sie eine andere Schlüsselableitung."},
		{"/1000/token-sets/new", setForm("salt", "of another"), "salt", "„Salt“ ist angegeben, aber die Schlüsselableitung sha256 hat das nicht. Lassen Sie es weg."},
		{"/1000/token-sets/new", setForm("padding", "PKCS7"), "padding", "„Auffüllung (Padding Mode)“ ist angegeben, aber GCM hat keine. Lassen Sie es weg."},
		{"/1000/token-sets/new", setForm("mode", "CBC", "iv", "seven77"), "iv", "„Initialisierungsvektor (Init Vector)“ hat nicht acht Zeichen. Geben Sie acht Zeichen an, etwa @1B2c3D4."},
		{"/1000/token-sets/new", setForm("iterations", "few", "key_derivation", "pbkdf2"), "iterations", "Geben Sie eine ganze Zahl an."},
	} {
		a := b.want(t, send(tc.route, tc.fields), http.StatusUnprocessableEntity)
		if bad := a.one(t, "[aria-invalid]"); bad.attribute("id") != tc.field {
			t.Errorf("got %s marked, want %s", bad.attribute("id"), tc.field)
		}
		checkPage(t, tc.route, a.node)
		f := shown(t, a)
		if f["name"] != tc.fields["name"] || f["key"] != "" || f["app_keys"] != "" {
			t.Errorf("%s: got %q, want what was typed, but for keys", tc.field, f)
		}
		q := send(tc.route, tc.fields)
		q.header = map[string]string{"Accept-Language": "de"}
		if got := b.want(t, q, http.StatusUnprocessableEntity).one(t, ".problem").text(); tc.german != "" && got != tc.german {
			t.Errorf("%s: got %q, want %q", tc.field, got, tc.german)
		}
	}
	for n := range 8 {
		b.want(t, send("/1000/token-sets/new", setForm("name", strings.Repeat("x", n+1), "key", "a text that is long enough")), 303)
	}
	a := b.want(t, send("/1000/token-sets/new", setForm()), http.StatusUnprocessableEntity)
	if got := a.one(t, ".problem").text(); !strings.Contains(got, "The project's token sets are as many as a project may have. Delete one first.") {
		t.Errorf("got %q, want that there is no room for a ninth", got)
	}
}

// TestSealingScreens seals a text as XDOC's page shows it, in three steps, and opens it again.
func TestSealingScreens(t *testing.T) {
	d := newDesk(t)
	b := d.admin(t)
	b.want(t, send("/new", projectForm("number", "1000", "security_context", "A&B")), 303)
	for _, screen := range []string{"/1000/encryptor", "/1000/decryptor"} {
		if a := b.want(t, ask{route: "GET " + projectsRoute + screen}, 200); len(a.all("main form")) != 0 || a.one(t, "main .none").text() == "" {
			t.Errorf("%s: got a form without a set, want what to do first", screen)
		}
	}
	b.want(t, send("/1000/token-sets/new", setForm("mode", "CBC", "key", "MyEncryptionKey", "padding", "None")), 303)
	b.want(t, send("/1000/token-sets/new", setForm("name", "resting", "active", "")), 200)
	p, err := d.inside.Projects.Find(t.Context(), 1000)
	check(t, err)
	old, resting := p.Sets[0].ID.String(), p.Sets[1].ID.String()
	a := b.want(t, ask{route: "GET " + projectsRoute + "/1000/encryptor"}, 200)
	checkPage(t, "the encryptor", a.node)
	sample := a.one(t, "#plaintext").text()
	if !strings.Contains(sample, "<Context>A&amp;B</Context>") || !strings.Contains(sample, "<GenDT>2026-11-21T12:00:00Z</GenDT>") {
		t.Errorf("got the sample %q, want one that counts now", sample)
	}

	seal := func(set, text string) map[string]string {
		return map[string]string{"set": set, "parameter": "XUT", "plaintext": text}
	}
	const user = "<UserToken>\r\n    <UserName>admin</UserName>\r\n</UserToken>"
	a = b.want(t, send("/1000/encryptor", seal(resting, user)), 200)
	checkPage(t, "what was encrypted", a.node)
	base64, urlEncoded := a.one(t, "#step-2").text(), a.one(t, "#step-3").text()
	if got := a.one(t, "#step-1").text(); got != "<UserToken> <UserName>admin</UserName> </UserToken>" || base64 == "" || !strings.Contains(a.one(t, ".facts").text(), "UserName admin") {
		t.Errorf("got %q and %q, want the three steps", got, base64)
	}
	for _, token := range []string{base64, urlEncoded, urlEncoded + "\r\n"} {
		a = b.want(t, send("/1000/decryptor", map[string]string{"set": resting, "parameter": "XUT", "token": token}), 200)
		checkPage(t, "what was decrypted", a.node)
		if got := a.one(t, "#step-1").text(); got != "<UserToken> <UserName>admin</UserName> </UserToken>" {
			t.Errorf("got %q opened", got)
		}
	}
	a = b.want(t, send("/1000/encryptor", seal(resting, "a=%")), 200)
	if got := a.one(t, "main .failure").text(); !strings.Contains(got, "a value has a '%' that begins no byte (byte 0)") {
		t.Errorf("got %q, want why it would be refused", got)
	}
	a = b.want(t, send("/1000/encryptor", map[string]string{"set": old, "parameter": "XST", "plaintext": "Context=A%26B&GenDT=2020-01-01T00:00:00Z&x=12345"}), 200)
	if got := a.one(t, "main .failure").text(); got != "As a token it would be refused: its GenDT is too long ago." {
		t.Errorf("got %q, want that it is too old", got)
	}
	a = b.want(t, ask{route: "GET " + projectsRoute + "/1000/encryptor?parameter=XUT"}, 200)
	if got := a.one(t, "#plaintext").text(); !strings.HasPrefix(got, "<UserToken>") || a.one(t, "#parameter option[selected]").attribute("value") != "XUT" {
		t.Errorf("got %q, want a user token", got)
	}
	for _, tc := range []struct {
		route         string
		fields        map[string]string
		field, german string
	}{
		{"/1000/encryptor", seal(old, "eleven char"), "plaintext", "„Klartext“ kann mit diesem Tokensatz nicht verschlüsselt werden: der Text hat 11 Byte, was kein Vielfaches von 16 ist, wie es ohne Auffüllung sein muss. Wählen Sie eine andere Auffüllung für den Satz, oder füllen Sie den Text auf."},
		{"/1000/encryptor", seal(old, strings.Repeat("x", 8193)), "plaintext", "„Klartext“ ist länger als 8 KiB. Ein Token hat wenige Felder."},
		{"/1000/encryptor", map[string]string{"set": old, "parameter": "x", "plaintext": user}, "parameter", "„Parameter“ ist weder XST noch XUT."},
		{"/1000/decryptor", map[string]string{"set": resting, "parameter": "XST", "token": base64}, "token", ""},
		{"/1000/decryptor", map[string]string{"set": resting, "parameter": "XST", "token": "!"}, "token", ""},
	} {
		q := send(tc.route, tc.fields)
		q.header = map[string]string{"Accept-Language": "de"}
		a := b.want(t, q, http.StatusUnprocessableEntity)
		if got := a.one(t, ".problem").text(); a.one(t, "[aria-invalid]").attribute("id") != tc.field || tc.german != "" && got != tc.german {
			t.Errorf("got %q, want %q at %s", got, tc.german, tc.field)
		}
	}
	b.want(t, send("/1000/encryptor", seal("none", user)), http.StatusNotFound)
	want := []string{"token_set.encrypt resting", "token_set.decrypt resting", "token_set.decrypt resting", "token_set.decrypt resting", "token_set.encrypt resting", "token_set.encrypt current"}
	if got := d.actions(t); !slices.Equal(got[len(got)-6:], want) {
		t.Errorf("got %q in the audit log, want it to end with %q", got, want)
	}
}

// TestProjectsAreForAdministrators asks for each page of the area as somebody else, who learns not even what there is.
func TestProjectsAreForAdministrators(t *testing.T) {
	d := newDesk(t)
	admin := d.admin(t)
	admin.want(t, send("/new", projectForm("number", "1000")), 303)
	admin.want(t, send("/1000/token-sets/new", setForm()), 200)
	p, err := d.inside.Projects.Find(t.Context(), 1000)
	check(t, err)
	id := p.Sets[0].ID.String()
	set := "/1000/token-sets/" + id
	d.user(t, account.Draft{Username: "ann"})
	ann := d.browser()
	ann.logIn(t, "ann")
	d.refused(t)
	for _, path := range []string{"", "/new", "/1000", "/1000/delete", "/1000/token-sets", "/1000/token-sets/new", set, set + "/delete", "/1000/encryptor", "/1000/decryptor", "/7"} {
		q := ask{route: "GET " + projectsRoute + path}
		ann.want(t, q, http.StatusForbidden)
		d.wantRefused(t, "not_allowed console_session")
		if a := admin.do(t, q); path != "/7" && a.status >= 400 {
			t.Errorf("GET %s: got %d for an administrator", path, a.status)
		}
	}
	for _, q := range []ask{
		send("/new", projectForm("number", "2000", "name", "second")), send("/1000", projectForm("version", "1")), send("/1000/token-sets/new", setForm("name", "second")),
		send(set, setForm("version", "1")), send("/1000/encryptor", map[string]string{"set": id, "parameter": "XST", "plaintext": "A=1"}),
		send("/1000/decryptor", map[string]string{"set": id, "parameter": "XST", "token": "AAAA"}), send(set+"/delete", nil), send("/1000/delete", nil),
	} {
		ann.want(t, q, http.StatusForbidden)
		d.wantRefused(t, "not_allowed console_session")
		if a := admin.do(t, q); a.status >= 400 && a.status != http.StatusUnprocessableEntity {
			t.Errorf("%s: got %d for an administrator", q.route, a.status)
		}
	}
}
