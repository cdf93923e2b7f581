package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// request is a call as it goes over the wire, cut where the token belongs; one without a token is all head. Everything
// that sends requests (the probe, the first verification of all tokens, wrk, the open loop) sends these very bytes.
type request struct{ head, tail string }

// askGateway is what nginx sends to Jeton's gateway with deploy/nginx: these headers and no other.
func askGateway(address string) request {
	return request{head: askedFrom(address, clientAddress) + "Authorization: Bearer ", tail: "\r\n\r\n"}
}

// askByPassword is the same with a name and a password, whose padding is the tail's: see basicText.
func askByPassword(address string) request {
	return request{head: askedFrom(address, clientAddress) + "Authorization: Basic ", tail: "=\r\n\r\n"}
}

// askByCookie is the same as a browser brings it about.
func askByCookie(address string) request {
	return request{head: askedFrom(address, clientAddress) + "Cookie: jeton_api=", tail: "\r\n\r\n"}
}

// clientAddress is where calls come from.
const clientAddress = "192.0.2.7"

// askedFrom is what these have in common: all but the credential.
func askedFrom(address, client string) string {
	return "GET /auth-request HTTP/1.1\r\nHost: " + address + "\r\n" +
		"X-Original-URL: https://" + serviceHost + "/reports/7\r\nX-Original-Method: GET\r\nX-Real-IP: " + client + "\r\n"
}

// rotation has the owner of a personal token make a new one in its place.
func rotation(address string) request {
	return request{
		head: "POST /v1/me/personal-token HTTP/1.1\r\nHost: " + address + "\r\nContent-Length: 0\r\nAuthorization: Bearer ",
		tail: "\r\n\r\n",
	}
}

// plain is the least that a client can ask.
func plain(address string) request {
	return request{head: "GET / HTTP/1.1\r\nHost: " + address + "\r\n\r\n"}
}

// with returns the request with a token.
func (r request) with(token string) string {
	if r.tail == "" {
		return r.head
	}
	return r.head + token + r.tail
}

// probeTimeout bounds one request that isn't part of a load.
const probeTimeout = 5 * time.Second

// probe sends one request and returns an error unless it is answered with the wanted status and, where named says so,
// with whose call it is.
func probe(ctx context.Context, address, text string, want int, named bool) error {
	conn, err := dial(ctx, address, probeTimeout)
	if err != nil {
		return err
	}
	defer drop(conn)
	if _, err := io.WriteString(conn, text); err != nil {
		return fmt.Errorf("sending a request: %w", err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return fmt.Errorf("reading an answer: %w", err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, 1<<10))
	if err != nil {
		return fmt.Errorf("reading an answer: %w", err)
	}
	call, _, _ := strings.Cut(text, "\r\n")
	if answer.StatusCode != want {
		if answer.StatusCode < 300 {
			body = nil // it may hold a new token; other answers are problems, which hold none
		}
		return fmt.Errorf("%s answered %d, want %d: %s", call, answer.StatusCode, want, body)
	}
	if named && answer.Header.Get("Remote-User") == "" {
		return fmt.Errorf("%s was admitted without a Remote-User", call)
	}
	return nil
}

// dial connects to a server of this session, for at most so long.
func dial(ctx context.Context, address string, within time.Duration) (net.Conn, error) {
	conn, err := (&net.Dialer{Timeout: within}).DialContext(ctx, "tcp", address)
	if err == nil {
		err = conn.SetDeadline(time.Now().Add(within))
	}
	if err != nil {
		return nil, fmt.Errorf("connecting to %s: %w", address, err)
	}
	return conn, nil
}

// drop closes what was only read from, or is at its end: whether that worked, nobody needs to know.
func drop(c io.Closer) { _ = c.Close() }
