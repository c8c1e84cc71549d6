"""expat, hardened, for the one job that the façade has for it: the first bytes of messages (decision 6).

No DTD, so no entities of anybody's; a closed list of encodings; no content of a message in an error. Every other
document goes through `contracts.legacy.xml`.
"""

from xml.parsers import expat

from routers.facade.soap.content_type import MessageError, charset_of

__all__ = ["Parser", "hardened", "parse", "release"]

Parser = expat.XMLParserType


def hardened(encoding: str | None) -> Parser:
    """Return a parser that writes names as `namespace}name`; `encoding` beats what the document declares."""
    parser = expat.ParserCreate(encoding, "}")
    parser.StartDoctypeDeclHandler = _refuse_dtd
    if encoding is None:
        parser.XmlDeclHandler = _check_encoding
    return parser


def parse(parser: Parser, piece: bytes, *, final: bool = False) -> None:
    """Give a parser more of its document. An error of a handler ends it at once.

    Raises:
        MessageError: The document is not well-formed (`malformed`), or has what is forbidden.
    """
    try:
        parser.Parse(piece, final)
    except expat.ExpatError as error:
        place = f"{expat.ErrorString(error.code)} at line {error.lineno}, column {error.offset}"
        raise MessageError("malformed", expected=f"well-formed XML: {place}") from error
    except ValueError as error:
        raise MessageError("malformed", expected="well-formed XML: characters that Unicode has") from error


def release(parser: Parser) -> None:
    """Take a parser's handlers away, so that it goes with its last user.

    Its handlers are methods of objects that have it: a circle. The collector finds it, but it counts objects, and what
    a parser holds, tens of kilobytes, it does not see.
    """
    parser.StartElementHandler = parser.EndElementHandler = parser.CharacterDataHandler = None
    parser.StartDoctypeDeclHandler = parser.XmlDeclHandler = None


def _refuse_dtd(_name: str, _system: str | None, _public: str | None, _internal: int) -> None:
    raise MessageError("dtd", expected="no DTD")


def _check_encoding(_version: str, encoding: str | None, _standalone: int) -> None:
    if encoding is not None:
        charset_of(encoding)
