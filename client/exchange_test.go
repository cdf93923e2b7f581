package client_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jeton-io/jeton/client"
)

// TestAnswersOfTheDesk has all sorts of answers, each with what it is taken for. The usable ones come first; the others
// are made from them.
func TestAnswersOfTheDesk(t *testing.T) {
	good := granted(1, 300).body
	with := func(old, replacement string) string {
		if !strings.Contains(good, old) {
			t.Fatalf("%s lacks %s", good, old)
		}
		return strings.Replace(good, old, replacement, 1)
	}
	html := map[string]string{"Content-Type": "text/html"}
	asProblem := map[string]string{"Content-Type": "application/problem+json"}
	tests := map[string]struct {
		answer reply
		want   error
		text   string
	}{
		"good":             {reply{status: 200, body: good}, nil, ""},
		"unknown members":  {reply{status: 200, body: with(`{`, `{"new":[1,{"expires_in":0}],`)}, nil, ""},
		"null scope":       {reply{status: 200, body: with(`{`, `{"scope":null,`)}, nil, ""},
		"a year":           {reply{status: 200, body: with(`300`, `31622400`)}, nil, ""},
		"more than a year": {reply{status: 200, body: with(`300`, `31622401`)}, client.ErrNotJeton, "expires_in"},
		"overflow":         {reply{status: 200, body: with(`300`, `9223372036854775807`)}, client.ErrNotJeton, "expires_in"},
		"beyond integers":  {reply{status: 200, body: with(`300`, `1e400`)}, client.ErrNotJeton, "expires_in"},
		"no expires_in":    {reply{status: 200, body: with(`,"expires_in":300`, ``)}, client.ErrNotJeton, "expires_in"},
		"negative":         {reply{status: 200, body: with(`300`, `-300`)}, client.ErrNotJeton, "expires_in"},
		"zero":             {reply{status: 200, body: with(`300`, `0`)}, client.ErrNotJeton, "expires_in"},
		"fraction":         {reply{status: 200, body: with(`300`, `300.5`)}, client.ErrNotJeton, "expires_in"},
		"in quotes":        {reply{status: 200, body: with(`300`, `"300"`)}, client.ErrNotJeton, "expires_in"},
		"other name":       {reply{status: 200, body: with(`expires_in`, `Expires_In`)}, client.ErrNotJeton, "expires_in"},
		"no token":         {reply{status: 200, body: with(`access1`, ``)}, client.ErrNotJeton, "access_token"},
		"no text":          {reply{status: 200, body: with(`"access1"`, `["access1"]`)}, client.ErrNotJeton, "access_token"},
		"two header lines": {reply{status: 200, body: with(`access1`, `access1\r\nX: y`)}, client.ErrNotJeton, "access_token"},
		"MAC":              {reply{status: 200, body: with(`Bearer`, `MAC`)}, client.ErrNotJeton, "token_type"},
		"N_A":              {reply{status: 200, body: with(`Bearer`, `N_A`)}, client.ErrNotJeton, "token_type"},
		"no type":          {reply{status: 200, body: with(`"token_type":"Bearer",`, ``)}, client.ErrNotJeton, "token_type"},
		"refresh token":    {reply{status: 200, body: with(`type:access_token`, `type:refresh_token`)}, client.ErrNotJeton, "issued_token_type"},
		"twice":            {reply{status: 200, body: with(`{`, `{"access_token":"other",`)}, client.ErrNotJeton, "twice"},
		"two objects":      {reply{status: 200, body: good + `{}`}, client.ErrNotJeton, "follows"},
		"cut":              {reply{status: 200, body: good[:len(good)-1]}, client.ErrNotJeton, "cut"},
		"cut in the token": {reply{status: 200, body: good[:20]}, client.ErrNotJeton, "JSON"},
		"array":            {reply{status: 200, body: "[" + good + "]"}, client.ErrNotJeton, "no JSON object"},
		"nothing":          {reply{status: 200}, client.ErrNotJeton, ""},
		"null":             {reply{status: 200, body: "null"}, client.ErrNotJeton, "no JSON object"},
		"huge":             {reply{status: 200, body: with(`access1`, strings.Repeat("a", 64<<10))}, client.ErrNotJeton, "longer than"},
		"page":             {reply{status: 200, header: html, body: good}, client.ErrNotJeton, `content type "text/html"`},
		"created":          {reply{status: 201, body: good}, client.ErrNotJeton, "status 201"},
		"error with 200":   {reply{status: 200, body: `{"error":"invalid_grant"}`}, client.ErrNotJeton, "access_token"},

		"invalid_grant":      {refused(400, "invalid_grant"), client.ErrTokenRefused, "invalid_grant (the subject token is not valid)"},
		"invalid_request":    {refused(400, "invalid_request"), client.ErrTokenRefused, "invalid_request"},
		"invalid_client":     {refused(401, "invalid_client"), client.ErrTokenRefused, "invalid_client"},
		"invalid_scope":      {refused(400, "invalid_scope"), client.ErrTokenRefused, "invalid_scope"},
		"invalid_target":     {refused(400, "invalid_target"), client.ErrTokenRefused, "invalid_target"},
		"not described":      {reply{status: 400, body: `{"error":"invalid_grant"}`}, client.ErrTokenRefused, "exchanging the API token: invalid_grant"},
		"page of a proxy":    {reply{status: 401, header: html, body: "<h1>log in</h1>"}, client.ErrUnavailable, "status 401"},
		"other JSON":         {reply{status: 400, body: `{"message":"no"}`}, client.ErrUnavailable, "status 400"},
		"strange code":       {reply{status: 400, body: `{"error":"\u001b[31m"}`}, client.ErrUnavailable, "status 400"},
		"elsewhere":          {reply{status: 404, header: html}, client.ErrNotJeton, "status 404"},
		"bad gateway":        {reply{status: 502, header: html, body: "<h1>no</h1>"}, client.ErrUnavailable, "status 502"},
		"problem":            {reply{status: 503, header: asProblem, body: problemBody("unavailable")}, client.ErrUnavailable, "unavailable"},
		"too many":           {reply{status: 429, header: asProblem, body: problemBody("too_many_requests")}, client.ErrTooManyRequests, "too_many_requests"},
		"temporarily":        {refused(400, "temporarily_unavailable"), client.ErrUnavailable, "temporarily_unavailable"},
		"server_error":       {refused(500, "server_error"), client.ErrInternal, "server_error"},
		"unavailable":        {refused(503, "invalid_grant"), client.ErrUnavailable, ""},
		"too many, by OAuth": {refused(429, "slow_down"), client.ErrTooManyRequests, "slow_down"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			d := &desk{t: t}
			d.answers(tt.answer)
			s := over(t, d)
			token, err := s.Token()
			if tt.want == nil {
				if err != nil || token.AccessToken != "access1" {
					t.Errorf("got %v, %v", token, err)
				}
				return
			}
			wantError(t, err, tt.want, tt.text)
			// Whatever it is, it is the one or the other.
			if errors.Is(err, client.ErrTokenRefused) == errors.Is(err, client.ErrUnavailable) {
				t.Errorf("got error %v, want ErrTokenRefused or ErrUnavailable", err)
			}
		})
	}
}

