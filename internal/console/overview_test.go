package console_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/jose"
	"github.com/jeton-io/jeton/internal/keyring"
	"github.com/jeton-io/jeton/internal/platform"
)

const overviewRoute = "/console/administration"

// TestOverview looks at a desk that needs nothing but a beginning, and at one that needs a good deal.
func TestOverview(t *testing.T) {
	d := newDesk(t)
	b := d.admin(t)
	a := b.want(t, ask{route: "GET " + overviewRoute}, 200)
	checkPage(t, "overview", a.node)
	if got := a.all(".attention li"); len(got) != 1 || !strings.Contains(got[0].text(), "Describe the first service") {
		t.Errorf("got %d needs of an empty desk, want its first step", len(got))
	}
	d.user(t, account.Draft{Username: "ExternalApp"})
	for n, days := range []int{90, 3, 6, 30, 1} {
		b.want(t, ask{route: "POST " + tokensRoute, form: form("name", "t"+strconv.Itoa(n), "days", strconv.Itoa(days), "user", "ExternalApp")}, 200)
	}
	_, _, err := d.inside.Platforms.Enrol(t.Context(), platform.Draft{Name: "Portal", Algorithm: jose.RS256}, audit.Actor{})
	check(t, err)
	a = b.want(t, ask{route: "GET " + overviewRoute}, 200)
	text := a.one(t, ".attention").text()
	if !strings.Contains(text, "3 Web Service Tokens end within 7 days.") {
		t.Errorf("got the needs %q, want the three tokens, and not the one of 30 days that was just made", text)
	}
	if got := fmt.Sprint(rows(a.node)); !strings.Contains(got, "t4") {
		t.Errorf("got the rows %s", got)
	}
	var ending []string
	for _, row := range a.all("table.rows tbody th") {
		ending = append(ending, row.text())
	}
	if got := strings.Join(ending, " "); got != "t4 t1 t2" {
		t.Errorf("got %q ending, want the soonest first", got)
	}
	d.pass(t, 85*24*time.Hour)
	b.logIn(t, "admin")
	text = b.want(t, ask{route: "GET " + overviewRoute}, 200).one(t, ".attention").text()
	if !strings.Contains(text, "The signing key of Web Service Tokens grows old") {
		t.Errorf("got the needs %q, want the old key", text)
	}
	d.pass(t, 6*24*time.Hour)
	b.logIn(t, "admin")
	if text = b.want(t, ask{route: "GET " + overviewRoute}, 200).one(t, ".attention").text(); !strings.Contains(text, "is too old") {
		t.Errorf("got the needs %q, want the key that is too old", text)
	}
	_, err = d.inside.Keyring.RotateSigningKey(t.Context(), keyring.ForAPITokens, jose.RS256, audit.Actor{})
	check(t, err)
	if text = b.want(t, ask{route: "GET " + overviewRoute}, 200).one(t, ".attention").text(); strings.Contains(text, "key") {
		t.Errorf("got the needs %q, want none of a key that is new", text)
	}
}

// TestOverviewPlots counts what was issued and refused by the hour, and nothing that is older.
func TestOverviewPlots(t *testing.T) {
	d := newDesk(t)
	b := d.admin(t)
	d.refusals.Add(audit.Refusal{Reason: "expired"}, d.clock().Add(-24*time.Hour)) // an hour too early
	for range 5 {
		d.refusals.Add(audit.Refusal{Reason: "bad_checksum"}, d.clock().Add(-23*time.Hour))
	}
	for range 10 {
		d.refusals.Add(audit.Refusal{Reason: "expired"}, d.clock())
	}
	d.written(t)
	b.want(t, ask{route: "POST " + tokensRoute, form: form("name", "t", "days", "90", "user", "admin")}, 200)
	a := b.want(t, ask{route: "GET " + overviewRoute}, 200)
	checkPage(t, "overview", a.node)
	plots := a.all("svg[role=img]")
	want := []string{"Issued in the last 24 hours, by hour: 1 together, at most 1 in an hour.", "Refused in the last 24 hours, by hour: 15 together, at most 10 in an hour."}
	for n, plot := range plots {
		if got := plot.attribute("aria-label"); got != want[n] {
			t.Errorf("got %q, want %q", got, want[n])
		}
	}
	bars := plots[1].all("rect")
	if len(bars) != 3 || bars[0].attribute("x") != "1" || bars[0].attribute("height") != "30" || bars[1].attribute("x") != "231" || bars[1].attribute("height") != "60" {
		t.Errorf("got %d bars, want one for the first and one twice as high for the last hour, on a base", len(bars)-1)
	}
	hours := a.all(".numbers tbody tr")
	if len(hours) != 24 || !strings.HasSuffix(hours[0].text(), "UTC 0 5") || !strings.HasSuffix(hours[23].text(), "UTC 1 10") {
		t.Errorf("got %d hours, the first %q, the last %q", len(hours), hours[0].text(), hours[23].text())
	}
	if got := a.one(t, ".reasons").text(); got != "10 The credential has expired. expired 5 The token was mistyped or cut. bad_checksum" {
		t.Errorf("got the reasons %q, want the most frequent first", got)
	}
	if len(a.all("main .notice")) != 0 {
		t.Error("got told that events are missing, and none is")
	}
}

// TestOverviewIsBounded has more events in the day than are read, and is told so.
func TestOverviewIsBounded(t *testing.T) {
	d := newDesk(t)
	b := d.admin(t)
	var many []audit.Event
	for n := range 5400 {
		e := audit.New(audit.SessionTokenCreate, audit.Actor{}, audit.Target{}, d.clock().Add(time.Duration(n-5400)*10*time.Second))
		e.MergeKey = strconv.Itoa(n)
		many = append(many, e)
	}
	check(t, d.store.AppendRefusals(t.Context(), many))
	began := time.Now()
	a := b.want(t, ask{route: "GET " + overviewRoute}, 200)
	t.Logf("took %v", time.Since(began))
	if got := a.one(t, "main .notice").text(); !strings.Contains(got, "newest 5,000 events") {
		t.Errorf("got told %q, want the bound", got)
	}
	if got := a.all(".plot strong")[0].text(); got != "5,000" {
		t.Errorf("got %s issued, want as many as were read", got)
	}
}
