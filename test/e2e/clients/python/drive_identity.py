"""The test's side: each line of the input is a token, and is answered with whose it is, or that it is refused."""
import sys

import jwt

from identity import caller

for line in sys.stdin:
    token = line.strip()
    try:
        claims = caller({"X-Jeton-Identity": token} if token else {})
        print(claims["preferred_username"], ",".join(claims["groups"]), claims["credential_kind"], flush=True)
    except jwt.PyJWTError:
        print("refused", flush=True)
