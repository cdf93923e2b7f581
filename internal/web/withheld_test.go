package web_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/jeton-io/jeton/internal/web"
)

// TestWithheldIsWhatTheExamplesTakeOut compares the list, both ways, with the example that clears each field by its name.
func TestWithheldIsWhatTheExamplesTakeOut(t *testing.T) {
	conf, err := os.ReadFile("../../deploy/nginx/jeton.conf")
	if err != nil {
		t.Fatal(err)
	}
	before, _, found := strings.Cut(string(conf), "location = /_jeton")
	if !found {
		t.Fatal("the example has no question, before which it says what the API gets")
	}
	cleared := 0
	for _, m := range regexp.MustCompile(`proxy_set_header +(\S+) +"";`).FindAllStringSubmatch(before, -1) {
		name := strings.ToLower(m[1])
		if name == "connection" || name == "upgrade" || name == "http2-settings" {
			continue // which are each proxy's own business
		}
		cleared++
		if !slices.Contains(web.Withheld(), name) {
			t.Errorf("%s is cleared by deploy/nginx, and not withheld", name)
		}
	}
	for _, name := range web.Withheld() { // some are set to what the proxy itself knows
		if !regexp.MustCompile(`(?im)^proxy_set_header ` + name + ` `).MatchString(before) {
			t.Errorf("%s is withheld, and passes deploy/nginx", name)
		}
	}
	if cleared < 35 {
		t.Fatalf("found %d fields in the example, want those of deploy/nginx", cleared)
	}
}

func TestWithholds(t *testing.T) {
	for _, name := range web.Withheld() {
		if name != "x-jeton-status" && !web.Withholds(name) {
			t.Errorf("%s is withheld by name, and passes", name)
		}
	}
	for _, twins := range [][2]string{
		{"remote_user", "remote-user"},
		{"remote.user", "remote-user"},
		{"x-jeton-user_id", "x-jeton-user-id"},
		{"X_Auth_Request_User", "X-Auth-Request-User"},
		{"remote-users", "remote"},
		{"x-auth-request-role", "x-auth-requests"},
		{"x-jeton-anything", "x-jetons"},
		{"x-forwarded-proto-version", "x-forwarded-proto"},
		{"X-Forwarded-User", "X-Forwarded-For"},
		{"x-remote-role", "x-remotes"},
		{"x-original-query", "x-originals"},
		{"Authorization", "Authorizations"},
		{"COOKIE", "cookies"},
		{"accept!", "accept"},
		{"x-http-anything", "x-httpbin"},
		{"é", "e"},
	} {
		if !web.Withholds(twins[0]) {
			t.Errorf("%s passes", twins[0])
		}
		if web.Withholds(twins[1]) {
			t.Errorf("%s, its twin, doesn't pass", twins[1])
		}
	}
}
