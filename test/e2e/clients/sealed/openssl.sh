#!/usr/bin/env bash
# Seals a security token and a user token by openssl alone (AES-256-CBC), and prints them as the part of a query that they are.
set -euo pipefail

# The two tokens, in XML (whose lines end in CR and LF), in JSON, or as a form. GenDT is now, with the offset of this machine.
now=$(date -Iseconds)
security() {
  case $FORM in
    xml) printf '<SecurityToken>\r\n    <Context>MySecurityContext</Context>\r\n    <AppId>MyAppId</AppId>\r\n    <AppKey>MyAppKey</AppKey>\r\n    <GenDT>%s</GenDT>\r\n</SecurityToken>' "$now" ;;
    json) printf '{"Context":"MySecurityContext","AppId":"MyAppId","AppKey":"MyAppKey","GenDT":"%s"}' "$now" ;;
    form) printf 'Context=MySecurityContext&AppId=MyAppId&AppKey=MyAppKey&GenDT=%s' "${now/+/%2B}" ;;
  esac
}
user() {
  case $FORM in
    xml) printf '<UserToken>\r\n    <UserName>admin</UserName>\r\n    <Display>John Doe</Display>\r\n</UserToken>' ;;
    json) printf '{"UserName":"admin","Display":"John Doe"}' ;;
    form) printf 'UserName=admin&Display=John+Doe' ;;
  esac
}

# The IV is the eight characters of the token set, two bytes each.
iv=$(printf '@1B2c3D4' | iconv -t UTF-16LE | od -An -tx1 | tr -d ' ')

# The key is the SHA-256 of the key's text, the file's first line. These options make just that of a password; openssl warns
# of it, since it won't stretch a word that people remember, which a key isn't. With -K, the key would stand among the arguments
# of the command, which everybody on the same machine can read.
seal() { openssl enc -aes-256-cbc -md sha256 -nosalt -pass "file:$KEY_FILE" -iv "$iv" -base64 -A; }

# What Base64 has and a URL means otherwise.
url() { sed 's/+/%2B/g; s,/,%2F,g; s/=/%3D/g'; }

echo "XST=$(security | seal | url)&XUT=$(user | seal | url)"
