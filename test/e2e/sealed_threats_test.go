package e2e_test

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"
)

// TestSealedThreats holds the way in of sealed tokens to every row of the threat model that a caller can try by HTTP.
func TestSealedThreats(t *testing.T) {
	s := newStack(t, usual())
	a := s.newApplication(t)
	for _, a.via = range s.proxies {
		t.Run(a.via.name, func(t *testing.T) {
			for name, test := range map[string]func(*testing.T){
				"two": a.testTwo, "look alike": a.testLookAlike, "powers": a.testPowers, "alone": a.testAlone, "stopped": a.testStopped, "throttled": a.testThrottled,
			} {
				t.Run(name, test)
			}
		})
	}
	t.Run("at the product's address", a.testAnswers)
	t.Run("once", a.testOnce)
	for _, p := range s.proxies {
		s.stop(t, p.cmd)
	}
	s.stop(t, s.jeton)
	s.searchSecrets(t)
}

// sealed is a token by which a recipe's key was used, with the defaults of today, but for what a test wants otherwise.
type sealed struct {
	mode, key string // the key's text
	plain     string // the plaintext
	bound     string // what GCM binds it to
	padding   []byte // in the place of PKCS7's, if there is one
}

// text seals it, and encodes it in Base64.
func (s sealed) text() string {
	key := sha256.Sum256([]byte(s.key))
	block, _ := aes.NewCipher(key[:]) // of 32 bytes, which it takes
	if s.mode == "GCM" {
		gcm, _ := cipher.NewGCMWithRandomNonce(block)
		return base64.StdEncoding.EncodeToString(gcm.Seal(nil, nil, []byte(s.plain), []byte(s.bound)))
	}
	token := append([]byte(s.plain), s.padding...)
	if s.padding == nil {
		fill := aes.BlockSize - len(token)%aes.BlockSize
		token = append(token, slices.Repeat([]byte{byte(fill)}, fill)...)
	}
	if s.mode == "CBC" {
		var iv [aes.BlockSize]byte
		for i, c := range utf16.Encode([]rune("@1B2c3D4")) {
			binary.LittleEndian.PutUint16(iv[2*i:], c)
		}
		cipher.NewCBCEncrypter(block, iv[:]).CryptBlocks(token, token)
	} else {
		for at := 0; at < len(token); at += aes.BlockSize {
			block.Encrypt(token[at:], token[at:])
		}
	}
	return base64.StdEncoding.EncodeToString(token)
}

// token seals a plaintext for a parameter, and keeps it among the secrets.
func (a *application) token(t *testing.T, mode, parameter, plain string) string {
	t.Helper()
	return a.keep(sealed{mode: mode, key: strings.TrimSpace(readFile(t, a.keys[mode])), plain: plain, bound: "1000:" + parameter}.text())
}

// keep has the log files be searched for a token, as it is and as it stands in a URL.
func (a *application) keep(token string) string {
	if len(token) > 15 { // what is shorter may stand anywhere
		a.secrets = append(a.secrets, token, url.QueryEscape(token))
	}
	return token
}

// The plaintexts that everything here begins with: a security token and a user token that are good.
func securityText(changes ...string) string {
	return plainText("SecurityToken", [][2]string{
		{"Context", "MySecurityContext"}, {"AppId", "MyAppId"}, {"AppKey", "MyAppKey"}, {"GenDT", time.Now().UTC().Format("2006-01-02T15:04:05.000000Z")},
	}, changes)
}

func userText(changes ...string) string {
	return plainText("UserToken", [][2]string{{"UserName", "alice"}, {"Display", "Alice"}}, changes)
}

// plainText writes a token, in which the fields named by changes, each "Name=value", are otherwise, or missing where the value is.
func plainText(root string, fields [][2]string, changes []string) string {
	var b strings.Builder
	b.WriteString("<" + root + ">\r\n")
	write := func(name, value string) { fmt.Fprintf(&b, "    <%s>%s</%s>\r\n", name, value, name) }
	for _, f := range fields {
		at := slices.IndexFunc(changes, func(change string) bool { return strings.HasPrefix(change, f[0]+"=") })
		if at < 0 {
			write(f[0], f[1])
		}
	}
	for _, change := range changes {
		if name, value, _ := strings.Cut(change, "="); value != "" {
			write(name, value)
		}
	}
	b.WriteString("</" + root + ">")
	return b.String()
}

