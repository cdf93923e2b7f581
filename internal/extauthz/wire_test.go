package extauthz_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"
	rpc "google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/extauthz"
	"github.com/jeton-io/jeton/internal/web"
	"github.com/jeton-io/jeton/test/desk"
)

// bytesCodec sends and takes messages as bytes.
type bytesCodec struct{}

func (bytesCodec) Name() string { return "proto" }

func (bytesCodec) Marshal(v any) (mem.BufferSlice, error) {
	return mem.BufferSlice{mem.SliceBuffer(*v.(*[]byte))}, nil //nolint:errcheck // a test's own
}

func (bytesCodec) Unmarshal(data mem.BufferSlice, v any) error {
	*v.(*[]byte) = data.Materialize() //nolint:errcheck // a test's own
	return nil
}

const checkMethod = "/envoy.service.auth.v3.Authorization/Check"

// TestWhatCannotBeRead sends bytes that are no question. They are denied in words: an error of gRPC would be a leave to pass where
// Envoy is set to failure_mode_allow. Where gRPC itself refuses them, nobody else can.
func TestWhatCannotBeRead(t *testing.T) {
	d := openDoor(t)
	good, err := proto.Marshal(get(d.token).raw())
	desk.Check(t, err)
	send := func(method string, question []byte, options ...grpc.CallOption) (*authv3.CheckResponse, error) {
		var answer []byte
		err := d.conn.Invoke(t.Context(), method, &question, &answer, append(options, grpc.ForceCodecV2(bytesCodec{}))...)
		out := new(authv3.CheckResponse)
		desk.Check(t, proto.Unmarshal(answer, out))
		return out, err
	}
	if answer, err := send(checkMethod, good); err != nil || status(t, answer) != http.StatusOK {
		t.Fatalf("twin: got %v, %v, want it let in", answer, err)
	}
	for name, question := range map[string][]byte{
		"cut": good[:len(good)-1], "no message": []byte("\xff\xff\xff"), "HTTP": []byte("GET / HTTP/1.1\r\n\r\n"), "nothing": {},
		"not UTF-8": bytes.Replace(good, []byte("https"), []byte("http\xff"), 1), "a group without end": append([]byte{0x0b}, good...),
	} {
		answer, err := send(checkMethod, question)
		events := d.Refusals.Drain(d.Now())
		if err != nil || status(t, answer) != http.StatusBadRequest || len(events) != 1 || events[0].Reason != "unreadable_call" {
			t.Errorf("%s: got %v, %v and the refusals %v, want 400 for an unreadable call", name, answer, err, events)
		}
	}
	for name, tc := range map[string]struct {
		method   string
		question []byte
		want     codes.Code
	}{
		"the former protocol": {"/envoy.service.auth.v2.Authorization/Check", good, codes.Unimplemented},
		"another method":      {"/envoy.service.auth.v3.Authorization/Checks", good, codes.Unimplemented},
		"too large":           {checkMethod, append(bytes.Clone(good), bytes.Repeat([]byte{0x7a, 0}, 130<<10)...), codes.ResourceExhausted},
	} {
		d.Log.Take()
		answer, err := send(tc.method, tc.question)
		if rpc.Code(err) != tc.want || answer.GetOkResponse() != nil {
			t.Errorf("%s: got %v, %v, want %s", name, answer, err, tc.want)
		}
		if log := d.Log.Take(); tc.want == codes.Unimplemented && !strings.Contains(log, tc.method) {
			t.Errorf("%s: got the log %s, want a line that says what was asked for", name, log)
		}
	}
	if answer, err := send(checkMethod, good); err != nil || status(t, answer) != http.StatusOK {
		t.Errorf("after all that: got %v, %v, want it let in", answer, err)
	}
}

