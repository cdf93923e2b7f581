#!/usr/bin/env bash
# Logs in a user by e-mail and password, and prints the answer.
set -euo pipefail

# The body goes by standard input. A " or \ in the password is written \" or \\, as JSON wants it.
curl -fsS "$API_URL/api/v1/authenticate" -H 'Content-Type: application/json' -d @- <<< "{\"email\":\"$EMAIL\",\"password\":\"$PASSWORD\"}"
