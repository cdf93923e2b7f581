"""Runs jeton_oauth.py step by step, as clients_test.go says."""
import os
import sys

from authlib.integrations.base_client import OAuthError

import jeton_oauth

env = os.environ.get


def session(way):
    if way == "exchange":
        return jeton_oauth.by_api_token(env("API_TOKEN"))
    if way == "private_key_jwt":
        with open(env("CLIENT_KEY_FILE"), encoding="ascii") as key:
            return jeton_oauth.by_private_key(env("CLIENT_ID"), key.read())
    return jeton_oauth.by_client_secret(env("CLIENT_ID"), env("CLIENT_SECRET"), way)


def main():
    current = None
    for line in sys.stdin:
        step = line.strip()
        try:
            if step == "token":
                current = session(sys.argv[2])
                answer = "ok"
            elif step == "call":
                res = current.get(env("API_URL"))
                answer = f"{res.status_code} {res.text}" if res.ok else str(res.status_code)
            else:
                answer = "unknown step"
        except OAuthError as error:
            answer = error.error
        except Exception as error:  # the test wants to read of it
            answer = f"{type(error).__name__}: {error}"
        print(answer.replace("\n", " "), flush=True)


main()