// TestOtherProtocols sends to the socket what isn't HTTP/2. Nothing of it is answered as if it were a check.
func TestOtherProtocols(t *testing.T) {
	d := openDoor(t)
	for name, sent := range map[string]string{
		"HTTP/1.1": "POST " + checkMethod + " HTTP/1.1\r\nHost: x\r\nContent-Type: application/grpc\r\nContent-Length: 5\r\n\r\n\x00\x00\x00\x00\x00",
		"nothing":  "\r\n\r\n", "a preface and rubbish": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + strings.Repeat("\xff", 64),
	} {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", d.address)
		desk.Check(t, err)
		_, err = conn.Write([]byte(sent + strings.Repeat("\x00", 64)))
		desk.Check(t, err)
		desk.Check(t, conn.SetReadDeadline(time.Now().Add(10*time.Second)))
		var got bytes.Buffer
		_, err = bufio.NewReader(conn).WriteTo(&got)
		if ne, ok := err.(net.Error); ok && ne.Timeout() { //nolint:errorlint // as it comes
			t.Errorf("%s: the connection stays open", name)
		}
		if strings.Contains(got.String(), "HTTP/1") && strings.Contains(got.String(), " 200") {
			t.Errorf("%s: got %q", name, got.String())
		}
		desk.Check(t, conn.Close())
	}
	if log := d.Log.Take(); log != "" {
		t.Errorf("got the log %s, want no check told of", log)
	}
	if answer, _ := d.ask(t, get(d.token).raw()); status(t, answer) != http.StatusOK {
		t.Errorf("after all that: got %v", answer)
	}
}

// panicking are users at whom the authority panics.
type panicking struct{ authority.Users }

func (panicking) AuthorityUser(context.Context, uuid.UUID) (authority.User, error) {
	panic("canary of the inside")
}

// TestPanic: a fault of Jeton's own denies the call, tells its client nothing of it, and ends nothing else.
func TestPanic(t *testing.T) {
	d := openDoor(t)
	sound := d.Users.Users
	d.Users.Users = panicking{}
	answer, _ := d.ask(t, get(d.token).raw())
	if got := status(t, answer); got != http.StatusInternalServerError || codes.Code(answer.GetStatus().GetCode()) != codes.PermissionDenied || strings.Contains(answer.String(), "canary") {
		t.Errorf("got %v, want 500 and nothing of the cause", answer)
	}
	if log := d.Log.Take(); !strings.Contains(log, "canary of the inside") || !strings.Contains(log, `"level":"ERROR"`) || !strings.Contains(log, toldHeader(answer)["x-request-id"]) {
		t.Errorf("got the log %s, want the cause under the ID that the client was told", log)
	}
	d.Users.Users = sound
	if answer, _ := d.ask(t, get(d.token).raw()); status(t, answer) != http.StatusOK {
		t.Errorf("the next: got %v, want it let in", answer)
	}
}

// waiting are users whose loading waits until it may go on.
type waiting struct {
	authority.Users
	begun, mayGo chan struct{}
}

func (w *waiting) AuthorityUser(ctx context.Context, id uuid.UUID) (authority.User, error) {
	w.begun <- struct{}{}
	select {
	case <-w.mayGo:
		return w.Users.AuthorityUser(ctx, id)
	case <-ctx.Done():
		return authority.User{}, ctx.Err()
	}
}

// TestShutdown: a check under way is answered while the server drains, and cut off after that. No other is taken.
func TestShutdown(t *testing.T) {
	for name, drain := range map[string]time.Duration{"in time": 10 * time.Second, "too late": time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			d := openDoor(t, func(c *extauthz.Config) { c.Drain = drain })
			w := &waiting{Users: d.Users.Users, begun: make(chan struct{}), mayGo: make(chan struct{})}
			d.Users.Users = w
			var answer *authv3.CheckResponse
			var askErr error
			var asking sync.WaitGroup
			asking.Go(func() { answer, askErr = d.Check(t.Context(), get(d.token).raw()) })
			<-w.begun
			down := make(chan error)
			go func() { down <- d.server.Shutdown(context.WithoutCancel(t.Context())) }()
			if drain > time.Second {
				for { // until the listener is closed
					conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", d.address)
					if err != nil {
						break
					}
					_ = conn.Close()
				}
				close(w.mayGo)
			}
			err := <-down
			asking.Wait()
			if drain > time.Second && (err != nil || askErr != nil || status(t, answer) != http.StatusOK) {
				t.Errorf("got %v, %v and %v of the way down, want it let in", answer, askErr, err)
			}
			if drain < time.Second && (err == nil || !strings.Contains(err.Error(), "draining the envoy listener") || askErr == nil) {
				t.Errorf("got %v, %v and %v of the way down, want it cut off", answer, askErr, err)
			}
			if _, err := d.Check(t.Context(), get(d.token).raw()); rpc.Code(err) != codes.Unavailable {
				t.Errorf("another: got %v, want nobody there", err)
			}
		})
	}
}

