package postgres_test

import (
	"strings"
	"testing"
	"time"

	"github.com/jeton-io/jeton/internal/store/postgres"
)

// TestURLRefused refuses what a URL must not ask for, and says why.
func TestURLRefused(t *testing.T) {
	for name, test := range map[string]struct{ dsn, says string }{
		"another scheme":      {"mysql://h/d", "postgres://"},
		"keywords":            {"host=h dbname=d", "postgres://"},
		"replica":             {"postgres://h/d?target_session_attrs=standby", "target_session_attrs"},
		"maybe a replica":     {"postgres://h/d?target_session_attrs=any", "target_session_attrs"},
		"rather a replica":    {"postgres://h/d?sslmode=disable&target_session_attrs=prefer-standby", "target_session_attrs"},
		"what can't write":    {"postgres://h/d?target_session_attrs=read-only", "target_session_attrs"},
		"the simple protocol": {"postgres://h/d?default_query_exec_mode=simple_protocol", "simple_protocol"},
		"no such mode":        {"postgres://h/d?default_query_exec_mode=fast", "can't be read"},
		"no such sslmode":     {"postgres://h/d?sslmode=maybe", "can't be read"},
		"no port":             {"postgres://h:x/d", "can't be read"},
		"no certificate":      {"postgres://h/d?sslmode=verify-full&sslrootcert=/nowhere/ca.pem", "/nowhere/ca.pem"},
		"no connection":       {"postgres://h/d?pool_max_conns=0", "can't be read"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := postgres.Open(t.Context(), postgres.Config{DSN: test.dsn, Now: now})
			if err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("got error %v, want one that says %q", err, test.says)
			}
		})
	}
}

// TestURLTellsNothing has URLs with a password go wrong in each way there is: no error tells it, nor a part of it.
func TestURLTellsNothing(t *testing.T) {
	const canary = "CanaryOfThePassword"
	for _, dsn := range []string{
		"postgres://u:" + canary + "@h:x/d",
		"postgres://u:" + canary + "%@h/d",
		"postgres://u:" + canary + "%zz@h/d",
		"postgres://u:" + canary + "/@h/d",
		"postgres://u:" + canary + "?@h/d",
		"postgres://u:" + canary + "#@h/d",
		"postgres://u:" + canary + ":" + canary + "@h:1:2/d",
		"postgres://u:" + canary + "\x00@h/d",
		"postgres://u:" + canary + " @h/d",
		"postgres://u:[" + canary + "@h/d",
		"postgres:/u:" + canary + "@h/d",
		"postgres://u@h/d?password=" + canary + "&sslmode=maybe",
		"postgres://u@h/d?password=" + canary + "%",
		"postgres://u:" + canary + "@h/d?sslmode=maybe",
		"postgres://u:" + canary + "@h/d?target_session_attrs=any",
		"postgres://u:" + canary + "@h/d?default_query_exec_mode=simple_protocol",
		"postgres://u:" + canary + "@h/d?connect_timeout=" + canary,
		"postgres://u:" + canary + "@h/d?pool_max_conns=" + canary,
		"postgres://u:" + canary + "@h/d?sslrootcert=/nowhere",
		"postgres://u:" + canary + "@127.0.0.1:1/d?sslmode=disable",
		"postgres://u:" + canary + "@127.0.0.1:1,127.0.0.1:2/d?sslmode=require",
		"postgres://u:" + canary + "@name.invalid/d",
		strings.Replace(server(t).DSN("postgres"), "tests@", "tests"+canary+"@", 1),
		"user=u password=" + canary,
		canary,
	} {
		_, err := postgres.Open(t.Context(), postgres.Config{DSN: dsn, Now: now})
		if err == nil || strings.Contains(err.Error(), canary) {
			t.Errorf("%q: got error %v, want one without the password", dsn, err)
		}
	}
}

// TestURLDefaults looks at what sessions have where the URL says nothing, and where it does.
func TestURLDefaults(t *testing.T) {
	dsn := migrated(t)
	name := func(s *postgres.Store) (name string) {
		must(t, s.Find(t.Context(), scanInto(&name, `SHOW application_name`)))
		return name
	}
	if got := name(open(t, dsn)); got != "jeton" {
		t.Errorf("got application name %q, want jeton", got)
	}
	s := open(t, dsn+"&application_name=node7&pool_max_conns=6")
	if got := name(s); got != "node7" {
		t.Errorf("got application name %q, want the one given", got)
	}
	if finds, work := s.Conns(); finds != 2 || work != 4 {
		t.Errorf("got %d and %d connections, want 2 and 4 of six", finds, work)
	}
}

// TestURLHosts names two servers of which the first isn't there, or can't write.
func TestURLHosts(t *testing.T) {
	dsn := migrated(t)
	before, after, _ := strings.Cut(dsn, "@")
	s := open(t, before+"@127.0.0.1:1,"+after)
	must(t, create(t.Context(), s, "alice"))

	begun := time.Now()
	if _, err := postgres.Open(t.Context(), postgres.Config{DSN: before + "@" + silent(t) + "/d?sslmode=disable", Now: now}); err == nil {
		t.Error("got no error from a host that doesn't answer")
	}
	if took := time.Since(begun); took > 4*time.Second {
		t.Errorf("got an error after %s, want it after two seconds", took)
	}
	s = open(t, before+"@"+silent(t)+","+after+"&connect_timeout=1")
	must(t, create(t.Context(), s, "bob"))
}
