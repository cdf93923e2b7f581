package console_test

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/catalog"
	"github.com/jeton-io/jeton/internal/jose"
	"github.com/jeton-io/jeton/internal/platform"
	"github.com/jeton-io/jeton/internal/policy"
	"github.com/jeton-io/jeton/internal/project"
)

// fill writes users and tokens behind the desk's back, as many as a large company has: making them one by one takes as long as a
// company does. Names, e-mails and ends are spread as theirs are; one token in fifty is disabled, one in ten never ends.
func (d *desk) fill(t testing.TB, users, tokens, events int) {
	t.Helper()
	id := func(table int, number string) string {
		return fmt.Sprintf(`unhex(printf('0190%04x%%08x70008000%%08x', %[2]s, %[2]s))`, table, number)
	}
	d.inside.Tamper(t, strings.NewReplacer(
		"{users}", strconv.Itoa(users), "{tokens}", strconv.Itoa(tokens), "{events}", strconv.Itoa(events), "{now}", strconv.FormatInt(d.clock().UnixMicro(), 10),
		"{user}", id(1, "i"), "{token}", id(2, "i"), "{owner}", id(1, "(i / ("+strconv.Itoa(tokens/users)+"))"), "{event}", id(3, "i"),
	).Replace(fillStatements))
}

const fillStatements = `
PRAGMA cache_size = -262144;
PRAGMA synchronous = OFF;
WITH RECURSIVE number (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM number WHERE i + 1 < {users})
INSERT INTO user (id, kind, username, username_key, email, email_key, display_name, state, version, created_at, updated_at)
SELECT {user}, 'person', printf('User%07d', i), printf('user%07d', i), printf('User%07d@example.com', i), printf('user%07d@example.com', i),
	printf('User of number %d', i), 'active', 1, {now}, {now} FROM number;
WITH RECURSIVE number (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM number WHERE i + 1 < {users})
INSERT INTO user_role (user_id, role) SELECT {user}, 'partner' FROM number;
WITH RECURSIVE number (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM number WHERE i + 1 < {tokens})
INSERT INTO api_token (id, user_id, name, name_key, kid, enabled, allowed_ips, rate_calls, rate_seconds, version, created_at, updated_at, expires_at, last_used_at)
SELECT {token}, {owner}, printf('Nightly job %07d', i), printf('nightly job %07d', i), (SELECT kid FROM signing_key LIMIT 1), i % 50 <> 7, '', 0, 0, 1, {now}, {now},
	iif(i % 10 = 3, NULL, {now} + (i * 7919 % 365 - 30) * 86400000000 + i), {now} FROM number;
WITH RECURSIVE number (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM number WHERE i + 1 < {events})
INSERT INTO audit_event (id, at, action, actor_name, actor_credential_kind, actor_address, target_kind, target_name, reason, door, count)
SELECT {event}, {now} + (i - {events}) * 10000000, 'refused', '', 'personal_token', '192.0.2.1', '', '', iif(i < 10, 'expired', 'unknown'), 'gateway', 1 FROM number;
`

// walked are the pages of an administrator, with the lists by each order and filter.
func (d *desk) walked(t testing.TB) []string {
	t.Helper()
	admin, err := d.accounts.Find(t.Context(), "admin")
	check(t, err)
	user, err := d.accounts.Find(t.Context(), "user0000042")
	check(t, err)
	token, err := d.inside.API.Named(t.Context(), "nightly job 0000042")
	check(t, err)
	p, _, err := d.inside.Platforms.Enrol(t.Context(), platform.Draft{Name: "Portal", Algorithm: jose.RS256}, audit.Actor{})
	check(t, err)
	service, err := d.inside.Catalog.Create(t.Context(), catalog.Draft{Name: "reports", Host: "api.example.com", PathPrefix: "/", Default: policy.DefaultDeny}, audit.Actor{})
	check(t, err)
	e, err := d.inside.Projects.Create(t.Context(), project.Draft{Number: 1000, Name: "Shop"}, audit.Actor{})
	check(t, err)
	const integration = "/console/administration/integration"
	own := "/console/profile/users/" + admin.ID.String()
	last := fmt.Sprintf("%d.%s", d.clock().AddDate(0, 6, 0).UnixMicro(), uuid.Max)
	pages := []string{
		"/console/", "/console/login", "/console/profile/users", "/console/profile/users?after=user0000500", own, own + "/security",
		overviewRoute, overviewRoute + "/tester", overviewRoute + "/signing-keys",
		servicesRoute, servicesRoute + "/" + service.Name, servicesRoute + "/" + service.Name + "/settings", overviewRoute + "/new-service",
		integration + "/platforms", integration + "/platforms/new", integration + "/platforms/" + p.ID.String(),
		integration + "/projects", integration + "/projects/new", fmt.Sprintf("%s/projects/%d", integration, e.Number),
		fmt.Sprintf("%s/projects/%d/token-sets", integration, e.Number), fmt.Sprintf("%s/projects/%d/encryptor", integration, e.Number),
		usersRoute, usersRoute + "/new", userRoute(user), tokensRoute + "/new", tokensRoute + "/" + token.ID.String(),
		auditRoute,
	}
	for _, query := range []string{
		"after=user0000500", "q=u", "q=user00000", "q=User0000042@example.com", "q=x", "sort=-name", "sort=created", "sort=-created", "q=" + user.ID.String(),
	} {
		pages = append(pages, usersRoute+"?"+query)
	}
	for _, query := range []string{
		"after=nightly+job+0000500", "q=n", "q=nightly+job+00000", "q=x", "q=" + token.ID.String(), "user=user0000042", "user=user0000042&state=disabled&sort=expires",
		"state=enabled", "state=disabled", "state=disabled&q=n", "expiring=30", "state=enabled&expiring=30", "state=disabled&expiring=30", "expiring=1&q=x", "expiring=365&sort=-expires",
		"sort=-name", "sort=created", "sort=-created&state=enabled", "sort=expires", "sort=-expires", "sort=expires&state=enabled", "sort=expires&after=" + last,
		"sort=expires&after=." + token.ID.String(),
	} {
		pages = append(pages, tokensRoute+"?"+query)
	}
	for _, query := range []string{"reason=expired", "reason=unknown", "action=refused", "action=user.create", "actor=admin", "target=user0000042", "follow=1", "after=500"} {
		pages = append(pages, auditRoute+"?"+query)
	}
	return pages
}

