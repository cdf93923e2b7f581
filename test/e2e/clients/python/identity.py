import jwt

KEYS = jwt.PyJWKClient("http://127.0.0.1:8080/.well-known/jeton-identity/jwks.json")


def caller(headers):
    """Whose a request is, as the claims of its identity token, or an error: it didn't come by way of Jeton."""
    token = headers.get("X-Jeton-Identity", "")
    key = KEYS.get_signing_key_from_jwt(token)
    if jwt.get_unverified_header(token).get("typ") != "identity+jwt":
        raise jwt.InvalidTokenError("another kind of token")
    return jwt.decode(
        token, key.key, algorithms=["ES256"],
        issuer="http://127.0.0.1:8080",
        audience="http://api.example.com",  # this API: host and path prefix of its service
        options={"require": ["exp", "iss", "aud", "sub"]},
    )
