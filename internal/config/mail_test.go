package config_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/jeton-io/jeton/internal/config"
	"github.com/jeton-io/jeton/internal/words"
)

// TestMail gives servers in their forms, and what doesn't go together.
func TestMail(t *testing.T) {
	from := "--mail-from=Jeton <jeton@example.com>"
	for _, tc := range []struct {
		flags   []string
		environ string
		want    config.SMTP
		faults  string // what each fault must begin with, divided by spaces; empty where all is well
	}{
		{flags: nil},
		{flags: []string{"--smtp-url=smtp://mail.example.com", from}, want: config.SMTP{Host: "mail.example.com", Port: 587}},
		{flags: []string{"--smtp-url=smtp://jeton@mail.example.com:25", from}, environ: "JETON_SMTP_PASSWORD=canary", want: config.SMTP{Host: "mail.example.com", Port: 25, User: "jeton"}},
		{flags: []string{"--smtp-url=smtps://mail.example.com", from}, want: config.SMTP{Host: "mail.example.com", Port: 465, Implicit: true}},
		{flags: []string{"--smtp-url=smtps://127.0.0.1:4650", from}, want: config.SMTP{Host: "127.0.0.1", Port: 4650, Implicit: true}},
		{flags: []string{"--smtp-url=smtp://127.0.0.1", from}, want: config.SMTP{Host: "127.0.0.1", Port: 25, Plain: true}},
		{flags: []string{"--smtp-url=smtp://[::1]:2525", from}, want: config.SMTP{Host: "::1", Port: 2525, Plain: true}},
		{flags: []string{"--smtp-url=smtp://127.0.0.1.example.com", from}, want: config.SMTP{Host: "127.0.0.1.example.com", Port: 587}},
		{flags: []string{"--smtp-url=smtp://mail.example.com"}, faults: "mail-from"},
		{flags: []string{from}, faults: "smtp-url"},
		{environ: "JETON_SMTP_PASSWORD=canary", faults: "smtp-url"},
		{flags: []string{"--smtp-url=https://mail.example.com", "--mail-from=nobody", "--language=it"}, faults: "language smtp-url mail-from"},
		{flags: []string{"--smtp-url=smtp://mail.example.com/path", from}, faults: "smtp-url"},
		{flags: []string{"--smtp-url=mail.example.com:25", from}, faults: "smtp-url"},
		{flags: []string{"--smtp-url=smtp://mail.example.com:0", from}, faults: "smtp-url"},
		{flags: []string{"--smtp-url=smtp://jeton@mail.example.com", from}, faults: "smtp-password"},
		{flags: []string{"--smtp-url=smtp://mail.example.com", from}, environ: "JETON_SMTP_PASSWORD=canary", faults: "smtp-password"},
		{flags: []string{"--smtp-url=smtp://jeton:canary@mail.example.com", from}, environ: "JETON_SMTP_PASSWORD=canary", faults: "smtp-url"},
		{flags: []string{"--smtp-url=smtp://mail.example.com", "--mail-from=a@example.com\r\nBcc: b@example.com"}, faults: "mail-from"},
	} {
		c, err := load(t, tc.flags, []string{tc.environ})
		var got []string
		if err != nil {
			for line := range strings.SplitSeq(err.Error(), "\n") {
				name, _, _ := strings.Cut(line, ":")
				got = append(got, name)
			}
			if strings.Contains(err.Error(), "canary") {
				t.Errorf("%v: the error tells the password: %v", tc.flags, err)
			}
		}
		if strings.Join(got, " ") != tc.faults || err == nil && c.SMTP != tc.want {
			t.Errorf("%v %s: got %+v, %v, want %+v and faults of %q", tc.flags, tc.environ, c.SMTP, err, tc.want, tc.faults)
		}
	}
}

// TestSMTPString has the address of a server say what it was read of, its port included, and no more.
func TestSMTPString(t *testing.T) {
	for given, want := range map[string]string{
		"": "", "smtps://mail.example.com": "smtps://mail.example.com:465", "smtp://[::1]:2525": "smtp://[::1]:2525", "smtp://[::1]": "smtp://[::1]:25",
	} {
		var flags []string
		if given != "" {
			flags = []string{"--smtp-url=" + given, "--mail-from=jeton@example.com"}
		}
		c, err := load(t, flags, nil)
		if err != nil || c.SMTP.String() != want {
			t.Errorf("%q: got %q, %v, want %q", given, c.SMTP.String(), err, want)
		}
	}
}

// TestLanguages sets each language that there is.
func TestLanguages(t *testing.T) {
	if c, err := load(t, nil, nil); err != nil || c.Language != "en" {
		t.Errorf("got %q, %v, want English", c.Language, err)
	}
	for _, code := range append(codes(), "it", "EN", "") {
		c, err := load(t, []string{"--language=" + code}, nil)
		if ok := slices.Contains(codes(), code); (err == nil) != ok || ok && c.Language != code {
			t.Errorf("%q: got %q, %v", code, c.Language, err)
		}
	}
}

func codes() (all []string) {
	for _, w := range words.All() {
		all = append(all, w.Code())
	}
	return all
}
