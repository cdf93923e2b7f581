import { createRemoteJWKSet, jwtVerify } from 'jose'

const keys = createRemoteJWKSet(new URL('http://127.0.0.1:8080/.well-known/jwks.json'))

// The claims of an access token (RFC 9068), or an error. Jeton isn't asked: a token that was taken away passes until exp.
export async function claims(accessToken) {
  const { payload } = await jwtVerify(accessToken, keys, {
    issuer: 'http://127.0.0.1:8080',
    audience: 'http://127.0.0.1:8080', // or the service's URL, for tokens that were asked for with it as their resource
    typ: 'at+jwt',
    algorithms: ['ES256'],
    requiredClaims: ['exp', 'sub'],
  })
  return payload
}
