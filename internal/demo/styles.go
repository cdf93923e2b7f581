package demo

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/jeton-io/jeton/client"
)

// exchangePath is where Matrix42's clients exchange, as they spell it.
const exchangePath = "/m42Services/api/ApiToken/GenerateAccessTokenFromApiToken/?"

// The styles, as lines and the summary have them.
const (
	byPersonal = "personal token"
	byPassword = "password"
	byAPIToken = "API token"
	byAccess   = "access token"
	bySession  = "session token"
	bySealed   = "sealed token"
)

// integrators are the four.
func (w *world) integrators() []*integrator {
	all := []*integrator{w.personalStyle(), w.exchangedStyle(), w.sessionStyle(), w.sealedStyle()}
	for _, it := range all {
		it.world, it.agent = w, "demo-"+it.name+"/1.0"
		it.http = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1}, Timeout: 30 * time.Second}
	}
	return all
}

// personalStyle is a user's own program, as those of Cantook Hub: one token, or user name and password, and now and then a new token
// for the former.
func (w *world) personalStyle() *integrator {
	token, former := w.personal[alice], client.Secret("")
	get := func(path string) func() step {
		return func() step {
			return step{style: byPersonal, method: "GET", path: path, header: bearer(token), status: 200, passes: true}
		}
	}
	rotate := func(l *line, body []byte, _ http.Header) error {
		made, err := decode[struct{ Token string }](body)
		if err != nil || made.Token == "" {
			return errors.Join(err, errors.New("there is no token in the answer"))
		}
		former, token = token, client.Secret(made.Token)
		l.said = "a new token; the former one is dead"
		return nil
	}
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte(alice+":"+w.passwords[alice].Reveal()))
	return &integrator{name: alice, style: "personal token, password", steps: []func() step{
		get("/reports/7"),
		func() step {
			return step{style: byPersonal, method: "POST", path: "/reports", header: bearer(token), body: "{}", status: 201, passes: true}
		},
		func() step {
			return step{style: byPassword, method: "GET", path: "/me", header: map[string]string{"Authorization": basic}, status: 200, passes: true}
		},
		func() step { return refused(byPersonal, "/invoices/7", bearer(token), 403) },
		func() step {
			s := get("/events?n=3")()
			s.heard = streamed
			return s
		},
		func() step {
			return step{style: byPersonal, method: "POST", base: w.public, path: "/v1/me/personal-token", header: bearer(token), status: 201, heard: rotate}
		},
		func() step { return refused(byPersonal, "/reports/7", bearer(former), 401) },
	}}
}

// refused is a call that may not pass.
func refused(style, path string, header map[string]string, status int) step {
	return step{style: style, method: "GET", path: path, header: header, status: status}
}

// streamed reads a stream of events.
func streamed(l *line, body []byte, _ http.Header) error {
	_, last, _ := strings.Cut(strings.TrimSpace(string(body)), "\nid: 3\ndata: ")
	said, err := saw([]byte(last))
	l.said = said + ", and sent 3 events"
	return err
}

// exchangedStyle is a worker that holds an API token, as those of Matrix42: it exchanges it for an access token, calls with that, and
// gets the next one before the end of the last.
func (w *world) exchangedStyle() *integrator {
	var access client.Secret
	var ends time.Time
	exchange := func(l *line, body []byte, _ http.Header) error {
		made, err := decode[struct {
			RawToken string
			LifeTime time.Time
		}](body)
		if err != nil || made.RawToken == "" {
			return errors.Join(err, errors.New("there is no token in the answer"))
		}
		access, ends = client.Secret(made.RawToken), made.LifeTime
		l.said = "an access token, until " + ends.Local().Format(time.TimeOnly)
		return nil
	}
	get := func(path string) func() step {
		return func() step {
			return step{style: byAccess, method: "GET", path: path, header: bearer(access), status: 200, passes: true}
		}
	}
	return &integrator{
		name: externalApp, style: "API token, exchanged",
		first: func() (step, bool) {
			if ends.Sub(w.now()) > accessLife/3 {
				return step{}, false
			}
			return step{style: byAPIToken, method: "POST", path: exchangePath, header: bearer(w.apiTokens[externalApp]), status: 200, heard: exchange}, true
		},
		steps: []func() step{
			get("/reports/7"),
			get("/me"),
			func() step { return refused(byAccess, "/invoices/7", bearer(access), 403) },
			get("/reports/8"),
			func() step { return refused(byAPIToken, "/reports/7", bearer(w.apiTokens[externalApp]), 401) }, // exchange it first
		},
	}
}

