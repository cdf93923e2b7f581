package cli

import (
	"maps"
	"time"

	"github.com/spf13/cobra"
)

// assertion is what the flags of "platform assert" ask for.
type assertion struct {
	keyFile, secretFile, algorithm string
	platform, email                string
	issuer, audience               string
	keyID, id                      string
	life                           time.Duration
	grant                          bool
	out                            string
}

// platformAssert signs an assertion as the platform's own program does, for whoever writes that to compare. It asks nobody: key
// and assertion stay on this machine.
func (p *program) platformAssert() *cobra.Command {
	var a assertion
	cmd := &cobra.Command{
		Use:   "assert",
		Short: "Sign an assertion, to compare one's own with",
		Long: `Sign a right assertion with the platform's private key or shared secret, and
print it, alone, to stdout, or write it to the file that --out names, which only
you can read. With --output json, also its header, its claims, and the request
that presents it. No Jeton is asked for that.

Without --grant it is one for /api/v1/authenticate-jwt/{platform}, which holds
"email" and "expire". With --grant it is one for the jwt-bearer grant at
/oauth/token (RFC 7523): "iss" is the --platform, "aud" the --url, which is the
public URL of Jeton, "sub" the --email.`,
		Example: "  jeton platform assert --key-file partner.pem --email john@example.com --platform K7PX2MQA -o json\n" +
			"  jeton platform assert --key-file partner.pem --email john@example.com --platform K7PX2MQA --grant --url https://tokens.example.com --out assertion.jwt",
	}
	f := cmd.Flags()
	f.StringVar(&a.keyFile, "key-file", "", "`FILE` of the private key in PEM (PKCS#1 or PKCS#8)")
	f.StringVar(&a.secretFile, "secret-file", "", "`FILE` of the shared secret")
	f.StringVar(&a.algorithm, "algorithm", "", "RS512, RS384, RS256, HS512, HS384, HS256, ES256 or EdDSA; the first that the key can, if not given")
	f.StringVar(&a.email, "email", "", "e-mail of the user whom it is about")
	f.StringVar(&a.platform, "platform", "", "`CODE` or ID of the platform")
	f.BoolVar(&a.grant, "grant", false, "make one for the jwt-bearer grant at /oauth/token")
	f.StringVar(&a.issuer, "issuer", "", "what the platform calls itself in \"iss\", if that is not its code")
	f.StringVar(&a.audience, "audience", "", "what the platform calls Jeton in \"aud\", if that is not Jeton's URL")
	f.DurationVar(&a.life, "life", 5*time.Minute, "how long it counts, in whole seconds")
	f.StringVar(&a.id, "jti", "", "`ID` of its own, by which it counts once")
	f.StringVar(&a.keyID, "kid", "", "`ID` of the key")
	f.StringVar(&a.out, "out", "", "write the assertion to this `FILE`, in place of what it holds")
	p.complete(cmd, "algorithm", algorithms...)
	cmd.RunE = p.run(func(cmd *cobra.Command, _ []string) error {
		if err := a.check(cmd, p.url != "" || p.vars[varURL] != ""); err != nil {
			return err
		}
		return p.assert(&a)
	})
	return cmd
}

// check refuses flags of which no assertion can be made. The grant's is good for one Jeton, which must be named.
func (a *assertion) check(cmd *cobra.Command, atURL bool) error {
	if err := exclusive(cmd, "key-file", "secret-file"); err != nil {
		return err
	}
	switch {
	case a.keyFile == "" && a.secretFile == "":
		return &usageError{text: nameOf(cmd) + " lacks --key-file or --secret-file"}
	case a.email == "":
		return lacks(cmd, "email")
	case a.grant && a.platform == "" && a.issuer == "":
		return &usageError{text: nameOf(cmd) + " lacks --platform, which is the \"iss\" of a grant"}
	case a.grant && !atURL && a.audience == "":
		return &usageError{text: nameOf(cmd) + " lacks --url, which is the \"aud\" of a grant"}
	case a.life < time.Second || a.life%time.Second != 0:
		return &usageError{text: "--life is no time of whole seconds, as 5m"}
	}
	return nil
}

// assert signs the assertion and delivers it.
func (p *program) assert(a *assertion) error {
	key, err := a.key(p)
	if err != nil {
		return err
	}
	to, err := p.outlet(a.out)
	if err != nil {
		return err
	}
	defer to.close()
	base := canonical(p.baseURL())
	end := p.env.Now().Add(a.life).Unix()
	header, claims := a.header(key.algorithm), a.claims(base, end)
	text, err := key.assert(header, claims)
	if err != nil {
		return err
	}
	shown := text.Reveal()
	if a.out != "" {
		shown = "ASSERTION" // it is in the file alone
	}
	all := map[string]any{"header": header, "claims": claims, "request": requestOf(base, orElse(a.platform, "{platform}"), shown, a.grant)}
	if a.out == "" {
		all["assertion"] = text.Reveal()
	}
	if err := to.deliver(all, text.Reveal(), ""); err != nil || a.out == "" {
		return err
	}
	return p.show(all, func() {
		p.say("Wrote the assertion to %s. It counts until %s.", to.path, moment(time.Unix(end, 0)))
	})
}

// header returns the header of the assertion (RFC 7515, section 4.1).
func (a *assertion) header(algorithm string) map[string]any {
	return spoken(map[string]any{"alg": algorithm, "typ": "JWT", "kid": a.keyID})
}

// claims returns what the assertion says, in one of its two forms. What needn't be said is said only where a flag asks for it:
// the fewer claims, the fewer to compare.
func (a *assertion) claims(base string, end int64) map[string]any {
	if a.grant {
		return spoken(map[string]any{
			"iss": orElse(a.issuer, a.platform), "sub": a.email, "aud": orElse(a.audience, base), "exp": end, "jti": a.id,
		})
	}
	return spoken(map[string]any{"iss": a.issuer, "email": a.email, "aud": a.audience, "expire": end, "jti": a.id})
}

// spoken leaves out what is empty.
func spoken(members map[string]any) map[string]any {
	maps.DeleteFunc(members, func(_ string, value any) bool { return value == "" })
	return members
}

// key reads the key that signs.
func (a *assertion) key(p *program) (assertionKey, error) {
	if a.secretFile != "" {
		secret, err := p.secretFrom(a.secretFile, "--secret-file")
		if err != nil {
			return assertionKey{}, err
		}
		return secretKey(secret, a.algorithm)
	}
	text, err := readKeyFile(a.keyFile, "--key-file")
	if err != nil {
		return assertionKey{}, err
	}
	return privateKey(text, a.algorithm)
}
