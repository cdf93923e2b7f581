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
	"github.com/jeton-io/jeton/internal/console"
	"github.com/jeton-io/jeton/internal/jose"
	"github.com/jeton-io/jeton/internal/platform"
	"github.com/jeton-io/jeton/internal/policy"
	"github.com/jeton-io/jeton/internal/project"
	testdesk "github.com/jeton-io/jeton/test/desk"
	"github.com/jeton-io/jeton/test/pg"
)

// fill writes users and tokens behind the desk's back, as many as a large company has: making them one by one takes as long as a
// company does. Names, e-mails and ends are spread as theirs are; one token in fifty is disabled, one in ten never ends.
func (d *desk) fill(t testing.TB, users, tokens, events int) {
	t.Helper()
	d.inside.Tamper(t, d.statements(fillSQLite, users, tokens, events))
}

// statements returns the statements that write so many records.
func (d *desk) statements(text string, users, tokens, events int) string {
	return strings.NewReplacer(
		"{users}", strconv.Itoa(users), "{tokens}", strconv.Itoa(tokens), "{each}", strconv.Itoa(tokens/users), "{events}", strconv.Itoa(events),
		"{now}", strconv.FormatInt(d.clock().UnixMicro(), 10),
	).Replace(text)
}

const fillSQLite = `
PRAGMA cache_size = -262144;
PRAGMA synchronous = OFF;
WITH RECURSIVE number (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM number WHERE i + 1 < {users})
INSERT INTO user (id, kind, username, username_key, email, email_key, display_name, state, version, created_at, updated_at)
SELECT unhex(printf('01900001%08x70008000%08x', i, i)), 'person', printf('User%07d', i), printf('user%07d', i), printf('User%07d@example.com', i),
	printf('user%07d@example.com', i), printf('User of number %d', i), 'active', 1, {now}, {now} FROM number;
WITH RECURSIVE number (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM number WHERE i + 1 < {users})
INSERT INTO user_role (user_id, role) SELECT unhex(printf('01900001%08x70008000%08x', i, i)), 'partner' FROM number;
WITH RECURSIVE number (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM number WHERE i + 1 < {tokens})
INSERT INTO api_token (id, user_id, name, name_key, kid, enabled, allowed_ips, rate_calls, rate_seconds, version, created_at, updated_at, expires_at, last_used_at)
SELECT unhex(printf('01900002%08x70008000%08x', i, i)), unhex(printf('01900001%08x70008000%08x', i / {each}, i / {each})),
	printf('Nightly job %07d', i), printf('nightly job %07d', i), (SELECT kid FROM signing_key LIMIT 1), i % 50 <> 7, '', 0, 0, 1, {now}, {now},
	iif(i % 10 = 3, NULL, {now} + (i * 7919 % 365 - 30) * 86400000000 + i), {now} FROM number;
WITH RECURSIVE number (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM number WHERE i + 1 < {events})
INSERT INTO audit_event (id, at, action, actor_name, actor_credential_kind, actor_address, target_kind, target_name, reason, door, count)
SELECT unhex(printf('01900003%08x70008000%08x', i, i)), {now} + (i - {events}) * 10000000, 'refused', '', 'personal_token', '192.0.2.1', '', '',
	iif(i < 10, 'expired', 'unknown'), 'gateway', 1 FROM number;
`