// TestWaitIsTold shows that an error of OAuth says how long Jeton asks to wait, and one that no waiting mends says nothing.
func TestWaitIsTold(t *testing.T) {
	for status, want := range map[int]time.Duration{429: 7 * time.Second, 400: 0} {
		a := refused(status, "slow_down")
		a.header = map[string]string{"Retry-After": "7"}
		d := &desk{t: t}
		d.answers(a)
		_, err := over(t, d).Token()
		if told, ok := errors.AsType[*client.OAuthError](err); !ok || told.RetryAfter != want {
			t.Errorf("%d: got %+v, want an OAuthError with RetryAfter %s", status, err, want)
		}
	}
}

func problemBody(code string) string {
	return `{"type":"about:blank","title":"A title","code":"` + code + `"}`
}

// TestAnswersThatRepeatTheToken shows that an API token that comes back, whole or in part, gets into no error.
func TestAnswersThatRepeatTheToken(t *testing.T) {
	for _, part := range []string{signedToken, signedToken[10:60], signedToken[len(signedToken)-31:]} {
		for name, answer := range map[string]reply{
			"description": {status: 400, body: `{"error":"invalid_grant","error_description":"not valid: ` + part + `"}`},
			"code":        {status: 400, body: `{"error":"` + part + `"}`},
			"problem":     {status: 503, header: map[string]string{"Content-Type": "application/problem+json"}, body: `{"title":"` + part + `","code":"unavailable","detail":"` + part + `"}`},
			"page":        {status: 502, header: map[string]string{"Content-Type": "text/html"}, body: part},
			"no JSON":     {status: 200, body: `{"a":` + part},
			"type":        {status: 200, body: `{"access_token":"a","token_type":"` + part + `"}`},
			"life":        {status: 200, body: strings.Replace(granted(1, 300).body, "300", `"`+part+`"`, 1)},
			"redirect":    {status: 307, header: map[string]string{"Location": "/?subject_token=" + part}},
		} {
			d := &desk{t: t}
			d.answers(answer)
			_, err := over(t, d).Token()
			if err == nil || strings.Contains(err.Error(), "CANARY") || strings.Contains(err.Error(), part) {
				t.Errorf("%s: got error %v, want one without the token", name, err)
			}
			if refused := answer.status == 400 && name == "description"; refused != errors.Is(err, client.ErrTokenRefused) {
				t.Errorf("%s: got error %v, want a refusal: %v", name, err, refused)
			}
		}
	}
}

