"""Logs in a user of a platform, by an assertion that PyJWT signs (RS512), and prints the session."""

import json
import os
import time
import uuid

import jwt
import requests


def sign(email, private_key):
    """An assertion that a user logs in: it counts for five minutes, and once."""
    claims = {"email": email, "expire": int(time.time()) + 300, "jti": str(uuid.uuid4())}
    return jwt.encode(claims, private_key, algorithm="RS512")


def log_in(api_url, platform, assertion):
    """The session that Jeton begins for it: a dict with id (the session token), userId, ttl, until and created."""
    answer = requests.post(f"{api_url}/api/v1/authenticate-jwt/{platform}", headers={"Token": assertion}, timeout=10)
    answer.raise_for_status()
    return answer.json()["data"]


if __name__ == "__main__":
    with open(os.environ["KEY_FILE"], encoding="ascii") as file:
        signed = sign(os.environ["EMAIL"], file.read())
    print(json.dumps(log_in(os.environ["API_URL"], os.environ["PLATFORM"], signed)))
