package e2e_test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// The cookies of a log-in on plain http, and what is sent along with a call of the API's own page.
const (
	consoleCookie, apiCookie = "jeton", "jeton_api"
	ownPage                  = "Sec-Fetch-Site: same-origin"
)

// visitor is someone who uses the console by hand, with no browser that would know better: it keeps cookies, follows no
// redirect, and sends what it is told to.
type visitor struct {
	cookies map[string]string
}

// screen is an answer of the console's.
type screen struct {
	status int
	header http.Header
	body   string
}

// get and post ask the console. A post comes from the console's own page, unless fields say otherwise.
func (v *visitor) get(t *testing.T, path string, fields ...string) screen {
	t.Helper()
	return v.send(t, http.MethodGet, path, nil, fields)
}

func (v *visitor) post(t *testing.T, path string, form url.Values, fields ...string) screen {
	t.Helper()
	if len(fields) == 0 {
		fields = []string{ownPage}
	}
	return v.send(t, http.MethodPost, path, strings.NewReader(form.Encode()), append(fields, "Content-Type: application/x-www-form-urlencoded"))
}

func (v *visitor) send(t *testing.T, method, path string, body io.Reader, fields []string) screen {
	t.Helper()
	r, err := http.NewRequest(method, "http://127.0.0.1:8080"+path, body)
	must(t, err)
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		r.Header.Add(name, value)
	}
	for name, value := range v.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	res, err := http.DefaultTransport.RoundTrip(r)
	must(t, err)
	text, err := io.ReadAll(res.Body)
	must(t, err)
	must(t, res.Body.Close())
	for _, c := range res.Cookies() {
		if v.cookies[c.Name] = c.Value; c.MaxAge < 0 {
			delete(v.cookies, c.Name)
		}
	}
	return screen{res.StatusCode, res.Header, string(text)}
}

// logIn logs in by filling in the forms that come, and returns the last answer.
func (v *visitor) logIn(t *testing.T, path, username, password string) screen {
	t.Helper()
	if v.cookies == nil {
		v.cookies = map[string]string{}
	}
	at := v.get(t, path)
	at = v.submit(t, at, path, "username", username)
	return v.submit(t, at, path, "password", password)
}

// submit fills in one field of the one form that has it, and sends that form as it is.
func (v *visitor) submit(t *testing.T, at screen, path, field, value string) screen {
	t.Helper()
	for _, f := range forms(t, at.body) {
		if _, has := f.values[field]; has {
			f.values.Set(field, value)
			target, err := url.Parse(path)
			must(t, err)
			target, err = target.Parse(f.action)
			must(t, err)
			return v.post(t, target.RequestURI(), f.values)
		}
	}
	t.Fatalf("got %d %.500q, want a form with the field %s", at.status, at.body, field)
	return screen{}
}

// form is a form of a page, with what it would send.
type form struct {
	action string
	values url.Values
	button string
}

// forms reads the forms of a page.
func forms(t *testing.T, page string) []form {
	t.Helper()
	root, err := html.Parse(strings.NewReader(page))
	must(t, err)
	var all []form
	for node := range root.Descendants() {
		attributes := map[string]string{}
		for _, a := range node.Attr {
			attributes[a.Key] = a.Val
		}
		switch {
		case node.Type == html.ElementNode && node.Data == "form":
			all = append(all, form{action: attributes["action"], values: url.Values{}})
		case len(all) == 0 || node.Type != html.ElementNode:
		case node.Data == "input" && attributes["name"] != "":
			all[len(all)-1].values.Set(attributes["name"], attributes["value"])
		case node.Data == "button" && node.FirstChild != nil:
			all[len(all)-1].button = strings.TrimSpace(node.FirstChild.Data)
		}
	}
	return all
}

// loggedIn returns a visitor who has logged in, and keeps the cookies among the secrets.
func (s *stack) loggedIn(t *testing.T, user string) *visitor {
	t.Helper()
	v := &visitor{}
	if at := v.logIn(t, "/console/login", user, userPassword); at.status != http.StatusSeeOther || v.cookies[consoleCookie] == "" || v.cookies[apiCookie] == "" {
		t.Fatalf("%s can't log in: got %d, %v, %.200q", user, at.status, at.header, at.body)
	}
	s.secrets = append(s.secrets, v.cookies[consoleCookie], v.cookies[apiCookie])
	return v
}

// whose asks /v1 by the cookies, and returns the user name that it knows, or the status.
func (v *visitor) whose(t *testing.T) string {
	t.Helper()
	at := v.get(t, "/v1/me")
	if at.status != http.StatusOK {
		return fmt.Sprint(at.status)
	}
	_, rest, _ := strings.Cut(at.body, `"username":"`)
	name, _, _ := strings.Cut(rest, `"`)
	return name
}
