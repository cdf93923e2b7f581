#!/usr/bin/env bash
# Runs the guide's commands step by step, as clients_test.go says.

matrix42() {
  curl -fsS -X POST "http://127.0.0.1:8000/m42Services/api/ApiToken/GenerateAccessTokenFromApiToken/?" -H "Authorization: Bearer $API_TOKEN"
}

exchange() {
  curl -fsS http://127.0.0.1:8080/oauth/token \
    -d grant_type=urn:ietf:params:oauth:grant-type:token-exchange \
    -d subject_token_type=urn:ietf:params:oauth:token-type:jwt \
    -d subject_token="$API_TOKEN"
}

client_secret_basic() {
  curl -fsS http://127.0.0.1:8080/oauth/token -u "$CLIENT_ID:$CLIENT_SECRET" -d grant_type=client_credentials
}

call() {
  curl -sS -w ' %{http_code}' -H "Authorization: Bearer $AccessToken" "$API_URL"
}

while read -r step; do
  case $step in
    token)
      if answer=$("$2" 2>&1); then
        AccessToken=$(sed -E 's/.*"(RawToken|access_token)": *"([^"]*)".*/\2/' <<<"$answer")
        echo ok
      else
        echo "${answer##* }" # The requested URL returned error: 401
      fi
      ;;
    call)
      answer=$(call)
      status=${answer##* }
      if [[ $status == 200 ]]; then echo "$status ${answer% *}"; else echo "$status"; fi
      ;;
    *) echo "unknown step" ;;
  esac
done
