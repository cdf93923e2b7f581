import { createRemoteJWKSet, jwtVerify } from 'jose'

const keys = createRemoteJWKSet(new URL('http://127.0.0.1:8080/.well-known/jeton-identity/jwks.json'))

// Whose a request is, as the claims of its identity token, or an error: it didn't come by way of Jeton.
export async function caller(headers) {
  const { payload } = await jwtVerify(headers['x-jeton-identity'] ?? '', keys, {
    issuer: 'http://127.0.0.1:8080',
    audience: 'http://api.example.com', // this API: host and path prefix of its service
    typ: 'identity+jwt',
    algorithms: ['ES256'],
    requiredClaims: ['exp', 'sub'],
  })
  return payload
}
