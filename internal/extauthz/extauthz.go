// Package extauthz answers Envoy, and what is made of it (Istio, Contour, Envoy Gateway …), by gRPC: may this call pass, and whose is it?
//
//	client ──▶ Envoy ──▶ API                 the call itself never comes here
//	            │ ▲
//	 the call's │ │ OK, what to set in its header and what to take out of it,
//	  header    │ │ or the answer that its client gets
//	            ▼ │
//	          extauthz                       envoy.service.auth.v3.Authorization/Check
//
// It does what the gateway does for other proxies, by the same heart. What it can do beside is to say what Envoy is to take out of
// a call before the API gets it: the credential, sealed tokens in the query, and whatever a client has written to look like
// somebody else's word about itself. It is a package apart so that gRPC, and Envoy's types, stay out of every other.
//
// It refuses whoever isn't named as a trusted proxy, and a call that isn't described in full. It never says that it can't answer, as
// long as it can say anything: what it can't read or decide is a denial with the status that says so, since an error of gRPC is a
// leave to pass where Envoy is set to failure_mode_allow.
package extauthz

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"

	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/web"
)

// The limits of the server. Envoy has one connection or a few from each of its threads, and many checks on each.
const (
	maxMessage     = 256 << 10        // of a question, in bytes: Envoy takes headers of 60 KiB, and some send them twice
	maxMetadata    = 16 << 10         // of a question's own header, in bytes
	maxStreams     = 1000             // questions at a time on one connection
	connectTimeout = 5 * time.Second  // for TLS and HTTP/2 to begin
	idleTimeout    = 5 * time.Minute  // of a connection without a question
	pingAfter      = time.Minute      // of silence, to find out whether there is still somebody
	pingTimeout    = 20 * time.Second // for the answer to that
	leastPing      = 10 * time.Second // between two pings of a peer's
)

// service is the name of what is served.
const service = "envoy.service.auth.v3.Authorization"

// Config is what a Server needs. Every field is required but Parameters, KeepsTokens and Certificate.
type Config struct {
	Authority *authority.Authority
	Peers     *web.Peers      // the Envoys that may ask
	Kinds     authority.Kinds // the kinds of credential with which the protected APIs can be called
	// Parameters are those of a call's query in which sealed tokens come. Envoy is told to take these out.
	Parameters authority.Parameters
	// KeepsTokens reports whether the API behind a host and path is to get the query as it came: what stands in those parameters is
	// its own, or its administrator has said so. Where it is nil, none is.
	KeepsTokens func(host, path string) bool
	// Ready reports whether this node can decide just now: for grpc.health.v1, which only trusted peers may ask.
	Ready  func(context.Context) bool
	Logger *slog.Logger
	Now    func() time.Time
	// Certificate has the server speak TLS; without one it speaks plain HTTP/2.
	Certificate *web.Certificate
	Drain       time.Duration // how long checks under way may take to end when the server stops
}

// Server answers checks. It is safe for concurrent use. Make one with New.
type Server struct {
	cfg      Config
	door     authority.Door
	grpc     *grpc.Server
	identity [len(web.IdentityNames)]string // in small letters
	withheld []string
}

// New returns a Server that serves nothing yet, or an error where the configuration lacks something.
func New(cfg Config) (*Server, error) {
	if cfg.Authority == nil || cfg.Peers == nil || cfg.Kinds == 0 || cfg.Ready == nil || cfg.Logger == nil || cfg.Now == nil {
		return nil, errors.New("extauthz: Authority, Peers, Kinds, Ready, Logger and Now are required")
	}
	s := &Server{cfg: cfg, door: authority.Door{Name: "envoy", Kinds: cfg.Kinds}, withheld: web.Withheld()}
	for i, name := range web.IdentityNames {
		s.identity[i] = strings.ToLower(name)
	}
	options := []grpc.ServerOption{
		grpc.MaxRecvMsgSize(maxMessage), grpc.MaxHeaderListSize(maxMetadata), grpc.MaxConcurrentStreams(maxStreams), grpc.ConnectionTimeout(connectTimeout),
		grpc.KeepaliveParams(keepalive.ServerParameters{MaxConnectionIdle: idleTimeout, Time: pingAfter, Timeout: pingTimeout}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: leastPing, PermitWithoutStream: true}),
		grpc.WaitForHandlers(true), grpc.ForceServerCodecV2(newFrames()), grpc.UnknownServiceHandler(s.unknown),
	}
	if cfg.Certificate != nil {
		options = append(options, grpc.Creds(credentials.NewTLS(cfg.Certificate.ServerConfig())))
	}
	s.grpc = grpc.NewServer(options...)
	// Not by the generated code, which would answer a question that can't be read by an error of gRPC.
	s.grpc.RegisterService(&grpc.ServiceDesc{
		ServiceName: service, HandlerType: (*any)(nil), Methods: []grpc.MethodDesc{{MethodName: "Check", Handler: s.handle}},
		Metadata: "envoy/service/auth/v3/external_auth.proto",
	}, s)
	healthv1.RegisterHealthServer(s.grpc, &health{server: s})
	return s, nil
}

// Serve answers on a listener until Shutdown, and returns any other cause of its end. It closes the listener.
func (s *Server) Serve(l net.Listener) error {
	if err := s.grpc.Serve(l); err != nil && !errors.Is(err, grpc.ErrServerStopped) {
		return fmt.Errorf("serving on the %s listener: %w", listener, err)
	}
	return nil
}

// Shutdown takes no more questions and waits for those under way, for the time to drain at most; what is left then is cut off.
func (s *Server) Shutdown(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Drain)
	defer cancel()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.grpc.GracefulStop()
	}()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		s.grpc.Stop()
		<-ended
		return fmt.Errorf("draining the %s listener: %w", listener, ctx.Err())
	}
}
