package extauthz

import (
	"context"

	"google.golang.org/grpc/codes"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
)

// health tells Envoy whether this node can decide just now, so that of several it asks another. It answers single questions
// (grpc_health_check) and doesn't tell of changes.
type health struct {
	healthv1.UnimplementedHealthServer
	server *Server
}

// Check implements healthv1.HealthServer. Each answer reads the database, which isn't for everybody to ask for.
func (h *health) Check(ctx context.Context, in *healthv1.HealthCheckRequest) (*healthv1.HealthCheckResponse, error) {
	if !h.server.cfg.Peers.Trust(remoteOf(ctx)) {
		return nil, status.Error(codes.PermissionDenied, "Only trusted peers may ask.")
	}
	if name := in.GetService(); name != "" && name != service {
		return nil, status.Error(codes.NotFound, "There is no such service here.")
	}
	answer := &healthv1.HealthCheckResponse{Status: healthv1.HealthCheckResponse_NOT_SERVING}
	if h.server.cfg.Ready(ctx) {
		answer.Status = healthv1.HealthCheckResponse_SERVING
	}
	return answer, nil
}