// queryOf is the part of a query that two tokens are. An empty one is left out.
func queryOf(security, user string) string {
	values := url.Values{}
	if security != "" {
		values.Set("XST", security)
	}
	if user != "" {
		values.Set("XUT", user)
	}
	return values.Encode()
}

// good is a query that counts, for alice.
func (a *application) good(t *testing.T, mode string) string {
	t.Helper()
	return queryOf(a.token(t, mode, "XST", securityText()), a.token(t, mode, "XUT", userText("UserName=alice")))
}

// from sends a request by the proxy from another client's address, of which there are as many as are wanted.
func (a *application) from(t *testing.T, client int, head string) answer {
	t.Helper()
	got := exchange(t, fmt.Sprintf("127.9.%d.%d", client/250, client%250+1), a.via.address, head+"\r\n")
	if got.status == http.StatusOK {
		a.passed++
	}
	return got
}

// idOf returns a user's ID.
func (s *stack) idOf(t *testing.T, user string) string {
	t.Helper()
	u, _, err := s.admin.User(t.Context(), user)
	must(t, err)
	return u.ID
}

// testTwo presents more than one credential at once, which the API behind might resolve otherwise than Jeton.
func (a *application) testTwo(t *testing.T) {
	tokens, other := a.good(t, "GCM"), a.good(t, "GCM")
	values, err := url.ParseQuery(other)
	must(t, err)
	security, user := url.QueryEscape(values.Get("XST")), url.QueryEscape(values.Get("XUT"))
	a.wantPassed(t, "the twin", a.send(t, get("/documents/alice/7?"+tokens)))
	a.wantPassed(t, "beside a cookie", a.send(t, get("/documents/alice/7?"+tokens, "Cookie: jeton_api="+cookieCanary)))
	before := a.refusedFor(t, "two_credentials")
	asked := int64(0)
	for _, query := range []string{
		tokens + "&XST=" + security, tokens + "&xst=" + security, tokens + "&Xst=" + security, tokens + "&%58ST=" + security, tokens + "&X%53%54=" + security,
		tokens + "&XUT=" + user, tokens + "&xut=" + user, tokens + "&%78%75%74=" + user, "XUT=" + user + "&" + tokens, "XST=&" + tokens, tokens + "&XST", tokens + "&XUT=",
		tokens + "&XSC=MySecurityContext&xsc=MySecurityContext", tokens + "&ProjectId=1000&projectid=1000",
	} {
		raw := get("/documents/alice/7?" + query)
		a.wantRefused(t, raw, a.send(t, raw), http.StatusBadRequest)
		asked++
	}
	for _, authorization := range []string{a.bearer("alice"), a.bearer("bob"), "Authorization: Basic YWxpY2U6eA==", "Authorization: Bearer x"} {
		raw := get("/documents/alice/7?"+tokens, authorization)
		a.wantRefused(t, raw, a.send(t, raw), http.StatusBadRequest)
		asked++
	}
	within(t, 10*time.Second, "the audit log to tell of them", func() bool { return a.refusedFor(t, "two_credentials") == before+asked })
	long := get("/documents/alice/7?XST=" + strings.Repeat("A", 8193))
	a.wantRefused(t, "too long", a.send(t, long), 400, 403, 414, 431)
}

// variant is a way in which tokens are wrong, with the reason that the audit log has for it.
type variant struct{ name, query, reason string }

// unreadable stands for either of two reasons: a token that wasn't made under the key of a set may open under it by chance, in one
// of 256 times and without GCM, and is noise then.
const unreadable = "bad_seal or wrong_fields"

// refusedFor counts the refusals with a reason that the audit log has.
func (a *application) refusedFor(t *testing.T, reason string) int64 {
	t.Helper()
	if reason == unreadable {
		return a.refusedFor(t, "bad_seal") + a.refusedFor(t, "wrong_fields")
	}
	count, _ := a.refusals(t, reason)
	return count
}

