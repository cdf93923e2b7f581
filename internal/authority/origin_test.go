package authority_test

import (
	"testing"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/authority"
)

// TestOrigin has each kind of credential make a write, with what a browser may say of the page that began it. Of every
// refusal there is a twin that is let in by the same words, or by one of them less.
func TestOrigin(t *testing.T) {
	d := newDesk(t, 0)
	alice := d.person("alice")
	d.console.put("secret", authority.Proof{ID: uuid.Must(uuid.NewV7()), UserID: alice.ID})
	d.passwords.put("alice:secret", authority.Proof{ID: alice.ID, UserID: alice.ID})
	d.personal.token("jtp-alice", alice)
	door := &authority.Door{Name: "console", Kinds: authority.KindsOf(authority.ConsoleSession, authority.Password, authority.PersonalToken)}
	const (
		here, there = "https://api.example.com", "https://api.example.con"
		yes, no     = "alice", "cross_origin"
	)
	type words []string
	for _, test := range []struct {
		site, origin     words
		cookie, password string
	}{
		{nil, nil, no, yes}, // a program, or a browser older than either field
		{words{"same-origin"}, nil, yes, yes},
		{words{"none"}, nil, yes, yes},
		{words{"same-site"}, nil, no, no},
		{words{"cross-site"}, nil, no, no},
		{words{"Same-Origin"}, nil, no, no},
		{words{"same-origin "}, nil, no, no},
		{words{"something new"}, nil, no, no},
		{words{""}, nil, no, yes},
		{words{"same-origin", "same-origin"}, nil, no, no},
		{words{"same-origin"}, words{there}, yes, yes}, // the word counts: it is the browser's judgement of the other
		{words{"cross-site"}, words{here}, no, no},
		{nil, words{here}, yes, yes},
		{nil, words{"http://api.example.com"}, yes, yes}, // a proxy may have ended TLS
		{nil, words{"https://API.EXAMPLE.com"}, yes, yes},
		{nil, words{there}, no, no},
		{nil, words{"https://api.example.com:8443"}, no, no},
		{nil, words{"https://api.example.com."}, no, no},
		{nil, words{"https://xapi.example.com"}, no, no},
		{nil, words{"https://api.example.com/"}, no, no},
		{nil, words{"api.example.com"}, no, no},
		{nil, words{"null"}, no, no},
		{nil, words{""}, no, yes},
		{words{""}, words{here}, yes, yes},
		{nil, words{here, here}, no, no},
	} {
		for _, method := range []string{"POST", "PUT", "PATCH", "DELETE", "get", "QUERY", "GET", "HEAD", "OPTIONS", "WebSocket"} {
			in := call()
			in.Method, in.SecFetchSite, in.Origin = method, test.site, test.origin
			if in.Upgrade = method == "WebSocket"; in.Upgrade { // a GET that opens what can be written over
				in.Method = "GET"
			}
			safe := method == "GET" || method == "HEAD" || method == "OPTIONS"
			for kind, want := range map[string]string{"cookie": test.cookie, "password": test.password, "token": yes} {
				in.Authorization, in.Cookie = nil, nil
				switch kind {
				case "cookie":
					in.Cookie = []string{"console=secret"}
				case "password":
					in.Authorization = []string{basic("alice:secret")}
				default:
					in.Authorization = []string{"Bearer jtp-alice"}
				}
				if safe {
					want = yes
				}
				p, err := d.Identify(t.Context(), in, door)
				got := p.Username
				if err != nil {
					got = string(reasonOf(t, err))
				}
				if got != want {
					t.Errorf("%s by %s, site %q, origin %q: got %s, want %s", method, kind, test.site, test.origin, got, want)
				}
			}
		}
	}
}

// TestOriginsPort: a browser leaves out the usual port of a scheme, and a host may have it.
func TestOriginsPort(t *testing.T) {
	d := newDesk(t, 0)
	alice := d.person("alice")
	d.console.put("secret", authority.Proof{ID: uuid.Must(uuid.NewV7()), UserID: alice.ID})
	door := &authority.Door{Name: "console", Kinds: authority.KindsOf(authority.ConsoleSession)}
	for _, test := range []struct {
		host, origin string
		same         bool
	}{
		{"a.example", "https://a.example", true},
		{"a.example:443", "https://a.example", true},
		{"a.example:80", "http://a.example", true},
		{"a.example:443", "http://a.example", false},
		{"a.example:80", "https://a.example", false},
		{"a.example:8443", "https://a.example:8443", true},
		{"a.example:8443", "https://a.example:8444", false},
		{"[2001:db8::1]:443", "https://[2001:db8::1]", true},
		{"[2001:db8::1]:443", "https://[2001:db8::2]", false},
		{"", "https://", false}, // no host is called
	} {
		in := &authority.Presented{Method: "POST", Host: test.host, Origin: []string{test.origin}, Cookie: []string{"console=secret"}, Peer: peer}
		if _, err := d.Identify(t.Context(), in, door); (err == nil) != test.same {
			t.Errorf("%q called from %q: got %v, want it taken for the same: %t", test.host, test.origin, err, test.same)
		}
	}
}
