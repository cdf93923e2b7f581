package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/client"
)

// platformSettings are the flags that create and update share.
type platformSettings struct {
	draft api.NewPlatform
	life  time.Duration
}

// maxLife is the longest --max-life.
const maxLife = 24 * time.Hour

func (s *platformSettings) flags(p *program, cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&s.draft.Algorithm, "algorithm", "", "RS512 (if not given), RS384, RS256, HS512, HS384, HS256, ES256 or EdDSA: the one by which it signs")
	f.StringVar(&s.draft.Issuer, "issuer", "", "what it calls itself in \"iss\", beside code and ID; assertions must then have one")
	f.StringVar(&s.draft.Audience, "audience", "", "what it calls Jeton in \"aud\", beside Jeton's URLs; assertions must then have one")
	f.StringSliceVar(&s.draft.SpeaksFor, "speaks-for", nil, "for whom it may speak: all (if not given), role:NAME or user:NAME; may be given several times")
	f.BoolVar(&s.draft.Administrators, "administrators", false, "let it speak for administrators among them, too")
	f.BoolVar(&s.draft.CreateUsers, "create-users", false, "make a user of an e-mail that nobody has")
	f.StringSliceVar(&s.draft.NewUserRoles, "new-user-role", nil, "role of such a user; may be given several times")
	f.DurationVar(&s.life, "max-life", 15*time.Minute, "how far ahead the end of an assertion may lie: 24h at most")
	f.BoolVar(&s.draft.OneTime, "one-time", false, "let each assertion count once")
	p.complete(cmd, "algorithm", algorithms...)
}

// read completes the draft, or refuses a value that nobody can have meant. That of a script's empty variable would else have a
// platform speak for others than it should.
func (s *platformSettings) read(cmd *cobra.Command) error {
	if cmd.Flags().Changed("speaks-for") && len(s.draft.SpeaksFor) == 0 {
		return &usageError{text: "--speaks-for is empty", fix: "Give all, role:NAME or user:NAME; to have it speak for nobody, disable it."}
	}
	switch {
	case s.life < time.Second || s.life%time.Second != 0:
		return &usageError{text: "--max-life is no time of whole seconds, as 15m"}
	case s.life > maxLife:
		return &usageError{text: "--max-life is longer than a day", fix: "Let the platform sign an assertion when it needs one, as with 15m."}
	}
	if cmd.Flags().Changed("max-life") {
		s.draft.MaxAssertionSeconds = int(s.life / time.Second)
	}
	return nil
}

// platformKeySource are the flags that say what the key of a platform is. Without any, Jeton makes one.
type platformKeySource struct{ publicKey, jwksURI, secretFile, keyID, out string }

func (k *platformKeySource) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&k.publicKey, "public-key", "", "`FILE` of its public key in PEM")
	f.StringVar(&k.jwksURI, "jwks-uri", "", "https `URL` of its JWK Set")
	f.StringVar(&k.secretFile, "secret-file", "", "`FILE` of the secret that it shares, for HS512, HS384 and HS256")
	f.StringVar(&k.keyID, "kid", "", "`ID` by which it names the key, if it does")
	f.StringVar(&k.out, "out", "", "write what is made for it to this `FILE`, in place of what it holds")
}

// read returns the key as a request has it.
func (k *platformKeySource) read(cmd *cobra.Command, p *program) (key api.NewPlatformKey, err error) {
	if err := exclusive(cmd, "public-key", "jwks-uri", "secret-file", "out"); err != nil {
		return key, err
	}
	for _, flag := range []string{"public-key", "jwks-uri", "secret-file"} { // else Jeton would make one
		if cmd.Flags().Changed(flag) && cmd.Flags().Lookup(flag).Value.String() == "" {
			return key, &usageError{text: "--" + flag + " is empty"}
		}
	}
	key.JWKSURI, key.KeyID = k.jwksURI, k.keyID
	if k.publicKey != "" {
		key.PublicKey, err = readPublicKey(k.publicKey)
	}
	if k.secretFile != "" {
		var secret client.Secret
		secret, err = p.secretFrom(k.secretFile, "--secret-file")
		key.Secret = secret.Reveal()
	}
	return key, err
}

// made is what Jeton made for a platform and shows once: the kind of it, and its text; empty where the key is the platform's
// own.
func made(privateKey, secret string) (what, text string) {
	switch {
	case privateKey != "":
		return "private key", privateKey
	case secret != "":
		return "secret", secret
	}
	return "", ""
}

