package cli

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/jeton-io/jeton/client"
	"github.com/jeton-io/jeton/internal/app"
)

// client is the group of commands for background programs: they keep an API token on this machine, and get access tokens
// for it. The personal token and the passwords of the other commands play no part in them.
func (p *program) client() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "client COMMAND",
		Short: "Keep an API token, and get access tokens for it",
		Long: `Keep an API token on this machine, encrypted, and get access tokens for it.

An administrator makes the API token and hands it over once. It calls no API
itself: it is exchanged for access tokens, which are valid for some minutes.`,
		Example: "  jeton client login --url https://tokens.example.com < api.token\n  jeton client token",
	}
	cmd.AddCommand(p.clientLogin(), p.clientToken(), p.clientStatus(), p.clientLogout())
	return cmd
}

// at gives a command the flag that says which Jeton it is about. Each has its own, so that its help lists it.
func (p *program) at(cmd *cobra.Command, otherwise string) *cobra.Command {
	cmd.Flags().StringVar(&p.url, "url", "", "`URL` at which Jeton answers ("+varURL+"; "+otherwise+" if neither is given)")
	return cmd
}

// safe returns where API tokens are kept: a folder of the user's own, after the XDG base directory specification.
func (p *program) safe() (*safe, error) {
	config := p.vars["XDG_CONFIG_HOME"]
	if !strings.HasPrefix(config, "/") { // a relative one is to be ignored, says the specification
		if config = p.vars["HOME"]; config == "" {
			return nil, &fault{
				errors.New("no folder for settings"), "neither XDG_CONFIG_HOME nor HOME says where to keep the API token",
				"Set XDG_CONFIG_HOME to a folder that is this program's alone.",
			}
		}
		config += "/.config"
	}
	return &safe{dir: config + "/jeton", keyring: p.env.Keyring}, nil
}

// server returns the Jeton that a command is about: the one that is named, else the only one that there is a token for.
func (p *program) server(s *safe) (string, error) {
	if p.url != "" || p.vars[varURL] != "" {
		return canonical(p.baseURL()), nil
	}
	all, err := s.servers()
	switch {
	case err != nil:
		return "", err
	case len(all) == 0:
		return "", p.notLoggedIn("")
	case len(all) > 1:
		return "", &usageError{text: "there are API tokens for several: " + strings.Join(all, ", "), fix: "--url or " + varURL + " says which."}
	}
	p.url = all[0]
	return p.url, nil
}

// canonical returns a URL in the one spelling under which its token is kept. What is no URL stays: the SDK refuses it.
func canonical(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return text
	}
	u.Scheme, u.Host = strings.ToLower(u.Scheme), strings.ToLower(u.Host)
	return strings.TrimRight(u.String(), "/")
}

// notLoggedIn says that no token is kept, and how to keep one.
func (p *program) notLoggedIn(server string) error {
	where, flag := "", ""
	if server != "" {
		where, flag = " for "+server, " --url "+shellWord(server)
	}
	return &fault{errNotKept, "there is no API token" + where + " on this machine", p.env.Command + " client login" + flag + " keeps one."}
}

// tokenSource returns the source of access tokens for an API token. What the SDK refuses is a mistake in how the command was
// called; nothing was sent then.
func (p *program) tokenSource(cfg client.TokenSourceConfig) (*client.TokenSource, error) {
	cfg.UserAgent, cfg.Now = "jeton-cli/"+app.Version().Version, p.env.Now
	s, err := client.NewTokenSource(cfg)
	if bad, ok := errors.AsType[*client.ConfigError](err); ok {
		what := map[string]string{"BaseURL": "the URL of Jeton (--url or " + varURL + ")", "APIToken": "the API token", "Scopes": "the scopes of --scope"}
		return nil, &usageError{text: what[bad.Field] + " " + bad.Problem}
	}
	return s, err
}

// refusal tells of an exchange that Jeton refused, in words for whom has the token and not for who knows OAuth.
func (p *program) refusal(err error, server string, token client.Secret) error {
	if !errors.Is(err, client.ErrTokenRefused) {
		return err
	}
	if e, ok := errors.AsType[*client.OAuthError](err); ok && e.Code == "invalid_scope" {
		return &fault{err, "the API token gives no access token of these scopes", "Without --scope, it gives one of all that it has."}
	} else if ok && e.Code == "invalid_target" {
		return &fault{err, "the API token gives no access token for this --resource", "It is the URL of a service: https://, its host, its path."}
	}
	text := server + " refuses the API token: it is unknown, disabled, deleted or expired, or not for this address; which, it doesn't say"
	if c := readClaims(token); c.ended(p.env.Now()) {
		text = server + " refuses the API token: it expired at " + moment(c.expires)
	}
	return &fault{err, text, "An administrator can tell, and enable it or make another. Keep that by: " + p.env.Command + " client login --url " + shellWord(server)}
}

// claims are what an API token says of itself. Nobody has checked its signature here: they are shown, and decide nothing.
type claims struct {
	id      string
	expires time.Time // zero where it never does
	known   bool      // else the token could not be read
}

// readClaims reads the claims of a token, as far as it is what it should be. internal/jose would read them more strictly, but
// the command line stands on the SDK, as any other client does, and not on the server's inside; what is only shown
// needs no gate. Names are compared byte by byte: encoding/json, asked for "exp", would take "EXP".
func readClaims(token client.Secret) claims {
	segments := strings.Split(token.Reveal(), ".")
	if len(segments) != 3 {
		return claims{}
	}
	text, err := base64.RawURLEncoding.DecodeString(segments[1])
	var all map[string]json.RawMessage
	var c claims
	if err != nil || json.Unmarshal(text, &all) != nil || json.Unmarshal(all["jti"], &c.id) != nil {
		return claims{}
	}
	if exp, ok := all["exp"]; ok {
		seconds, err := strconv.ParseInt(string(exp), 10, 64)
		if err != nil {
			return claims{}
		}
		c.expires = time.Unix(seconds, 0).UTC()
	}
	c.known = true
	return c
}

// tokenType returns the "typ" of a signed token's header, without the prefix that may stand before it (RFC 7515, section
// 4.1.9); empty where none can be read. As with claims, it decides nothing but what is said.
func tokenType(token client.Secret) string {
	header, _, _ := strings.Cut(token.Reveal(), ".")
	text, err := base64.RawURLEncoding.DecodeString(header)
	var all map[string]json.RawMessage
	var typ string
	if err != nil || json.Unmarshal(text, &all) != nil || json.Unmarshal(all["typ"], &typ) != nil {
		return ""
	}
	return strings.TrimPrefix(strings.ToLower(typ), "application/")
}

// ended reports whether the token says that it has expired.
func (c claims) ended(now time.Time) bool { return !c.expires.IsZero() && !now.Before(c.expires) }

// life says until when the token is valid.
func (c claims) life(now time.Time) string {
	switch {
	case !c.known:
		return ""
	case c.expires.IsZero():
		return "never"
	case c.ended(now):
		return moment(c.expires) + " (expired)"
	}
	return moment(c.expires)
}
