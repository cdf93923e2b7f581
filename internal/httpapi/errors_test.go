package httpapi_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/internal/httpapi"
)

// TestHumaProblem gives huma's errors a value in every place where one could stand, messages that a later huma may have
// included.
func TestHumaProblem(t *testing.T) {
	const canary = "canary password"
	errs := []error{
		errors.New(canary),
		&huma.ErrorDetail{Message: "invalid value: " + canary, Location: "body.password", Value: canary},
		&huma.ErrorDetail{Message: "expected string, not " + canary, Location: "body.password", Value: canary},
		&huma.ErrorDetail{Message: "unexpected property " + canary, Location: "body.password", Value: canary},
		&huma.ErrorDetail{Message: "unknown query parameter", Location: "query." + canary, Value: canary},
	}
	for status, code := range map[int]api.Code{
		400: api.CodeMalformedRequest, 406: api.CodeNotAcceptable, 408: api.CodeMalformedRequest, 413: api.CodeTooLarge,
		415: api.CodeUnsupportedMediaType, 422: api.CodeInvalidField, 500: api.CodeInternal, 0: api.CodeInternal,
	} {
		p := httpapi.HumaProblem(status, errs)
		if p.Code != code {
			t.Errorf("status %d: got code %s, want %s", status, p.Code, code)
		}
		if text := fmt.Sprintf("%+v", p); strings.Contains(text, canary) {
			t.Errorf("status %d: got %s, which has the value", status, text)
		}
	}
}
