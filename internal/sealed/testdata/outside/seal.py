"""Seals and opens tokens by Python's cryptography, hashlib and base64: one job of JSON a line, one answer a line."""

import base64
import hashlib
import json
import os
import sys

from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM


def password_derive_bytes(name, password, salt, iterations, size):
    """.NET's class of that name: PBKDF1, and beyond its end one hash more for each number."""

    def h(data):
        return hashlib.new(name, data).digest()

    base = h(password + salt)
    rounds = 1
    while rounds < iterations - 1:
        base = h(base)
        rounds += 1
    out, prefix = b"", b""
    while len(out) < size:
        out += h(prefix + base)
        prefix = str(len(out) // len(base)).encode("ascii")
    return out[:size]


def key_of(s, text):
    password, salt, size = text.encode("utf-8"), s["Salt"].encode("utf-8"), s["KeySize"] // 8
    if s["Derivation"] == "raw":
        return password
    if s["Derivation"] == "sha256":
        return hashlib.sha256(password).digest()[:size]
    if s["Derivation"] == "md5":
        return hashlib.md5(password).digest()
    if s["Derivation"] == "pbkdf2":
        return hashlib.pbkdf2_hmac(s["Hash"].lower(), password, salt, s["Iterations"], size)
    return password_derive_bytes(s["Hash"].lower(), password, salt, s["Iterations"], size)


def iv_of(s):
    return {
        "utf16le": lambda: s["IV"].encode("utf-16-le"),
        "zero": lambda: s["IV"].encode("ascii").ljust(16, b"\0"),
        "double": lambda: s["IV"].encode("ascii") * 2,
        "full": lambda: s["IV"].encode("ascii"),
        "random": lambda: os.urandom(16),
    }[s["IVExpansion"]]()


def pad(name, plain):
    if name in ("PKCS7", "ANSIX923"):
        p = getattr(padding, name)(128).padder()
        return p.update(plain) + p.finalize()
    n = 16 - len(plain) % 16
    if name == "ISO10126":
        return plain + os.urandom(n - 1) + bytes([n])
    if name == "Zeros":
        return plain + bytes(n % 16)
    return plain


def unpad(name, padded):
    if name in ("PKCS7", "ANSIX923"):
        p = getattr(padding, name)(128).unpadder()
        return p.update(padded) + p.finalize()
    if name == "ISO10126":
        return padded[: -padded[-1]]
    if name == "Zeros":
        return padded.rstrip(b"\0")
    return padded


def seal(s, key, plain, bound):
    if s["Mode"] == "GCM":
        nonce = os.urandom(12)
        return nonce + AESGCM(key).encrypt(nonce, plain, bound)
    padded = pad(s["Padding"], plain)
    if s["Mode"] == "ECB":
        e = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
        return e.update(padded) + e.finalize()
    iv = iv_of(s)
    e = Cipher(algorithms.AES(key), modes.CBC(iv)).encryptor()
    return (iv if s["IVExpansion"] == "random" else b"") + e.update(padded) + e.finalize()


def open_token(s, key, token, bound):
    if s["Mode"] == "GCM":
        return AESGCM(key).decrypt(token[:12], token[12:], bound)
    if s["Mode"] == "ECB":
        d = Cipher(algorithms.AES(key), modes.ECB()).decryptor()
        return unpad(s["Padding"], d.update(token) + d.finalize())
    iv = iv_of(s)
    if s["IVExpansion"] == "random":
        iv, token = token[:16], token[16:]
    d = Cipher(algorithms.AES(key), modes.CBC(iv)).decryptor()
    return unpad(s["Padding"], d.update(token) + d.finalize())


for line in sys.stdin:
    job = json.loads(line)
    settings, bound = job["Settings"], job["Bound"].encode("ascii")
    key = key_of(settings, job["Key"])
    if job["Seal"]:
        answer = base64.b64encode(seal(settings, key, job["Text"].encode("utf-8"), bound)).decode("ascii")
    else:
        answer = open_token(settings, key, base64.b64decode(job["Text"], validate=True), bound).decode("utf-8")
    print(json.dumps(answer))
