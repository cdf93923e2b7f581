import * as oauth from 'oauth4webapi'

const http = { [oauth.allowInsecureRequests]: true } // for http on this machine; leave it out with https

async function discover() {
  const issuer = new URL('http://127.0.0.1:8080')
  const response = await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...http })
  return oauth.processDiscoveryResponse(issuer, response)
}

// What an API finds in a request that carries an access token (RFC 9068): its claims, or an error.
export async function claims(request) {
  const as = await discover()
  return oauth.validateJwtAccessToken(as, request, as.issuer, http)
}

// An access token, exchanged for an API token (RFC 8693).
export async function byAPIToken(apiToken) {
  const as = await discover()
  const client = { client_id: 'external-app' }
  const response = await oauth.genericTokenEndpointRequest(as, client, oauth.None(), 'urn:ietf:params:oauth:grant-type:token-exchange', {
    subject_token: apiToken,
    subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
  }, http)
  return oauth.processGenericTokenEndpointResponse(as, client, response, { recognizedTokenTypes: { n_a() {} } })
}

// An access token of a service account.
export async function byClientSecret(clientID, clientSecret) {
  const as = await discover()
  const client = { client_id: clientID }
  const response = await oauth.clientCredentialsGrantRequest(as, client, oauth.ClientSecretPost(clientSecret), {}, http)
  return oauth.processClientCredentialsResponse(as, client, response)
}
