package main

import (
	"slices"
	"strings"
	"testing"
)

func TestParseFlags(t *testing.T) {
	changed := func(s scale, change func(*scale)) scale {
		change(&s)
		return s
	}
	tests := []struct {
		args string
		want scale
	}{
		{"", full()},
		{"-quick", quick()},
		{"-quick -tokens 30000", changed(quick(), func(s *scale) { s.tokens, s.presented = 30_000, 30_000 })},
		{"-quick -presented 3000", changed(quick(), func(s *scale) { s.presented = 3_000 })},
		{"-quick -api-tokens 2000", changed(quick(), func(s *scale) { s.apiTokens = 2_000 })},
		{"-tokens 5000", changed(full(), func(s *scale) { s.tokens, s.presented, s.apiTokens = 5_000, 5_000, 5_000 })},
		{"-flood", changed(full(), func(s *scale) { s.only = onlyFlood })},
		{"-flood -quick", changed(quick(), func(s *scale) { s.only = onlyFlood })},
		{"-latency", changed(full(), func(s *scale) { s.only = onlyLatency })},
		{"-quick -body 2", changed(quick(), func(s *scale) { s.body = 2 << 20 })},
		{"-rounds 5 -seconds 2 -plot x.svg", changed(full(), func(s *scale) { s.rounds, s.seconds, s.plot = 5, 2, "x.svg" })},
	}
	for _, tt := range tests {
		got, err := parseFlags(strings.Fields(tt.args))
		if err != nil || got.scale != tt.want || got.compare != nil || got.growth != nil {
			t.Errorf("%s: got %+v, %v, want %+v", tt.args, got, err, tt.want)
		}
	}
	for _, args := range []string{ // each complains on standard error
		"-tokens 10", "-api-tokens 10", "-presented 10", "-rounds 0", "-body 0", "more", "-flood -latency", "-profile -growth",
		"-growth -sizes 10", "-growth -sizes many", "-growth -stores oracle", "-compare HEAD -flood", "-latency -into page.md", "-compare HEAD -into page.md",
	} {
		if got, err := parseFlags(strings.Fields(args)); err == nil {
			t.Errorf("%s: got %+v, want an error", args, got)
		}
	}
}

func TestParseOtherFlags(t *testing.T) {
	o, err := parseFlags(strings.Fields("-growth -sizes 1000,20000 -stores postgres -quick"))
	if err != nil || o.growth == nil || !slices.Equal(o.growth.sizes, []int{1000, 20_000}) || !slices.Equal(o.growth.stores, []string{onPostgres}) {
		t.Errorf("got %+v, %v, want the growth that was asked for", o, err)
	}
	o, err = parseFlags(strings.Fields("-compare HEAD~3 -bench Decide -packages ./internal/authority -count 2 -benchtime 1s"))
	if err != nil || o.compare == nil || *o.compare != (comparison{base: "HEAD~3", pattern: "Decide", packages: "./internal/authority", count: 2, time: "1s"}) {
		t.Errorf("got %+v, %v, want the comparison that was asked for", o, err)
	}
	if o, err := parseFlags([]string{"-profile"}); err != nil || !o.profile {
		t.Errorf("got %+v, %v, want the profile", o, err)
	}
}
