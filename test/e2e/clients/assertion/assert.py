"""Logs in a user of a platform, by an assertion that PyJWT signs (python3-jwt)."""

import os
import time

import jwt
import requests

with open(os.environ["KEY_FILE"], encoding="ascii") as file:
    key = file.read()
assertion = jwt.encode({"email": os.environ["EMAIL"], "expire": int(time.time()) + 300}, key, algorithm="RS512")
answer = requests.post(
    os.environ["API_URL"] + "/api/v1/authenticate-jwt/" + os.environ["PLATFORM"], headers={"Token": assertion}, timeout=10
)
answer.raise_for_status()
print(answer.text)
