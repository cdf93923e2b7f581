package sealed_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/c2sp/wycheproof"

	"github.com/jeton-io/jeton/internal/sealed"
)

func unhex(t testing.TB, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// prepare makes a cipher of a key and an IV in hexadecimal.
func prepare(t testing.TB, s sealed.Settings, key, iv string) *sealed.Cipher {
	t.Helper()
	var fixed [16]byte
	copy(fixed[:], unhex(t, iv))
	c, err := sealed.Prepare(s, unhex(t, key), fixed)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// wantVector seals and opens what a vector says. Front is what is random in it.
func wantVector(t *testing.T, c *sealed.Cipher, front, plain, token []byte, bound string) {
	t.Helper()
	if got, err := c.Seal(bytes.NewReader(front), plain, bound); err != nil || !bytes.Equal(got, token) {
		t.Errorf("sealed: got %x, %v, want %x", got, err, token)
	}
	if got, sound := c.Open(token, bound); sound != 1 || !bytes.Equal(got, plain) {
		t.Errorf("opened: got %x, %d, want %x", got, sound, plain)
	}
}

// TestSP800_38A holds ECB and CBC to NIST SP 800-38A appendix F.1 and F.2.
func TestSP800_38A(t *testing.T) {
	const (
		plain = "6bc1bee22e409f96e93d7e117393172a ae2d8a571e03ac9c9eb76fac45af8e51 30c81c46a35ce411e5fbc1191a0a52ef f69f2445df4f9b17ad2b417be66c3710"
		iv    = "000102030405060708090a0b0c0d0e0f"
	)
	for _, test := range []struct{ key, ecb, cbc string }{
		{
			"2b7e151628aed2a6abf7158809cf4f3c",
			"3ad77bb40d7a3660a89ecaf32466ef97 f5d3d58503b9699de785895a96fdbaaf 43b1cd7f598ece23881b00e3ed030688 7b0c785e27e8ad3f8223207104725dd4",
			"7649abac8119b246cee98e9b12e9197d 5086cb9b507219ee95db113a917678b2 73bed6b8e3c1743b7116e69e22229516 3ff1caa1681fac09120eca307586e1a7",
		},
		{
			"8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b",
			"bd334f1d6e45f25ff712a214571fa5cc 974104846d0ad3ad7734ecb3ecee4eef ef7afd2270e2e60adce0ba2face6444e 9a4b41ba738d6c72fb16691603c18e0e",
			"4f021db243bc633d7178183a9fa071e8 b4d9ada9ad7dedf4e5e738763f69145a 571b242012fb7ae07fa9baac3df102e0 08b0e27988598881d920a9e64f5615cd",
		},
		{
			"603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
			"f3eed1bdb5d2a03c064b5a7e3db181f8 591ccb10d410ed26dc5ba74a31362870 b6ed21b99ca6f4f9f153e7b1beafed1d 23304b7a39f9f3ff067d8d8f9e24ecc7",
			"f58c4c04d6e5f1ba779eabfb5f7bfbd6 9cfc4e967edb808d679f777bc6702c7d 39f23369a9d9bacfa530e26304231461 b2eb05e2c39be9fcda6c19078c6a9d1b",
		},
	} {
		text := unhex(t, plain)
		wantVector(t, prepare(t, ecb(sealed.NoPadding), test.key, ""), nil, text, unhex(t, test.ecb), "")
		wantVector(t, prepare(t, cbc(sealed.NoPadding), test.key, iv), nil, text, unhex(t, test.cbc), "")
		wantVector(t, prepare(t, cbcRandom(sealed.NoPadding), test.key, ""), unhex(t, iv), text, unhex(t, iv+test.cbc), "")
	}
}

// TestGCMSpecification holds GCM to the test cases of its specification (McGrew and Viega 2005, appendix B), which NIST SP 800-38D
// refers to: those with a nonce of 96 bits.
func TestGCMSpecification(t *testing.T) {
	const (
		key    = "feffe9928665731c6d6a8f9467308308"
		zeros  = "00000000000000000000000000000000"
		nonce  = "cafebabefacedbaddecaf888"
		plain  = "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"
		data   = "feedfacedeadbeeffeedfacedeadbeefabaddad2"
		noData = ""
	)
	for _, test := range []struct {
		number                        int
		key, nonce, plain, data, want string
	}{
		{1, zeros, zeros[:24], "", noData, "58e2fccefa7e3061367f1d57a4e7455a"},
		{2, zeros, zeros[:24], zeros, noData, "0388dace60b6a392f328c2b971b2fe78 ab6e47d42cec13bdf53a67b21257bddf"},
		{4, key, nonce, plain, data, "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091 5bc94fbc3221a5db94fae95ae7121a47"},
		{7, zeros + zeros[:16], zeros[:24], "", noData, "cd33b28ac773f74ba00ed1f312572435"},
		{8, zeros + zeros[:16], zeros[:24], zeros, noData, "98e7247c07f0fe411c267e4384b0f600 2ff58d80033927ab8ef4d4587514f0fb"},
		{10, key + key[:16], nonce, plain, data, "3980ca0b3c00e841eb06fac4872a2757859e1ceaa6efd984628593b40ca1e19c7d773d00c144c525ac619d18c84a3f4718e2448b2fe324d9ccda2710 2519498e80f1478f37ba55bd6d27618c"},
		{13, zeros + zeros, zeros[:24], "", noData, "530f8afbc74536b9a963b4f1c4cb738b"},
		{14, zeros + zeros, zeros[:24], zeros, noData, "cea7403d4d606b6e074ec5d3baf39d18 d0d1c8a799996bf0265b98b5d48ab919"},
		{16, key + key, nonce, plain, data, "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662 76fc6ece0f4e1768cddf8853bb2d551b"},
	} {
		t.Run(fmt.Sprint("case ", test.number), func(t *testing.T) {
			nonce := unhex(t, test.nonce)
			wantVector(t, prepare(t, gcm(), test.key, ""), nonce, unhex(t, test.plain), unhex(t, test.nonce+test.want), string(unhex(t, test.data)))
		})
	}
}

// wycheproofTest is one of C2SP's tests of what implementations are known to get wrong.
type wycheproofTest struct {
	TcID                                int
	Comment, Key, IV, AAD, Msg, CT, Tag string
	Result                              string // valid, invalid or acceptable
	Password, Salt, DK                  string // of PBKDF2
	IterationCount, DKLen               int
}

// wycheproofTests returns the tests of a file that are about sizes that tokens have.
func wycheproofTests(t *testing.T, name string) []wycheproofTest {
	t.Helper()
	var file struct {
		TestGroups []struct {
			IVSize, TagSize int
			Tests           []wycheproofTest
		}
	}
	text, err := fs.ReadFile(wycheproof.TestVectors, name)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	var tests []wycheproofTest
	for _, group := range file.TestGroups {
		if !strings.Contains(name, "gcm") || group.IVSize == 96 && group.TagSize == 128 {
			tests = append(tests, group.Tests...)
		}
	}
	if len(tests) < 50 {
		t.Fatalf("%s: got %d tests", name, len(tests))
	}
	return tests
}

// TestWycheproof holds GCM and CBC to C2SP's vectors: changed tags, wrong paddings, empty tokens.
func TestWycheproof(t *testing.T) {
	for _, v := range wycheproofTests(t, "aes_gcm_test.json") {
		c, token := prepare(t, gcm(), v.Key, ""), unhex(t, v.IV+v.CT+v.Tag)
		if v.Result == "valid" {
			wantVector(t, c, unhex(t, v.IV), unhex(t, v.Msg), token, string(unhex(t, v.AAD)))
		} else if got, sound := c.Open(token, string(unhex(t, v.AAD))); sound != 0 || !zeros(got) {
			t.Errorf("GCM %d, %s: got %x, %d", v.TcID, v.Comment, got, sound)
		}
	}
	for _, v := range wycheproofTests(t, "aes_cbc_pkcs5_test.json") {
		c, token := prepare(t, cbc(sealed.PKCS7), v.Key, v.IV), unhex(t, v.CT)
		if v.Result == "valid" {
			wantVector(t, c, nil, unhex(t, v.Msg), token, "")
		} else if got, sound := c.Open(token, ""); sound != 0 || len(got) != len(token) {
			t.Errorf("CBC %d, %s: got %x, %d", v.TcID, v.Comment, got, sound)
		}
	}
}

func zeros(b []byte) bool { return !slices.ContainsFunc(b, func(c byte) bool { return c != 0 }) }

// TestWycheproofPBKDF2 holds PBKDF2 to C2SP's vectors: to every fifth, since what is ours is which hash, text and size are handed on.
func TestWycheproofPBKDF2(t *testing.T) {
	for _, hash := range []string{"SHA1", "SHA256", "SHA384", "SHA512"} {
		for i, v := range wycheproofTests(t, "pbkdf2_hmac"+strings.ToLower(hash)+"_test.json") {
			s := sealed.Settings{Derivation: sealed.PBKDF2, KeySize: 8 * v.DKLen, Hash: hash, Iterations: v.IterationCount, Salt: string(unhex(t, v.Salt))}
			if i%5 != 0 || s.Iterations > 10_000 {
				continue
			}
			got, err := sealed.DeriveKey(s, string(unhex(t, v.Password)))
			if want := unhex(t, v.DK); err != nil || bytes.Equal(got, want) != (v.Result != "invalid") {
				t.Errorf("%s %d, %s: got %x, %v, want %x", hash, v.TcID, v.Comment, got, err, want)
			}
		}
	}
}

// TestDerivations holds derivations to the vectors of RFC 6070 (PBKDF2 with SHA-1), RFC 7914 section 11 (with SHA-256), RFC 1321
// (MD5) and FIPS 180 (SHA-256).
func TestDerivations(t *testing.T) {
	pbkdf2 := func(hash, salt string, iterations int) sealed.Settings {
		return sealed.Settings{Derivation: sealed.PBKDF2, Hash: hash, Salt: salt, Iterations: iterations}
	}
	for _, test := range []struct {
		s          sealed.Settings
		text, want string
	}{
		{pbkdf2("SHA1", "salt", 1), "password", "0c60c80f961f0e71f3a9b524af6012062fe037a6"},
		{pbkdf2("SHA1", "salt", 2), "password", "ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957"},
		{pbkdf2("SHA1", "salt", 4096), "password", "4b007901b765489abead49d926f721d065a429c1"},
		{pbkdf2("SHA1", "saltSALTsaltSALTsaltSALTsaltSALTsalt", 4096), "passwordPASSWORDpassword", "3d2eec4fe41c849b80c8d83662c0e44a8b291a964cf2f07038"},
		{pbkdf2("SHA1", "sa\x00lt", 4096), "pass\x00word", "56fa6aa75548099dcc37d7f03425e0c3"},
		{pbkdf2("SHA256", "salt", 1), "passwd", "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783"},
		{pbkdf2("SHA256", "NaCl", 80_000), "Password", "4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56a1d425a1225833549adb841b51c9b3176a272bdebba1d078478f62b397f33c8d"},
		{sealed.Settings{Derivation: sealed.MD5}, "abc", "900150983cd24fb0d6963f7d28e17f72"},
		{sealed.Settings{Derivation: sealed.MD5}, "12345678901234567890123456789012345678901234567890123456789012345678901234567890", "57edf4a22be3c955ac49da2e2107b67a"},
		{sealed.Settings{Derivation: sealed.SHA256}, "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
		{sealed.Settings{Derivation: sealed.SHA256}, "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9c"},
		{sealed.Settings{Derivation: sealed.SHA256}, "abc", "ba7816bf8f01cfea414140de5dae2223"},
		{sealed.Settings{Derivation: sealed.Raw}, "abc", "616263"},
		{sealed.Settings{Derivation: sealed.Raw}, "é", "c3a9"},
	} {
		want := unhex(t, test.want)
		test.s.KeySize = 8 * len(want)
		if got, err := sealed.DeriveKey(test.s, test.text); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%+v of %q: got %x, %v, want %x", test.s, test.text, got, err, want)
		}
	}
}

// TestExpandIV spells out what each expansion makes of a text.
func TestExpandIV(t *testing.T) {
	for _, test := range []struct {
		expansion  sealed.IVExpansion
		text, want string
	}{
		{sealed.UTF16LE, "@1B2c3D4", "4000 3100 4200 3200 6300 3300 4400 3400"},
		{sealed.UTF16LE, "é€\U0001F511D40", "e900 ac20 3dd8 11dd 4400 3400 3000 0000"}, // a surrogate pair; seven units, which Check refuses
		{sealed.ZeroFill, "@1B2c3D4", "4031423263334434 0000000000000000"},
		{sealed.Double, "@1B2c3D4", "4031423263334434 4031423263334434"},
		{sealed.Full, "@1B2c3D4abcdefgh", "4031423263334434 6162636465666768"},
		{sealed.RandomIV, "", "0000000000000000 0000000000000000"},
	} {
		if got := sealed.ExpandIV(test.text, test.expansion); !bytes.Equal(got[:], unhex(t, test.want)) {
			t.Errorf("%s of %q: got %x, want %s", test.expansion, test.text, got, test.want)
		}
	}
}

// TestPasswordDeriveBytes holds the derivation to the values that .NET's own tests know
// (https://github.com/dotnet/runtime, src/libraries/System.Security.Cryptography.Csp/tests/PasswordDeriveBytesTests.cs).
func TestPasswordDeriveBytes(t *testing.T) {
	const a, b = "\x09\x05\x05\x05\x01\x02\x01\x02", "\x00\x04\x00\x04\x01\x09\x07\x05"
	for _, test := range []struct {
		hash, password, salt string
		iterations           int
		want                 string
	}{
		{"MD5", "PasswordGoesHere", a, 100, "F8D88E9DAFC828DA2400F5144271C2F630A1C061C654FC9DE2E7900E121461B9"},
		{"SHA256", "PasswordGoesHere", a, 100, "3774A17468276057717A90C25B72915921D8F8C046F7868868DBB99BB4C4031CADE9E26BE77BEA39"},
		{"SHA1", "PasswordGoesHere", a, 100, "12F2497EC3EB78B0EA32AABFD8B9515FBC800BEEB6316A4DDF4EA62518341488A116DA3BBC26C685"},
		{"SHA1", "PasswordGoesHere", a, 101, "FB6199E4D9BB017D2F3AF6964F3299971607C6B984934A9E43140631957429160C33A6630EF12E31"},
		{"SHA1", "PasswordGoesHere", b, 100, "DCA4851AB3C9960CF387E64DE7A1B2E09616BEA6A4666AAFAC31F1670F23530E38BD4BF4D9248A08"},
		{"SHA1", "FakePasswordsAreHard", a, 100, "1DCA2A3405E93D9E3F7CD10653444F2FD93F5BE32C4B1BEDDF94D0D67461CBE86B5BDFEB32071E96"},
		{"SHA1", "", strings.Repeat("\x00", 8), 1, "F8"},
	} {
		want := unhex(t, test.want)
		if got := sealed.DotNetBytes(sealed.NewHash(test.hash)(), test.password, test.salt, test.iterations, len(want)); !bytes.Equal(got, want) {
			t.Errorf("%+v: got %X", test, got)
		}
	}
}

// TestPasswordDeriveBytesOfMono holds it to those of Mono's tests, which know the last four bytes, also of outputs so long that the
// counter has three digits (https://github.com/mono/mono, mcs/class/corlib/Test/System.Security.Cryptography/PasswordDeriveBytesTest.cs).
func TestPasswordDeriveBytesOfMono(t *testing.T) {
	const salt = "\xDE\xAD\xC0\xDE"
	for _, test := range []struct {
		hash, password, salt string
		iterations, size     int
		want                 int32
	}{
		{"MD5", "toolong", "", 1, 16_000, 1135777886},
		{"SHA1", "toolong", "", 1, 20_000, -1167918035},
		{"SHA256", "toolong", "", 1, 32_000, -358766048},
		{"SHA384", "toolong", "", 1, 48_000, 1426370534},
		{"SHA512", "toolong", "", 1, 64_000, -1763233543},
		{"MD5", "password", salt, 1, 16, 986357363},
		{"SHA1", "monomono", "", 1, 40, -1148594972},
		{"SHA384", "password", salt, 1, 48, 1338639872},
		{"SHA512", "monomono", "", 1, 128, -1082987985},
		{"MD5", "password", salt, 30, 30, 1491759020},
		{"SHA1", "monomono", salt, 100, 100, 1247157997},
		{"MD5", "monomono", "", 90, 90, 532527918},
		{"SHA256", "password", "", 30, 32, -1013167039},
		{"SHA384", "monomono", salt, 100, 100, -821501990},
		{"SHA512", "password", salt, 20, 20, 23889227},
	} {
		out := sealed.DotNetBytes(sealed.NewHash(test.hash)(), test.password, test.salt, test.iterations, test.size)
		if got := int32(binary.LittleEndian.Uint32(out[len(out)-4:])); len(out) != test.size || got != test.want {
			t.Errorf("%+v: got %d in %d bytes", test, got, len(out))
		}
	}
	once := sealed.DotNetBytes(sealed.NewHash("SHA1")(), "password", salt, 1, 20)
	if twice := sealed.DotNetBytes(sealed.NewHash("SHA1")(), "password", salt, 2, 20); !bytes.Equal(once, twice) {
		t.Errorf("one iteration gives %x, two give %x, want the same as .NET has it", once, twice)
	}
}
