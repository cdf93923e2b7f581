#!/usr/bin/env bash
# Seals what is read, or opens it, by openssl alone: CBC and ECB, with its own padding or none. (openssl enc knows no GCM.)
# usage: seal.sh seal|open, with MODE, BITS, PADDING, IV, DERIVATION, KEY, SALT, HASH and ITERATIONS in the environment
set -euo pipefail

hex() { od -An -v -tx1 | tr -d ' \n'; }
digest() { printf %s "$KEY" | openssl dgst "-$1" -binary | hex | head -c $((BITS / 4)); }

case $DERIVATION in
  raw) key=$(printf %s "$KEY" | hex) ;;
  sha256 | md5) key=$(digest "$DERIVATION") ;;
  pbkdf2)
    key=$(openssl kdf -binary -keylen $((BITS / 8)) -kdfopt "digest:$HASH" -kdfopt "pass:$KEY" -kdfopt "salt:$SALT" \
      -kdfopt "iter:$ITERATIONS" PBKDF2 | hex) ;;
esac

arguments=(-K "$key")
[[ $MODE == ECB ]] || arguments+=(-iv "$(printf %s "$IV" | iconv -t UTF-16LE | hex)")
[[ $PADDING == PKCS7 ]] || arguments+=(-nopad)
[[ $1 == seal ]] || arguments+=(-d)
exec openssl enc "-aes-$BITS-${MODE,,}" "${arguments[@]}" -base64 -A
