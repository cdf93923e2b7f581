package h2frames

import (
	"fmt"
	"slices"
)

// Call is a request, each byte of which is sent as it is.
type Call struct {
	Name    string
	Fields  []string // of the header, by twos of name and value, the pseudo-header fields among them
	Body    string
	Trailer []string // the fields behind the body, likewise
	Unended bool     // though there is no body, one might still come
}

// Good is a call by GET that is admitted, from which the others here are made.
type Good struct {
	Scheme, Host, Path string
	Token              string // its bearer's
}

// Call is the twin of all others.
func (g Good) Call(fields ...string) Call {
	return Call{Name: "as it should be", Fields: g.fields(nil, fields...)}
}

// fields are those of the good call, but for some of them, and others behind them.
func (g Good) fields(but map[string]string, others ...string) []string {
	fields := []string{":method", "GET", ":scheme", g.Scheme, ":authority", g.Host, ":path", g.Path, "authorization", "Bearer " + g.Token}
	for i := 0; i < len(fields); i += 2 {
		if value, there := but[fields[i]]; there {
			fields[i+1] = value
		}
	}
	return append(fields, others...)
}

// Hidden is the path of the call that stands in some others, which nobody may make; Forged is whoever it, and they, say they are; and
// Evil the host that they name in the place of the right one.
const (
	Hidden = "/secret/7"
	Forged = "forged"
	Evil   = "evil.example"
)

// Refused are calls that HTTP/1.1 can't carry, or that would be another one there: no API is to see any of them. The last two are
// whole, and refused for who calls.
func (g Good) Refused() []Call {
	type but = map[string]string
	changed := func(name string, but but, others ...string) Call {
		return Call{Name: name, Fields: g.fields(but, others...)}
	}
	with := func(name string, others ...string) Call { return changed(name, nil, others...) }
	without := func(name string, c Call) Call { return Call{Name: name, Fields: slices.Delete(c.Fields, 8, 10)} }
	connect := []string{":method", "CONNECT", ":authority", g.Host, "authorization", "Bearer " + g.Token}
	return []Call{
		changed("a line break in the path", but{":path": g.Path + " HTTP/1.1\r\nX-A: " + Forged}),
		changed("a request in the path", but{":path": g.Path + " HTTP/1.1\r\nHost: " + g.Host + "\r\n\r\nGET " + Hidden}),
		changed("a line feed in the path", but{":path": g.Path + " HTTP/1.1\nRemote-User: " + Forged}),
		changed("a space in the path", but{":path": g.Path + " HTTP/1.1"}),
		changed("a space in the query", but{":path": g.Path + "?b c"}),
		changed("a NUL in the path", but{":path": g.Path + "\x00"}),
		changed("a URL as path", but{":path": "http://" + Evil + g.Path}),
		changed("no slash", but{":path": g.Path[1:]}),
		changed("an empty path", but{":path": ""}),
		changed("a star as path", but{":path": "*"}),
		changed("a space in the method", but{":method": "GET " + Hidden}),
		changed("a line break in the method", but{":method": "GET " + Hidden + " HTTP/1.1\r\nX-A: b\r\n\r\nGET"}),
		changed("another scheme's word", but{":scheme": "http://" + Evil + "/?"}),
		changed("another authority", but{":authority": Evil}, "host", g.Host),
		changed("a path in the authority", but{":authority": g.Host + "/any"}),
		changed("a name in the authority", but{":authority": "alice@" + g.Host}),
		changed("a line break in the authority", but{":authority": g.Host + "\r\nRemote-User: " + Forged}),
		with("a line break in a value", "x-a", "b\r\nRemote-User: "+Forged),
		with("a line feed in a value", "x-a", "b\nRemote-User: "+Forged),
		with("a request in a value", "x-a", "b\r\n\r\nGET "+Hidden+" HTTP/1.1\r\nX-A: b"),
		with("a line break in a name", "x-a: b\r\nremote-user", Forged),
		with("a NUL in a value", "x-a", "b\x00"+Forged),
		with("a capital in a name", "Remote-User", Forged),
		with("a colon in a name", "remote-user:", Forged),
		with("a space in a name", "remote-user ", Forged),
		with("no name", "", Forged),
		with("a second path", ":path", Hidden),
		with("a second method", ":method", "POST"),
		with("a pseudo-header field behind", "x-a", "b", ":authority", Evil),
		with("a pseudo-header field of no request", ":status", "200"),
		with("an unknown pseudo-header field", ":remote-user", Forged),
		with("an encoding", "transfer-encoding", "chunked"),
		with("hop by hop", "connection", "upgrade"),
		with("an upgrade", "upgrade", "websocket"),
		{Name: "CONNECT", Fields: connect},
		{Name: "an extended CONNECT", Fields: append(connect, ":protocol", "websocket", ":scheme", g.Scheme, ":path", g.Path)},
		without("nobody's call", g.Call()),
		changed("a call that she may not make", but{":method": "POST", ":path": Hidden}),
	}
}