// variants are the tokens of one mode that are wrong.
func (a *application) variants(t *testing.T, mode string) []variant {
	t.Helper()
	security, user := a.token(t, mode, "XST", securityText()), a.token(t, mode, "XUT", userText())
	own := func(plain string, padding ...byte) string {
		return queryOf(a.keep(sealed{mode: mode, key: strings.TrimSpace(readFile(t, a.keys[mode])), plain: plain, bound: "1000:XST", padding: padding}.text()), user)
	}
	raw := func(length int) string {
		noise := make([]byte, length)
		_, _ = rand.Read(noise)
		return queryOf(a.keep(base64.StdEncoding.EncodeToString(noise)), user)
	}
	all := []variant{
		{"unknown user", queryOf(security, a.token(t, mode, "XUT", userText("UserName=nobody"))), "unknown_user"},
		{"blocked user", queryOf(security, a.token(t, mode, "XUT", userText("UserName=eve"))), "blocked"},
		{"service account", queryOf(security, a.token(t, mode, "XUT", userText("UserName=project-1000"))), "not_spoken_for"},
		{"a user's ID", queryOf(security, a.token(t, mode, "XUT", userText("UserName="+a.idOf(t, "alice")))), "unknown_user"},
		{"a user's e-mail", queryOf(security, a.token(t, mode, "XUT", userText("UserName=alice@example.com"))), "unknown_user"},
		{"an odd spelling", queryOf(security, a.token(t, mode, "XUT", userText("UserName=ａlice"))), "unknown_user"},
		{"empty user name", queryOf(security, a.token(t, mode, "XUT", "<UserToken><UserName></UserName></UserToken>")), unreadable},
		{"expired", own(securityText("GenDT=" + time.Now().UTC().Add(-16*time.Minute).Format(time.RFC3339))), "expired"},
		{"the seed's time", own(securityText("GenDT=2023-03-08T14:15:53-08:00")), "expired"},
		{"not yet", own(securityText("GenDT=" + time.Now().UTC().Add(7*time.Minute).Format(time.RFC3339))), "not_yet"},
		{"no time", own(securityText("GenDT=")), unreadable},
		{"a time that can't be", own(securityText("GenDT=2026-02-30T10:00:00Z")), unreadable},
		{"wrong context", own(securityText("Context=Another")), "wrong_context"},
		{"no context", own(securityText("Context=")), "wrong_context"},
		{"wrong app key", own(securityText("AppKey=NobodysKey")), "wrong_app_key"},
		{"no app key", own(securityText("AppKey=")), "wrong_app_key"},
		{"another context in the call", queryOf(security, user) + "&XSC=Another", "wrong_context"},
		{"another project in the call", queryOf(security, user) + "&ProjectId=999", "unknown_project"},
		{"no number", queryOf(security, user) + "&ProjectId=x", "unknown_project"},
		{"DTD", own("<!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>" + securityText("AppId=&e;")), unreadable},
		{"billion laughs", own("<!DOCTYPE x [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;&a;&a;\">]>" + securityText("AppId=&b;")), unreadable},
		{"entity", own(securityText("AppId=&e;")), unreadable},
		{"comment inside a value", own(securityText("Context=MySecurity<!-- x -->Context")), unreadable},
		{"CDATA", own(securityText("Context=<![CDATA[MySecurityContext]]>")), unreadable},
		{"twice", own(securityText() + securityText()), unreadable},
		{"a field twice", own(strings.Replace(securityText(), "<AppKey>", "<AppKey>x</AppKey><AppKey>", 1)), unreadable},
		{"a field twice, in another case", own(strings.Replace(securityText(), "<AppKey>", "<appkey>x</appkey><AppKey>", 1)), unreadable},
		{"garbage behind", own(securityText() + "x"), unreadable},
		{"garbage in front", own("x" + securityText()), unreadable},
		{"nesting", own(strings.Repeat("<a>", 300) + strings.Repeat("</a>", 300)), unreadable},
		{"another root", own(strings.NewReplacer("SecurityToken", "Token2").Replace(securityText())), unreadable},
		{"half of it", own(securityText()[:60]), unreadable},
		{"not UTF-8", own(securityText("AppId=\xff\xfe")), unreadable},
		{"NUL", own(securityText("AppId=a\x00b")), unreadable},
		{"JSON twice", own(`{"Context":"MySecurityContext","context":"x","AppKey":"MyAppKey","GenDT":"2026-11-26T10:00:00Z"}`), unreadable},
		{"JSON nested", own(`{"Context":{"Context":"MySecurityContext"}}`), unreadable},
		{"form, many pairs", own(strings.Repeat("a=b&", 1000) + "c=d"), unreadable},
		{"nothing inside", own(""), unreadable},
		{"15 bytes", raw(15), unreadable},
		{"16 bytes", raw(16), unreadable},
		{"17 bytes", raw(17), unreadable},
		{"1 byte", raw(1), unreadable},
		{"192 bytes of noise", raw(192), unreadable},
		{"no Base64", queryOf("???", user), unreadable},
		{"the user token in the security token's place", queryOf(user, user), unreadable},
	}
	if mode == "GCM" {
		return append(all, a.gcmVariants(t, security, user)...)
	}
	return append(all,
		variant{"padding 0", own(strings.Repeat(" ", 15), 0), unreadable},
		variant{"padding 17", own(strings.Repeat(" ", 15), 17), unreadable},
		variant{"padding 255", own(strings.Repeat(" ", 15), 255), unreadable},
		variant{"padding 2, of which one is another", own(strings.Repeat(" ", 14), 3, 2), unreadable},
		variant{"a right padding behind noise", own("0123456789abc", 3, 3, 3), unreadable},
		variant{"sealed in GCM with this key", queryOf(a.keep(sealed{mode: "GCM", key: strings.TrimSpace(readFile(t, a.keys[mode])), plain: securityText(), bound: "1000:XST"}.text()), user), unreadable},
	)
}

