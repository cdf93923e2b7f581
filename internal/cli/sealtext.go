package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/jeton-io/jeton/client"
	"github.com/jeton-io/jeton/internal/sealed"
)

// The parameters for which tokens are made.
const (
	securityParameter = "XST"
	userParameter     = "XUT"
)

// parameterFlag defines the flag that says for which parameter a token is.
func (p *program) parameterFlag(cmd *cobra.Command, to *string) {
	cmd.Flags().StringVar(to, "parameter", securityParameter, "for which it is: XST, the security token, or XUT, the user token; GCM binds it to that")
	p.complete(cmd, "parameter", securityParameter, userParameter)
}

// checkParameter refuses what is no parameter: GCM would bind the token to a name that no call has.
func checkParameter(name string) error {
	if name != securityParameter && name != userParameter {
		return &usageError{text: "--parameter is neither XST nor XUT"}
	}
	return nil
}

// plaintext is where a command gets the text that it seals: a file, stdin, or the flags that say what it is to say.
type plaintext struct {
	in                         string
	context, appID, appKeyFile string
	user, display, email       string
	form                       string
}

// builders are the flags that say what the text is to say.
var builders = []string{"context", "app-id", "app-key-file", "user", "display", "email", "form"}

func (t *plaintext) flags(p *program, cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&t.in, "in", "", "`FILE` of the plaintext; - for standard input")
	f.StringVar(&t.context, "context", "", "make a plaintext with this Context")
	f.StringVar(&t.appID, "app-id", "", "make a plaintext with this AppId")
	f.StringVar(&t.appKeyFile, "app-key-file", "", "make a plaintext with the AppKey in this `FILE`")
	f.StringVar(&t.user, "user", "", "make a plaintext with this UserName")
	f.StringVar(&t.display, "display", "", "make a plaintext with this Display, the user's name for people")
	f.StringVar(&t.email, "email", "", "make a plaintext with this Email")
	f.StringVar(&t.form, "form", "", "of such a plaintext: xml (if not given), json or form")
	p.complete(cmd, "form", "xml", "json", "form")
}

// check refuses flags that say two things, or nothing.
func (t *plaintext) check(cmd *cobra.Command) error {
	for _, flag := range builders {
		if err := exclusive(cmd, "in", flag); err != nil {
			return err
		}
	}
	switch t.form {
	case "", "xml", "json", "form":
		return nil
	}
	return &usageError{text: "--form is neither xml nor json nor form"}
}

// read returns the text: one that the flags describe, as of now, or that of a file or of stdin. One line break at its end is none of
// it, as an editor or echo writes it.
func (t *plaintext) read(ctx context.Context, cmd *cobra.Command, p *program, parameter string) (string, error) {
	switch {
	case anyChanged(cmd, builders...):
		return t.build(p, parameter)
	case t.in != "" && t.in != "-":
		f, err := os.Open(t.in)
		if err != nil {
			return "", fmt.Errorf("--in: %w", err)
		}
		defer func() { _ = f.Close() }()
		return readPlaintext(f, t.in)
	case t.in == "" && p.env.Hidden != nil:
		return "", &usageError{text: "no plaintext is given", fix: "Name its file with --in, or give --context and --app-key-file, or --user, for one to be made."}
	}
	return await(ctx, func() (string, error) { return readPlaintext(p.stdin, "standard input") })
}

// readPlaintext reads a text to its end.
func readPlaintext(from io.Reader, name string) (string, error) {
	b, err := io.ReadAll(io.LimitReader(from, sealed.MaxText+2)) // a line break, and one byte too much
	if err != nil {
		return "", fmt.Errorf("reading %s: %w", name, err)
	}
	text := strings.TrimSuffix(strings.TrimSuffix(string(b), "\n"), "\r")
	switch {
	case len(b) > sealed.MaxText+1 || len(text) > sealed.MaxText:
		return "", fmt.Errorf("%s is longer than %d bytes, which no token may be", name, sealed.MaxText)
	case text == "":
		return "", fmt.Errorf("%s is empty", name)
	case !utf8.ValidString(text):
		return "", fmt.Errorf("%s is not UTF-8", name)
	}
	return text, nil
}

// build makes a token as the product's documentation shows it, with the time of now.
func (t *plaintext) build(p *program, parameter string) (string, error) {
	var appKey client.Secret
	if t.appKeyFile != "" {
		var err error
		if appKey, err = p.secretFrom(t.appKeyFile, "--app-key-file"); err != nil {
			return "", err
		}
	}
	fields := []sealed.Field{
		{Name: "Context", Value: t.context},
		{Name: "AppId", Value: t.appID},
		{Name: "AppKey", Value: appKey.Reveal()},
		{Name: "GenDT", Value: p.env.Now().UTC().Format(time.RFC3339)},
		{Name: "UserName", Value: t.user},
		{Name: "Display", Value: t.display},
		{Name: "Email", Value: t.email},
	}
	said := fields[:0]
	for _, f := range fields {
		if !utf8.ValidString(f.Value) || strings.ContainsFunc(f.Value, unicode.IsControl) {
			return "", fmt.Errorf("the %s is no text of one line in UTF-8", f.Name)
		}
		if f.Value != "" {
			said = append(said, f)
		}
	}
	switch t.form {
	case "json":
		return writeJSON(said)
	case "form":
		return writeForm(said), nil
	default:
		return writeXML(said, parameter), nil
	}
}

// writeXML writes fields as the product's samples have them.
func writeXML(fields []sealed.Field, parameter string) string {
	root := "SecurityToken"
	if parameter == userParameter {
		root = "UserToken"
	}
	escape := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")
	var b strings.Builder
	fmt.Fprintf(&b, "<%s>\n", root)
	for _, f := range fields {
		fmt.Fprintf(&b, "    <%s>%s</%s>\n", f.Name, escape.Replace(f.Value), f.Name)
	}
	fmt.Fprintf(&b, "</%s>", root)
	return b.String()
}

// writeJSON writes fields as an object, in their order.
func writeJSON(fields []sealed.Field) (string, error) {
	members := make([]string, len(fields))
	for i, f := range fields {
		value, err := json.Marshal(f.Value)
		if err != nil {
			return "", err
		}
		members[i] = fmt.Sprintf("%q:%s", f.Name, value)
	}
	return "{" + strings.Join(members, ",") + "}", nil
}

// writeForm writes fields as a form, in their order.
func writeForm(fields []sealed.Field) string {
	pairs := make([]string, len(fields))
	for i, f := range fields {
		pairs[i] = f.Name + "=" + url.QueryEscape(f.Value)
	}
	return strings.Join(pairs, "&")
}
