#!/usr/bin/env bash
# Logs in a user of a platform, by an assertion that openssl alone signs (RS512).
set -euo pipefail

base64url() { openssl base64 -A | tr '+/' '-_' | tr -d '='; }

header=$(printf '{"alg":"RS512","typ":"JWT"}' | base64url)
payload=$(printf '{"email":"%s","expire":%d}' "$EMAIL" "$(($(date +%s) + 300))" | base64url)
signature=$(printf '%s.%s' "$header" "$payload" | openssl dgst -sha512 -sign "$KEY_FILE" -binary | base64url)

curl -fsS -X POST "$API_URL/api/v1/authenticate-jwt/$PLATFORM" -H @- <<<"Token: $header.$payload.$signature"
