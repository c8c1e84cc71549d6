"""What may be shown of a key: a keyed hash, by which equal keys can be told without knowing any."""

import hashlib
from typing import Final, final

from pydantic import SecretStr

from contracts.errors import ConfigError

__all__ = ["KeyHash"]

_PREFIX: Final = "k1:"
_SHOWN: Final = 16
_MIN_SECRET_BYTES: Final = 16
_BLOCK_BYTES: Final = 64
_INNER: Final = bytes(octet ^ 0x36 for octet in range(256))
_OUTER: Final = bytes(octet ^ 0x5C for octet in range(256))


@final
class KeyHash:
    """Turns a key into `k1:` and 16 hex digits: HMAC-SHA256 with the hub's secret, shortened.

    The same key has the same hash in every process with the same secret. Person numbers are few enough
    to try them all, so the secret is what protects them: 16 bytes at least.

    >>> KeyHash(b"only-for-this-example")("12345")
    'k1:8c55b48269f7c7d2'

    Raises:
        ConfigError: The secret is shorter than 16 bytes.
    """

    __slots__ = ("_inner", "_outer")

    def __init__(self, secret: SecretStr | bytes) -> None:
        plain = secret.get_secret_value().encode() if isinstance(secret, SecretStr) else secret
        if len(plain) < _MIN_SECRET_BYTES:
            raise ConfigError([f"the secret of key hashes needs {_MIN_SECRET_BYTES} bytes at least"])
        # HMAC (RFC 2104) with what depends on the secret alone done once: a third of the time of hmac.digest.
        block = (hashlib.sha256(plain).digest() if len(plain) > _BLOCK_BYTES else plain).ljust(_BLOCK_BYTES, b"\0")
        self._inner = hashlib.sha256(block.translate(_INNER))
        self._outer = hashlib.sha256(block.translate(_OUTER))

    def __call__(self, key: bytes | str) -> str:
        """Return the hash; a string and its UTF-8 bytes have the same one."""
        data = key.encode() if isinstance(key, str) else key
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(data)
        outer.update(inner.digest())
        return _PREFIX + outer.hexdigest()[:_SHOWN]

    def __repr__(self) -> str:
        """Return the name alone: the secret is not shown."""
        return "KeyHash(...)"
