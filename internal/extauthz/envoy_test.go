package extauthz_test

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/catalog"
	"github.com/jeton-io/jeton/internal/extauthz"
	"github.com/jeton-io/jeton/internal/profile/xdoc"
	"github.com/jeton-io/jeton/test/desk"
)

// clientAddress is that of the client whose call Envoy asks about.
const clientAddress = "198.51.100.7"

// kinds are those of app.
func kinds() authority.Kinds {
	return authority.KindsOf(authority.Password, authority.PersonalToken, authority.APISession, authority.APIToken, authority.AccessToken,
		authority.SessionToken, authority.Sealed)
}

// door is a server on a real connection, with the inside behind it, and Envoy's end of that connection.
type door struct {
	*desk.Desk
	server  *extauthz.Server
	address string
	conn    *grpc.ClientConn
	authv3.AuthorizationClient
	alice account.User
	token string // alice's
}

// openDoor has a server answer whose configuration is changed as is said. alice is a partner, and may read reports.
func openDoor(t testing.TB, changes ...func(*extauthz.Config)) *door {
	t.Helper()
	d := &door{Desk: desk.New(t, desk.Options{})}
	cfg := extauthz.Config{
		Authority: d.Authority, Peers: d.Peers, Kinds: kinds(), Parameters: xdoc.Parameters(), Ready: func(context.Context) bool { return true },
		Logger: slog.New(slog.NewJSONHandler(d.Log, nil)), Now: d.Now, Drain: 10 * time.Second,
		KeepsTokens: func(host, _ string) bool { return host != "docs.example.com" },
	}
	for _, change := range changes {
		change(&cfg)
	}
	var err error
	d.server, err = extauthz.New(cfg)
	desk.Check(t, err)
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	desk.Check(t, err)
	d.address = l.Addr().String()
	served := make(chan error, 1)
	go func() { served <- d.server.Serve(l) }()
	creds := insecure.NewCredentials()
	if cfg.Certificate != nil {
		creds = credentials.NewTLS(&tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12})
	}
	d.conn, err = grpc.NewClient("passthrough:///"+d.address, grpc.WithTransportCredentials(creds))
	desk.Check(t, err)
	t.Cleanup(func() {
		desk.Check(t, d.conn.Close())
		_ = d.server.Shutdown(context.WithoutCancel(t.Context())) // some tests have shut it down
		desk.Check(t, <-served)
	})
	d.AuthorizationClient = authv3.NewAuthorizationClient(d.conn)
	d.alice, d.token = d.person(t, account.Draft{
		Username: "alice", DisplayName: "Alice Liddell", Email: "alice@example.com", Roles: []string{"auditor", "partner"}, Password: password,
	})
	return d
}

// password is alice's, with a colon and letters beyond ASCII in it.
const password = "höchst:geheim"

// person makes a user with a token.
func (d *door) person(t testing.TB, draft account.Draft) (account.User, string) {
	t.Helper()
	u, err := d.Accounts.Create(t.Context(), draft, audit.Actor{})
	desk.Check(t, err)
	text, _, err := d.Personal.Rotate(t.Context(), &authority.Principal{User: authority.User{ID: u.ID}}, audit.Actor{})
	desk.Check(t, err)
	return u, text.Reveal()
}

// service makes a service whose every operation is for partners.
func (d *door) service(t testing.TB, draft catalog.Draft) {
	t.Helper()
	_, err := d.Catalog.Create(t.Context(), draft, audit.Actor{})
	desk.Check(t, err)
	_, err = d.Catalog.Replace(t.Context(), draft.Name, 1, []catalog.Operation{{Pattern: "/{path...}", Audience: []string{"role:partner"}}}, audit.Actor{})
	desk.Check(t, err)
}

// field is a header field of a call, as its client wrote it.
type field struct{ name, value string }

// phoned is a call as it comes to Envoy.
type phoned struct {
	method, host, path string
	fields             []field
}

// get is a call with a token that alice may make, and further fields.
func get(token string, fields ...field) *phoned {
	c := &phoned{method: "GET", host: "api.example.com", path: "/v2/reports/7"}
	if token != "" {
		c.fields = []field{{"authorization", "Bearer " + token}}
	}
	c.fields = append(c.fields, fields...)
	return c
}

// to is the same call of another path.
func (c *phoned) to(path string) *phoned {
	c.path = path
	return c
}

// all returns the header of a call as Envoy holds it: with its pseudo-header fields, and all names in small letters.
func (c *phoned) all() []field {
	all := []field{{":authority", c.host}, {":path", c.path}, {":method", c.method}, {":scheme", "https"}}
	for _, f := range c.fields {
		all = append(all, field{strings.ToLower(f.name), f.value})
	}
	return all
}

