package config_test

import (
	"fmt"
	"strings"
	"testing"
)

func TestMatrix42(t *testing.T) {
	for _, tc := range []struct {
		flags  []string
		on     bool
		status int
		want   string // of the error
	}{
		{nil, true, 401, ""},
		{[]string{"--matrix42=off"}, false, 401, ""},
		{[]string{"--matrix42=on", "--matrix42-refusal-status=200"}, true, 200, ""},
		{[]string{"--matrix42=true", "--matrix42-refusal-status=401"}, true, 401, ""},
		{[]string{"--matrix42=false"}, false, 401, ""},
		{[]string{"--matrix42=yes"}, false, 401, "matrix42: is neither on nor off"},
		{[]string{"--matrix42="}, false, 401, "matrix42: is neither on nor off"},
		{[]string{"--matrix42-refusal-status=403"}, true, 0, "matrix42-refusal-status: is neither 401 nor 200"},
	} {
		c, err := load(t, tc.flags, nil)
		if (err == nil) != (tc.want == "") || !strings.Contains(fmt.Sprint(err), tc.want) {
			t.Errorf("%q: got %v, want an error with %q", tc.flags, err, tc.want)
		}
		if c.Matrix42 != tc.on || c.Matrix42RefusalStatus != tc.status {
			t.Errorf("%q: got %t and %d, want %t and %d", tc.flags, c.Matrix42, c.Matrix42RefusalStatus, tc.on, tc.status)
		}
	}
}

// TestMatrix42InFile writes the switch as YAML reads it: as a value of its own, or as text.
func TestMatrix42InFile(t *testing.T) {
	for text, want := range map[string]bool{"matrix42: on": true, "matrix42: off": false, "matrix42: 'off'": false, "matrix42: true": true} {
		c, err := load(t, []string{"--config=" + write(t, "jeton.yaml", text+"\nmatrix42-refusal-status: 200\n")}, nil)
		if err != nil || c.Matrix42 != want || c.Matrix42RefusalStatus != 200 {
			t.Errorf("%s: got %t, %d and %v, want %t and 200", text, c.Matrix42, c.Matrix42RefusalStatus, err, want)
		}
	}
}

// TestOtherProfiles: each has a switch of its own.
func TestOtherProfiles(t *testing.T) {
	for _, tc := range []struct {
		flag            string
		bitcanuck, xdoc bool
		want            string // of the error
	}{
		{"--matrix42=off", true, true, ""},
		{"--bitcanuck=off", false, true, ""},
		{"--xdoc=off", true, false, ""},
		{"--xdoc=false", true, false, ""},
		{"--xdoc=on", true, true, ""},
		{"--xdoc=no", true, false, "xdoc: is neither on nor off"},
	} {
		c, err := load(t, []string{tc.flag}, nil)
		if (err == nil) != (tc.want == "") || !strings.Contains(fmt.Sprint(err), tc.want) || c.BitCanuck != tc.bitcanuck || c.XDOC != tc.xdoc {
			t.Errorf("%s: got %t, %t and %v, want %t, %t and %q", tc.flag, c.BitCanuck, c.XDOC, err, tc.bitcanuck, tc.xdoc, tc.want)
		}
	}
}
