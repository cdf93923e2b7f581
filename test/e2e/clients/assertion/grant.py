"""Gets a session token for a user of a platform by the grant of RFC 7523, with Authlib, and prints the answer."""

import json
import os

from authlib.integrations.requests_client import AssertionSession


def session_of(email, token_endpoint, platform, private_key):
    """A session of requests that calls as a user: it gets a session token when it first needs one, and when that has ended."""
    return AssertionSession(
        token_endpoint, issuer=platform, subject=email, audience=token_endpoint,
        key=private_key, header={"alg": "RS512"}, expires_in=300,
    )


if __name__ == "__main__":
    with open(os.environ["KEY_FILE"], encoding="ascii") as file:
        session = session_of(os.environ["EMAIL"], os.environ["TOKEN_ENDPOINT"], os.environ["PLATFORM"], file.read())
    session.refresh_token()
    print(json.dumps(session.token))
