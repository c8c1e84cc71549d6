"""Python as text: literals, docstrings and comments, laid out as formatters would."""

import json
import re
import textwrap
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Final, cast

__all__ = ["article", "comment", "docstring", "imports", "literal", "quoted"]

WIDTH: Final = 88
_SAFE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")

_FROM: Final[Mapping[str, tuple[str, ...]]] = {
    "base64": ("b64encode",),
    "collections.abc": ("Mapping",),
    "datetime": ("date", "datetime", "time", "timedelta"),
    "decimal": ("Decimal",),
    "enum": ("Enum", "StrEnum"),
    "pathlib": ("Path",),
    "typing": ("Annotated", "Any", "Final", "Literal", "TypeAlias"),
    "adapters": ("batch", "soap"),
    "contracts.event": ("Event", "Personal"),
    "contracts.legacy.file_spec": ("FileSpec",),
    "contracts.legacy.framing": ("FramingSpec",),
    "pydantic": (
        "AliasPath",
        "BaseModel",
        "ConfigDict",
        "Discriminator",
        "Field",
        "SerializerFunctionWrapHandler",
        "Tag",
        "model_serializer",
    ),
}
_OTHERS: Final = ("adapters", "contracts.event", "contracts.legacy.file_spec", "contracts.legacy.framing", "pydantic")


def quoted(text: str) -> str:
    r"""Return a text as a literal in double quotes.

    >>> quoted('say "a"\n\\ é')
    '"say \\"a\\"\\n\\\\ é"'
    """
    return _SAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(text, ensure_ascii=False))


def literal(value: object, *, indent: int = 0, lead: int = 0) -> str:
    """Return what JSON can hold as Python; broken into lines where it is too wide.

    >>> literal({"a": [1, None, True], "b": "c"})
    '{"a": [1, None, True], "b": "c"}'

    Args:
        value: The value.
        indent: Blanks before the line that it begins on.
        lead: Characters on that line before it.
    """
    flat = _flat(value)
    if indent + lead + len(flat) < WIDTH or not isinstance(value, (dict, list)) or not value:
        return flat
    inner = " " * (indent + 4)
    if isinstance(value, dict):
        pairs = [(_flat(key), each) for key, each in cast("dict[str, object]", value).items()]
        lines = [f"{key}: {literal(each, indent=indent + 4, lead=len(key) + 2)}" for key, each in pairs]
        return "{\n" + "".join(f"{inner}{line},\n" for line in lines) + " " * indent + "}"
    lines = [literal(each, indent=indent + 4) for each in cast("list[object]", value)]
    return "[\n" + "".join(f"{inner}{line},\n" for line in lines) + " " * indent + "]"


def _flat(value: object) -> str:
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, dict):
        pairs = cast("dict[str, object]", value).items()
        return "{" + ", ".join(f"{_flat(key)}: {_flat(each)}" for key, each in pairs) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flat, cast("list[object]", value))) + "]"
    return repr(value)


def article(noun: str) -> str:
    """Return a noun with its article, as far as its first letter tells it.

    >>> article("account"), article("resident")
    ('An account', 'A resident')
    """
    return f"{'An' if noun[:1].lower() in {*'aeio'} else 'A'} {noun}"


def docstring(text: str, *, indent: int = 4) -> str:
    r"""Return lines of a docstring with what somebody wrote in a contract.

    >>> docstring('It is\n a "name".', indent=0)[3:-3]
    'It is a "name".'
    """
    lead = " " * indent
    said = " ".join(_SAFE.sub(" ", text).split()).replace("\\", "\\\\").replace('"""', "'''")
    said = said[:-1] + '\\"' if said.endswith('"') else said
    if indent + len(said) + 6 <= WIDTH:
        return f'{lead}"""{said}"""'
    lines = textwrap.wrap(said, WIDTH - indent - 3, break_long_words=False, break_on_hyphens=False)
    first, rest = lines[0], lines[1:]
    return "\n".join([f'{lead}"""{first}', *(lead + line for line in rest), f'{lead}"""'])


def comment(text: str, *, indent: int = 0) -> str:
    """Return lines of a comment."""
    lead = " " * indent + "# "
    said = " ".join(_SAFE.sub(" ", text).split())
    return "\n".join(
        textwrap.wrap(
            said, WIDTH, initial_indent=lead, subsequent_indent=lead, break_long_words=False, break_on_hyphens=False
        )
    )


def imports(body: str, *, own: Iterable[str] = (), local: Collection[str] = ()) -> str:
    """Return the imports that a module needs, by the names that it uses outside of texts.

    Args:
        body: The module without them.
        own: Names of its own.
        local: Packages whose names stand in the user's own folder: sorters take them for the user's.
    """
    used = set(re.findall(r"[A-Za-z_]\w*", _without_texts(body))) - set(own)
    groups = (
        [module for module in _FROM if module not in _OTHERS],
        [module for module in _OTHERS if module.partition(".")[0] not in local],
        [module for module in _OTHERS if module.partition(".")[0] in local],
    )
    blocks = ["\n".join(_lines(group, used)) for group in groups]
    return "\n\n".join(block for block in blocks if block)


def _lines(group: Iterable[str], used: set[str]) -> Iterator[str]:
    for module in group:
        names = [name for name in _FROM[module] if name in used]
        if names:
            line = f"from {module} import {', '.join(names)}"
            broken = f"from {module} import (\n" + "".join(f"    {name},\n" for name in names) + ")"
            yield line if len(line) <= WIDTH else broken


def _without_texts(body: str) -> str:
    body = re.sub(r'""".*?"""', '""', body, flags=re.DOTALL)
    body = re.sub(r'"(?:[^"\\\n]|\\.)*"', '""', body)
    return re.sub(r"#[^\n]*", "", body)
