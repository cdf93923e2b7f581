package extauthz

import (
	"google.golang.org/grpc/encoding"
	_ "google.golang.org/grpc/encoding/proto" // which registers itself
	"google.golang.org/grpc/mem"
)

// frame is a message as it came. gRPC answers by an error of its own where it is asked to decode one that it can't, whatever the
// handler says: so it isn't asked to.
type frame []byte

// frames is the codec of the server: it leaves frames as they are, and has other messages to gRPC's own.
type frames struct{ encoding.CodecV2 }

// newFrames returns the codec.
func newFrames() frames { return frames{encoding.GetCodecV2("proto")} }

// Unmarshal implements encoding.CodecV2. What it gets is another's again once it returns.
func (f frames) Unmarshal(data mem.BufferSlice, to any) error {
	if sent, ok := to.(*frame); ok {
		*sent = data.Materialize()
		return nil
	}
	return f.CodecV2.Unmarshal(data, to)
}
