package audit_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/secret"
)

// noon is the beginning of a minute.
var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func TestNew(t *testing.T) {
	actor := audit.Actor{UserID: uuid.Must(uuid.NewV7()), Username: "root", Address: "192.0.2.1"}
	target := audit.Target{Kind: "user", ID: uuid.Must(uuid.NewV7()), Name: "alice"}
	at := noon.Add(1234 * time.Nanosecond).In(time.FixedZone("east", 3600))
	e := audit.New(audit.UserUpdate, actor, target, at, "email", "a@example.org", "roles", "", "left over")
	if e.Action != audit.UserUpdate || e.Actor != actor || e.Target != target || e.Count != 1 || e.MergeKey != "" || e.ID == uuid.Nil {
		t.Errorf("got %+v, want what was given", e)
	}
	if want := noon.Add(time.Microsecond); e.At != want {
		t.Errorf("got at %v, want %v: UTC, in microseconds", e.At, want)
	}
	if emptied, there := e.Detail["roles"]; len(e.Detail) != 2 || e.Detail["email"] != "a@example.org" || !there || emptied != "" {
		t.Errorf("got detail %v, want the e-mail and the emptied roles", e.Detail)
	}
	if e := audit.New(audit.UserDelete, actor, target, noon); e.Detail != nil {
		t.Errorf("got detail %v, want none", e.Detail)
	}
}

func TestDetailIsCut(t *testing.T) {
	tests := []struct {
		name, value string
		want        int
	}{
		{"at the bound", strings.Repeat("a", 512), 512},
		{"one above", strings.Repeat("a", 513), 512},
		{"a letter of two bytes up to the bound", strings.Repeat("a", 510) + "éa", 512},
		{"a letter of two bytes across the cut", strings.Repeat("a", 508) + "ééé", 511},
		{"a letter of four bytes across the cut", strings.Repeat("a", 507) + "𝄞ab", 510},
		{"letters of three bytes", strings.Repeat("語", 400), 510},
	}
	for _, tt := range tests {
		got := audit.New(audit.UserUpdate, audit.Actor{}, audit.Target{}, noon, "x", tt.value).Detail["x"]
		if len(got) != tt.want || !strings.HasPrefix(tt.value, strings.TrimSuffix(got, "…")) || !utf8.ValidString(got) {
			t.Errorf("%s: got %d bytes, want %d of valid UTF-8", tt.name, len(got), tt.want)
		}
	}
	if got := audit.New(audit.UserUpdate, audit.Actor{}, audit.Target{}, noon, "x", "a\x80b").Detail["x"]; got != "a\uFFFDb" {
		t.Errorf("bytes that are no text: got %q, want them replaced", got)
	}
}

// TestCanary puts a secret wherever a mistaken caller might, short of an event's names.
func TestCanary(t *testing.T) {
	const canary = "jtpCANARY"
	text := secret.Text(canary)
	e := audit.New(audit.UserPassword, audit.Actor{}, audit.Target{}, noon, "password", text.String(), "also", fmt.Sprint(text))
	if b, err := json.Marshal(e); err != nil || strings.Contains(string(b), canary) {
		t.Errorf("got %s, %v, want no secret", b, err)
	}
}

// TestDifferences: of what stayed as it was, nothing is told.
func TestDifferences(t *testing.T) {
	before := []string{"name", "a", "roles", "", "state", "active"}
	for name, tt := range map[string]struct{ after, want []string }{
		"nothing": {before, nil},
		"filled":  {[]string{"name", "a", "roles", "x", "state", "active"}, []string{"roles", "x"}},
		"two":     {[]string{"name", "", "roles", "", "state", "name"}, []string{"name", "", "state", "name"}},
	} {
		if got := audit.Differences(before, tt.after); !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %q, want %q", name, got, tt.want)
		}
	}
}
