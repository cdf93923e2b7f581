package cli_test

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"

	wire "github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/client"
	"github.com/jeton-io/jeton/internal/cli"
	codec "github.com/jeton-io/jeton/internal/sealed"
)

// sealKey is the text of a key of 32 bytes.
const sealKey = "CANARY0123456789CANARY0123456789"

// sealing runs seal or unseal with the key in a file, and reads what it prints as JSON.
func sealing(t *testing.T, stdin string, args ...string) (wire.SealedText, result) {
	t.Helper()
	args = append(args, "--key-file", textFile(t, sealKey+"\n"), "-o", "json")
	got := run(t, cli.Env{Stdin: strings.NewReader(stdin)}, args...)
	var text wire.SealedText
	if got.code == 0 {
		if err := json.Unmarshal([]byte(got.stdout), &text); err != nil {
			t.Fatalf("%q: %v", got.stdout, err)
		}
	}
	return text, got
}

// TestSeal opens with the standard library what seal has sealed, by the settings that each client of old has.
func TestSeal(t *testing.T) {
	const plain = "<token><UserName>amy</UserName></token>"
	hashed := sha256.Sum256([]byte(sealKey))
	derived, err := pbkdf2.Key(sha1.New, sealKey, []byte("saltsalt"), 1000, 24)
	if err != nil {
		t.Fatal(err)
	}
	const utf16 = "@\x001\x00B\x002\x00c\x003\x00D\x004\x00"
	for _, tt := range []struct {
		line string
		key  []byte
		iv   string // empty for ECB
	}{
		{"--mode CBC", hashed[:], utf16},
		{"--mode= --key-size= --padding=", hashed[:], utf16},
		{"--mode CBC --key-size 196 --iv-expansion double", hashed[:24], "@1B2c3D4@1B2c3D4"},
		{"--mode CBC --key-size 128 --iv-expansion zero", hashed[:16], "@1B2c3D4\x00\x00\x00\x00\x00\x00\x00\x00"},
		{"--mode CBC --key-derivation raw --iv 12345678", []byte(sealKey), "1\x002\x003\x004\x005\x006\x007\x008\x00"},
		{"--mode CBC --iv-expansion full --iv 0123456789abcdef", hashed[:], "0123456789abcdef"},
		{"--mode ECB", hashed[:], ""},
		{"--mode ECB --key-size 192 --key-derivation pbkdf2 --salt saltsalt --hash SHA1 --iterations 1000", derived, ""},
	} {
		text, got := sealing(t, plain+"\n", append([]string{"seal"}, strings.Fields(tt.line)...)...)
		got.want(t, 0, codec.ForgeableWarning)
		if text.Plaintext != plain || text.URL != url.QueryEscape(text.Base64) {
			t.Errorf("%s: got %+v, want the steps of %s", tt.line, text, plain)
		}
		raw, err := base64.StdEncoding.DecodeString(text.Base64)
		if err != nil || len(raw)%aes.BlockSize != 0 {
			t.Fatalf("%s: got %q, %v", tt.line, text.Base64, err)
		}
		block, err := aes.NewCipher(tt.key)
		if err != nil {
			t.Fatal(err)
		}
		if tt.iv != "" {
			cipher.NewCBCDecrypter(block, []byte(tt.iv)).CryptBlocks(raw, raw)
		} else {
			for at := 0; at < len(raw); at += aes.BlockSize {
				block.Decrypt(raw[at:], raw[at:])
			}
		}
		if opened := string(raw[:len(raw)-int(raw[len(raw)-1])]); opened != plain {
			t.Errorf("%s: got %q, want %q", tt.line, opened, plain)
		}
	}
}

// TestUnsealHostile: what a stranger's token says is shown, and not obeyed by the terminal, in JSON either.
func TestUnsealHostile(t *testing.T) {
	const plain = "UserName=\x1b]0;owned\x07\u009b31m\u202eyma\x7f\U000e0001"
	text, _ := sealing(t, plain, "seal")
	for _, form := range []string{"text", "json"} {
		got := run(t, cli.Env{Stdin: strings.NewReader(text.URL)}, "unseal", "--key-file", textFile(t, sealKey), "-o", form)
		if printed := got.stdout + got.stderr; got.code != 0 || strings.ContainsFunc(printed, func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }) {
			t.Errorf("%s: got %d and %q, want what a terminal prints", form, got.code, printed)
		}
	}
	if opened, _ := sealing(t, text.URL, "unseal"); opened.Plaintext != plain {
		t.Errorf("got %q, want %q", opened.Plaintext, plain)
	}
}

