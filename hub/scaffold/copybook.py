"""The files of a new adapter for a batch file that a copybook describes."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from contracts.errors import ConfigError
from contracts.file_description import layout_of
from contracts.legacy.copybook.layout import Layout
from contracts.legacy.file_spec import FileSpec
from contracts.legacy.framing import Compression
from hub.scaffold.copybook_sample import Sample, Spoiled, sample, spoiled
from hub.scaffold.files import NewFile
from hub.scaffold.naming import pascal, short_names, snake
from hub.scaffold.soap import local_packages, module_of
from hub.scaffold.text import article, comment, docstring, imports, literal, quoted

__all__ = ["copybook_files"]

_KEY_WORDS = ("id", "key", "number", "no", "nr", "num", "nbr")
_SUFFIXES = ("record", "rec")
_TEST = '''"""Tests the adapter {name}: a made-up file, without Kafka."""

from pathlib import Path

{imports}

adapter = load(Path(__file__).with_name("{module}.py"), batch.Adapter)
FILE = Path(__file__).with_name("{file}")


def test_each_record_becomes_an_event() -> None:
    found = read_file(adapter, FILE)

    assert found.reasons == []
    assert found.events == [
{events}
    ]


def test_a_record_that_can_not_be_read_becomes_a_dead_letter(tmp_path: Path) -> None:
    data = FILE.read_bytes()
    # {about}
    changed = {before}{bad} + data[{end}:]
    file = tmp_path / FILE.name
    file.write_bytes(changed)

    found = read_file(adapter, file)

    assert found.reasons == {reasons}
    assert len(found.events) == {left}


def test_what_is_published_already_is_not_published_again() -> None:
    first = read_file(adapter, FILE)

    again = read_file(adapter, FILE, after=first)

    assert (again.events, again.reasons) == ([], [])
'''


def copybook_files(name: str, spec: FileSpec, folder: Path, *, key: str | None, namespace: str) -> Sequence[NewFile]:
    """Return adapter, sample file, test, and a description where the adapter needs one; the adapter was run.

    Raises:
        ConfigError: What is needed is not said, or the file is of a kind that is described by hand.
        ContractError: The copybook is not understood.
    """
    _require_plain(spec)
    module, layout = module_of(name), layout_of(spec)
    local = local_packages(folder, module)
    made = sample(spec, layout)
    chosen, others = _key(made, layout, key)
    thing = _thing(layout, name)
    names = short_names([*made.types], item=thing)
    writing = _Writing(name=name, spec=spec, folder=folder, thing=thing, names=names, made=made)
    text = writing.adapter(chosen, others, is_told=key is not None, namespace=namespace, local=local)
    contents = {f"{module}.py": text.encode()}
    if not _is_plain(spec):
        contents[f"{module}.yaml"] = writing.description()
    bad = spoiled(text, spec, layout, made, key=chosen)
    contents[f"{module}.sample"] = made.data
    contents[f"test_{module}.py"] = writing.test(bad, module=module, local=local).encode()
    return [NewFile(path=folder / each, data=data) for each, data in contents.items()]


def _require_plain(spec: FileSpec) -> None:
    framing = spec.framing
    told = {
        "segments": bool(spec.segments),
        "header_records": bool(framing.header_records or framing.header_bytes),
        "trailer_records": bool(framing.trailer_records or framing.footer_bytes),
        "compression": framing.compression is not Compression.NONE,
    }
    if found := [name for name, is_there in told.items() if is_there]:
        guide = "such a file's adapter is written by hand: docs/guides/adapters.md"
        raise ConfigError([f"{', '.join(found)}: no sample file is made of that; {guide}"])


def _is_plain(spec: FileSpec) -> bool:
    """Tell whether copybook and code page are all there is to say."""
    return spec == FileSpec(copybook=spec.copybook, encoding=spec.encoding)


def _key(made: Sample, layout: Layout, key: str | None) -> tuple[str, list[str]]:
    fit = [name for name, type_ in made.types.items() if type_ in {"str", "int"}]
    if key is not None:
        if key.upper() not in fit:
            raise ConfigError([f"--key: {layout.name or 'the record'} has no {key}; there are: {', '.join(fit)}"])
        return key.upper(), []
    like = [name for name in fit if snake(name).split("_")[-1] in _KEY_WORDS]
    ids = [name for name in like if snake(name).split("_")[-1] == "id"]
    # ACCT-ID rather than ACCT-GROUP-ID.
    least = min((len(snake(name).split("_")) for name in ids), default=0)
    short = [name for name in ids if len(snake(name).split("_")) == least]
    best = short if len(short) == 1 else like
    if len(best) != 1:
        said = "several fields may be the key" if best else "no field looks like the key"
        raise ConfigError([f"{said}; --key FIELD with one of: {', '.join(best or fit)}"])
    return best[0], [name for name in like if name != best[0]]


def _thing(layout: Layout, name: str) -> str:
    words = snake(layout.name or name).split("_")
    return "_".join(words[:-1] if len(words) > 1 and words[-1] in _SUFFIXES else words)


class _Writing:
    def __init__(
        self, *, name: str, spec: FileSpec, folder: Path, thing: str, names: Mapping[str, str], made: Sample
    ) -> None:
        self._name, self._spec, self._folder = name, spec, folder
        self._thing, self._names, self._made = thing, names, made
        self._event = pascal(thing) + "Recorded"

    def adapter(self, key: str, others: Sequence[str], *, is_told: bool, namespace: str, local: frozenset[str]) -> str:
        """Return the adapter's text."""
        made = self._adapter(key, others, is_told=is_told)
        body = f"HERE = Path(__file__).parent\n\n\n{self._model(namespace)}\n\n{made}"
        about = f"Reads files of {self._spec.copybook.name}: each record becomes an event, {self._event}."
        note = "Written from the copybook. What was guessed is marked GUESS: look, then take the mark away."
        head = docstring(about, indent=0).removesuffix('"""').rstrip("\n")
        return f'{head}\n\n{note}\n"""\n\n{imports(body, own=[self._event], local=local)}\n\n{body}'

    def _model(self, namespace: str) -> str:
        kind = f"{namespace}.{self._thing.replace('_', '-')}.recorded.v1"
        review = (
            "REVIEW: every field is Personal, which is shown masked. Write Public[...] for what may stand in logs, "
            "and Sensitive[...] for health, origin, belief and the like."
        )
        left = [comment(f"- {each}", indent=4) for each in self._made.left_out]
        lines = [
            f"class {self._event}(Event):",
            docstring(f"{article(self._thing.replace('_', ' '))} was recorded."),
            "",
            f"    type = {quoted(kind)}",
            f"    topic = {quoted(self._name)}",
            "",
            comment(review, indent=4),
            *([comment("Left out:", indent=4), *left] if left else []),
            *(f"    {self._names[name]}: Personal[{type_}]" for name, type_ in self._made.types.items()),
        ]
        return "\n".join(lines) + "\n"

    def _adapter(self, key: str, others: Sequence[str], *, is_told: bool) -> str:
        incoming = f"in/{self._name.upper()}.*"
        lines = [
            "adapter = batch.Adapter(",
            "    batch.Config(",
            f"        name={quoted(self._name)},",
            comment(
                "GUESS: where the files arrive. done_file, trailer or stable_for say when one is complete.", indent=8
            ),
            f"        path={quoted(incoming)},",
        ]
        if _is_plain(self._spec):
            lines += [f"        copybook=HERE / {self._relative(self._spec.copybook)},"]
            lines += [f"        code_page={quoted(self._spec.encoding)},"]
        else:
            lines += [f"        file=HERE / {quoted(self._name.replace('-', '_') + '.yaml')},"]
        also = f"There are also: {', '.join(others)}." if others else "There is no other."
        guess = [] if is_told else [comment(f"GUESS: looks like what tells records apart. {also}", indent=4)]
        return "\n".join(
            [
                *lines,
                "    ),",
                f"    model={self._event},",
                *guess,
                f"    key={quoted(self._names[key])},",
                "    mapping={",
                *(f"        {quoted(each)}: {quoted(name)}," for name, each in self._names.items()),
                "    },",
                ")",
                "",
            ]
        )

    def description(self) -> bytes:
        """Return the description of the file, as YAML."""
        said = self._spec.model_dump(mode="json", exclude_defaults=True)
        said["copybook"] = self._path(self._spec.copybook)
        if self._spec.copies:
            said["copies"] = [self._path(each) for each in self._spec.copies]
        return yaml.safe_dump(said, sort_keys=False, allow_unicode=True).encode()

    def _path(self, path: Path) -> str:
        return Path(os.path.relpath(path.resolve(), self._folder.resolve())).as_posix()

    def _relative(self, path: Path) -> str:
        return quoted(self._path(path))

    def test(self, bad: Spoiled, *, module: str, local: frozenset[str]) -> str:
        """Return the test's text."""
        ours = ["from adapters import batch", "from hub.testing import load, read_file"]
        blocks = [
            [each for each in ours if (each.split()[1].partition(".")[0] in local) is own] for own in (False, True)
        ]
        return _TEST.format(
            name=self._name,
            module=module,
            imports="\n\n".join("\n".join(block) for block in blocks if block),
            file=f"{module}.sample",
            events="\n".join(_event(key, data) for key, data in bad.found.events),
            about=f"{bad.field} of the first record, without anything that can be read.",
            before=f"data[:{bad.start}] + " if bad.start else "",
            end=bad.start + bad.length,
            bad=f'b"\\x{bad.byte:02x}" * {bad.length}',
            reasons=literal([bad.reason], indent=4, lead=24),
            left=bad.left,
        )


def _event(key: str, data: Any) -> str:  # noqa: ANN401 - whatever JSON can hold
    return f"        (\n            {quoted(key)},\n            {literal(data, indent=12)},\n        ),"