// Odd are calls that may pass, as what the good one is, or be refused: an API is to see nothing of what is odd in them.
func (g Good) Odd() []Call {
	with := func(name string, others ...string) Call { return Call{Name: name, Fields: g.fields(nil, others...)} }
	scheme := map[string]string{"http": "https", "https": "http"}
	return []Call{
		with("an agreeing host", "host", g.Host),
		with("a host of another", "host", Evil),
		with("a length of what isn't", "content-length", "5"),
		{Name: "another scheme", Fields: g.fields(map[string]string{":scheme": scheme[g.Scheme]})},
		with("forged, and an h2c word", "remote-user", Forged, "remote_user", Forged, "http2-settings", "AAAA", "x-forwarded-proto", Forged),
	}
}

// Smuggling are calls whose body has a second one in it, for which nobody is asked where a server finds another end of the first: the
// API may see the first, and never the second.
func (g Good) Smuggling() []Call {
	second := "GET " + Hidden + " HTTP/1.1\r\nHost: " + g.Host + "\r\nRemote-User: " + Forged + "\r\n\r\n"
	with := func(name, body string, others ...string) Call {
		return Call{Name: name, Fields: g.fields(nil, others...), Body: body}
	}
	behind := func(name string, trailer ...string) Call {
		return Call{Name: name, Fields: g.fields(nil), Body: "hello", Trailer: trailer}
	}
	return []Call{
		with("no length", second),
		with("the right length", second, "content-length", fmt.Sprint(len(second))),
		with("no length, and a last chunk", "0\r\n\r\n"+second),
		with("a length of nothing", second, "content-length", "0"),
		with("too short a length", "hello"+second, "content-length", "5"),
		with("too great a length", second, "content-length", fmt.Sprint(2*len(second))),
		with("two lengths", second, "content-length", "0", "content-length", fmt.Sprint(len(second))),
		with("two lengths in one", second, "content-length", "0, "+fmt.Sprint(len(second))),
		with("a length with a sign", second, "content-length", "+0"),
		with("a length and a line break", second, "content-length", "0\r\nx-a: b"),
		with("an encoding", "0\r\n\r\n"+second, "transfer-encoding", "chunked"),
		with("an encoding and a length", "0\r\n\r\n"+second, "transfer-encoding", "chunked", "content-length", fmt.Sprint(5+len(second))),
		with("an encoding behind a line break", "0\r\n\r\n"+second, "x-a", "b\r\nTransfer-Encoding: chunked"),
		with("an encoding by another mark", "0\r\n\r\n"+second, "transfer_encoding", "chunked", "content_length", "0"),
		with("an expectation", second, "expect", "100-continue"),
		behind("forged behind the body", "remote-user", Forged),
		behind("a length behind the body", "content-length", "0", "transfer-encoding", "chunked"),
		behind("a path behind the body", ":path", Hidden),
		behind("a line break behind the body", "x-a", "b\r\n\r\n"+second),
	}
}
