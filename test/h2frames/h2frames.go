// Package h2frames makes requests of HTTP/2 by hand, frame by frame: those that a client of good manners would refuse to send.
//
// HTTP/2 gives every part of a head its length, so that any byte may stand in it, and ends a body by a flag of its frame. Who speaks it
// with clients and HTTP/1.1 with an API, where a line ends at a line break and a body where its length or its last chunk says, must
// refuse what means another thing there (RFC 9113, section 10.3): else the API reads a field, or a whole request, that nobody has judged.
package h2frames

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// Conn is a connection to a server that speaks HTTP/2. It is for one goroutine.
type Conn struct {
	conn   net.Conn
	framer *http2.Framer
	block  bytes.Buffer
	encode *hpack.Encoder
	next   uint32 // the stream of the next request
	gone   bool
}

// Open begins to speak HTTP/2 on a connection, without asking whether the other end does.
func Open(conn net.Conn) (*Conn, error) {
	c := &Conn{conn: conn, framer: http2.NewFramer(conn, conn), next: 1}
	c.framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	c.encode = hpack.NewEncoder(&c.block)
	if _, err := io.WriteString(conn, http2.ClientPreface); err != nil {
		return nil, fmt.Errorf("beginning to speak HTTP/2: %w", err)
	}
	if err := c.framer.WriteSettings(); err != nil {
		return nil, fmt.Errorf("sending settings: %w", err)
	}
	return c, nil
}

// Ask sends a request and returns the status of its answer, and none that comes before (1xx). It is empty where the server ends the stream or the connection without
// one. A server that says nothing at all until the connection's deadline is an error.
func (c *Conn) Ask(call Call) (status string, err error) {
	id := c.next
	c.next += 2
	// A server may have refused before all is written, and end the connection: what it said is read all the same.
	sent := c.send(id, call)
	for {
		frame, err := c.framer.ReadFrame()
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return "", fmt.Errorf("waiting for an answer: %w", errors.Join(err, sent))
		}
		if err != nil {
			return "", nil
		}
		_, goAway := frame.(*http2.GoAwayFrame)
		if c.gone = c.gone || goAway; frame.Header().StreamID != id {
			continue
		}
		switch f := frame.(type) {
		case *http2.MetaHeadersFrame:
			if status := f.PseudoValue("status"); !strings.HasPrefix(status, "1") || len(status) != 3 { // such as 100 Continue
				return status, nil
			}
		case *http2.RSTStreamFrame:
			return "", nil
		}
	}
}

// GivenUp reports whether the server has said, before the last answer, that it takes no more requests on the connection.
func (c *Conn) GivenUp() bool { return c.gone }

// send writes a request's frames.
func (c *Conn) send(id uint32, call Call) error {
	last := call.Body == "" && call.Trailer == nil
	if err := c.fields(id, call.Fields, last && !call.Unended); err != nil || last {
		return err
	}
	if err := c.framer.WriteData(id, call.Trailer == nil, []byte(call.Body)); err != nil || call.Trailer == nil {
		return err
	}
	return c.fields(id, call.Trailer, true)
}

// fields writes a header, or what stands behind a body.
func (c *Conn) fields(id uint32, fields []string, last bool) error {
	c.block.Reset()
	for i := 0; i < len(fields); i += 2 {
		if err := c.encode.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1]}); err != nil {
			return err
		}
	}
	return c.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: c.block.Bytes(), EndStream: last, EndHeaders: true})
}
