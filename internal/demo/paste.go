package demo

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"
)

// freshEvery is how often what ages in the files is made anew: sealed tokens last 15 minutes, assertions 5.
const freshEvery = time.Minute

// paste is what the reader can type: lines of shell, and the files that they read their secrets from. A secret in such a line would
// stand in the shell's history and on the screen.
type paste struct {
	folder string
	world  *world
}

// newPaste writes the files.
func newPaste(folder string, w *world) (*paste, error) {
	p := &paste{folder, w}
	for name, text := range map[string]string{
		"personal.token": w.personal[visitor].Reveal(),
		"password":       w.passwords[visitor].Reveal(),
		"api.token":      w.apiTokens[visitor].Reveal(),
		"login.json":     `{"email":"you@example.com","password":"` + w.passwords[visitor].Reveal() + `"}`,
	} {
		if err := writePrivate(filepath.Join(folder, name), text); err != nil {
			return nil, err
		}
	}
	return p, p.refresh()
}

// refresh makes those anew that age.
func (p *paste) refresh() error {
	query, err := p.world.sealer.query(visitor)
	if err != nil {
		return err
	}
	assertion, err := p.world.signer.assertion("you@example.com")
	if err != nil {
		return err
	}
	if err := writePrivate(filepath.Join(p.folder, "sealed.query"), query); err != nil {
		return err
	}
	return writePrivate(filepath.Join(p.folder, "assertion.token"), assertion.Reveal())
}

// keepFresh goes on refreshing until done is closed.
func (p *paste) keepFresh(done <-chan struct{}) error {
	tick := time.NewTicker(freshEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if err := p.refresh(); err != nil {
				return err
			}
		case <-done:
			return nil
		}
	}
}

// text are the lines. A comment of three digits at the end is the status to expect.
func (p *paste) text() string {
	base := p.world.base
	bearerOf := func(name string) string { return `-H "Authorization: Bearer ` + p.cat(name) + `"` }
	var b strings.Builder
	for _, part := range []struct {
		about string
		lines []string
	}{
		{"personal token, password", []string{
			fmt.Sprintf(`curl -i %s %s/reports/7   # 200`, bearerOf("personal.token"), base),
			fmt.Sprintf(`curl -i -u "%s:%s" %s/me   # 200`, visitor, p.cat("password"), base),
			fmt.Sprintf(`curl -iN %s '%s/events?n=3'   # 200`, bearerOf("personal.token"), base),
		}},
		{"API token, exchanged", []string{
			fmt.Sprintf(`token=$(curl -fsS -X POST %s '%s' | sed 's/.*"RawToken":"\([^"]*\)".*/\1/')`, bearerOf("api.token"), base+exchangePath),
			fmt.Sprintf(`curl -i -H "Authorization: Bearer $token" %s/reports/7   # 200`, base),
		}},
		{"session token, by password or by a platform's assertion", []string{
			fmt.Sprintf(`token=$(curl -fsS -H 'Content-Type: application/json' -d @%s %s/api/v1/authenticate | sed 's/.*"id":"\([^"]*\)".*/\1/')`, p.file("login.json"), base),
			fmt.Sprintf(`curl -i -H "Authorization: Bearer $token" %s/users/%s/reports   # 200`, base, p.world.ids[visitor]),
			fmt.Sprintf(`curl -i -X POST -H "Token: %s" %s/api/v1/authenticate-jwt/%s   # 200`, p.cat("assertion.token"), base, p.world.platform),
		}},
		{"sealed tokens in the query", []string{
			fmt.Sprintf(`curl -i "%s/reports/7?%s"   # 200`, base, p.cat("sealed.query")),
		}},
		{"refused: no credential; nobody allowed you that", []string{
			fmt.Sprintf(`curl -i %s/reports/7   # 401`, base),
			fmt.Sprintf(`curl -i %s %s/invoices/7   # 403`, bearerOf("personal.token"), base),
		}},
	} {
		fmt.Fprintf(&b, "\n  # %s\n", part.about)
		for _, line := range part.lines {
			b.WriteString("  " + line + "\n")
		}
	}
	return b.String()
}

// file is a file of the folder as a word of the shell.
func (p *paste) file(name string) string { return quoted(filepath.Join(p.folder, name)) }

// cat is what the shell puts a file's text for.
func (p *paste) cat(name string) string { return "$(cat " + p.file(name) + ")" }

// asAdmin is the beginning of a command of Jeton's that asks as the administrator.
func (p *paste) asAdmin(folder, command string) string {
	return "JETON_USERNAME=admin JETON_PASSWORD_FILE=" + quoted(filepath.Join(folder, passwordName)) + " " + command
}

// quoted is a text as one word of the shell.
func quoted(text string) string {
	if !strings.ContainsFunc(text, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/._-", r))
	}) {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}
