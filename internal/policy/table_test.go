package policy_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/policy"
)

func TestFind(t *testing.T) {
	table, err := policy.Compile([]policy.Service{
		{ID: uuid.MustParse(aliceID), Name: "root", Host: "API.example.com."},
		{Name: "api", Host: "api.example.com", PathPrefix: "/api"},
		{Name: "v1", Host: "api.example.com", PathPrefix: "/api/v1"},
		{Name: "port", Host: "api.example.com:8443", PathPrefix: "/"},
		{Name: "port x", Host: "api.example.com:9", PathPrefix: "/x"},
		{Name: "only api", Host: "b.example.com", PathPrefix: "/api"},
		{Name: "v4", Host: "192.0.2.1"},
		{Name: "v6", Host: "[2001:db8::1]"},
		{Name: "v6 port", Host: "[2001:db8::1]:81"},
		{Name: "local", Host: "local_host"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := table.Len(), 10; got != want {
		t.Errorf("Len: got %d, want %d", got, want)
	}
	for _, test := range []struct{ host, path, want string }{
		{"api.example.com", "/", "root"},
		{"api.example.com", "", "root"},
		{"api.example.com", "/x", "root"},
		{"api.example.com", "/api", "api"},
		{"api.example.com", "/api/", "api"},
		{"api.example.com", "/apis", "root"},
		{"api.example.com", "/API", "root"},
		{"api.example.com", "/api/v1", "v1"},
		{"api.example.com", "/api/v1/x", "v1"},
		{"api.example.com", "/api/v10", "api"},
		{"api.example.com", "/api/v", "api"},
		{"api.example.com", "//api/v1", "root"},
		{"api.example.com", "/%61pi/v1", "root"},
		{"Api.Example.COM", "/api", "api"},
		{"api.example.com.", "/api", "api"},
		{"api.example.com..", "/api", ""},
		{".api.example.com", "/api", ""},
		{"api.example.com:443", "/api", "api"},
		{"api.example.com:", "/api", "api"},
		{"api.example.com.:443", "/api", "api"},
		{"api.example.com:8443", "/api/v1", "port"},
		{"API.example.com.:8443", "/", "port"},
		{"api.example.com:9", "/x/y", "port x"},
		{"api.example.com:9", "/y", "root"},
		{"b.example.com", "/", ""},
		{"b.example.com", "/api/x", "only api"},
		{"b.example.com", "api", ""},
		{"example.com", "/", ""},
		{"", "/", ""},
		{":80", "/", ""},
		{strings.Repeat("a", 300), "/", ""},
		{"api.example.com:" + strings.Repeat("0", 300), "/", ""},
		{"192.0.2.1:80", "/", "v4"},
		{"[2001:DB8::1]", "/", "v6"},
		{"[2001:db8::1]:80", "/", "v6"},
		{"[2001:db8::1]:81", "/", "v6 port"},
		{"2001:db8::1", "/", ""},
		{"local_host:1", "/", "local"},
	} {
		got := ""
		if s, ok := table.Find(test.host, test.path); ok {
			got = s.Name()
		}
		if got != test.want {
			t.Errorf("Find(%q, %q): got %q, want %q", test.host, test.path, got, test.want)
		}
	}
	if s, _ := table.Find("api.example.com", "/"); s.ID() != uuid.MustParse(aliceID) {
		t.Errorf("ID: got %s, want %s", s.ID(), aliceID)
	}
}

func TestZeroTableFindsNothing(t *testing.T) {
	var table policy.Table
	if s, ok := table.Find("api.example.com", "/"); ok || s != nil || table.Len() != 0 {
		t.Errorf("got %v, %t and length %d, want nothing", s, ok, table.Len())
	}
}

// TestVerifiedBy: a table knows whose verifiers are whose, and whether anybody takes API tokens.
func TestVerifiedBy(t *testing.T) {
	ann, bob := uuid.UUID{1}, uuid.UUID{2}
	table, err := policy.Compile([]policy.Service{
		{Name: "a", Host: "a.example", Verifiers: []uuid.UUID{ann, bob}},
		{Name: "b", Host: "b.example", Verifiers: []uuid.UUID{ann}},
		{Name: "c", Host: "c.example"},
	})
	if err != nil {
		t.Fatal(err)
	}
	for id, want := range map[uuid.UUID]string{ann: "ab", bob: "a", {3}: "", {}: ""} {
		got := ""
		for _, s := range table.VerifiedBy(id) {
			got += s.Name()
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", id, got, want)
		}
	}
	if table.AcceptsAPITokens() || (&policy.Table{}).AcceptsAPITokens() || (&policy.Table{}).VerifiedBy(ann) != nil {
		t.Error("got what nobody has described")
	}
	table, err = policy.Compile([]policy.Service{{Host: "a.example"}, {Host: "b.example", AcceptAPITokens: true}})
	if err != nil || !table.AcceptsAPITokens() {
		t.Errorf("got %v, and no service that takes API tokens", err)
	}
}

// TestHasProfile: a table knows on which hosts a service names a profile, whichever part of the host is the service's. A port is
// minded as by Find: a service that names none is on all of them.
func TestHasProfile(t *testing.T) {
	table, err := policy.Compile([]policy.Service{
		{Name: "api", Host: "API.example.com.", PathPrefix: "/api", Profile: "xdoc"},
		{Name: "other", Host: "api.example.com", PathPrefix: "/other", Profile: "matrix42"},
		{Name: "none", Host: "none.example.com"},
		{Name: "port", Host: "port.example.com:8443", Profile: "xdoc"},
		{Name: "v6", Host: "[2001:db8::1]", Profile: "xdoc"},
		{Name: "suspended", Host: "suspended.example.com", Profile: "xdoc", Suspended: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		host, profile string
		want          bool
	}{
		{"api.example.com", "xdoc", true},
		{"api.example.com", "matrix42", true},
		{"api.example.com", "bitcanuck", false},
		{"api.example.com", "", false},
		{"Api.Example.Com.", "xdoc", true},
		{"api.example.com:80", "xdoc", true},
		{"api.example.com:", "xdoc", true},
		{"example.com", "xdoc", false},
		{"xapi.example.com", "xdoc", false},
		{"none.example.com", "xdoc", false},
		{"none.example.com", "", false},
		{"port.example.com:8443", "xdoc", true},
		{"port.example.com:8444", "xdoc", false},
		{"port.example.com", "xdoc", false},
		{"[2001:DB8::1]:80", "xdoc", true},
		{"[2001:db8::2]:80", "xdoc", false},
		{"suspended.example.com", "xdoc", true}, // its calls are refused where they are judged
		{"", "xdoc", false},
		{strings.Repeat("a", 300), "xdoc", false},
	} {
		if got := table.HasProfile(test.host, test.profile); got != test.want {
			t.Errorf("HasProfile(%q, %q): got %t, want %t", test.host, test.profile, got, test.want)
		}
	}
	if new(policy.Table).HasProfile("api.example.com", "xdoc") {
		t.Error("the zero table has a profile")
	}
	if n := testing.AllocsPerRun(100, func() { table.HasProfile("API.example.com.:8443", "matrix42") }); n != 0 {
		t.Errorf("got %v allocations of a question that every call of the proxy asks, want none", n)
	}
}

// TestRate: a compiled service tells how many calls it lets in, and counts none itself.
func TestRate(t *testing.T) {
	table, err := policy.Compile([]policy.Service{
		{Name: "bounded", Host: "a.example", Calls: 7, Per: time.Minute}, {Name: "free", Host: "b.example"},
	})
	if err != nil {
		t.Fatal(err)
	}
	for host, want := range map[string]struct {
		calls int
		per   time.Duration
	}{"a.example": {7, time.Minute}, "b.example": {}} {
		s, _ := table.Find(host, "/")
		if calls, per := s.Rate(); calls != want.calls || per != want.per {
			t.Errorf("%s: got %d per %s, want %+v", host, calls, per, want)
		}
	}
}
