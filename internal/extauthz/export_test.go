package extauthz

import (
	"context"
	"errors"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/protobuf/proto"
)

// Answer answers the bytes of one question as if they had come from a peer, and returns the answer as gRPC would send it.
func (s *Server) Answer(ctx context.Context, from *peer.Peer, question []byte) (*authv3.CheckResponse, error) {
	ctx = metadata.NewIncomingContext(peer.NewContext(ctx, from), metadata.MD{})
	answer, err := s.handle(s, ctx, func(to any) error {
		sent, ok := to.(*frame)
		if !ok {
			return errors.New("not asked for what was sent")
		}
		*sent = question
		return nil
	}, nil)
	if err != nil {
		return nil, err
	}
	out, ok := answer.(*authv3.CheckResponse)
	if !ok {
		return nil, errors.New("no CheckResponse")
	}
	_, err = proto.Marshal(out)
	return out, err
}
