// Seals a security token and a user token, and prints them as the part of a query that they are.
import { createCipheriv, createHash, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'

// A token as a token set with the defaults has it, in Base64. GCM binds it to its project and parameter: 1000:XST.
function seal(mode, keyText, text, bound) {
  const key = createHash('sha256').update(keyText).digest()
  if (mode === 'GCM') {
    const nonce = randomBytes(12)
    const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(bound))
    return Buffer.concat([nonce, cipher.update(text), cipher.final(), cipher.getAuthTag()]).toString('base64')
  }
  const cipher = mode === 'CBC'
    ? createCipheriv('aes-256-cbc', key, Buffer.from('@1B2c3D4', 'utf16le'))
    : createCipheriv('aes-256-ecb', key, null)
  return cipher.update(text, 'utf8', 'base64') + cipher.final('base64') // padded as PKCS7 says
}

// The plaintext of a token: XML with lines that end in CR and LF, JSON, or a form.
function write(root, fields, form) {
  if (form === 'json') return JSON.stringify(fields)
  if (form === 'form') return new URLSearchParams(fields).toString()
  const escape = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
  const lines = Object.entries(fields).map(([name, value]) => `    <${name}>${escape(value)}</${name}>`)
  return [`<${root}>`, ...lines, `</${root}>`].join('\r\n')
}

// A time with the offset of this machine: 2023-03-08T14:15:53-08:00.
function withOffset(time) {
  const minutes = -time.getTimezoneOffset()
  const local = new Date(time.getTime() + minutes * 60_000).toISOString().slice(0, 19)
  const two = (n) => String(Math.trunc(Math.abs(n))).padStart(2, '0')
  return `${local}${minutes < 0 ? '-' : '+'}${two(minutes / 60)}:${two(minutes % 60)}`
}

const { FORM, KEY_FILE, MODE, PROJECT } = process.env
const keyText = readFileSync(KEY_FILE, 'utf8').replace(/\r?\n$/, '')
const security = { Context: 'MySecurityContext', AppId: 'MyAppId', AppKey: 'MyAppKey', GenDT: withOffset(new Date()) }
const user = { UserName: 'admin', Display: 'John Doe' }
console.log(new URLSearchParams({
  XST: seal(MODE, keyText, write('SecurityToken', security, FORM), `${PROJECT}:XST`),
  XUT: seal(MODE, keyText, write('UserToken', user, FORM), `${PROJECT}:XUT`),
}).toString())
