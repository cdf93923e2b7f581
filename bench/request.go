package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
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

// askForwardAuth is what Caddy, Traefik and others send to Jeton's gateway: the call in other headers, and at another path.
func askForwardAuth(address string) request {
	return request{
		head: "GET /forward-auth HTTP/1.1\r\nHost: " + address + "\r\nX-Forwarded-Method: GET\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: " + serviceHost +
			"\r\nX-Forwarded-Uri: /reports/7\r\nX-Forwarded-For: " + clientAddress + "\r\nAuthorization: Bearer ",
		tail: "\r\n\r\n",
	}
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

// exchange has an API token of a length exchanged for an access token (RFC 8693).
func exchange(address string, length int) request {
	return form("POST /oauth/token HTTP/1.1\r\nHost: "+address+"\r\n", length,
		"grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange&subject_token=",
		"&subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Ajwt")
}

// introspection has a client, which proves itself by HTTP Basic, ask about an access token of a length (RFC 7662).
func introspection(address, basic string, length int) request {
	return form("POST /oauth/introspect HTTP/1.1\r\nHost: "+address+"\r\nAuthorization: Basic "+basic+"\r\n", length,
		"token=", "&token_type_hint=access_token")
}

// form adds a form to the head of a request, with what stands in it before and behind a token of a length.
func form(head string, length int, before, behind string) request {
	return request{
		head: head + "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: " +
			strconv.Itoa(len(before)+length+len(behind)) + "\r\n\r\n" + before,
		tail: behind,
	}
}

// exchangeMatrix42 is the same as Matrix42's clients ask for it.
func exchangeMatrix42(address string) request {
	return request{
		head: "POST /m42Services/api/ApiToken/GenerateAccessTokenFromApiToken/? HTTP/1.1\r\nHost: " + address +
			"\r\nContent-Length: 0\r\nAuthorization: Bearer ",
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

// probe sends one request of a load and returns an error unless its answer is as the load wants it.
func (l *load) probe(ctx context.Context, token string) error {
	conn, err := dial(ctx, l.address, probeTimeout)
	if err != nil {
		return err
	}
	defer drop(conn)
	text := l.request.with(token)
	if _, err := io.WriteString(conn, text); err != nil {
		return fmt.Errorf("sending a request: %w", err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return fmt.Errorf("reading an answer: %w", err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, 4<<10))
	if err != nil {
		return fmt.Errorf("reading an answer: %w", err)
	}
	call, _, _ := strings.Cut(text, "\r\n")
	if answer.StatusCode != l.status {
		if answer.StatusCode < 300 {
			body = nil // it may hold a new token; other answers are problems, which hold none
		}
		return fmt.Errorf("%s answered %d, want %d: %s", call, answer.StatusCode, l.status, body)
	}
	if l.named && answer.Header.Get("Remote-User") == "" {
		return fmt.Errorf("%s was admitted without a Remote-User", call)
	}
	if !strings.Contains(string(body), l.says) {
		return fmt.Errorf("%s was answered without %s", call, l.says)
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
