package platform_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/platform"
)

// TestScopeText: a scope comes back as it was written, and nothing else is read for one.
func TestScopeText(t *testing.T) {
	const ann = "01a216b9-f178-7c2a-a04c-7bcc3051cc5d"
	for text, want := range map[string]platform.Scope{
		"":                                  {},
		"all":                               {All: true},
		"role:partner":                      {Roles: []string{"partner"}},
		"user:" + ann:                       {Users: []uuid.UUID{uuid.MustParse(ann)}},
		"role:all,role:partner,user:" + ann: {Roles: []string{"all", "partner"}, Users: []uuid.UUID{uuid.MustParse(ann)}},
	} {
		got, err := platform.ParseScope(text)
		if err != nil || !cmp.Equal(got, want) || got.String() != text {
			t.Errorf("%q: got %+v, %v and %q, want %+v", text, got, err, got.String(), want)
		}
	}
	for _, text := range []string{"All", "role", "everybody", "user:ann", "user:", ",", "role:a,", "all ,role:a"} {
		if got, err := platform.ParseScope(text); err == nil {
			t.Errorf("%q: got %+v, want an error", text, got)
		}
	}
}