// gcmVariants are those of the mode that can tell who made a token.
func (a *application) gcmVariants(t *testing.T, security, user string) []variant {
	t.Helper()
	token, err := base64.StdEncoding.DecodeString(security)
	must(t, err)
	cut := func(bytes []byte) string { return queryOf(a.keep(base64.StdEncoding.EncodeToString(bytes)), user) }
	key := strings.TrimSpace(readFile(t, a.keys["GCM"]))
	bound := func(to string) string {
		return queryOf(a.keep(sealed{mode: "GCM", key: key, plain: securityText(), bound: to}.text()), user)
	}
	return []variant{
		{"tag of 12 bytes", cut(token[:len(token)-4]), unreadable},
		{"tag of 4 bytes", cut(token[:len(token)-12]), unreadable},
		{"no tag", cut(token[:len(token)-16]), unreadable},
		{"a byte more", cut(append(slices.Clone(token), 0)), unreadable},
		{"bound to nothing", bound(""), unreadable},
		{"bound to the other parameter", bound("1000:XUT"), unreadable},
		{"bound to another project", bound("999:XST"), unreadable},
		{"sealed in CBC with this key", queryOf(a.keep(sealed{mode: "CBC", key: key, plain: securityText()}.text()), user), unreadable},
		{"sealed in ECB with this key", queryOf(a.keep(sealed{mode: "ECB", key: key, plain: securityText()}.text()), user), unreadable},
	}
}

// testLookAlike presents every wrong token that there is, of each mode. A caller hears of all of them the same; and of the same
// tokens unchanged, the twins, that they are good. Each comes from an address that hasn't failed often yet.
func (a *application) testLookAlike(t *testing.T) {
	a.setState(t, "eve", "blocked")
	defer a.setState(t, "eve", "active")
	first, clients := "", 0
	took, want := map[string][]time.Duration{}, map[string]int64{}
	for _, mode := range []string{"CBC", "ECB", "GCM"} {
		for _, v := range a.variants(t, mode) {
			if _, ok := want[v.reason]; !ok {
				want[v.reason] = a.refusedFor(t, v.reason)
			}
			for range 5 {
				clients++
				got := a.from(t, clients/50, get("/documents/alice/7?"+v.query))
				a.wantRefused(t, mode+", "+v.name, got, http.StatusUnauthorized)
				alike := strings.NewReplacer(got.header.Get("X-Request-Id"), "ID", got.header.Get("Date"), "now").Replace(fmt.Sprint(got.status, got.header, got.body))
				if first == "" {
					first = alike
				}
				if alike != first {
					t.Errorf("%s, %s: got %s, want what all others get: %s", mode, v.name, alike, first)
				}
				took[mode+" "+v.reason] = append(took[mode+" "+v.reason], got.took)
				want[v.reason]++
			}
		}
		for _, changed := range a.paddings(t, mode) {
			clients++
			a.wantRefused(t, mode+", a padding", a.from(t, clients/50, get("/documents/alice/7?"+changed)), http.StatusUnauthorized)
			want[unreadable]++
		}
		a.wantPassed(t, mode+", the twin", a.from(t, 900, get("/documents/alice/7?"+a.good(t, mode))))
	}
	for reason, count := range want {
		if !becomes(t, 10*time.Second, func() bool { return a.refusedFor(t, reason) == count }) {
			t.Errorf("the audit log has %d of %s, want %d", a.refusedFor(t, reason), reason, count)
		}
	}
	for _, what := range slices.Sorted(maps.Keys(took)) {
		slices.Sort(took[what])
		t.Logf("%-28s %3d answers, half of them within %s", what, len(took[what]), took[what][len(took[what])/2])
	}
}

