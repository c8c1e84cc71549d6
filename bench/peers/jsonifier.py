"""coboljsonifier, as its manual says, on the records of a file: `python -m bench.peers.jsonifier COPYBOOK FILE LENGTH`.

Its values become JSON by `pydantic_core`, which takes less time than the package that its manual names. Decimals have
more digits than Python's default, or it would end at a number of 29.
"""

import decimal
import sys
from importlib import import_module
from pathlib import Path

from pydantic_core import to_json


def main(copybook: str, file: str, length: str) -> None:
    """Print a line for each record."""
    size = int(length)
    decimal.getcontext().prec = 64
    # It has no types, and is there for `make bench` only.
    structure = import_module("coboljsonifier.copybookextractor").CopybookExtractor(copybook).dict_book_structure
    kinds = import_module("coboljsonifier.config.parser_type_enum").ParseType
    parser = import_module("coboljsonifier.parser").Parser(structure, kinds.BINARY_EBCDIC).build()
    with Path(file).open("rb") as stream:
        while record := stream.read(size):
            parser.parse(record)
            sys.stdout.buffer.write(to_json(parser.value) + b"\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
