import { importPKCS8 } from 'jose'
import * as client from 'openid-client'

// What Jeton says of itself (RFC 8414), and this program as one of its clients.
export function jeton(clientID, authentication) {
  return client.discovery(new URL('http://127.0.0.1:8080'), clientID, undefined, authentication, {
    algorithm: 'oauth2',
    execute: [client.allowInsecureRequests], // for http on this machine; leave it out with https
  })
}

// An access token, exchanged for an API token (RFC 8693).
export async function byAPIToken(apiToken) {
  const config = await jeton('external-app', client.None())
  return client.genericGrantRequest(config, 'urn:ietf:params:oauth:grant-type:token-exchange', {
    subject_token: apiToken,
    subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
  })
}

// An access token of a service account, by its secret …
export async function byClientSecret(clientID, clientSecret) {
  const config = await jeton(clientID, client.ClientSecretBasic(clientSecret))
  return client.clientCredentialsGrant(config)
}

// … or by its key, of which Jeton has the public half.
export async function byPrivateKey(clientID, pem) {
  const key = await importPKCS8(pem, 'ES256')
  const config = await jeton(clientID, client.PrivateKeyJwt(key))
  return client.clientCredentialsGrant(config)
}

// Is a token that somebody sent good at this moment (RFC 7662)? For a service account that is a verifier of the service.
export async function isActive(clientID, clientSecret, accessToken) {
  const config = await jeton(clientID, client.ClientSecretBasic(clientSecret))
  const answer = await client.tokenIntrospection(config, accessToken)
  return answer.active
}

// Away with one's own access token before its time (RFC 7009).
export async function revoke(clientID, clientSecret, accessToken) {
  const config = await jeton(clientID, client.ClientSecretBasic(clientSecret))
  await client.tokenRevocation(config, accessToken)
}
