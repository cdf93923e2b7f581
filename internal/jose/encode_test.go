package jose_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/jeton-io/jeton/internal/jose"
)

// awkward are texts that JSON spells in another way than they are.
var awkward = []string{
	"", "plain", `"`, `\`, "\x00\x1f\x7f", "\t\n\r\b\f", "<script>&amp;</script>", "é😀", "\u2028\u2029", "\xff", "a\xc3", "\ufffd", "ſ\u212a",
	"0123456789012345678901234567890123456789\"", "reports.read reports.write",
}

// FuzzAppendText holds a text to the bytes of encoding/json.
func FuzzAppendText(f *testing.F) {
	for _, text := range awkward {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		want, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := jose.AppendText([]byte("before"), text); string(got) != "before"+string(want) {
			t.Errorf("%q: got %s, want before%s", text, got, want)
		}
	})
}

// claimSetInJSON is a ClaimSet as encoding/json has it.
type claimSetInJSON struct {
	Issuer   string  `json:"iss"`
	Subject  string  `json:"sub"`
	Audience any     `json:"aud"`
	ClientID string  `json:"client_id,omitempty"`
	Cred     string  `json:"cred,omitempty"`
	Scope    *string `json:"scope,omitempty"`
	ID       string  `json:"jti"`
	IssuedAt int64   `json:"iat"`
	Expires  *int64  `json:"exp,omitempty"`
}

// FuzzClaimSet holds a set of claims to the bytes of encoding/json.
func FuzzClaimSet(f *testing.F) {
	for _, text := range awkward {
		f.Add("https://tokens.example.com", "sub", "aud", "", "client", "", text, "jti", int64(1772362800), int64(1772363100), uint8(1))
		f.Add(text, text, text, text, text, text, text, text, int64(-1), int64(0), uint8(2))
	}
	f.Fuzz(func(t *testing.T, issuer, subject, audience, another, client, cred, scope, id string, issued, expires int64, which uint8) {
		c := jose.ClaimSet{
			Issuer: issuer, Subject: subject, Audience: []string{audience}, ClientID: client, Credential: cred, ID: id,
			IssuedAt: time.Unix(issued, 0), Expires: time.Unix(expires, 0),
		}
		want := claimSetInJSON{Issuer: issuer, Subject: subject, Audience: audience, ClientID: client, Cred: cred, ID: id, IssuedAt: issued, Expires: &expires}
		if which&1 != 0 {
			c.Scope, want.Scope = &scope, &scope
		}
		if which&2 != 0 {
			c.Audience, want.Audience = append(c.Audience, another), []string{audience, another}
		}
		if which&4 != 0 {
			c.Never, c.Expires, want.Expires = true, time.Time{}, nil
		}
		got, err := c.Encode()
		if err != nil {
			if issuer != "" && subject != "" && id != "" && !c.IssuedAt.IsZero() && c.Expires.IsZero() == c.Never {
				t.Errorf("got %v for a whole set", err)
			}
			return
		}
		text, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != string(text) {
			t.Errorf("got  %s\nwant %s", got, text)
		}
	})
}

// identityInJSON are IdentityClaims as encoding/json has them.
type identityInJSON struct {
	Issuer            string   `json:"iss"`
	Audience          string   `json:"aud"`
	Subject           string   `json:"sub"`
	IssuedAt          int64    `json:"iat"`
	Expires           int64    `json:"exp"`
	PreferredUsername string   `json:"preferred_username"`
	Name              string   `json:"name,omitempty"`
	Email             string   `json:"email,omitempty"`
	Groups            []string `json:"groups"`
	CredentialKind    string   `json:"credential_kind"`
	CredentialID      string   `json:"credential_id"`
	Scope             *string  `json:"scope,omitempty"`
}

// TestIdentityClaimsAsJSON holds identity claims to the bytes of encoding/json, with each of the awkward texts in every place.
func TestIdentityClaimsAsJSON(t *testing.T) {
	issued, expires := time.Unix(1772362800, 999), time.Unix(1772363100, 0)
	for _, text := range awkward {
		for _, groups := range [][]string{nil, {text}, {"admin", text, "partner"}} {
			for _, scope := range []*string{nil, &text} {
				named := "x" + text // what must not be empty
				c := jose.IdentityClaims{
					Issuer: named, Audience: named, Subject: named, PreferredUsername: named, Name: text, Email: text, Groups: groups,
					CredentialKind: named, CredentialID: named, Scope: scope, IssuedAt: issued, Expires: expires,
				}
				got, err := c.Encode()
				if err != nil {
					t.Fatal(err)
				}
				want, err := json.Marshal(identityInJSON{
					named, named, named, issued.Unix(), expires.Unix(), named, text, text, append([]string{}, groups...), named, named, scope,
				})
				if err != nil {
					t.Fatal(err)
				}
				if string(got) != string(want) {
					t.Errorf("%q: got  %s\nwant %s", text, got, want)
				}
			}
		}
	}
}
