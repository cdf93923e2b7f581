// The test's side: each line of the input is a token, and is answered with whose it is, or that it is refused.
import { createInterface } from 'node:readline'
import { caller } from './identity.mjs'

for await (const token of createInterface({ input: process.stdin })) {
  try {
    const claims = await caller(token ? { 'x-jeton-identity': token } : {})
    console.log(claims.preferred_username, claims.groups.join(','), claims.credential_kind)
  } catch (error) {
    console.log('refused')
  }
}