// TestDeadline: where Envoy gives up, so does the check.
func TestDeadline(t *testing.T) {
	d := openDoor(t)
	w := &waiting{Users: d.Users.Users, begun: make(chan struct{}), mayGo: make(chan struct{})}
	d.Users.Users = w
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-w.begun
		cancel()
	}()
	if _, err := d.Check(ctx, get(d.token).raw()); rpc.Code(err) != codes.Canceled {
		t.Errorf("got %v, want it given up", err)
	}
	desk.Check(t, d.server.Shutdown(context.WithoutCancel(t.Context()))) // which waits for the check
	if events := d.Refusals.Drain(d.Now()); len(events) != 1 || events[0].Reason != "unavailable" {
		t.Errorf("got the refusals %v, want one for unavailable", events)
	}
}

// TestTLS speaks TLS by the certificate that other listeners use.
func TestTLS(t *testing.T) {
	certificate := certificate(t)
	d := openDoor(t, func(c *extauthz.Config) { c.Certificate = certificate })
	if answer, _ := d.ask(t, get(d.token).raw()); status(t, answer) != http.StatusOK {
		t.Errorf("got %v, want it let in", answer)
	}
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", d.address)
	desk.Check(t, err)
	defer func() { desk.Check(t, conn.Close()) }()
	_, err = conn.Write([]byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))
	desk.Check(t, err)
	first := make([]byte, 1)
	desk.Check(t, conn.SetReadDeadline(time.Now().Add(10*time.Second)))
	if n, _ := conn.Read(first); n == 1 && first[0] != 21 { // an alert of TLS
		t.Errorf("in the clear: got the byte %d, want no HTTP/2", first[0])
	}
}

func certificate(t *testing.T) *web.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	desk.Check(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"localhost"}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	desk.Check(t, err)
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	desk.Check(t, err)
	certFile, keyFile := filepath.Join(t.TempDir(), "cert.pem"), filepath.Join(t.TempDir(), "key.pem")
	desk.Check(t, os.WriteFile(certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	desk.Check(t, os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}), 0o600))
	c, err := web.LoadCertificate(certFile, keyFile)
	desk.Check(t, err)
	return c
}

// TestHealth asks whether a node can decide, as Envoy's grpc_health_check does.
func TestHealth(t *testing.T) {
	for _, yes := range []bool{true, false} {
		d := openDoor(t, func(c *extauthz.Config) { c.Ready = ready(yes) })
		client := healthv1.NewHealthClient(d.conn)
		want := healthv1.HealthCheckResponse_NOT_SERVING
		if yes {
			want = healthv1.HealthCheckResponse_SERVING
		}
		for _, name := range []string{"", "envoy.service.auth.v3.Authorization"} {
			if got, err := client.Check(t.Context(), &healthv1.HealthCheckRequest{Service: name}); err != nil || got.GetStatus() != want {
				t.Errorf("%q: got %v, %v, want %s", name, got, err, want)
			}
		}
		if got, err := client.Check(t.Context(), &healthv1.HealthCheckRequest{Service: "another"}); rpc.Code(err) != codes.NotFound {
			t.Errorf("another service: got %v, %v, want it not found", got, err)
		}
		d.Peers.Set(nil)
		if got, err := client.Check(t.Context(), &healthv1.HealthCheckRequest{}); rpc.Code(err) != codes.PermissionDenied {
			t.Errorf("from elsewhere: got %v, %v, want it refused", got, err)
		}
	}
}

// TestMetadataIsBounded sends a header that is longer than any that Envoy sends.
func TestMetadataIsBounded(t *testing.T) {
	d := openDoor(t)
	for size, want := range map[int]codes.Code{8 << 10: codes.OK, 64 << 10: codes.Unknown} {
		ctx := metadata.AppendToOutgoingContext(t.Context(), "x-more", strings.Repeat("a", size))
		if _, err := d.Check(ctx, get(d.token).raw()); (rpc.Code(err) == codes.OK) != (want == codes.OK) {
			t.Errorf("%d bytes: got %v, want %s", size, err, want)
		}
	}
}