// paddings are queries whose user token ends in every byte but its own: what somebody sends who wants to be told of paddings.
func (a *application) paddings(t *testing.T, mode string) (queries []string) {
	t.Helper()
	security := a.token(t, mode, "XST", securityText())
	text := a.token(t, mode, "XUT", userText())
	a.keep(text[:40]) // which all have in common
	user, err := base64.StdEncoding.DecodeString(text)
	must(t, err)
	at := len(user) - 1 // of ECB and GCM the last byte; of CBC that which the last byte of the text is mixed with
	if mode == "CBC" {
		at -= aes.BlockSize
	}
	for by := 1; by < 256; by++ {
		changed := slices.Clone(user)
		changed[at] ^= byte(by)
		queries = append(queries, queryOf(security, base64.StdEncoding.EncodeToString(changed)))
	}
	return queries
}

// testPowers has an administrator be named: where anybody could have made the token, that gives no administrator's powers. Over
// Jeton itself, no sealed token has any.
func (a *application) testPowers(t *testing.T) {
	for mode, want := range map[string]int{"CBC": http.StatusForbidden, "ECB": http.StatusForbidden, "GCM": http.StatusOK} {
		query := queryOf(a.token(t, mode, "XST", securityText()), a.token(t, mode, "XUT", userText("UserName=admin")))
		seen := a.wantPassed(t, mode, a.send(t, get("/documents/7?"+query)))
		if got := strings.Contains(field(seen, "Remote-Groups"), "admin"); got != (want == http.StatusOK) {
			t.Errorf("%s: the API was told of the groups %q", mode, field(seen, "Remote-Groups"))
		}
		if field(seen, "X-Jeton-Credential-Kind") != "sealed" || field(seen, "X-Jeton-Credential-Id") != a.sets[mode] {
			t.Errorf("%s: the API was told of %s %s, want the token set %s", mode, field(seen, "X-Jeton-Credential-Kind"), field(seen, "X-Jeton-Credential-Id"), a.sets[mode])
		}
		if got := a.send(t, head("DELETE", "/documents/7?"+query)).status; got != want {
			t.Errorf("%s: got %d for what administrators alone may do, want %d", mode, got, want)
		}
		a.api.seen()
		mixed := queryOf(a.token(t, "GCM", "XST", securityText()), a.token(t, mode, "XUT", userText("UserName=admin")))
		if got := a.send(t, head("DELETE", "/documents/7?"+mixed)).status; got != want {
			t.Errorf("%s beside a security token in GCM: got %d, want %d", mode, got, want)
		}
		a.api.seen()
		for _, call := range []string{"GET /v1/users", "POST /v1/users", "GET /v1/projects", "GET /v1/events", "GET /v1/me/sessions"} {
			method, path, _ := strings.Cut(call, " ")
			raw := head(method, path+"?"+query, "Content-Length: 0") + "\r\n"
			if got := exchange(t, "127.0.0.1", "127.0.0.1:8080", raw).status; got != http.StatusUnauthorized {
				t.Errorf("%s, %s: got %d, want 401", mode, call, got)
			}
		}
	}
	// A service that has no project doesn't look at tokens.
	raw := get("/reports/7?" + a.good(t, "GCM"))
	a.wantRefused(t, "another service", a.send(t, raw), http.StatusUnauthorized)
	raw = get("/reports/7?"+a.good(t, "GCM"), a.bearer("alice"))
	a.wantPassed(t, "another service, with its own credential", a.send(t, raw))
}

