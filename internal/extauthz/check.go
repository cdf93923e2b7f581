package extauthz

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"runtime/debug"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/web"
)

// listener is the name of the listener in logs; its door has the same in the audit log.
const listener = "envoy"

// peerSecret is the metadata in which a trusted peer shows its secret, where one is required.
const peerSecret = "x-jeton-peer-secret"

// check is one question under way.
type check struct {
	id     string   // of the request
	status int      // that the client of the call is to see
	accept []string // the media types that it takes
	line   web.Line
	quotas authority.Quotas // what is left to its caller, where that is told
}

// handle answers one question, whatever becomes of it, and writes its line to the log.
//
// The context ends when Envoy gives up. There is no other deadline: whatever the authority waits for, it waits for within bounds of
// its own.
func (s *Server) handle(_ any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) { //nolint:revive // the order is gRPC's
	began := s.cfg.Now()
	c := &check{id: web.NewRequestID()}
	c.line.Method, c.line.Path = http.MethodPost, "/"+service+"/Check" // unless there is a call to tell of
	answer := s.answer(ctx, c, decode)
	c.line.Write(ctx, s.cfg.Logger, web.Entry{Listener: listener, ID: c.id, Status: c.status, Began: began, Ended: s.cfg.Now()})
	return answer, nil
}

// answer decides, and answers for what panics: the process must live, and the call must not pass.
func (s *Server) answer(ctx context.Context, c *check, decode func(any) error) (answer *authv3.CheckResponse) {
	defer func() {
		if fault := recover(); fault != nil {
			c.line.Err = fmt.Errorf("the check panicked: %v\n%s", fault, debug.Stack())
			answer = c.deny(api.NewProblem(api.CodeInternal, ""), "")
		}
	}()
	return s.decide(ctx, c, decode)
}

// decide says whether the call may pass that a proxy asks about.
func (s *Server) decide(ctx context.Context, c *check, decode func(any) error) *authv3.CheckResponse {
	remote := remoteOf(ctx)
	told, _ := metadata.FromIncomingContext(ctx)
	in := authority.Presented{Peer: remote}
	c.line.Client = remote
	if !s.cfg.Peers.Admits(remote, told[peerSecret]) { // whatever it says: it could name any call, and learn whose token it holds
		return s.refuse(c, s.cfg.Authority.Refuse(authority.ReasonUntrustedPeer, &in, &s.door))
	}
	var sent frame
	var asked authv3.CheckRequest
	if decode(&sent) != nil || proto.Unmarshal(sent, &asked) != nil { // whose errors quote what was sent
		c.line.Err = errUndecodable
		return s.refuse(c, s.cfg.Authority.Refuse(authority.ReasonUnreadableCall, &in, &s.door))
	}
	call, err := readCall(asked.GetAttributes().GetRequest().GetHttp())
	c.accept = call.accept
	call.in.Peer = s.client(remote, &asked, call.forwarded)
	c.line.Client = call.in.Peer
	if err != nil || !web.IsQuery(call.in.Query) { // the latter is its client's doing, and nothing for an operator
		c.line.Err = err
		return s.refuse(c, s.cfg.Authority.Refuse(authority.ReasonUnreadableCall, &call.in, &s.door))
	}
	c.line.Method, c.line.Host, c.line.Path = call.in.Method, call.in.Host, call.in.Path
	d := s.cfg.Authority.Decide(ctx, &call.in, &s.door)
	c.line.Judged(&d)
	c.quotas = d.Quotas
	if !d.Allowed() {
		return s.refuse(c, d.Refusal)
	}
	answer, ok := s.admit(&call, &d)
	if !ok {
		c.line.Err = errUnnamed
		return s.refuse(c, s.cfg.Authority.Refuse(authority.ReasonUnreadableCall, &call.in, &s.door))
	}
	c.status = http.StatusOK
	return answer
}

// What else is wrong with a question, beside what readCall finds: values, too, since they hold nothing of what was sent.
var (
	errUndecodable = errors.New("what was asked is no envoy.service.auth.v3.CheckRequest: is transport_api_version V3?")
	errUnnamed     = errors.New("the query holds a parameter that may be a sealed token, and whose name can't be told to Envoy, which takes UTF-8 alone")
)

// refuse notes a refusal for the log. The caller learns no more of its credential than at other doors.
func (s *Server) refuse(c *check, ref *authority.Refusal) *authv3.CheckResponse {
	c.line.Refused(ref)
	return c.deny(web.ProblemOf(ref), ref.Reason)
}

// client returns the address of a call's client: the one at the other end of Envoy's connection or, where that is a trusted peer, as a
// load balancer before Envoy, the one that it has named. Where Envoy doesn't say, it is Envoy's own.
func (s *Server) client(remote netip.Addr, asked *authv3.CheckRequest, forwarded []string) netip.Addr {
	a, err := netip.ParseAddr(asked.GetAttributes().GetSource().GetAddress().GetSocketAddress().GetAddress())
	if err != nil {
		return remote
	}
	if a = a.Unmap().WithZone(""); s.cfg.Peers.Trust(a) {
		return s.cfg.Peers.Behind(a, forwarded)
	}
	return a
}

// remoteOf returns the address at the other end of the connection, which is none's where it isn't by IP.
func remoteOf(ctx context.Context) netip.Addr {
	p, ok := peer.FromContext(ctx)
	if !ok || p.Addr == nil {
		return netip.Addr{}
	}
	ap, err := netip.ParseAddrPort(p.Addr.String())
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap().WithZone("")
}

// unknown answers whoever asks for what isn't there, as an Envoy that speaks an older version of the protocol.
func (s *Server) unknown(_ any, stream grpc.ServerStream) error {
	began := s.cfg.Now()
	method, _ := grpc.MethodFromServerStream(stream)
	line := web.Line{Client: remoteOf(stream.Context()), Method: http.MethodPost, Path: method}
	line.Told(http.StatusNotFound, string(api.CodeNotFound))
	line.Write(stream.Context(), s.cfg.Logger, web.Entry{Listener: listener, ID: web.NewRequestID(), Status: http.StatusNotFound, Began: began, Ended: s.cfg.Now()})
	return status.Error(codes.Unimplemented, "Jeton has "+service+"/Check, with transport_api_version V3.")
}
