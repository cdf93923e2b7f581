"""Seals a security token and a user token, and prints them as the part of a query that they are."""

import json
import os
import urllib.parse
from base64 import b64encode
from datetime import datetime
from hashlib import sha256
from xml.sax.saxutils import escape

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC, ECB
from cryptography.hazmat.primitives.padding import PKCS7


def seal(mode, key_text, text, bound):
    """A token as a token set with the defaults has it, in Base64. GCM binds it to its project and parameter: 1000:XST."""
    key, plain = sha256(key_text.encode()).digest(), text.encode()
    if mode == "GCM":
        nonce = os.urandom(12)
        return b64encode(nonce + AESGCM(key).encrypt(nonce, plain, bound.encode())).decode()
    padder = PKCS7(128).padder()
    padded = padder.update(plain) + padder.finalize()
    iv = "@1B2c3D4".encode("utf-16-le")
    encryptor = Cipher(AES(key), CBC(iv) if mode == "CBC" else ECB()).encryptor()
    return b64encode(encryptor.update(padded) + encryptor.finalize()).decode()


def write(root, fields, form):
    """The plaintext of a token: XML with lines that end in CR and LF, JSON, or a form."""
    if form == "json":
        return json.dumps(fields)
    if form == "form":
        return urllib.parse.urlencode(fields)
    lines = [f"    <{name}>{escape(value)}</{name}>" for name, value in fields.items()]
    return "\r\n".join([f"<{root}>", *lines, f"</{root}>"])


if __name__ == "__main__":
    mode, form, project = os.environ["MODE"], os.environ["FORM"], os.environ["PROJECT"]
    with open(os.environ["KEY_FILE"], encoding="utf-8") as file:
        key_text = file.read().rstrip("\r\n")
    now = datetime.now().astimezone().isoformat(timespec="seconds")
    security = {"Context": "MySecurityContext", "AppId": "MyAppId", "AppKey": "MyAppKey", "GenDT": now}
    user = {"UserName": "admin", "Display": "John Doe"}
    print(urllib.parse.urlencode({
        "XST": seal(mode, key_text, write("SecurityToken", security, form), f"{project}:XST"),
        "XUT": seal(mode, key_text, write("UserToken", user, form), f"{project}:XUT"),
    }))
