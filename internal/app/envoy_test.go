package app_test

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"testing"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
)

// TestEnvoyListener has Envoy's listener on loopback, where it speaks in the clear, and open to the network, under the certificate and,
// where told, in the clear. It is off unless it is named.
func TestEnvoyListener(t *testing.T) {
	c := newCertificate(t, farOff)
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM([]byte(read(t, c.cert))) {
		t.Fatal("the certificate was not taken")
	}
	over := credentials.NewTLS(&tls.Config{RootCAs: roots})
	for name, tc := range map[string]struct {
		flags []string
		speak credentials.TransportCredentials
	}{
		"loopback":        {[]string{"--envoy-listen=127.0.0.1:0"}, insecure.NewCredentials()},
		"open":            {[]string{"--envoy-listen=:0"}, over},
		"open, but plain": {[]string{"--envoy-listen=:0", "--plain-http=envoy"}, insecure.NewCredentials()},
	} {
		t.Run(name, func(t *testing.T) {
			i := run(t, configure(t, t.TempDir(), c.flags(tc.flags...)...))
			_, port, err := net.SplitHostPort(i.addresses.Envoy.String())
			if err != nil {
				t.Fatal(err)
			}
			conn, err := grpc.NewClient("passthrough:///127.0.0.1:"+port, grpc.WithTransportCredentials(tc.speak))
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close() }()
			health, err := healthv1.NewHealthClient(conn).Check(t.Context(), &healthv1.HealthCheckRequest{})
			if err != nil || health.GetStatus() != healthv1.HealthCheckResponse_SERVING {
				t.Errorf("got %v, %v, want it ready", health, err)
			}
			answer, err := authv3.NewAuthorizationClient(conn).Check(t.Context(), new(authv3.CheckRequest))
			if err != nil || answer.GetDeniedResponse().GetStatus().GetCode() != 400 {
				t.Errorf("got %v, %v, want the empty question denied", answer, err)
			}
		})
	}
	if i := run(t, configure(t, t.TempDir())); i.addresses.Envoy != nil {
		t.Errorf("by default: got a listener at %s", i.addresses.Envoy)
	}
}