// fillPostgres writes the same. What the server knows of tables it learns here at once, and else within a minute of such a change.
const fillPostgres = `
CREATE FUNCTION id_of (kind bigint, i bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS
	$$SELECT ('0190' || lpad(to_hex(kind), 4, '0') || lpad(to_hex(i), 8, '0') || '70008000' || lpad(to_hex(i), 8, '0'))::uuid$$;
INSERT INTO "user" (id, kind, username, username_key, email, email_key, display_name, state, version, created_at, updated_at)
SELECT id_of(1, i), 'person', 'User' || lpad(i::text, 7, '0'), 'user' || lpad(i::text, 7, '0'), 'User' || lpad(i::text, 7, '0') || '@example.com',
	'user' || lpad(i::text, 7, '0') || '@example.com', 'User of number ' || i, 'active', 1, {now}, {now} FROM generate_series(0, {users} - 1) i;
INSERT INTO user_role (user_id, role) SELECT id_of(1, i), 'partner' FROM generate_series(0, {users} - 1) i;
INSERT INTO api_token (id, user_id, name, name_key, kid, enabled, allowed_ips, rate_calls, rate_seconds, version, created_at, updated_at, expires_at, last_used_at)
SELECT id_of(2, i), id_of(1, i / {each}), 'Nightly job ' || lpad(i::text, 7, '0'), 'nightly job ' || lpad(i::text, 7, '0'), (SELECT kid FROM signing_key LIMIT 1),
	i % 50 <> 7, '', 0, 0, 1, {now}, {now}, CASE WHEN i % 10 = 3 THEN NULL ELSE {now} + (i::bigint * 7919 % 365 - 30) * 86400000000 + i END, {now}
FROM generate_series(0, {tokens} - 1) i;
INSERT INTO audit_event (id, at, action, actor_name, actor_credential_kind, actor_address, target_kind, target_name, reason, door, count)
SELECT id_of(3, i), {now} + (i - {events}::bigint) * 10000000, 'refused', '', 'personal_token', '192.0.2.1', '', '',
	CASE WHEN i < 10 THEN 'expired' ELSE 'unknown' END, 'gateway', 1 FROM generate_series(0, {events} - 1) i;
VACUUM ANALYZE;
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
	pages = append(pages,
		servicesRoute+"?sort=-created", servicesRoute+"?q=example&sort=-name", integration+"/platforms?sort=created", integration+"/projects?sort=-name",
		overviewRoute+"/signing-keys?state=active",
	)
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

// keyed returns a browser of an administrator, with a signing key for the tokens that a desk is filled with.
func (d *desk) keyed(t testing.TB) *browser {
	t.Helper()
	b := d.admin(t)
	b.want(t, ask{route: "POST " + tokensRoute, form: form("name", "the first", "days", "1", "user", "admin")}, 200) // which makes it
	return b
}

// TestPagesAreLight loads each page of a full console as a browser does that has seen none: with its files, it is less than 100 kB, and
// asks no other host.
func TestPagesAreLight(t *testing.T) {
	d := newDesk(t)
	b := d.keyed(t)
	d.fill(t, 1000, 3000, 2000)
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

// BenchmarkPages reads each page with 100,000 users, 1,000,000 API tokens and 100,000 events, on each store. Each figure is the time of
// one, from its request to its last byte.
//
//	go test ./internal/console -run '^$' -bench Pages -benchtime 20x
func BenchmarkPages(b *testing.B) {
	const users, tokens, events = 100_000, 1_000_000, 100_000
	b.Run("sqlite", func(b *testing.B) {
		d := newDesk(b)
		browser := d.keyed(b)
		d.fill(b, users, tokens, events)
		browser.benchPages(b)
	})
	b.Run("postgres", func(b *testing.B) {
		server := pg.Start(b)
		d := furnishDesk(b, console.NewCookies("http://127.0.0.1:8080", ""), testdesk.Options{DSN: server.DSN("postgres")})
		browser := d.keyed(b)
		_, err := server.SQL("postgres", d.statements(fillPostgres, users, tokens, events))
		check(b, err)
		browser.benchPages(b)
	})
}

// benchPages measures every page, with three hundred services, platforms and projects, whose lists are read whole.
func (b *browser) benchPages(bench *testing.B) {
	for n := range 300 {
		_, err := b.d.inside.Catalog.Create(bench.Context(), catalog.Draft{Name: fmt.Sprintf("orders-%d", n), Host: fmt.Sprintf("orders%d.example.com", n)}, audit.Actor{})
		check(bench, err)
		_, _, err = b.d.inside.Platforms.Enrol(bench.Context(), platform.Draft{Name: fmt.Sprintf("Portal %d", n), Algorithm: jose.RS256}, audit.Actor{})
		check(bench, err)
		_, err = b.d.inside.Projects.Create(bench.Context(), project.Draft{Number: 2000 + n, Name: fmt.Sprintf("Shop %d", n)}, audit.Actor{})
		check(bench, err)
	}
	for _, path := range b.d.walked(bench) {
		bench.Run(strings.TrimPrefix(path, "/console/"), func(bench *testing.B) {
			size, slowest := 0, time.Duration(0)
			for bench.Loop() {
				began := time.Now()
				_, size = b.fetch(bench, path)
				slowest = max(slowest, time.Since(began))
			}
			bench.ReportMetric(float64(bench.Elapsed().Microseconds())/float64(bench.N)/1000, "ms/page")
			bench.ReportMetric(float64(slowest.Microseconds())/1000, "ms/slowest")
			bench.ReportMetric(float64(size), "B/page")
			bench.ReportMetric(0, "ns/op")
		})
	}
}
