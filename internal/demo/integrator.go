package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/client"
)

// maxAnswer bounds what an integrator reads of an answer.
const maxAnswer = 64 << 10

// integrator is a program that calls the API in its own style, over and over. It has an HTTP client of its own, as a program on
// another machine would.
type integrator struct {
	name  string // of its user
	style string // as the summary has it
	agent string // its User-Agent
	http  *http.Client
	world *world
	// steps are the calls that it makes, one after the other and again. Each is made when it is its turn, by the credential of then.
	steps []func() step
	// first, where given, returns a call that has to come before the next one, or false.
	first func() (step, bool)

	admitted, refused, wrong int
}

// step is one call, and how it should be answered.
type step struct {
	style  string // by what it calls
	method string
	path   string // with the query that can be shown
	secret string // the rest of the query, with sealed tokens, which is not shown
	base   string // where it goes instead of the base URL
	header map[string]string
	body   string
	status int
	passes bool // the API sees it
	// heard reads an answer of the right status and says into its line what the program makes of it. Without it, the line says whom
	// the API saw, or why the call was refused.
	heard func(l *line, body []byte, h http.Header) error
}

// run makes the calls until ctx ends or there are enough.
func (it *integrator) run(ctx context.Context, cfg *Config, s *screen) {
	tick := time.NewTicker(cfg.Every)
	defer tick.Stop()
	defer it.http.CloseIdleConnections() // for one on which nothing was ever asked, a server that stops waits five seconds
	for n, calls := 0, 0; cfg.Calls == 0 || calls < cfg.Calls; calls++ {
		next, before := step{}, false
		if it.first != nil {
			next, before = it.first()
		}
		if !before {
			next = it.steps[n%len(it.steps)]()
			n++
		}
		l, err := it.call(ctx, next, cfg.Now)
		if ctx.Err() != nil {
			return // the call was given up, and says nothing
		}
		it.count(&l, err)
		s.line(l)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// count adds a call to the sums.
func (it *integrator) count(l *line, err error) {
	switch {
	case err != nil:
		it.wrong++
		l.said = "UNEXPECTED: " + err.Error()
	case l.refused:
		it.refused++
	default:
		it.admitted++
	}
}

// call makes one call and reads its answer. The error says in what the answer is not as it should be.
func (it *integrator) call(ctx context.Context, s step, now func() time.Time) (line, error) {
	l := line{who: it.name, style: s.style, method: s.method, path: s.shown()}
	before := it.world.api.calls(it.agent)
	request, err := it.request(ctx, &s)
	if err != nil {
		return l, err
	}
	answer, err := it.http.Do(request)
	if err != nil {
		return l, errors.New("no answer") // the error itself holds the URL, and so may hold a sealed token
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if err != nil {
		return l, fmt.Errorf("reading the answer: %w", err)
	}
	l.at, l.status, l.refused = now(), answer.StatusCode, answer.StatusCode >= 400
	seen := it.world.api.calls(it.agent) - before
	switch {
	case l.status != s.status:
		return l, fmt.Errorf("want %d", s.status)
	case s.passes && seen != 1:
		return l, fmt.Errorf("the API saw %d calls, want 1", seen)
	case !s.passes && seen != 0:
		return l, errors.New("the API saw a call that may not pass")
	case s.heard != nil:
		err = s.heard(&l, body, answer.Header)
	case l.refused:
		l.said, err = it.reason(ctx, request)
	case s.passes:
		l.said, err = saw(body)
	}
	return l, err
}

// shown is the target of a call as it can be shown: of sealed tokens only the names.
func (s *step) shown() string {
	if s.secret == "" {
		return s.path
	}
	var names []string
	for _, pair := range strings.Split(s.secret, "&") {
		name, _, _ := strings.Cut(pair, "=")
		names = append(names, name+"=…")
	}
	return s.path + s.separator() + strings.Join(names, "&")
}

// separator is what stands between the path, with its query or without, and the rest of the query.
func (s *step) separator() string {
	if strings.Contains(s.path, "?") {
		return "&"
	}
	return "?"
}

func (it *integrator) request(ctx context.Context, s *step) (*http.Request, error) {
	target := s.base
	if target == "" {
		target = it.world.base
	}
	target += s.path
	if s.secret != "" {
		target += s.separator() + s.secret
	}
	r, err := http.NewRequestWithContext(ctx, s.method, target, strings.NewReader(s.body))
	if err != nil {
		return nil, errors.New("the call could not be made")
	}
	r.Header.Set("User-Agent", it.agent)
	r.Header.Set("Accept", "application/json")
	for name, value := range s.header {
		r.Header.Set(name, value)
	}
	return r, nil
}

// reason asks Jeton, as the administrator, why it refused a call: its caller isn't told.
func (it *integrator) reason(ctx context.Context, r *http.Request) (string, error) {
	v, err := it.world.admin.Verify(ctx, api.VerifyRequest{
		Authorization: r.Header.Get("Authorization"), Method: r.Method, URL: r.URL.String(), RemoteIP: "127.0.0.1",
	})
	switch {
	case err != nil:
		return "", fmt.Errorf("asking for the reason: %w", err)
	case v.Allow:
		return "", errors.New("it was refused, and would be let in")
	}
	return "refused, " + v.Reason + "; the API heard nothing", nil
}

// saw reads what the API says of the caller that it saw.
func saw(body []byte) (string, error) {
	said, err := decode[struct {
		Seen struct {
			Caller, Credential string
			Leaked             []string
		}
	}](body)
	switch {
	case err != nil:
		return "", err
	case said.Seen.Caller == "":
		return "", errors.New("the API saw no caller")
	case len(said.Seen.Leaked) > 0:
		return "", fmt.Errorf("the API saw credentials: %s", strings.Join(said.Seen.Leaked, ", "))
	}
	return "the API saw " + said.Seen.Caller + ", by " + said.Seen.Credential, nil
}

// bearer is the header of a call by a token (RFC 6750).
func bearer(token client.Secret) map[string]string {
	return map[string]string{"Authorization": "Bearer " + token.Reveal()}
}