// raw is how Envoy asks about a call with encode_raw_headers, and joined how it does without.
func (c *phoned) raw() *authv3.CheckRequest {
	list := new(corev3.HeaderMap)
	for _, f := range c.all() {
		list.Headers = append(list.Headers, &corev3.HeaderValue{Key: f.name, RawValue: []byte(f.value)})
	}
	return c.asked(&authv3.AttributeContext_HttpRequest{HeaderMap: list})
}

func (c *phoned) joined() *authv3.CheckRequest {
	all := map[string]string{}
	for _, f := range c.all() {
		if former, there := all[f.name]; there {
			f.value = former + "," + f.value
		}
		all[f.name] = sanitized(f.value)
	}
	return c.asked(&authv3.AttributeContext_HttpRequest{Headers: all})
}

// sanitized is a text as a message of Envoy's holds it.
func sanitized(text string) string { return strings.ToValidUTF8(text, "!") }

func (c *phoned) asked(h *authv3.AttributeContext_HttpRequest) *authv3.CheckRequest {
	h.Id, h.Method, h.Path, h.Host, h.Scheme, h.Protocol, h.Size = "4711", c.method, sanitized(c.path), sanitized(c.host), "https", "HTTP/2", -1
	return &authv3.CheckRequest{Attributes: &authv3.AttributeContext{
		Source:      &authv3.AttributeContext_Peer{Address: address(clientAddress)},
		Destination: &authv3.AttributeContext_Peer{Address: address("192.0.2.10")},
		Request:     &authv3.AttributeContext_Request{Http: h},
	}}
}

func address(ip string) *corev3.Address {
	return &corev3.Address{Address: &corev3.Address_SocketAddress{SocketAddress: &corev3.SocketAddress{
		Address: ip, PortSpecifier: &corev3.SocketAddress_PortValue{PortValue: 50_000},
	}}}
}

// ask has the server answer, which it must be able to whatever is asked, and returns the refusals that it entered.
func (d *door) ask(t testing.TB, asked *authv3.CheckRequest) (*authv3.CheckResponse, []audit.Event) {
	t.Helper()
	answer, err := d.Check(t.Context(), asked)
	if err != nil {
		t.Fatalf("got the error %v, want an answer", err)
	}
	return answer, d.Refusals.Drain(d.Now())
}

// status returns what the client of the call sees: 200 where the call passes.
func status(t testing.TB, answer *authv3.CheckResponse) int {
	t.Helper()
	if answer.GetStatus().GetCode() == 0 {
		if answer.GetOkResponse() == nil {
			t.Fatalf("got %v, want what the API gets", answer)
		}
		return http.StatusOK
	}
	return int(answer.GetDeniedResponse().GetStatus().GetCode())
}

// arrives returns what the API gets of a call, header and path, where Envoy does what an answer says. It does as Envoy's filter
// ext_authz does: fields are set, then taken out, and never a pseudo-header field or Host; of a query whose parameters are taken
// out, names are compared as they are spelled, and the rest is written anew in their order.
func (c *phoned) arrives(t testing.TB, answer *authv3.CheckResponse) (map[string][]string, string) {
	t.Helper()
	ok := answer.GetOkResponse()
	if ok == nil {
		t.Fatalf("got %v, want the call let in", answer)
	}
	header := map[string][]string{} // by names as they are, since some servers know others than net/http does
	for _, f := range c.fields {
		name := strings.ToLower(f.name)
		header[name] = append(header[name], f.value)
	}
	for _, o := range ok.GetHeaders() {
		if o.GetAppend() != nil || o.GetAppendAction() != corev3.HeaderValueOption_OVERWRITE_IF_EXISTS_OR_ADD { //nolint:staticcheck // that the deprecated field isn't used
			t.Errorf("%s is put beside what a client wrote", o.GetHeader().GetKey())
		}
		if o.GetHeader().GetValue() == "" || len(o.GetHeader().GetRawValue()) > 0 {
			t.Errorf("%s: got %v, want a value as text", o.GetHeader().GetKey(), o.GetHeader())
		}
		header[strings.ToLower(o.GetHeader().GetKey())] = []string{o.GetHeader().GetValue()}
	}
	for _, name := range ok.GetHeadersToRemove() {
		if name = strings.ToLower(name); name != "host" && !strings.HasPrefix(name, ":") {
			delete(header, name)
		}
	}
	path, query, _ := strings.Cut(c.path, "?")
	if len(ok.GetQueryParametersToRemove()) > 0 {
		var left []string
		for pair := range strings.SplitSeq(query, "&") {
			name, value, _ := strings.Cut(pair, "=")
			if !slices.Contains(ok.GetQueryParametersToRemove(), name) {
				left = append(left, name+"="+value)
			}
		}
		slices.Sort(left)
		query = strings.Join(left, "&")
	}
	if query != "" {
		path += "?" + query
	}
	return header, path
}

func ready(yes bool) func(context.Context) bool { return func(context.Context) bool { return yes } }

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }
