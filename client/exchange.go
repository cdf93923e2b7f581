package client

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// The words of RFC 8693.
const (
	grantExchange   = "urn:ietf:params:oauth:grant-type:token-exchange"
	typeJWT         = "urn:ietf:params:oauth:token-type:jwt"
	typeAccessToken = "urn:ietf:params:oauth:token-type:access_token"
)

// exchanging is what the errors of an exchange begin with.
const exchanging = "exchanging the API token"

// What an answer may hold.
const (
	maxGrant = 64 << 10        // bytes of an answer: an access token has one or two thousand
	maxLife  = 366 * 24 * 3600 // seconds: longer is no short-lived token but a mistake
)

// endpoint is Jeton's token endpoint, with what is asked of it. It holds the API token: see TokenSource.Format.
type endpoint struct {
	http       *http.Client
	url, agent string
	form       string
	token      Secret
	now        func() time.Time
}

// newEndpoint returns the endpoint of the Jeton of that base.
func newEndpoint(base string, cfg TokenSourceConfig, now func() time.Time) *endpoint {
	h := http.Client{}
	if cfg.HTTPClient != nil {
		h = *cfg.HTTPClient
	}
	if h.Timeout == 0 {
		h.Timeout = defaultTimeout
	}
	// The endpoint has neither redirects nor cookies. Status 307 and 308 would carry the API token, which stands in the
	// body, to wherever the answer points.
	h.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	h.Jar = nil
	form := url.Values{"grant_type": {grantExchange}, "subject_token": {cfg.APIToken.Reveal()}, "subject_token_type": {typeJWT}}
	for name, value := range map[string]string{
		"scope": strings.Join(cfg.Scopes, " "), "resource": cfg.Resource, "audience": cfg.Audience,
	} {
		if value != "" {
			form.Set(name, value)
		}
	}
	return &endpoint{&h, base + "/oauth/token", cmp.Or(cfg.UserAgent, defaultAgent), form.Encode(), cfg.APIToken, now}
}

// answer is what came of an exchange: a token or an error, and how long Jeton asks to wait.
type answer struct {
	grant *grant
	err   error
	wait  time.Duration
}

// exchange asks for an access token, once. What bounds it is the timeout of the HTTP client: see TokenSource.fly.
func (e *endpoint) exchange() answer {
	ctx, q := context.Background(), request{doing: exchanging}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, e.url, strings.NewReader(e.form))
	if err != nil {
		return answer{err: fmt.Errorf("%s: making the request: %w", exchanging, err)}
	}
	r.Header.Set("Accept", "application/json")
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("User-Agent", e.agent)
	asked := e.now() // before the request, so that a token is never thought to live longer than it does
	res, err := e.http.Do(r)
	if err != nil {
		return answer{err: &temporary{unreachable(ctx, q, err)}}
	}
	defer func() { _ = res.Body.Close() }()
	g, err := e.read(res)
	switch {
	case err == nil:
		g.from, g.until = asked, asked.Add(g.life)
		return answer{grant: g}
	case errors.Is(err, ErrTokenRefused):
		return answer{err: err}
	}
	wait := retryAfter(res, e.now())
	if told, ok := errors.AsType[*OAuthError](err); ok {
		told.RetryAfter = wait
	}
	return answer{err: &temporary{err}, wait: wait}
}

// read reads an answer, whatever it is. No error holds the API token.
func (e *endpoint) read(res *http.Response) (*grant, error) {
	q := request{doing: exchanging}
	body, err := io.ReadAll(io.LimitReader(res.Body, maxGrant+1))
	switch media := mediaType(res); {
	case err != nil:
		return nil, unreachable(context.Background(), q, err)
	case len(body) > maxGrant:
		return nil, fmt.Errorf("%s: %w: it is longer than %d bytes", exchanging, ErrNotJeton, maxGrant)
	case media == "application/problem+json" && !repeats(string(body), e.token): // as what stands before the endpoint answers
		return nil, failure(q, res, body)
	case media != "application/json":
		return nil, foreign(q, res)
	}
	all, err := members(body)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", foreign(q, res), err)
	}
	if res.StatusCode == http.StatusOK {
		return readGrant(all)
	}
	if refusal := readOAuthError(res.StatusCode, all, e.token); refusal != nil {
		return nil, refusal
	}
	return nil, foreign(q, res)
}

// readGrant reads the members of an answer that grants a token (RFC 6749, section 5.1; RFC 8693, section 2.2.1). It is
// strict, as it knows who answers: an answer that lacks something is a proxy's or a fault.
func readGrant(all object) (*grant, error) {
	g := &grant{token: Secret(all.text("access_token")), scope: all.text("scope")}
	life, err := strconv.ParseInt(string(all["expires_in"]), 10, 64)
	problem := ""
	switch {
	case g.token == "" || !isBearer(g.token.Reveal()):
		problem = "it has no access_token that could be one"
	case !strings.EqualFold(all.text("token_type"), "Bearer"): // not case-sensitive (RFC 6749, section 5.1)
		problem = "its token_type is not Bearer"
	case all.text("issued_token_type") != typeAccessToken:
		problem = "its issued_token_type is not that of an access token"
	case err != nil || life <= 0 || life > maxLife:
		problem = "its expires_in is no number of seconds that a token could live"
	}
	if problem != "" {
		return nil, fmt.Errorf("%s: %w: %s", exchanging, ErrNotJeton, problem)
	}
	g.life = time.Duration(life) * time.Second
	return g, nil
}

// object holds the members of a JSON object, each as it was written.
type object map[string]json.RawMessage

// members reads a JSON object, and nothing after it. Names count as they are written, and none counts twice: two programs
// that read an answer must not find two tokens in it.
func members(body []byte) (object, error) {
	d := json.NewDecoder(bytes.NewReader(body))
	all := object{}
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, errors.New("it is no JSON object")
	}
	for d.More() {
		var value json.RawMessage
		name, err := d.Token()
		if err == nil {
			err = d.Decode(&value)
		}
		text, ok := name.(string)
		if err != nil || !ok {
			return nil, errors.New("it is no JSON") // the decoder's own error might show a part of a token
		}
		if _, twice := all[text]; twice {
			return nil, errors.New("it has a member twice")
		}
		all[text] = value
	}
	if _, err := d.Token(); err != nil {
		return nil, errors.New("it is cut short")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the JSON object")
	}
	return all, nil
}

// text returns a member that is a string; else nothing.
func (o object) text(name string) string {
	var text *string
	if json.Unmarshal(o[name], &text) != nil || text == nil {
		return ""
	}
	return *text
}

// retryAfter returns how long an answer asks to wait, as seconds or until a time (RFC 9110, section 10.2.3); 0 where it
// doesn't say.
func retryAfter(res *http.Response, now time.Time) time.Duration {
	field := res.Header.Get("Retry-After")
	if seconds, err := strconv.ParseUint(field, 10, 64); err == nil {
		return time.Duration(min(seconds, math.MaxInt32)) * time.Second
	}
	if at, err := http.ParseTime(field); err == nil {
		return max(at.Sub(now), 0)
	}
	return 0
}
