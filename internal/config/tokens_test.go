package config_test

import (
	"strings"
	"testing"
	"time"

	"github.com/jeton-io/jeton/internal/config"
)

// TestTokenLives has each fault beside a twin that is taken.
func TestTokenLives(t *testing.T) {
	const day = 24 * time.Hour
	life := func(c config.Config) time.Duration { return c.AccessTokenLife }
	person := func(c config.Config) time.Duration { return c.APITokenMaxLifePerson }
	service := func(c config.Config) time.Duration { return c.APITokenMaxLifeService }
	const tooShort, tooLong, noDays = "access-token-life: is not a duration of at least 1m0s", "access-token-life: is longer than 1h0m0s", "is not 1d to 36500d, or never"
	for _, tc := range []struct {
		args  string
		of    func(config.Config) time.Duration
		want  time.Duration
		fault string
	}{
		{"", life, 5 * time.Minute, ""},
		{"--access-token-life=1m", life, time.Minute, ""},
		{"--access-token-life=59s", life, 0, tooShort},
		{"--access-token-life=-5m", life, 0, tooShort},
		{"--access-token-life=", life, 0, tooShort},
		{"--access-token-life=1h", life, time.Hour, ""},
		{"--access-token-life=3601s", life, 0, tooLong},
		{"--access-token-life=1d", life, 0, tooLong},
		{"", person, 0, ""},
		{"", service, 0, ""},
		{"--api-token-max-life-person=", person, 0, ""},
		{"--api-token-max-life-person=never", person, 0, ""},
		{"--api-token-max-life-person=365d", person, 365 * day, ""},
		{"--api-token-max-life-person=365d", service, 0, ""},
		{"--api-token-max-life-service=1d", service, day, ""},
		{"--api-token-max-life-service=1d", person, 0, ""},
		{"--api-token-max-life-service=36500d", service, 36_500 * day, ""},
		{"--api-token-max-life-service=36501d", service, 0, noDays},
		{"--api-token-max-life-person=0d", person, 0, noDays},
		{"--api-token-max-life-person=-1d", person, 0, noDays},
		{"--api-token-max-life-person=365", person, 0, noDays},
		{"--api-token-max-life-person=8760h", person, 0, noDays},
		{"--api-token-max-life-person=1.5d", person, 0, noDays},
		{"--api-token-max-life-person=Never", person, 0, noDays},
		{"--api-token-max-life-person=99999999999999999999d", person, 0, noDays},
	} {
		var args []string
		if tc.args != "" {
			args = append(args, tc.args)
		}
		c, err := load(t, args, nil)
		switch {
		case tc.fault == "" && (err != nil || tc.of(c) != tc.want):
			t.Errorf("%s: got %s, %v, want %s", tc.args, tc.of(c), err, tc.want)
		case tc.fault != "" && (err == nil || !strings.Contains(err.Error(), tc.fault)):
			t.Errorf("%s: got %v, want %q", tc.args, err, tc.fault)
		}
	}
}

// TestTokenLivesShown: a bound is shown as it is given.
func TestTokenLivesShown(t *testing.T) {
	c, err := load(t, []string{"--api-token-max-life-person=365d"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, s := range c.Settings() {
		got[s.Name] = s.Value
	}
	for name, want := range map[string]string{"access-token-life": "5m0s", "api-token-max-life-person": "365d", "api-token-max-life-service": "never"} {
		if got[name] != want {
			t.Errorf("%s: got %q, want %q", name, got[name], want)
		}
	}
}