// fetch gets a page as a browser does, and returns its text with how many bytes have come.
func (b *browser) fetch(t testing.TB, path string) (text string, size int) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.d.URL+path, http.NoBody)
	check(t, err)
	r.Header.Set("Accept-Encoding", "gzip")
	for name, value := range b.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	res, err := b.d.Client().Transport.RoundTrip(r)
	check(t, err)
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	check(t, err)
	if res.StatusCode != http.StatusOK {
		t.Fatalf("%s: got %d", path, res.StatusCode)
	}
	return string(body), len(body)
}

// filled returns a browser of an administrator on a desk with so many records.
func filled(t testing.TB, users, tokens, events int) (*desk, *browser) {
	t.Helper()
	d := newDesk(t)
	b := d.admin(t)
	b.want(t, ask{route: "POST " + tokensRoute, form: form("name", "the first", "days", "1", "user", "admin")}, 200) // which makes a key
	d.fill(t, users, tokens, events)
	return d, b
}

// TestPagesAreLight loads each page of a full console as a browser does that has seen none: with its files, it is less than 100 kB, and
// asks no other host.
func TestPagesAreLight(t *testing.T) {
	d, b := filled(t, 1000, 3000, 2000)
	sizes, heaviest := map[string]int{}, 0
	for _, path := range d.walked(t) {
		text, size := b.fetch(t, path)
		page := parse(t, text)
		for _, file := range slices.Concat(page.all("script"), page.all("img"), page.all("link")) {
			src := file.attribute("src") + file.attribute("href")
			if !strings.HasPrefix(src, "/console/static/") {
				t.Errorf("%s: got the file %s, want one of our own", path, src)
				continue
			}
			if sizes[src] == 0 {
				_, sizes[src] = b.fetch(t, src)
			}
			if file.Data != "img" { // which the icon is, too
				size += sizes[src]
			}
		}
		for _, away := range slices.Concat(page.all("a"), page.all("form")) {
			to := away.attribute("href") + away.attribute("action")
			if strings.Contains(to, "//") {
				t.Errorf("%s: got a way to %s", path, to)
			}
		}
		if heaviest = max(heaviest, size); size >= 100_000 {
			t.Errorf("%s: got %d bytes with its files, want less than 100 kB", path, size)
		}
	}
	t.Logf("the heaviest has %d bytes with its files", heaviest)
}

// BenchmarkPages reads each page with 100,000 users, 1,000,000 API tokens and 100,000 events. Each figure is the time of one, from its
// request to its last byte.
//
//	go test ./internal/console -run '^$' -bench Pages -benchtime 20x
func BenchmarkPages(b *testing.B) {
	d, browser := filled(b, 100_000, 1_000_000, 100_000)
	for _, path := range d.walked(b) {
		b.Run(strings.TrimPrefix(path, "/console/"), func(b *testing.B) {
			size, slowest := 0, time.Duration(0)
			for b.Loop() {
				began := time.Now()
				_, size = browser.fetch(b, path)
				slowest = max(slowest, time.Since(began))
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/1000, "ms/page")
			b.ReportMetric(float64(slowest.Microseconds())/1000, "ms/slowest")
			b.ReportMetric(float64(size), "B/page")
			b.ReportMetric(0, "ns/op")
		})
	}
}