// platformCreate enrols a platform. Its own public key is what is recommended: then the private one is nowhere but there.
func (p *program) platformCreate() *cobra.Command {
	var settings platformSettings
	var source platformKeySource
	var disabled bool
	cmd := &cobra.Command{
		Use:   "create NAME",
		Short: "Enrol a platform, with its own key or one that is made for it",
		Long: `Enrol a platform: from then on it logs its users in. Its own public key, in a
file or at an address, is recommended. Without one, Jeton makes a pair of keys
(or a secret, where --algorithm is HS512, HS384 or HS256) and prints the
platform's part, alone, to stdout, or writes it to the file that --out names,
which only you can read. Nobody can show it again.

It speaks for administrators only with --administrators, and for unknown
e-mails only with --create-users.`,
		Example: "  jeton platform create Partner --public-key partner.pub.pem --speaks-for role:partner\n" +
			"  jeton platform create Portal --one-time --out portal.pem",
	}
	settings.flags(p, cmd)
	source.flags(cmd)
	cmd.Flags().BoolVar(&disabled, "disabled", false, "enrol it disabled")
	cmd.RunE = p.run(func(cmd *cobra.Command, args []string) error {
		if err := settings.read(cmd); err != nil {
			return err
		}
		key, err := source.read(cmd, p)
		if err != nil {
			return err
		}
		draft := settings.draft
		draft.Name, draft.PublicKey, draft.JWKSURI, draft.Secret, draft.KeyID = args[0], key.PublicKey, key.JWKSURI, key.Secret, key.KeyID
		if disabled {
			draft.Enabled = api.Some(false)
		}
		return p.ask(func(ctx context.Context, c *client.Client, _ []string) error {
			return p.enrol(ctx, c, draft, source.out)
		})(cmd, args)
	})
	return cmd
}

// enrol makes the platform and delivers what was made for it.
func (p *program) enrol(ctx context.Context, c *client.Client, draft api.NewPlatform, out string) error {
	to, err := p.outlet(out)
	if err != nil {
		return err
	}
	defer to.close()
	pl, err := c.CreatePlatform(ctx, draft)
	if err != nil {
		fix := "the platform is enrolled: jeton platform list shows its code."
		if draft.PublicKey+draft.JWKSURI+draft.Secret == "" {
			fix = "the platform is enrolled, and what was made for it is lost: jeton platform list shows its code, by which you delete it."
		}
		return lost(err, fix)
	}
	what, text := made(pl.PrivateKey, pl.Secret)
	if text == "" {
		return p.show(pl, func() {
			p.say("Enrolled the platform %s. Its code is %s.", pl.Name, pl.Code)
			if draft.JWKSURI != "" {
				p.say("Its keys are read with its first assertion: jeton platform explain %s tries one.", pl.Code)
			}
		})
	}
	otherwise := "The platform was enrolled and its " + what + " is lost: delete " + pl.Code + ", and enrol it again."
	if err := to.deliver(pl, unended(text), otherwise); err != nil {
		return err
	}
	to.tell("the "+what+" of the platform "+pl.Name, "This "+what+" is shown once: hand it over, and keep no copy.", "The code of the platform is "+pl.Code+".")
	if out == "" {
		return nil
	}
	return p.show(pl.Platform, func() {})
}

// platformUpdate sends a merge patch of exactly those members whose flags were given (RFC 7396).
func (p *program) platformUpdate() *cobra.Command {
	var s platformSettings
	cmd := &cobra.Command{
		Use:   "update CODE",
		Short: "Change a platform: for whom it speaks, and how",
		Long: `Change a platform. What no flag names stays as it is; --speaks-for and
--new-user-role replace all that there are; an empty --issuer, --audience or
--new-user-role leaves none; --create-users=false takes back what
--create-users allows.

Where it may speak for fewer than before, the sessions that it has got end.
--algorithm changes that of its living keys of the same sort.`,
		Example: "  jeton platform update K7PX2MQA --speaks-for role:partner --max-life 5m --one-time\n" +
			"  jeton platform update K7PX2MQA --administrators=false",
	}
	s.flags(p, cmd)
	cmd.Flags().StringVar(&s.draft.Name, "name", "", "new name")
	cmd.RunE = p.run(func(cmd *cobra.Command, args []string) error {
		if err := s.read(cmd); err != nil {
			return err
		}
		if !anyChanged(cmd, "name", "algorithm", "issuer", "audience", "speaks-for", "administrators", "create-users", "new-user-role", "max-life", "one-time") {
			return &usageError{text: "there is nothing to change"}
		}
		patch := s.patch(cmd)
		return p.ask(func(ctx context.Context, c *client.Client, args []string) error {
			pl, err := c.UpdatePlatform(ctx, args[0], client.AnyVersion, patch)
			if err != nil {
				return noPlatform(err, args[0])
			}
			return p.show(pl, func() { p.fields(platformFields(pl)...) })
		})(cmd, args)
	})
	return cmd
}

// patch returns the change that the flags ask for.
func (s *platformSettings) patch(cmd *cobra.Command) api.PlatformPatch {
	d := s.draft
	return api.PlatformPatch{
		Name: optional(cmd, "name", d.Name), Algorithm: optional(cmd, "algorithm", d.Algorithm),
		Issuer: optional(cmd, "issuer", d.Issuer), Audience: optional(cmd, "audience", d.Audience),
		SpeaksFor:      given(cmd, "speaks-for", d.SpeaksFor),
		Administrators: given(cmd, "administrators", d.Administrators), CreateUsers: given(cmd, "create-users", d.CreateUsers),
		NewUserRoles:        given(cmd, "new-user-role", append([]string{}, d.NewUserRoles...)), // not null where there are none
		MaxAssertionSeconds: given(cmd, "max-life", d.MaxAssertionSeconds), OneTime: given(cmd, "one-time", d.OneTime),
	}
}

// given returns the member of a merge patch that a flag stands for: absent where the flag wasn't given.
func given[T any](cmd *cobra.Command, flag string, value T) api.Optional[T] {
	if !cmd.Flags().Changed(flag) {
		return api.Optional[T]{}
	}
	return api.Some(value)
}