// sessionStyle is an app for people, as those of BitCanuck: it logs its user in, by e-mail and password and then by the assertion of
// a platform, calls with the session token, and logs out.
func (w *world) sessionStyle() *integrator {
	var token client.Secret
	var id string
	login := func(l *line, body []byte, _ http.Header) error {
		made, err := decode[struct {
			Data struct {
				ID, UserID string
				TTL        int
			}
		}](body)
		if err != nil || made.Data.ID == "" || made.Data.UserID == "" {
			return errors.Join(err, errors.New("there is no session in the answer"))
		}
		token, id = client.Secret(made.Data.ID), made.Data.UserID
		l.said = fmt.Sprintf("a session token, for %d days", made.Data.TTL/(24*60*60))
		return nil
	}
	get := func(path func() string) func() step {
		return func() step {
			return step{style: bySession, method: "GET", path: path(), header: bearer(token), status: 200, passes: true}
		}
	}
	own := get(func() string { return "/users/" + id + "/reports" })
	report := get(func() string { return "/reports/7" })
	logout := func() step {
		return step{style: bySession, method: "POST", path: "/api/v1/logout", header: bearer(token), status: 204, heard: said("logged out")}
	}
	dead := func() step { return refused(bySession, "/reports/7", bearer(token), 401) }
	return &integrator{name: john, style: "session token", steps: []func() step{
		func() step {
			body := `{"email":"john@example.com","password":"` + w.passwords[john].Reveal() + `"}` // of letters and digits
			return step{
				style: byPassword, method: "POST", path: "/api/v1/authenticate", header: map[string]string{"Content-Type": "application/json"},
				body: body, status: 200, heard: login,
			}
		},
		own, report,
		func() step { return refused(bySession, "/users/"+w.ids[alice]+"/reports", bearer(token), 403) },
		logout, dead,
		func() step {
			s := step{style: "assertion", method: "POST", path: "/api/v1/authenticate-jwt/" + w.platform, status: 200, heard: login}
			assertion, err := w.signer.assertion("john@example.com")
			if err != nil {
				return s // without one, it will be refused, and that will be seen
			}
			s.header = map[string]string{"Token": assertion.Reveal()}
			return s
		},
		report, own, logout,
	}}
}

// said is the reading of an answer in which there is nothing to read.
func said(text string) func(*line, []byte, http.Header) error {
	return func(l *line, _ []byte, _ http.Header) error {
		l.said = text
		return nil
	}
}

// sealedStyle is an application that can't log in, as those of XDOC: it seals who it is, and for whom it calls, into the query.
func (w *world) sealedStyle() *integrator {
	get := func(path, user string) func() step {
		return func() step {
			s := step{style: bySealed, method: "GET", path: path, status: 200, passes: true}
			query, err := w.sealer.query(user)
			if err != nil {
				return s // see sessionStyle
			}
			s.secret = query
			return s
		}
	}
	without := func(s step, status int) step {
		s.status, s.passes = status, false
		return s
	}
	const test = "/XDocApi/?XM=App.ApiTest&XSC=" + securityContext + "&InputData=hello"
	return &integrator{name: mary, style: "sealed tokens", steps: []func() step{
		get("/reports/7", mary),
		get("/me", ""), // the application itself, for no user
		func() step { return without(get("/invoices/7", mary)(), 403) },
		get("/XDocApi/?XM=Reports.Read&XSC="+securityContext+"&Report=7", mary), // the API's own method
		func() step { // Jeton's own, to try a token by
			s := without(get(test, mary)(), 200)
			s.heard = func(l *line, _ []byte, h http.Header) error { return tried(l, h, "0") }
			return s
		},
		func() step {
			s := without(get(test, mary)(), 200)
			s.secret = strings.Replace(s.secret, "XST=", "XST=A", 1) // one byte too many
			s.heard = func(l *line, _ []byte, h http.Header) error { return tried(l, h, "403") }
			return s
		},
	}}
}

// tried reads the result of a call to XDOC's own address, which stands in a header: the status is 200 either way.
func tried(l *line, h http.Header, want string) error {
	code := h.Get("XwsResultCode")
	l.refused = code != "0"
	l.said = "XwsResultCode " + code + ", " + h.Get("XwsResultInfo")
	if code != want {
		return fmt.Errorf("XwsResultCode is %q, want %s", code, want)
	}
	return nil
}

// decode reads the answer of an API. Members that it doesn't look for are passed over, as an integrator's program does.
func decode[T any](body []byte) (T, error) {
	var v T
	if err := json.Unmarshal(body, &v); err != nil {
		return v, errors.New("the answer is not the JSON that it should be") // what it is may hold a token
	}
	return v, nil
}