// TestDescriptionsForPeople has, beside one that is shown, those that aren't.
func TestDescriptionsForPeople(t *testing.T) {
	for description, shown := range map[string]bool{
		"exchange it first": true, `\u001b[31mred`: false, `a\nb`: false, `\u202etrams`: false, strings.Repeat("long ", 100): false,
	} {
		d := &desk{t: t}
		d.answers(reply{status: 400, body: `{"error":"invalid_grant","error_description":"` + description + `"}`})
		_, err := over(t, d).Token()
		wantError(t, err, client.ErrTokenRefused, "")
		if want := "exchanging the API token: invalid_grant"; (err.Error() != want) != shown {
			t.Errorf("%s: got error %q, want it shown: %v", description, err, shown)
		}
	}
}

// TestExchangeFollowsNoRedirect shows that the API token doesn't go where an answer points, and that the given HTTPClient
// stays as it was.
func TestExchangeFollowsNoRedirect(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("got %s %s at another origin", r.Method, r.RequestURI)
	}))
	defer elsewhere.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		for _, target := range []string{elsewhere.URL + "/oauth/token", "/oauth/token"} {
			d := &desk{t: t}
			d.answers(reply{status: status, header: map[string]string{"Location": target}})
			s := httptest.NewServer(d)
			jar, _ := cookiejar.New(nil)
			at, _ := url.Parse(s.URL)
			jar.SetCookies(at, []*http.Cookie{{Name: "a", Value: "b"}})
			given := &http.Client{Jar: jar}
			_, err := newSource(t, client.TokenSourceConfig{BaseURL: s.URL, HTTPClient: given}).Token()
			wantError(t, err, client.ErrNotJeton, "which was not followed")
			wantError(t, err, client.ErrUnavailable, "")
			d.wantCount(t, 1)
			if given.Jar == nil || given.CheckRedirect != nil || given.Timeout != 0 {
				t.Error("the given HTTPClient was changed")
			}
			s.Close()
		}
	}
}

func TestDeskThatIsGone(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	s.Close()
	source := newSource(t, client.TokenSourceConfig{BaseURL: s.URL})
	_, err := source.Token()
	wantError(t, err, client.ErrUnavailable, "exchanging the API token: no answer: dial tcp")
	wantError(t, err, client.ErrUnreachable, "")

	cut := over(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = io.WriteString(w, `{`)
	}))
	_, err = cut.Token()
	wantError(t, err, client.ErrUnreachable, "unexpected EOF")
}
