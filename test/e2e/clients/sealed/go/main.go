// Command go seals a security token and a user token, and prints them as the part of a query that they are. It needs the
// standard library alone.
package main

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log"
	"net/url"
	"os"
	"time"
	"unicode/utf16"
)

func main() {
	query, err := seals(os.Getenv("KEY_FILE"), os.Getenv("MODE"), os.Getenv("FORM"), os.Getenv("PROJECT"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(query)
}

// seals makes both tokens.
func seals(keyFile, mode, form, project string) (string, error) {
	keyText, err := os.ReadFile(keyFile)
	if err != nil {
		return "", err
	}
	keyText = bytes.TrimRight(keyText, "\r\n")
	security, err := write("SecurityToken", []field{
		{"Context", "MySecurityContext"}, {"AppId", "MyAppId"}, {"AppKey", "MyAppKey"}, {"GenDT", time.Now().Format("2006-01-02T15:04:05-07:00")},
	}, form)
	if err != nil {
		return "", err
	}
	user, err := write("UserToken", []field{{"UserName", "admin"}, {"Display", "John Doe"}}, form)
	if err != nil {
		return "", err
	}
	query := url.Values{}
	for parameter, text := range map[string][]byte{"XST": security, "XUT": user} {
		token, err := seal(mode, keyText, text, project+":"+parameter)
		if err != nil {
			return "", err
		}
		query.Set(parameter, token)
	}
	return query.Encode(), nil
}

// seal makes a token as a token set with the defaults has it, in Base64. GCM binds it to its project and parameter: 1000:XST.
func seal(mode string, keyText, text []byte, bound string) (string, error) {
	key := sha256.Sum256(keyText)
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return "", err
	}
	encode := base64.StdEncoding.EncodeToString
	if mode == "GCM" {
		gcm, err := cipher.NewGCMWithRandomNonce(block) // the nonce goes in front
		if err != nil {
			return "", err
		}
		return encode(gcm.Seal(nil, nil, text, []byte(bound))), nil
	}
	fill := aes.BlockSize - len(text)%aes.BlockSize // padded as PKCS7 says
	token := append(bytes.Clone(text), bytes.Repeat([]byte{byte(fill)}, fill)...)
	if mode == "CBC" {
		var iv [aes.BlockSize]byte
		for i, c := range utf16.Encode([]rune("@1B2c3D4")) {
			binary.LittleEndian.PutUint16(iv[2*i:], c)
		}
		cipher.NewCBCEncrypter(block, iv[:]).CryptBlocks(token, token)
		return encode(token), nil
	}
	for at := 0; at < len(token); at += aes.BlockSize { // ECB: each block by itself
		block.Encrypt(token[at:], token[at:])
	}
	return encode(token), nil
}

type field struct{ name, value string }

// write returns the plaintext of a token: XML with lines that end in CR and LF, JSON, or a form.
func write(root string, fields []field, form string) ([]byte, error) {
	if form == "xml" {
		var b bytes.Buffer
		fmt.Fprintf(&b, "<%s>\r\n", root)
		for _, f := range fields {
			fmt.Fprintf(&b, "    <%s>", f.name)
			if err := xml.EscapeText(&b, []byte(f.value)); err != nil {
				return nil, err
			}
			fmt.Fprintf(&b, "</%s>\r\n", f.name)
		}
		fmt.Fprintf(&b, "</%s>", root)
		return b.Bytes(), nil
	}
	members, values := map[string]string{}, url.Values{}
	for _, f := range fields {
		members[f.name] = f.value
		values.Set(f.name, f.value)
	}
	if form == "json" {
		return json.Marshal(members)
	}
	return []byte(values.Encode()), nil
}
