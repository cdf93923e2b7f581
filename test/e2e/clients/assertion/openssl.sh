#!/usr/bin/env bash
# Logs in a user of a platform, by an assertion that openssl alone signs (RS512), and prints the answer.
set -euo pipefail

base64url() { openssl base64 -A | tr '+/' '-_' | tr -d '='; }

# Whose the session shall be, until when the assertion counts (Unix time), and an ID of its own, with which it counts once.
header=$(printf '{"alg":"RS512","typ":"JWT"}' | base64url)
payload=$(printf '{"email":"%s","expire":%d,"jti":"%s"}' "$EMAIL" "$(($(date +%s) + 300))" "$(openssl rand -hex 16)" | base64url)
signature=$(printf '%s.%s' "$header" "$payload" | openssl dgst -sha512 -sign "$KEY_FILE" -binary | base64url)
assertion=$header.$payload.$signature

# The header goes by standard input: the arguments of a command can be read by everybody on the same machine.
curl -fsS -X POST "$API_URL/api/v1/authenticate-jwt/$PLATFORM" -H @- <<< "Token: $assertion"
