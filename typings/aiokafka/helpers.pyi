import ssl
from pathlib import Path

def create_ssl_context(
    *,
    cafile: str | Path | None = None,
    capath: str | Path | None = None,
    cadata: str | bytes | None = None,
    certfile: str | Path | None = None,
    keyfile: str | Path | None = None,
    password: str | None = None,
    crlfile: str | Path | None = None,
) -> ssl.SSLContext: ...
