// Package web holds what all of Jeton's HTTP edges share: servers with their limits, who the client is, the request
// log, and errors as problems.
//
// It refuses what no edge should ever see: headers above 32 KiB, bodies above their cap, requests that dawdle. It
// believes what a header says about the client only from peers that are named as trusted.
package web

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/jeton-io/jeton/internal/h1"
)

// The limits of every server.
const (
	maxHeader         = 32 << 10
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 15 * time.Second
	writeTimeout      = 30 * time.Second
	idleTimeout       = 2 * time.Minute
	maxStreams        = 100              // of one HTTP/2 connection; RFC 9113, section 6.5.2, wants no fewer
	pingAfter         = 30 * time.Second // of silence of an HTTP/2 connection whose streams have no time limit
	pingTimeout       = 15 * time.Second
)

// Server is one listener with its handler. Make one with Listen.
type Server struct {
	name     string
	listener net.Listener
	http     *http.Server
	tls      bool // http.Server.TLSConfig doesn't tell: serving plain HTTP sets it, too
	streams  bool // what is cut at the end of the time to drain is no fault
	drain    time.Duration
	beside   func(context.Context) error
	front    *h1.Listener // before net/http; nil where nothing is
	plain    h1.Config    // what the front is made of; none where Handler is nil
}

// ServerConfig is what a Server needs. Every field is required but Plain, Beside, MaxConnections and TLS.
type ServerConfig struct {
	Name    string // "public", "gateway", "admin": in logs
	Address string // host:port; port 0 for any
	Handler http.Handler
	// Plain, where given, answers plain requests before net/http does, and leaves it all others: see h1. It isn't for a server
	// that streams.
	Plain   h1.Handler
	Logger  *slog.Logger
	MaxBody int64 // in bytes; a longer body is refused as it is read
	// Streams has bodies of any length pass, for as long as they take, and HTTP/2 without TLS, for gRPC: MaxBody doesn't count.
	// The handler sees to it that nobody dawdles (http.ResponseController).
	Streams bool
	Drain   time.Duration // how long requests under way may take to end when the server stops
	// Beside, where given, ends what net/http knows nothing of when the server stops, as connections that were switched to another
	// protocol. Its context ends when the time to drain does.
	Beside func(context.Context) error
	// MaxConnections bounds the connections at a time; 0 is for no bound. More wait until one ends: who opens thousands
	// and keeps them idle takes the room of others at this listener, but not the descriptors of all else in the process.
	MaxConnections int
	// TLS has the server speak TLS, with HTTP/2 and HTTP/1.1 over it; without one it speaks plain HTTP/1.1.
	TLS *Certificate
}

// Listen opens the listener. The error names the address.
func Listen(ctx context.Context, cfg ServerConfig) (*Server, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", cfg.Address)
	if err != nil {
		return nil, fmt.Errorf("opening the %s listener: %w", cfg.Name, err)
	}
	if cfg.MaxConnections > 0 {
		l = Limit(l, cfg.MaxConnections)
	}
	s := &Server{name: cfg.Name, tls: cfg.TLS != nil, drain: cfg.Drain, beside: cfg.Beside, streams: cfg.Streams, http: &http.Server{
		Handler:           limitBody(cfg.MaxBody, cfg.Handler),
		ErrorLog:          log.New(faultLog{cfg.Logger}, "", 0),
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader - 4096, // net/http reads so much more than it is told, but not over HTTP/2
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: maxStreams},
		// OPTIONS * is the handler's, as all else: a 200 of net/http's own would stand in no log and, from a gateway, let a call pass.
		DisableGeneralOptionsHandler: true,
	}}
	if cfg.Streams {
		s.stream(cfg.Handler)
	}
	if s.tls {
		s.http.TLSConfig = cfg.TLS.ServerConfig()
		s.http.TLSConfig.NextProtos = []string{"h2", "http/1.1"} // as ServeTLS has it, which a front does without
	}
	s.plain = h1.Config{
		Handler: cfg.Plain, Logger: cfg.Logger, HeadTimeout: readHeaderTimeout, IdleTimeout: idleTimeout, WriteTimeout: writeTimeout,
	}
	s.listenOn(l)
	return s, nil
}

// listenOn has the server listen on l, by way of what answers before net/http, if there is something.
func (s *Server) listenOn(l net.Listener) {
	s.listener = l
	if s.plain.Handler == nil {
		return
	}
	if s.tls {
		s.plain.TLS = s.http.TLSConfig.Clone()
	}
	s.front = h1.NewListener(l, s.plain)
	s.listener = s.front
}

// stream lifts the bounds of a server whose handler has its own.
func (s *Server) stream(handler http.Handler) {
	s.http.Handler = handler
	s.http.ReadTimeout, s.http.WriteTimeout = 0, 0
	s.http.HTTP2.SendPingTimeout, s.http.HTTP2.PingTimeout = pingAfter, pingTimeout
	s.http.Protocols = new(http.Protocols)
	s.http.Protocols.SetHTTP1(true)
	s.http.Protocols.SetHTTP2(true)
	s.http.Protocols.SetUnencryptedHTTP2(!s.tls)
}

// faultLog takes what net/http has to say. Most of it is about what single clients do wrong, and of no use; that no
// connection can be accepted is for the operator.
type faultLog struct{ logger *slog.Logger }

// Write implements io.Writer.
func (f faultLog) Write(line []byte) (int, error) {
	level := slog.LevelDebug
	if bytes.Contains(line, []byte("Accept error")) {
		level = slog.LevelWarn
	}
	f.logger.Log(context.Background(), level, "net/http", "said", string(bytes.TrimSpace(line)))
	return len(line), nil
}

// Addr returns the address that was opened, with its real port.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

// Serve answers requests until Shutdown, and returns any other cause of its end.
func (s *Server) Serve() error {
	serve := s.http.Serve
	if s.tls && s.front == nil {
		serve = func(l net.Listener) error { return s.http.ServeTLS(l, "", "") } // the files are the certificate's business
	}
	if err := serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving on the %s listener: %w", s.name, err)
	}
	return nil
}

// Shutdown takes no more requests and waits for those under way, for the time to drain at most; what is left then is cut off. That
// is an error where an answer should have been there by then; a stream has no such time, and ends with the server that it comes by.
func (s *Server) Shutdown(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.drain)
	defer cancel()
	beside := make(chan error, 1)
	go func() { beside <- s.endBeside(ctx) }()
	err := errors.Join(s.drainFront(ctx), s.http.Shutdown(ctx))
	_ = s.listener.Close() // closed already, unless Serve was never called
	err = errors.Join(err, <-beside)
	if err != nil {
		closing := s.http.Close()
		if s.streams && errors.Is(err, context.DeadlineExceeded) {
			return closing
		}
		return errors.Join(fmt.Errorf("draining the %s listener: %w", s.name, err), closing)
	}
	return nil
}

// drainFront ends what answers before net/http, which goes on until then: see h1.Listener.Drain.
func (s *Server) drainFront(ctx context.Context) error {
	if s.front == nil {
		return nil
	}
	s.http.SetKeepAlivesEnabled(false)
	return s.front.Drain(ctx)
}

// endBeside ends what net/http knows nothing of.
func (s *Server) endBeside(ctx context.Context) error {
	if s.beside == nil {
		return nil
	}
	return s.beside(ctx)
}
