package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/client"
)

// clientKey is the group of commands about the keys by which assertions of a service account are checked.
func (p *program) clientKey() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "client-key COMMAND",
		Short: "Manage the public keys of a service account",
		Long: `Manage the public keys of a service account, by which its signed assertions
(private_key_jwt) are checked at the OAuth endpoints. The private half stays
with the program.`,
		Example: "  jeton user client-key create robot --public-key robot.pem",
	}
	cmd.AddCommand(p.clientKeyCreate(), p.clientKeyList(), p.clientKeyDelete())
	return cmd
}

// clientKeyCreate adds a key out of a file, or the address of a set.
func (p *program) clientKeyCreate() *cobra.Command {
	var draft api.NewClientKey
	var file string
	cmd := &cobra.Command{
		Use:     "create USER",
		Short:   "Add a public key, or the address of a set of keys",
		Example: "  jeton user client-key create robot --public-key robot.pem\n  jeton user client-key create robot --jwks-uri https://robot.example.com/jwks.json",
	}
	f := cmd.Flags()
	f.StringVar(&file, "public-key", "", "`FILE` of the public key in PEM")
	f.StringVar(&draft.JWKSURI, "jwks-uri", "", "https `URL` of a JWK Set")
	f.StringVar(&draft.Algorithm, "algorithm", "", "RS256, RS384, RS512, PS256, PS384, PS512, ES256 or EdDSA; what the key is, if not given")
	p.complete(cmd, "algorithm", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "EdDSA")
	cmd.RunE = p.run(func(cmd *cobra.Command, args []string) (err error) {
		if err := exclusive(cmd, "public-key", "jwks-uri"); err != nil {
			return err
		}
		switch {
		case file == "" && draft.JWKSURI == "":
			return &usageError{text: nameOf(cmd) + " lacks --public-key or --jwks-uri"}
		case file != "":
			if draft.PublicKey, err = readPublicKey(file); err != nil {
				return err
			}
		}
		return p.ask(func(ctx context.Context, c *client.Client, args []string) error {
			key, err := c.CreateClientKey(ctx, args[0], draft)
			if err != nil {
				return noUser(err, args[0])
			}
			return p.show(key, func() { p.say("Added the client key %s to %s.", key.ID, args[0]) })
		})(cmd, args)
	})
	return cmd
}

// maxKeyFile bounds the file of a key, in bytes: a private RSA key of 4096 bits takes 3,300.
const maxKeyFile = 64 << 10

// readPublicKey reads the file of a key. One that holds a private key stays on this machine: it would be refused, and be
// known to another.
func readPublicKey(path string) (string, error) {
	text, err := readKeyFile(path, "--public-key")
	if err == nil && bytes.Contains(text, []byte("PRIVATE KEY")) {
		err = &usageError{text: "--public-key names a private key", fix: "Give its public half: openssl pkey -in KEY -pubout."}
	}
	return string(text), err
}

// readKeyFile reads the file of a key that a flag names.
func readKeyFile(path, flag string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", flag, err)
	}
	defer func() { _ = f.Close() }()
	text, err := io.ReadAll(io.LimitReader(f, maxKeyFile+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", flag, err)
	case len(text) > maxKeyFile:
		return nil, errors.New(flag + ": the file is far longer than any key")
	case len(bytes.TrimSpace(text)) == 0: // as openssl leaves it where it failed
		return nil, errors.New(flag + ": " + path + " is empty")
	}
	return text, nil
}

// clientKeyList prints the keys of a service account. Their text is for --output json.
func (p *program) clientKeyList() *cobra.Command {
	return &cobra.Command{
		Use:     "list USER",
		Short:   "List the client keys of a service account, and when they were last used",
		Example: "  jeton user client-key list robot\n  jeton user client-key list robot --output json",
		RunE: p.ask(func(ctx context.Context, c *client.Client, args []string) error {
			keys, err := collect(c.ClientKeys(ctx, args[0]), 0)
			if err != nil {
				return noUser(err, args[0])
			}
			return p.show(keys, func() {
				rows := make([][]string, len(keys))
				for i, k := range keys {
					rows[i] = []string{k.ID, orElse(k.Algorithm, k.JWKSURI), moment(k.CreatedAt), orElse(moment(k.LastUsedAt), "never"), k.LastUsedIP}
				}
				p.table([]string{"ID", "KEY", "CREATED", "LAST USED", "FROM"}, rows)
			})
		}),
	}
}

// clientKeyDelete deletes without asking back: see serviceDelete.
func (p *program) clientKeyDelete() *cobra.Command {
	return &cobra.Command{
		Use:     "delete USER ID",
		Short:   "Delete a client key and the access tokens that were got with it, for good",
		Example: "  jeton user client-key delete robot 0190a6f0-0000-7000-8000-000000000000",
		RunE: p.ask(func(ctx context.Context, c *client.Client, args []string) error {
			if err := c.DeleteClientKey(ctx, args[0], args[1]); err != nil {
				return noClientCredential(err, "client-key", args[0], args[1])
			}
			p.say("Deleted the client key %s.", args[1])
			return nil
		}),
	}
}
