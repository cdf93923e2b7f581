package proxy_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http/httptest"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/jeton-io/jeton/test/desk"
)

// echoService is a gRPC service of every sort of call. Its name is a path that alice may call.
func echoService() *grpc.ServiceDesc {
	unary := func(_ any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
		in := new(wrapperspb.StringValue)
		if err := decode(in); err != nil {
			return nil, err
		}
		from, _ := metadata.FromIncomingContext(ctx)
		if in.GetValue() == "fail" {
			return nil, status.Error(codes.FailedPrecondition, "not so")
		}
		_ = grpc.SetTrailer(ctx, metadata.Pairs("x-sum", "7", "remote-user", "forged"))
		return wrapperspb.String(in.GetValue() + " from " + first(from["remote-user"]) + first(from["authorization"])), nil
	}
	echo := func(_ any, stream grpc.ServerStream) error {
		for {
			in := new(wrapperspb.StringValue)
			if err := stream.RecvMsg(in); err != nil {
				if errors.Is(err, io.EOF) {
					return nil
				}
				return err
			}
			if err := stream.SendMsg(in); err != nil {
				return err
			}
		}
	}
	return &grpc.ServiceDesc{
		ServiceName: "any", HandlerType: (*any)(nil), Methods: []grpc.MethodDesc{{MethodName: "Unary", Handler: unary}},
		Streams: []grpc.StreamDesc{{StreamName: "Echo", Handler: echo, ServerStreams: true, ClientStreams: true}},
	}
}

func first(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return values[0]
}

// serveGRPC opens a gRPC server, over TLS where it has a certificate.
func serveGRPC(t *testing.T, options ...grpc.ServerOption) (address string) {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	desk.Check(t, err)
	s := grpc.NewServer(options...)
	s.RegisterService(echoService(), struct{}{})
	go func() { _ = s.Serve(l) }()
	t.Cleanup(s.Stop)
	return l.Addr().String()
}

// TestProxyGRPC calls a gRPC service through the proxy: HTTP/2 in the clear on both sides, and TLS on both.
func TestProxyGRPC(t *testing.T) {
	t.Run("h2c", func(t *testing.T) {
		s := open(t)
		s.service(t, "h2c://"+serveGRPC(t))
		s.testGRPC(t, s.address, insecure.NewCredentials())
	})
	t.Run("TLS", func(t *testing.T) {
		s := open(t)
		front := httptest.NewUnstartedServer(s.proxy)
		front.EnableHTTP2 = true
		front.StartTLS()
		defer front.Close()
		certificate := front.TLS.Certificates[0]
		s.service(t, "https://"+serveGRPC(t, grpc.Creds(credentials.NewServerTLSFromCert(&certificate))))
		roots := x509.NewCertPool()
		roots.AddCert(front.Certificate())
		s.proxy.Trust(roots)
		s.testGRPC(t, front.Listener.Addr().String(), credentials.NewTLS(&tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}))
	})
}

func (s *stand) testGRPC(t *testing.T, address string, creds credentials.TransportCredentials) {
	t.Helper()
	conn, err := grpc.NewClient("passthrough:///"+address, grpc.WithTransportCredentials(creds), grpc.WithAuthority(host))
	desk.Check(t, err)
	defer func() { _ = conn.Close() }()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	alice := metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+s.token)
	var trailer metadata.MD
	out := new(wrapperspb.StringValue)
	err = conn.Invoke(alice, "/any/Unary", wrapperspb.String("hello"), out, grpc.Trailer(&trailer))
	if err != nil || out.GetValue() != "hello from alice" || first(trailer["x-sum"]) != "7" || len(trailer["remote-user"]) != 0 {
		t.Errorf("got %q, %v, trailer %v, want the call passed on as alice's", out.GetValue(), err, trailer)
	}
	for name, tc := range map[string]struct {
		ctx    context.Context
		method string
		says   string
		want   codes.Code
	}{
		"the API's own refusal": {alice, "/any/Unary", "fail", codes.FailedPrecondition}, // in an answer of trailers alone
		"no such method":        {alice, "/any/Nothing", "x", codes.Unimplemented},
		"nobody's call":         {ctx, "/any/Unary", "x", codes.Unauthenticated},
		"no operation":          {alice, "/anz/Unary", "x", codes.PermissionDenied},
	} {
		if err := conn.Invoke(tc.ctx, tc.method, wrapperspb.String(tc.says), out); status.Code(err) != tc.want {
			t.Errorf("%s: got %v, want %s", name, err, tc.want)
		}
	}
	// Each message is answered before the next is sent; a client's or a server's stream is half of that.
	stream, err := conn.NewStream(alice, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, "/any/Echo")
	desk.Check(t, err)
	for _, said := range []string{"a", "b", string(make([]byte, 1<<20)), ""} {
		desk.Check(t, stream.SendMsg(wrapperspb.String(said)))
		desk.Check(t, stream.RecvMsg(out))
		if out.GetValue() != said {
			t.Errorf("got %.20q, want %.20q", out.GetValue(), said)
		}
	}
	desk.Check(t, stream.CloseSend())
	if err := stream.RecvMsg(out); !errors.Is(err, io.EOF) {
		t.Errorf("got %v, want the end", err)
	}
}
