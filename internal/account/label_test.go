package account_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/authority"
)

// TestCheckLabel: each name that is refused, with a part of why, and its twin.
func TestCheckLabel(t *testing.T) {
	for _, tt := range []struct{ name, refused, why, admitted string }{
		{"empty", "", "is empty", "a"},
		{"blank", " ", "is empty", "a a"},
		{"a space before", " a", "begins or ends with a space", "a"},
		{"a space behind", "a\u00a0", "begins or ends with a space", "a"},
		{"long", strings.Repeat("ü", 129), "longer than 128 characters", strings.Repeat("ü", 128)},
		{"a line break", "a\nb", "control or invisible", "<b>a</b>"},
		{"a change of direction", "a\u202eb", "control or invisible", "שלום"},
		{"a Braille blank", "a\u2800b", "control or invisible", "a\u2801b"},
		{"what was lost", "a\uFFFDb", "control or invisible", "a?b"},
		{"no UTF-8", "a\xffb", "control or invisible", "aÿb"},
	} {
		field, ok := errors.AsType[*authority.FieldError](account.CheckLabel(tt.refused, "Name it."))
		if !ok || field.Field != "name" || !strings.Contains(field.Problem, tt.why) {
			t.Errorf("%s: got %+v for %+q, want a name that %s", tt.name, field, tt.refused, tt.why)
		}
		if err := account.CheckLabel(tt.admitted, "Name it."); err != nil {
			t.Errorf("%s: got %v for its twin %+q", tt.name, err, tt.admitted)
		}
	}
}