// TestSealGCM: the default is authenticated, and bound to project and parameter; nothing is to be warned of.
func TestSealGCM(t *testing.T) {
	const plain = `{"UserName":"amy"}`
	text, got := sealing(t, plain, "seal", "--project", "7", "--parameter", "XUT")
	got.want(t, 0)
	if strings.Contains(got.stderr, "Warning") {
		t.Errorf("got %q, want no warning", got.stderr)
	}
	raw, err := base64.StdEncoding.DecodeString(text.Base64)
	if err != nil {
		t.Fatal(err)
	}
	hashed := sha256.Sum256([]byte(sealKey))
	block, err := aes.NewCipher(hashed[:])
	if err != nil {
		t.Fatal(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	if opened, err := aead.Open(nil, raw[:12], raw[12:], []byte("7:XUT")); err != nil || string(opened) != plain {
		t.Errorf("got %q, %v, want %q", opened, err, plain)
	}
	for _, args := range [][]string{{"--project", "7"}, {"--parameter", "XUT"}, {"--parameter", "XUT", "--project", "8"}} {
		_, got := sealing(t, text.URL, append([]string{"unseal"}, args...)...)
		got.want(t, 1, "doesn't open", "--project and --parameter")
	}
	opened, got := sealing(t, text.URL, "unseal", "--parameter", "XUT", "--project", "7")
	got.want(t, 0)
	want := text
	want.Fields, want.Problem = []wire.TokenField{{Name: "UserName", Value: "amy"}}, "it has no GenDT, so that it counts beside a security token alone"
	if diff := cmp.Diff(want, opened); diff != "" {
		t.Errorf("got (+), want (-):\n%s", diff)
	}
}

// TestSealMade makes the two samples of the product's documentation, in each notation, with the time of now.
func TestSealMade(t *testing.T) {
	appKey := textFile(t, "My&App<Key>\n")
	security := strings.Fields("--context MySecurityContext --app-id MyAppId --app-key-file " + appKey)
	user := []string{"--parameter", "XUT", "--user", "admin", "--display", "Jöhn \"Doe\"", "--email", "john@example.com"}
	for _, tt := range []struct {
		args []string
		want string
	}{
		{security, "<SecurityToken>\n    <Context>MySecurityContext</Context>\n    <AppId>MyAppId</AppId>\n    <AppKey>My&amp;App&lt;Key&gt;</AppKey>\n    <GenDT>2026-11-02T03:04:05Z</GenDT>\n</SecurityToken>"},
		{append(security, "--form", "json"), `{"Context":"MySecurityContext","AppId":"MyAppId","AppKey":"My\u0026App\u003cKey\u003e","GenDT":"2026-11-02T03:04:05Z"}`},
		{append(security, "--form", "form"), "Context=MySecurityContext&AppId=MyAppId&AppKey=My%26App%3CKey%3E&GenDT=2026-11-02T03%3A04%3A05Z"},
		{user, "<UserToken>\n    <GenDT>2026-11-02T03:04:05Z</GenDT>\n    <UserName>admin</UserName>\n    <Display>Jöhn \"Doe\"</Display>\n    <Email>john@example.com</Email>\n</UserToken>"},
		{append(user, "--form", "json"), `{"GenDT":"2026-11-02T03:04:05Z","UserName":"admin","Display":"Jöhn \"Doe\"","Email":"john@example.com"}`},
		{append(user, "--form", "form"), "GenDT=2026-11-02T03%3A04%3A05Z&UserName=admin&Display=J%C3%B6hn+%22Doe%22&Email=john%40example.com"},
		{append(user, "--form", "xml", "--context", "c"), "<UserToken>\n    <Context>c</Context>\n    <GenDT>2026-11-02T03:04:05Z</GenDT>\n    <UserName>admin</UserName>\n    <Display>Jöhn \"Doe\"</Display>\n    <Email>john@example.com</Email>\n</UserToken>"},
	} {
		text, got := sealing(t, "", append([]string{"seal"}, tt.args...)...)
		got.want(t, 0)
		if text.Plaintext != tt.want || text.Problem != "" || len(text.Fields) < 4 {
			t.Errorf("%v: got %+v, want %s without a problem", tt.args, text, tt.want)
		}
	}
	_, got := sealing(t, "", "seal", "--user", "a\nb")
	got.want(t, 1, "the UserName is no text of one line")
}

// TestSealedText: what is wrong with a plaintext is said where it is sealed and where it is opened.
func TestSealedText(t *testing.T) {
	for plain, want := range map[string]string{
		"hello":                                "the text is neither XML nor JSON, and as form-url it has a pair without '=', at byte 0",
		"<token><Context>c</Context></token>":  "it has no GenDT, without which no security token counts",
		"GenDT=yesterday":                      "its GenDT can't be read: the time is none as",
		"GenDT=2026-11-02T02:49:05Z":           "its GenDT is 15m0s ago: it counts for 15m0s, unless the project says otherwise",
		"GenDT=2026-11-02T02:49:05.000001Z":    "",
		"GenDT=2026-11-02T04:04:05%2B01:00":    "",
		"GenDT=2026-11-02T03:09:05Z":           "",
		"GenDT=2026-11-02T03:09:06Z":           "its GenDT is 5m1s ahead: set the clock",
		"UserName=&GenDT=2026-11-02T03:04:05Z": "its UserName is empty",
		"GenDT=1&UserName=":                    "as 2010-03-01T10:32:56Z, 2010-03-01T10:32:56-08:00 or 20100301T103256; its UserName is empty",
	} {
		text, got := sealing(t, plain, "seal")
		got.want(t, 0)
		opened, again := sealing(t, text.Base64, "unseal")
		again.want(t, 0)
		for _, text := range []wire.SealedText{text, opened} {
			if !strings.Contains(text.Problem, want) || want == "" && text.Problem != "" {
				t.Errorf("%s: got the problem %q, want %q", plain, text.Problem, want)
			}
		}
		if want != "" {
			got.want(t, 0, "It would be refused: ", want)
		}
	}
}

// TestUnseal opens a token in each form in which it is found, and says what may be wrong where it doesn't open.
func TestUnseal(t *testing.T) {
	const plain = "<UserToken>\r\n    <GenDT>2026-11-02T03:04:05Z</GenDT>\r\n    <UserName>admin</UserName>\r\n</UserToken>"
	cbc := []string{"--mode", "CBC"}
	text, got := sealing(t, plain, append([]string{"seal"}, cbc...)...)
	got.want(t, 0)
	for name, token := range map[string]string{
		"URL": text.URL, "Base64": text.Base64, "in quotes": `"` + text.URL + `"`, "a + that became a space": strings.ReplaceAll(text.Base64, "+", " "),
		"without its end": strings.TrimRight(text.Base64, "="), "with a line break": text.URL + "\r\n", "base64url": strings.NewReplacer("+", "-", "/", "_").Replace(text.Base64),
	} {
		opened, got := sealing(t, token, append([]string{"unseal"}, cbc...)...)
		got.want(t, 0, codec.ForgeableWarning)
		if opened.Plaintext != plain || opened.Base64 != text.Base64 || opened.URL != text.URL || opened.Problem != "" || len(opened.Fields) != 2 {
			t.Errorf("%s: got %+v, want %+v", name, opened, text)
		}
	}
	opened, got := sealing(t, text.URL, "unseal", "--mode", "CBC", "--iv-expansion", "double") // the rest fits
	got.want(t, 0, "if only its first 16 bytes are wrong, so are --iv or --iv-expansion")
	if !strings.HasSuffix(opened.Plaintext, "<UserName>admin</UserName>\r\n</UserToken>") {
		t.Errorf("got %q", opened.Plaintext)
	}
	for _, token := range []string{"not!Base64", "%", "A", "XST=" + text.URL} {
		_, got := sealing(t, token, "unseal")
		got.want(t, 1, "the token isn't Base64", "what stands after XST= or XUT= in the URL")
	}
}

// TestUnsealOther: a token that opens by other settings than were given has them named; one that doesn't has what there is to compare.
func TestUnsealOther(t *testing.T) {
	const plain = `{"UserName":"amy","GenDT":"2026-11-02T03:04:05Z"}`
	for _, line := range []string{
		"--mode GCM", "--mode GCM --key-size 192", "--mode GCM --key-derivation raw", "--mode CBC", "--mode ECB --padding ANSIX923", "--mode ECB --key-size 128 --key-derivation md5",
		"--mode CBC --iv 12345678", "--mode CBC --iv-expansion random", "--mode CBC --key-size 192 --iv-expansion double", "--mode CBC --padding Zeros --iv-expansion zero",
		"--mode CBC --iv 0123456789abcdef --iv-expansion full", "--mode CBC --key-derivation passwordderivebytes", "--mode ECB --key-derivation passwordderivebytes --salt pepper",
	} {
		args := strings.Fields(line)
		text, got := sealing(t, plain, append([]string{"seal"}, args...)...)
		got.want(t, 0)
		other := []string{"unseal", "--mode", "ECB", "--key-derivation", "pbkdf2", "--salt", "saltsalt", "--iterations", "1"}
		if _, salt, ok := strings.Cut(line, "--salt "); ok {
			other = []string{"unseal", "--mode", "ECB", "--key-derivation", "passwordderivebytes", "--iterations", "7", "--salt", salt}
		}
		if _, iv, ok := strings.Cut(line, "--iv "); ok { // which is to be known
			iv, _, _ = strings.Cut(iv, " ")
			other = []string{"unseal", "--mode", "CBC", "--key-derivation", "passwordderivebytes", "--iv", iv}
			if strings.Contains(line, "full") {
				other = append(other, "--iv-expansion", "full")
			}
		}
		_, got = sealing(t, text.URL, other...)
		got.want(t, 1, "the token doesn't open", `It does by other settings: `+line+`"`)
	}
	text, got := sealing(t, plain, "seal", "--mode", "ECB", "--key-derivation", "pbkdf2", "--salt", "saltsalt", "--iterations", "2") // which nobody can guess
	got.want(t, 0)
	for line, want := range map[string]string{
		"--mode CBC --padding ANSIX923": "compare --mode, --key-size, --key-derivation, --padding, --iv and --iv-expansion.",
		"--mode ECB --padding ANSIX923": "compare --mode, --key-size, --key-derivation and --padding.",
		"--mode GCM":                    "--project and --parameter, to which it is bound.",
	} {
		_, got := sealing(t, text.URL, append([]string{"unseal"}, strings.Fields(line)...)...)
		got.want(t, 1, "the token doesn't open", want)
	}
}

// TestSealOutput: what people and scripts read.
func TestSealOutput(t *testing.T) {
	key, token := textFile(t, sealKey), textFile(t, "")
	in := textFile(t, "GenDT=2026-11-02T03:04:05Z")
	seal := func(args ...string) result {
		t.Helper()
		return run(t, cli.Env{}, append([]string{"seal", "--key-file", key, "--mode", "ECB", "--in", in}, args...)...)
	}
	got := seal()
	got.want(t, 0)
	lines := strings.Split(got.stdout, "\n")
	if len(lines) != 12 || lines[0] != "Plaintext:" || lines[1] != "GenDT=2026-11-02T03:04:05Z" || lines[3] != "Encrypted and Base64 encoded:" || lines[6] != "URL encoded:" || lines[10] != "GenDT  2026-11-02T03:04:05Z" {
		t.Errorf("got\n%s", got.stdout)
	}
	for only, want := range map[string]string{"plaintext": lines[1], "base64": lines[4], "url": lines[7]} {
		if got := seal("--only", only); got.code != 0 || got.stdout != want+"\n" {
			t.Errorf("--only %s: got %q, want %q", only, got.stdout, want)
		}
	}
	if err := os.WriteFile(token, []byte(lines[7]+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	hidden := func(context.Context) (client.Secret, error) { return client.Secret(lines[7]), nil }
	for _, env := range []cli.Env{{Hidden: hidden}, {Stdin: strings.NewReader(lines[7])}} {
		got := run(t, env, "unseal", "--key-file", key, "--mode", "ECB", "--only", "plaintext")
		got.want(t, 0)
		if got.stdout != lines[1]+"\n" {
			t.Errorf("got %q, want %q", got.stdout, lines[1])
		}
	}
	got = run(t, cli.Env{Stdout: brokenPipe{}}, "unseal", "--key-file", key, "--mode", "ECB", "--in", token)
	got.want(t, 1, "writing the output")
	// What opened may try to move the cursor.
	text, _ := sealing(t, "UserName=%1b[31m", "seal", "--mode", "ECB")
	got = run(t, cli.Env{Stdin: strings.NewReader(text.URL)}, "unseal", "--key-file", key, "--mode", "ECB")
	got.want(t, 0, "a value has a control character")
	if strings.Contains(got.stdout, "\x1b") {
		t.Errorf("got %q", got.stdout)
	}
}

// TestSealErrors: each bad input has its next step.
func TestSealErrors(t *testing.T) {
	key, short, empty := textFile(t, sealKey), textFile(t, "short"), textFile(t, "")
	long := textFile(t, strings.Repeat("a", codec.MaxText+1))
	hidden := func(context.Context) (client.Secret, error) { return "", nil }
	for _, tt := range []struct {
		args string
		code int
		want []string
	}{
		{"seal", 2, []string{"seal lacks --key-file"}},
		{"unseal", 2, []string{"unseal lacks --key-file"}},
		{"seal --key-file " + filepath.Join(t.TempDir(), "none"), 1, []string{"--key-file: open "}},
		{"seal --key-file " + empty, 1, []string{"--key-file: ", "is empty"}},
		{"seal --key-file " + short, 1, []string{"the key in --key-file is shorter than 16 bytes", "at least 16 random characters", "For a client of old, give its --mode."}},
		{"seal --mode CBC --key-derivation raw --key-size 128 --key-file " + key, 1, []string{"the key in --key-file is not 16 bytes, as --key-size", "choose another --key-derivation"}},
		{"seal --mode gcm --key-file " + key, 2, []string{"--mode is not GCM, CBC or ECB"}},
		{"seal --key-size 7 --key-file " + key, 2, []string{"--key-size is not 128, 192 or 256"}},
		{"seal --key-size big --key-file " + key, 2, []string{"--key-size is no number of bits", "Give 256, 192 or 128"}},
		{"seal --padding PKCS7 --key-file " + key, 2, []string{"--padding is given, but GCM has none", "Leave it out"}},
		{"seal --mode CBC --iv 123 --key-file " + key, 2, []string{"--iv is not eight characters", "such as @1B2c3D4"}},
		{"seal --mode CBC --iv-expansion full --key-file " + key, 2, []string{"--iv is not sixteen ASCII characters", "another --iv-expansion"}},
		{"seal --key-derivation scrypt --key-file " + key, 2, []string{"--key-derivation is not raw"}},
		{"seal --salt saltsalt --key-file " + key, 2, []string{"--salt is given, but the key derivation sha256 has none"}},
		{"seal --iterations ten --key-file " + key, 2, []string{"the value of --iterations is not of type int"}},
		{"seal --project 0 --key-file " + key, 2, []string{"--project is no number of a project"}},
		{"seal --parameter XSC --key-file " + key, 2, []string{"--parameter is neither XST nor XUT"}},
		{"seal --only iv --key-file " + key, 2, []string{"--only is neither plaintext nor base64 nor url"}},
		{"seal --form yaml --key-file " + key, 2, []string{"--form is neither xml nor json nor form"}},
		{"seal --in a --user b --key-file " + key, 2, []string{"--in and --user exclude each other"}},
		{"seal --key-file " + key, 2, []string{"no plaintext is given", "Name its file with --in"}},
		{"seal --in " + empty + " --key-file " + key, 1, []string{"is empty"}},
		{"seal --in " + long + " --key-file " + key, 1, []string{"is longer than 8192 bytes"}},
		{"seal --in " + short + " --mode ECB --padding None --key-file " + key, 1, []string{"the plaintext can't be sealed", "PKCS7 carries every text"}},
		{"seal --user a --app-key-file " + empty + " --key-file " + key, 1, []string{"--app-key-file: ", "is empty"}},
		{"seal --key " + canary, 2, []string{"there is no flag --key", "A secret is never an argument"}},
		{"unseal --in " + filepath.Join(t.TempDir(), "none") + " --key-file " + key, 1, []string{"--in: open "}},
		{"unseal --key-file " + key, 1, []string{"the token isn't Base64"}},
	} {
		got := run(t, cli.Env{Hidden: hidden}, strings.Fields(tt.args)...)
		got.want(t, tt.code, tt.want...)
		if got.stdout != "" {
			t.Errorf("%s: got %q, want nothing", tt.args, got.stdout)
		}
	}
}
