"""An authority for tests and certificates of it, for this machine and an hour."""

import ipaddress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

__all__ = ["certificates"]


def certificates(folder: Path, *names: str) -> dict[str, tuple[str, str]]:
    """Write an authority, `ca`, and certificates of it for this machine; return the files of each and of its key."""
    made: dict[str, tuple[str, str]] = {}
    authority = ec.generate_private_key(ec.SECP256R1())
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ca")])
    now = datetime.now(UTC)
    for name in ("ca", *names):
        key = authority if name == "ca" else ec.generate_private_key(ec.SECP256R1())
        builder = (
            x509.CertificateBuilder(
                issuer_name=issuer,
                subject_name=x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]),
                public_key=key.public_key(),
                serial_number=x509.random_serial_number(),
                not_valid_before=now - timedelta(minutes=1),
                not_valid_after=now + timedelta(hours=1),
            )
            .add_extension(x509.BasicConstraints(ca=name == "ca", path_length=None), critical=True)
            .add_extension(
                x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
            )
        )
        files = folder / f"{name}.crt", folder / f"{name}.key"
        files[0].write_bytes(builder.sign(authority, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
        files[1].write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        made[name] = (str(files[0]), str(files[1]))
    return made
