// Logs in a user of a platform, by an assertion that jsonwebtoken signs (RS512), and prints the session.
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import jwt from 'jsonwebtoken'

// An assertion that a user logs in: it counts for five minutes, and once.
function sign(email, privateKey) {
  return jwt.sign({ email }, privateKey, { algorithm: 'RS512', expiresIn: '5m', jwtid: randomUUID() })
}

// The session that Jeton begins for it: id (the session token), userId, ttl, until and created.
async function logIn(apiURL, platform, assertion) {
  const answer = await fetch(`${apiURL}/api/v1/authenticate-jwt/${platform}`, { method: 'POST', headers: { Token: assertion } })
  if (!answer.ok) throw new Error(`Jeton answered ${answer.status}`)
  return (await answer.json()).data
}

const { API_URL, EMAIL, KEY_FILE, PLATFORM } = process.env
const session = await logIn(API_URL, PLATFORM, sign(EMAIL, readFileSync(KEY_FILE)))
console.log(JSON.stringify(session))
