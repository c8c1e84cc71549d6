"""TLS contexts of both ends: TLS 1.2 and later, names and chains verified, HTTP/1.1 alone."""

import ssl

from contracts.errors import ConfigError
from routers.facade.settings import ClientTls, ServerTls

__all__ = ["backend_context", "listener_context"]


def listener_context(settings: ServerTls) -> ssl.SSLContext:
    """Return the context for callers.

    Raises:
        ConfigError: A file can't be read, or certificate and key do not belong together.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(settings.certificate, settings.key)
        if settings.client_ca is not None:
            context.load_verify_locations(settings.client_ca)
            context.verify_mode = ssl.CERT_REQUIRED
    except OSError as error:
        raise ConfigError([f"tls: {settings.certificate}, {settings.key}: {error.strerror or error}"]) from error
    return context


def backend_context(settings: ClientTls) -> ssl.SSLContext:
    """Return the context for a backend.

    Raises:
        ConfigError: A file can't be read, or certificate and key do not belong together.
    """
    try:
        context = ssl.create_default_context(cafile=settings.ca)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        if settings.certificate is not None:
            context.load_cert_chain(settings.certificate, settings.key)
    except OSError as error:
        raise ConfigError([f"tls: {settings.ca or settings.certificate}: {error.strerror or error}"]) from error
    return context
