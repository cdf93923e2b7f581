// Runs the other files step by step, as clients_test.go says.
import { webcrypto } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'

// What these packages find in Node 20 and newer. Debian 12 has 18.
globalThis.crypto ??= webcrypto
globalThis.CryptoKey ??= webcrypto.CryptoKey
const jose = await import('./jose.mjs')
const oauth4webapi = await import('./oauth4webapi.mjs')
const openid = await import('./openid-client.mjs')

const env = process.env
const ways = {
  'openid-client exchange': () => openid.byAPIToken(env.API_TOKEN),
  'openid-client client_secret_basic': () => openid.byClientSecret(env.CLIENT_ID, env.CLIENT_SECRET),
  'openid-client private_key_jwt': () => openid.byPrivateKey(env.CLIENT_ID, readFileSync(env.CLIENT_KEY_FILE, 'ascii')),
  'oauth4webapi exchange': () => oauth4webapi.byAPIToken(env.API_TOKEN),
  'oauth4webapi client_secret_post': () => oauth4webapi.byClientSecret(env.CLIENT_ID, env.CLIENT_SECRET),
}

let token
const authorization = () => ({ authorization: `Bearer ${token}` })
const steps = {
  async token() {
    const got = await ways[process.argv.slice(2).join(' ')]()
    token = got.access_token
    return got.token_type.toLowerCase() === 'bearer' && got.expires_in > 290 && got.expires_in <= 300 ? 'ok' : `${got.token_type} for ${got.expires_in} s`
  },
  async call() {
    const res = await fetch(env.API_URL, { headers: authorization() })
    return res.ok ? `${res.status} ${await res.text()}` : `${res.status}`
  },
  async verify() {
    const one = await jose.claims(token)
    const other = await oauth4webapi.claims(new Request(env.API_URL, { headers: authorization() }))
    return one.jti === other.jti && one.sub === other.sub ? 'ok' : 'two answers'
  },
  async introspect() {
    return (await openid.isActive(env.VERIFIER_ID, env.VERIFIER_SECRET, token)) ? 'active' : 'inactive'
  },
  async revoke() {
    await openid.revoke(env.CLIENT_ID, env.CLIENT_SECRET, token)
    return 'ok'
  },
}

for await (const step of createInterface({ input: process.stdin })) {
  let answer
  try {
    answer = await steps[step]()
  } catch (e) {
    answer = e.error ?? (e.status ? `${e.status}` : `${e.code ?? e.name}: ${e.message}: ${e.cause?.message ?? ''}`)
  }
  console.log(answer.replaceAll('\n', ' '))
}
