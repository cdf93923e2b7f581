#!/usr/bin/env bash
# Logs in a user by e-mail and password.
set -euo pipefail

curl -fsS -X POST "$API_URL/api/v1/authenticate" -H 'Content-Type: application/json' -d @- <<<"{\"email\":\"$EMAIL\",\"password\":\"$PASSWORD\"}"
