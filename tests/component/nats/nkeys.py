"""NKeys and JWTs as nsc makes them: Ed25519 keys as text, and claims signed with them."""

import base64
import json
import time

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

PREFIXES = {"operator": 14, "account": 0, "user": 20}  # times 8; github.com/nats-io/nkeys strkey.go
SEED = 18


def checksum(data):
    """CRC-16/XMODEM."""
    crc = 0
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x1021 if crc & 0x8000 else crc << 1) & 0xFFFF
    return crc.to_bytes(2, "little")


def text_of(data):
    return base64.b32encode(data + checksum(data)).decode().rstrip("=")


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class NKey:
    """A new key of an operator, an account or a user."""

    def __init__(self, kind):
        self.kind = kind
        self.key = Ed25519PrivateKey.generate()
        prefix = PREFIXES[kind] << 3
        raw = self.key.private_bytes(serialization.Encoding.Raw, serialization.PrivateFormat.Raw,
                                     serialization.NoEncryption())
        self.seed = text_of(bytes([SEED << 3 | prefix >> 5, prefix << 3 & 0xFF]) + raw)
        self.public = text_of(bytes([prefix]) + self.key.public_key().public_bytes(
            serialization.Encoding.Raw, serialization.PublicFormat.Raw))

    def sign(self, subject, name, **claims):
        """A JWT about the subject, another key."""
        unlimited = {"subs": -1, "data": -1, "payload": -1}
        nats = {"operator": {}, "account": {"limits": {**unlimited, "imports": -1, "exports": -1, "wildcards": True,
                                                       "conn": -1, "leaf": -1}},
                "user": {"pub": {}, "sub": {}, **unlimited}}[subject.kind]
        payload = {"jti": text_of(name.encode()), "iat": int(time.time()), "iss": self.public, "sub": subject.public,
                   "name": name, "nats": {**nats, "type": subject.kind, "version": 2}, **claims}
        signed = ".".join(base64url(json.dumps(part).encode())
                          for part in ({"typ": "JWT", "alg": "ed25519-nkey"}, payload))
        return f"{signed}.{base64url(self.key.sign(signed.encode()))}"


def credentials(jwt, user):
    """A .creds file."""
    return (f"-----BEGIN NATS USER JWT-----\n{jwt}\n------END NATS USER JWT------\n\n"
            "************************* IMPORTANT *************************\n"
            "NKEY Seed printed below can be used to sign and prove identity.\n"
            "NKEYs are sensitive and should be treated as secrets.\n\n"
            f"-----BEGIN USER NKEY SEED-----\n{user.seed}\n------END USER NKEY SEED------\n")
