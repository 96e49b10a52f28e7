"""Tokens that open booking, and the key that a booking site checks them with.

ES256 with one fixed algorithm, issuer, audience, expiry and a unique id
(RFC 8725). A token says that its bearer may book; it says nothing about health.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from datetime import datetime, timedelta
from typing import Any, Dict

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

ALGORITHM = "ES256"
ISSUER = "iastm-assistant"
AUDIENCE = "booking"
LIFE = timedelta(minutes=30)
# in a message that waits until the client looks
PUSHED_LIFE = timedelta(days=3)


def new_signing_key() -> str:
    """A private key on the curve P-256, as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


class BookingTokens:
    """Issues booking tokens and publishes their key.

    Args:
        pem: the installation's private key, as `new_signing_key` makes it.
    """

    def __init__(self, pem: str) -> None:
        self._key = serialization.load_pem_private_key(pem.encode(), password=None)
        public: Dict[str, Any] = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(self._key.public_key()))
        # the key's own thumbprint (RFC 7638): it changes when the key does
        members = json.dumps({name: public[name] for name in ("crv", "kty", "x", "y")}, separators=(",", ":"))
        digest = hashlib.sha256(members.encode()).digest()
        self._id = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        self._public = {**public, "kid": self._id, "alg": ALGORITHM, "use": "sig"}

    def issue(self, decision_id: str, now: datetime, life: timedelta = LIFE) -> str:
        """A token for one decision that allows booking.

        Args:
            now: the moment, with a zone.
            life: how long it is accepted.
        """
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": decision_id,
            "jti": secrets.token_urlsafe(16),
            "iat": now,
            "exp": now + life,
        }
        return jwt.encode(claims, self._key, algorithm=ALGORITHM, headers={"kid": self._id})

    def renewed(self, token: str, now: datetime) -> str:
        """A fresh token for what an earlier one of ours, valid or not, was issued for."""
        claims = jwt.decode(token, options={"verify_signature": False})
        return self.issue(str(claims["sub"]), now)

    def jwks(self) -> Dict[str, Any]:
        """The public key as a JSON Web Key Set (RFC 7517)."""
        return {"keys": [self._public]}