// testAlone presents one of the two tokens.
func (a *application) testAlone(t *testing.T) {
	for _, mode := range []string{"CBC", "ECB", "GCM"} {
		alone := queryOf(a.token(t, mode, "XST", securityText()), "")
		seen := a.wantPassed(t, mode, a.send(t, get("/documents/own/7?"+alone)))
		if field(seen, "Remote-User") != "project-1000" {
			t.Errorf("%s: the API was told of %q, want project-1000", mode, field(seen, "Remote-User"))
		}
		a.wantRefused(t, mode, a.send(t, get("/documents/7?"+alone)), http.StatusForbidden)
		both := queryOf(a.token(t, mode, "XST", plainText("SecurityToken", nil, append(secured(), "UserName=alice"))), "")
		a.wantPassed(t, mode+", both in one", a.send(t, get("/documents/alice/7?"+both)))
		// A user token alone is as good as a security token, or it is nothing: it would never end otherwise.
		a.wantRefused(t, mode, a.send(t, get("/documents/alice/7?"+queryOf("", a.token(t, mode, "XUT", userText())))), http.StatusUnauthorized)
		whole := queryOf("", a.token(t, mode, "XUT", userText(secured()...)))
		a.wantPassed(t, mode+", a whole user token", a.send(t, get("/documents/alice/7?"+whole)))
	}
}

// secured are the fields of a security token, as changes.
func secured() []string {
	return []string{"Context=MySecurityContext", "AppId=MyAppId", "AppKey=MyAppKey", "GenDT=" + time.Now().UTC().Format("2006-01-02T15:04:05.000000Z")}
}

// testStopped takes away what tokens rest on, one after the other. Each counts again, and at once, when it is back.
func (a *application) testStopped(t *testing.T) {
	query := a.good(t, "CBC")
	raw := get("/documents/alice/7?" + query)
	set, project := "/projects/1000/token-sets/"+a.sets["CBC"], "/projects/1000"
	patch := func(path string, change object) func() {
		return func() { a.v1(t, http.MethodPatch, path, change, http.StatusOK) }
	}
	for _, tc := range []struct {
		name       string
		stop, undo func()
	}{
		{"user blocked", func() { a.setState(t, "alice", "blocked") }, func() { a.setState(t, "alice", "active") }},
		{"set turned off", patch(set, object{"active": false}), patch(set, object{"active": true})},
		{"another key", patch(set, object{"key": "another key for a while"}), patch(set, object{"key": strings.TrimSpace(readFile(t, a.keys["CBC"]))})},
		{"another context", patch(project, object{"security_context": "Another"}), patch(project, object{"security_context": "MySecurityContext"})},
		{"other app keys", patch(project, object{"app_keys": []string{"AnothersKey"}}), patch(project, object{"app_keys": []string{"MyAppKey", "AnothersKey"}})},
		{"other addresses", patch(project, object{"allowed_ips": []string{"198.51.100.0/24"}}), patch(project, object{"allowed_ips": nil})},
		{"another service's", patch("/services/documents", object{"project": nil}), patch("/services/documents", object{"project": 1000})},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for range 2 { // the second time it is remembered
				a.wantPassed(t, "before", a.send(t, raw))
			}
			tc.stop()
			a.wantRefused(t, "stopped", a.send(t, raw), http.StatusUnauthorized, http.StatusForbidden)
			tc.undo()
			a.wantPassed(t, "after", a.send(t, raw))
		})
	}
}

// testThrottled fails from one address until it isn't looked at any more, which is told in so many words. Another address, and
// the same one with another credential, go on.
func (a *application) testThrottled(t *testing.T) {
	client := map[string]int{"nginx": 980, "Caddy": 990}[a.via.name]
	wrong := get("/documents/alice/7?" + queryOf(a.keep(base64.StdEncoding.EncodeToString([]byte(rand.Text()+rand.Text()))), ""))
	statuses := map[int]int{}
	for range 200 {
		got := a.from(t, client, wrong)
		a.wantRefused(t, "wrong", got, 401, 429)
		if statuses[got.status]++; got.status == 429 && got.header.Get("Retry-After") == "" {
			t.Error("got 429 without Retry-After")
		}
	}
	if statuses[429] < 40 || statuses[401] < 100 {
		t.Errorf("got the statuses %v of 200 wrong tokens at once, want 120 looked at, and the rest not", statuses)
	}
	right := get("/documents/alice/7?" + a.good(t, "CBC"))
	if got := a.from(t, client, right).status; got != http.StatusTooManyRequests {
		t.Errorf("got %d of right tokens from there in a mode of old, want 429 as well", got)
	}
	a.wantPassed(t, "authenticated ones from there", a.from(t, client, get("/documents/alice/7?"+a.good(t, "GCM"))))
	a.wantPassed(t, "a bearer from there", a.from(t, client, get("/reports/7", a.bearer("alice"))))
	a.wantPassed(t, "another address", a.from(t, client+1, right))
}

