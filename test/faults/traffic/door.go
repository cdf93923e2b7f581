// Package traffic is the clients of a run: those that change things, those that check credentials, and those that watch how
// long a revocation takes. Each writes down what it sent and what it heard, and judges nothing.
//
// A client that heard no answer doesn't know whether its change was made, or will be yet. It writes that down, lets go of
// what it was changing, and goes on with something new: so nothing is ever claimed of what a late change may alter.
package traffic

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/jeton-io/jeton/test/faults/journal"
	"github.com/jeton-io/jeton/test/faults/lab"
)

// How long a client waits for an answer.
const (
	checkPatience = 4 * time.Second
	writePatience = 6 * time.Second
)

// door is where checks are made: the gateway of a node, asked as nginx asks, or nginx, asked as a client of the API asks.
type door struct {
	target string
	url    string
	http   *http.Client
	full   chan struct{} // bounds the steady checks under way
}

// newDoor returns the door at an address.
func newDoor(target, address string) *door {
	url := "http://" + address + "/auth-request"
	if target == journal.Nginx {
		url = "http://" + address + "/reports/7"
	}
	return &door{target, url, newHTTP(checkPatience), make(chan struct{}, 200)}
}

func newHTTP(patience time.Duration) *http.Client {
	return &http.Client{
		Timeout: patience,
		Transport: &http.Transport{
			DialContext:         (&net.Dialer{Timeout: time.Second}).DialContext,
			MaxIdleConnsPerHost: 64, IdleConnTimeout: 5 * time.Second, DisableCompression: true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// ask makes one check.
func (d *door) ask(ctx context.Context, j *journal.Journal, c *credential, why journal.Purpose) journal.Check {
	check := journal.Check{Target: d.target, Thing: c.thing, Purpose: why, Verdict: journal.Lost}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, d.url, nil)
	if err != nil {
		return check
	}
	req.Header.Set("Authorization", c.header)
	if d.target != journal.Nginx {
		req.Header.Set("X-Original-URL", "https://"+lab.ServiceHost+"/reports/7")
		req.Header.Set("X-Original-Method", http.MethodGet)
		req.Header.Set("X-Real-IP", "203.0.113.7")
	}
	check.Sent = j.Now()
	res, err := d.http.Do(req)
	if err == nil {
		_, err = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
	}
	check.Answered = j.Now()
	if err != nil {
		return check
	}
	check.Status, check.Jeton = res.StatusCode, res.Header.Get("X-Jeton-Status")
	check.Verdict = verdictOf(check.Status)
	return check
}

// verdictOf reads what a status means.
func verdictOf(status int) journal.Verdict {
	switch status {
	case http.StatusOK:
		return journal.Yes
	case http.StatusUnauthorized, http.StatusForbidden:
		return journal.No
	case http.StatusServiceUnavailable:
		return journal.Wait
	default:
		return journal.Lost
	}
}

// call is one call of /v1 or of the token endpoint.
type call struct {
	method, path string
	header       string // Authorization; none where empty
	body         any    // JSON, or a form
	answer       any    // that is read from JSON; nil for none
}

// public is Jeton's public listeners, behind nginx.
type public struct {
	url  string
	http *http.Client
}

// do makes a call. A status of 0 says that no answer came, or none that could be read.
func (p *public) do(ctx context.Context, c call) int {
	var body io.Reader
	kind := ""
	switch b := c.body.(type) {
	case nil:
	case url.Values:
		body, kind = strings.NewReader(b.Encode()), "application/x-www-form-urlencoded"
	default:
		text, err := json.Marshal(b)
		if err != nil {
			return 0
		}
		body, kind = bytes.NewReader(text), "application/json"
	}
	req, err := http.NewRequestWithContext(ctx, c.method, p.url+c.path, body)
	if err != nil {
		return 0
	}
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	if c.header != "" {
		req.Header.Set("Authorization", c.header)
	}
	res, err := p.http.Do(req)
	if err != nil {
		return 0
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil || c.answer != nil && res.StatusCode < 300 && json.Unmarshal(text, c.answer) != nil {
		return 0
	}
	return res.StatusCode
}

// outcomeOf reads what a status says of a change. 507 promises that nothing was changed.
func outcomeOf(status int) journal.Outcome {
	switch {
	case status >= 200 && status < 300:
		return journal.Done
	case status >= 400 && status < 500, status == http.StatusInsufficientStorage:
		return journal.Refused
	default:
		return journal.Unknown
	}
}
