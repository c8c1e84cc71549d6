"""Names of a legacy system as names of Python."""

import builtins
import keyword
import sys
import unicodedata
from collections.abc import Collection, Sequence
from typing import Final

from contracts.event import Event
from contracts.legacy.xml import local

__all__ = ["TAKEN", "module_problem", "pascal", "short_names", "snake", "unique"]

_ANNOTATIONS: Final = frozenset({"date", "datetime", "time", "Decimal", "Literal", "Personal", "Any", "Annotated"})
TAKEN: Final = frozenset({*dir(Event), *keyword.kwlist, *keyword.softkwlist, *_ANNOTATIONS, *dir(builtins), "topic"})
"""No field of a model is called like this: pydantic, Python or an annotation means something else by it."""
_OURS: Final = frozenset({"adapters", "contracts", "events", "hub", "observability", "routers"})


def snake(name: str) -> str:
    """Return a name as that of a field.

    >>> [snake(name) for name in ("lastModified", "ResidentID", "RES-NAME", "xmlHTTPAddress2", "2nd", "")]
    ['last_modified', 'resident_id', 'res_name', 'xml_http_address_2', 'n_2_nd', 'field']
    """
    found = "_".join(word.lower() for word in _words(name)) or "field"
    return found if found.isidentifier() else f"n_{found}"


def pascal(name: str) -> str:
    """Return a name as that of a class.

    >>> [pascal(name) for name in ("resident", "RES-RECORD", "tResidentInfo", "int")]
    ['Resident', 'ResRecord', 'TResidentInfo', 'Int']
    """
    found = "".join(word.capitalize() if word.isupper() else word[0].upper() + word[1:] for word in _words(name))
    found = found or "Model"
    return found if found.isidentifier() else f"N{found}"


def unique(name: str, taken: Collection[str]) -> str:
    """Return a name that is not taken, with a number behind it where it has to be.

    >>> unique("city", {"city", "city_2"})
    'city_3'
    """
    found, number = name, 1
    while found in taken:
        number += 1
        found = f"{name}_{number}"
    return found


def short_names(paths: Sequence[str], *, item: str, beside: Collection[str] = ()) -> dict[str, str]:
    """Return a field's name for each path: its last step, or as many as tell it from the others.

    Args:
        paths: The steps of each field.
        item: What they are fields of, which stands before a name that can't be one.
        beside: Names in a record, of which no field has another's: it would be read for it.

    >>> short_names(["id", "name", "home/city", "work/city", "fee/#text", "fee/@currency"], item="resident")
    {'id': 'resident_id', 'name': 'name', 'home/city': 'home_city', 'work/city': 'work_city', 'fee/#text': 'fee', \
'fee/@currency': 'currency'}
    """
    steps = {path: [step for step in path.split("/") if step != "#text"] or [item] for path in paths}
    length = dict.fromkeys(paths, 1)
    while True:
        named = {path: snake("_".join(_local(step) for step in steps[path][-length[path] :])) for path in paths}
        values = [*named.values()]
        growing = [p for p in paths if values.count(named[p]) > 1 and length[p] < len(steps[p])]
        if not growing:
            break
        length |= {path: length[path] + 1 for path in growing}
    done: dict[str, str] = {}
    for path, name in named.items():
        is_plain = name not in TAKEN and name not in {"id", "key", "number"} and not name.startswith("model_")
        others = [each for each in beside if path not in {each, f"{each}/#text"}]
        done[path] = unique(name if is_plain else f"{snake(item)}_{name}", [*done.values(), *others])
    return done


def module_problem(module: str) -> str | None:
    """Return what is wrong with the name of a module that tests import by it; None where nothing is."""
    if not module.isidentifier() or keyword.iskeyword(module):
        return "it is no name that Python can import"
    if module in sys.stdlib_module_names or module in _OURS:
        return f"Python would import another module {module}"
    return None


def _words(name: str) -> list[str]:
    # As Python reads names.
    name, words = unicodedata.normalize("NFKC", name), [""]
    for before, letter, after in zip(" " + name, name, name[1:] + " ", strict=False):
        if letter == "_" or not f"a{letter}".isidentifier():
            words.append("")
            continue
        is_other = before.isdigit() != letter.isdigit() or (before.islower() and letter.isupper())
        if is_other or (before.isupper() and letter.isupper() and after.islower()):
            words.append("")
        words[-1] += letter
    return [word for word in words if word]


def _local(step: str) -> str:
    return local(step).lstrip("@#")
