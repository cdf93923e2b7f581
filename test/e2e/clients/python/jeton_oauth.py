from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT

TOKEN_ENDPOINT = "http://127.0.0.1:8080/oauth/token"


def by_api_token(api_token):
    """A session that calls with an access token, exchanged for the API token (RFC 8693)."""
    session = OAuth2Session("external-app")
    session.fetch_token(
        TOKEN_ENDPOINT,
        grant_type="urn:ietf:params:oauth:grant-type:token-exchange",
        subject_token=api_token,
        subject_token_type="urn:ietf:params:oauth:token-type:jwt",
    )
    return session


def by_client_secret(client_id, client_secret, method="client_secret_basic"):
    """A session of a service account; client_secret_post is the other method. It gets new access tokens by itself."""
    session = OAuth2Session(
        client_id, client_secret, token_endpoint_auth_method=method,
        grant_type="client_credentials", token_endpoint=TOKEN_ENDPOINT,
    )
    session.fetch_token()
    return session


def by_private_key(client_id, private_key):
    """A session of a service account that signs for itself; Jeton has the public half of the RSA key."""
    session = OAuth2Session(
        client_id, private_key, token_endpoint_auth_method="private_key_jwt",
        grant_type="client_credentials", token_endpoint=TOKEN_ENDPOINT,
    )
    session.register_client_auth_method(PrivateKeyJWT(TOKEN_ENDPOINT))
    session.fetch_token()
    return session
