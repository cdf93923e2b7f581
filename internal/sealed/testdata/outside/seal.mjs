// Seals and opens tokens by Node's crypto and Buffer: one job of JSON a line, one answer a line.

import { createCipheriv, createDecipheriv, createHash, pbkdf2Sync, randomBytes } from 'node:crypto';
import { createInterface } from 'node:readline';

// PBKDF1, and beyond its end one hash more for each number: .NET's class of that name.
function passwordDeriveBytes(name, password, salt, iterations, size) {
  const hash = (...parts) => parts.reduce((h, part) => h.update(part), createHash(name)).digest();
  let base = hash(password, salt);
  for (let round = 1; round < iterations - 1; round++) base = hash(base);
  let out = hash(base);
  for (let number = 1; out.length < size; number++) out = Buffer.concat([out, hash(`${number}`, base)]);
  return out.subarray(0, size);
}

function keyOf(s, text) {
  const size = s.KeySize / 8;
  switch (s.Derivation) {
    case 'raw': return Buffer.from(text, 'utf8');
    case 'sha256': return createHash('sha256').update(text, 'utf8').digest().subarray(0, size);
    case 'md5': return createHash('md5').update(text, 'utf8').digest();
    case 'pbkdf2': return pbkdf2Sync(text, s.Salt, s.Iterations, size, s.Hash.toLowerCase());
    default: return passwordDeriveBytes(s.Hash.toLowerCase(), text, s.Salt, s.Iterations, size);
  }
}

function ivOf(s) {
  switch (s.IVExpansion) {
    case 'utf16le': return Buffer.from(s.IV, 'utf16le');
    case 'zero': return Buffer.concat([Buffer.from(s.IV, 'ascii'), Buffer.alloc(8)]);
    case 'double': return Buffer.from(s.IV + s.IV, 'ascii');
    case 'full': return Buffer.from(s.IV, 'ascii');
    default: return randomBytes(16);
  }
}

function pad(name, plain) {
  const n = 16 - (plain.length % 16);
  switch (name) {
    case 'ANSIX923': return Buffer.concat([plain, Buffer.alloc(n - 1), Buffer.of(n)]);
    case 'ISO10126': return Buffer.concat([plain, randomBytes(n - 1), Buffer.of(n)]);
    case 'Zeros': return Buffer.concat([plain, Buffer.alloc(n % 16)]);
    default: return plain; // PKCS7 is Node's own
  }
}

function unpad(name, padded) {
  switch (name) {
    case 'ANSIX923':
    case 'ISO10126': return padded.subarray(0, -padded[padded.length - 1]);
    case 'Zeros': return Buffer.from(padded.toString('utf8').replace(/\0+$/, ''));
    default: return padded;
  }
}

const algorithm = (s) => `aes-${s.KeySize}-${s.Mode.toLowerCase()}`;

function seal(s, key, plain, bound) {
  if (s.Mode === 'GCM') {
    const nonce = randomBytes(12);
    const c = createCipheriv(algorithm(s), key, nonce).setAAD(Buffer.from(bound));
    return Buffer.concat([nonce, c.update(plain), c.final(), c.getAuthTag()]);
  }
  const iv = s.Mode === 'ECB' ? null : ivOf(s);
  const c = createCipheriv(algorithm(s), key, iv).setAutoPadding(s.Padding === 'PKCS7');
  const front = s.IVExpansion === 'random' ? [iv] : [];
  return Buffer.concat([...front, c.update(pad(s.Padding, plain)), c.final()]);
}

function open(s, key, token, bound) {
  if (s.Mode === 'GCM') {
    const d = createDecipheriv(algorithm(s), key, token.subarray(0, 12), { authTagLength: 16 });
    d.setAAD(Buffer.from(bound)).setAuthTag(token.subarray(-16));
    return Buffer.concat([d.update(token.subarray(12, -16)), d.final()]);
  }
  let iv = s.Mode === 'ECB' ? null : ivOf(s);
  if (s.IVExpansion === 'random') {
    iv = token.subarray(0, 16);
    token = token.subarray(16);
  }
  const d = createDecipheriv(algorithm(s), key, iv).setAutoPadding(s.Padding === 'PKCS7');
  return unpad(s.Padding, Buffer.concat([d.update(token), d.final()]));
}

for await (const line of createInterface({ input: process.stdin })) {
  const job = JSON.parse(line);
  const key = keyOf(job.Settings, job.Key);
  const answer = job.Seal
    ? seal(job.Settings, key, Buffer.from(job.Text), job.Bound).toString('base64')
    : open(job.Settings, key, Buffer.from(job.Text, 'base64'), job.Bound).toString('utf8');
  console.log(JSON.stringify(answer));
}
