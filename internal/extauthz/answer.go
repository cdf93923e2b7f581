package extauthz

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	typev3 "github.com/envoyproxy/go-control-plane/envoy/type/v3"
	statusv1 "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/web"
)

// fields are header fields that Envoy is to set, in place of those of the same name.
type fields struct {
	options []corev3.HeaderValueOption
	values  []corev3.HeaderValue
	list    []*corev3.HeaderValueOption
}

// newFields returns fields with room for some, so that they cost three allocations and not three each.
func newFields(room int) *fields {
	return &fields{make([]corev3.HeaderValueOption, room), make([]corev3.HeaderValue, room), make([]*corev3.HeaderValueOption, 0, room)}
}

// set has a field set. The action is named: by the default of the type the value would be put behind the one that a client wrote.
func (f *fields) set(name, value string) {
	at := len(f.list)
	f.values[at].Key, f.values[at].Value = name, value
	f.options[at].Header, f.options[at].AppendAction = &f.values[at], corev3.HeaderValueOption_OVERWRITE_IF_EXISTS_OR_ADD
	f.list = append(f.list, &f.options[at])
}

// admit lets a call pass: it tells whose it is, what the API must not get of it, and its caller what is left to it. ok is false where it
// can't tell Envoy all that.
//
// An identity header with nothing to tell is taken out and not set to nothing: Envoy doesn't promise to set an empty one. Where the call
// came from is told anew, in place of what the client has said of it.
func (s *Server) admit(c *call, d *authority.Decision) (_ *authv3.CheckResponse, ok bool) {
	values := web.IdentityValues(d)
	set := newFields(len(values) + 2)
	remove := make([]string, 0, len(s.withheld)+len(c.odd)+len(values)+1)
	remove = append(append(remove, s.withheld...), c.odd...)
	for i, value := range values {
		switch {
		case web.IdentityNames[i] == web.StatusHeader: // for proxies that don't understand every status
		case value == "":
			remove = append(remove, s.identity[i])
		default:
			set.set(s.identity[i], value)
		}
	}
	if client := c.in.Peer; client.IsValid() {
		text := client.String()
		set.set("x-forwarded-for", text)
		set.set("x-real-ip", text)
	} else {
		remove = append(remove, "x-real-ip")
	}
	answer := &authv3.OkHttpResponse{Headers: set.list, HeadersToRemove: remove}
	if d.Quotas != (authority.Quotas{}) {
		left := http.Header{}
		web.SetQuotas(left, &d.Quotas)
		answer.ResponseHeadersToAdd = fieldsOf(left)
	}
	if answer.QueryParametersToRemove, ok = s.tokens(&c.in); !ok {
		return nil, false
	}
	return &authv3.CheckResponse{
		Status:       &statusv1.Status{Code: int32(codes.OK)},
		HttpResponse: &authv3.CheckResponse_OkResponse{OkResponse: answer},
	}, true
}

// tokens returns the names of the parameters of a call's query that its API must not get, each as it is spelled there: Envoy cuts a
// query at every '&', and compares the very bytes. So a parameter goes as a whole where a token stands behind a semicolon in it. ok is
// false where a name can't be told to Envoy.
func (s *Server) tokens(in *authority.Presented) (names []string, ok bool) {
	if in.Query == "" || s.cfg.KeepsTokens != nil && s.cfg.KeepsTokens(in.Host, in.Path) {
		return nil, true
	}
	for pair := range strings.SplitSeq(in.Query, "&") {
		if s.cfg.Parameters.Without(pair) == pair {
			continue
		}
		name, _, _ := strings.Cut(pair, "=")
		if !utf8.ValidString(name) {
			return nil, false
		}
		names = append(names, name)
	}
	return names, true
}

// fieldsOf returns fields that are to be set in an answer to a client, in the order of their names.
func fieldsOf(h http.Header) []*corev3.HeaderValueOption {
	set := newFields(len(h))
	for _, name := range slices.Sorted(maps.Keys(h)) {
		set.set(strings.ToLower(name), h.Get(name))
	}
	return set.list
}

// deny keeps a call from passing, with the answer that its client gets; the reason is empty where it is no refusal, but a fault.
func (c *check) deny(problem *api.Problem, reason authority.Reason) *authv3.CheckResponse {
	p := *problem // which other requests may share
	p.Instance = c.id
	c.status = p.Status
	h := http.Header{"X-Request-Id": {c.id}}
	web.SetChallenge(h, reason)
	web.SetQuotas(h, &c.quotas)
	body := web.RenderProblem(h, strings.Join(c.accept, ","), &p)
	code := codes.PermissionDenied
	if p.Status == http.StatusUnauthorized {
		code = codes.Unauthenticated
	}
	return &authv3.CheckResponse{
		Status: &statusv1.Status{Code: int32(code)},
		HttpResponse: &authv3.CheckResponse_DeniedResponse{DeniedResponse: &authv3.DeniedHttpResponse{
			Status: &typev3.HttpStatus{Code: typev3.StatusCode(p.Status)}, Headers: fieldsOf(h), Body: string(body), //nolint:gosec // G115: a status is less than 600
		}},
	}
}