// xdocNow are the parts of an answer of the product's address that differ each time.
var xdocNow = regexp.MustCompile(`(RequestDate|ResponseDate|RequestId)="[^"]*"`)

// testAnswers presents the wrong tokens at the product's own address, which says all in one way, too.
func (a *application) testAnswers(t *testing.T) {
	a.setState(t, "eve", "blocked")
	defer a.setState(t, "eve", "active")
	first, clients := "", 0
	for _, mode := range []string{"CBC", "ECB", "GCM"} {
		for _, v := range a.variants(t, mode) {
			if strings.Contains(v.query, "XSC=") || strings.Contains(v.query, "ProjectId=") {
				continue // the call names them here
			}
			clients++
			raw := get("/XDocApi/?XM=App.ApiTest&InputData=hello&XSC=MySecurityContext&ProjectId=1000&"+v.query, fmt.Sprintf("X-Real-Ip: 198.18.%d.%d", clients/100, clients%100))
			got := exchange(t, "127.0.0.1", "127.0.0.1:8080", raw+"\r\n")
			if got.status != http.StatusOK || got.header.Get("XwsResultCode") != "403" {
				t.Errorf("%s, %s: got %d, result %q, want 200 and the result 403", mode, v.name, got.status, got.header.Get("XwsResultCode"))
			}
			if strings.Contains(got.body, "hello") || strings.Contains(got.body, url.QueryEscape("XST")+"=") {
				t.Errorf("%s, %s: got %s", mode, v.name, got.body)
			}
			alike := fmt.Sprint(got.status, got.header, got.body)
			for _, differs := range []string{got.header.Get("X-Request-Id"), got.header.Get("Date")} {
				if differs != "" {
					alike = strings.ReplaceAll(alike, differs, "…")
				}
			}
			alike = xdocNow.ReplaceAllString(alike, "$1")
			if first == "" {
				first = alike
			}
			if alike != first {
				t.Errorf("%s, %s: got %s, want what all others get: %s", mode, v.name, alike, first)
			}
		}
	}
}

// testOnce has tokens count once: by what they say, in whatever spelling.
func (a *application) testOnce(t *testing.T) {
	for _, mode := range []string{"GCM", "CBC"} {
		a.v1(t, http.MethodPatch, "/projects/1000/token-sets/"+a.sets[mode], object{"one_time": true}, http.StatusOK)
		text := securityText()
		user := a.token(t, mode, "XUT", userText())
		fields := regexp.MustCompile(`<(\w+)>([^<]*)</`).FindAllStringSubmatch(text, -1)
		form := url.Values{}
		for _, f := range fields {
			form.Set(f[1], f[2])
		}
		for i, plain := range []string{text, text, form.Encode(), strings.ReplaceAll(text, "\r\n    ", "")} {
			want := http.StatusUnauthorized
			if i == 0 {
				want = http.StatusOK
			}
			raw := get("/documents/alice/7?" + queryOf(a.token(t, mode, "XST", plain), user))
			if got := a.send(t, raw).status; got != want {
				t.Errorf("%s, presentation %d of one token: got %d, want %d", mode, i+1, got, want)
			}
			a.api.seen()
		}
		refused := a.send(t, get("/documents/alice/7?"+queryOf(a.token(t, mode, "XST", securityText("AppKey=wrong")), user)))
		a.wantRefused(t, "refused for something else", refused, http.StatusUnauthorized)
		a.v1(t, http.MethodPatch, "/projects/1000/token-sets/"+a.sets[mode], object{"one_time": false}, http.StatusOK)
	}
}
