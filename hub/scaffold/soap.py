"""The files of a new adapter for an operation that is polled."""

from collections.abc import Sequence
from pathlib import Path

from contracts.errors import ConfigError
from hub.scaffold.files import NewFile
from hub.scaffold.naming import module_problem, snake
from hub.scaffold.soap_adapter import adapter_text, thing
from hub.scaffold.soap_plan import Wanted, plan
from hub.scaffold.soap_test import text_of_test
from hub.scaffold.soap_trial import try_out

__all__ = ["local_packages", "module_of", "soap_files"]


def soap_files(wanted: Wanted, folder: Path) -> Sequence[NewFile]:
    """Return adapter, sample reply and test; the adapter was run on the reply.

    Raises:
        ConfigError: The contract does not say what is needed; names the option that says it.
        ContractError: The contract can't be read.
    """
    module = module_of(wanted.name)
    made, local = plan(wanted), local_packages(folder, module)
    text = adapter_text(made, folder, local=local)
    trial = try_out(made, text)
    reply = f"{module}.reply.xml"
    test = text_of_test(made, trial, item=snake(thing(made)), module=module, reply=reply, local=local)
    contents = {f"{module}.py": text, reply: trial.reply, f"test_{module}.py": test}
    return [NewFile(path=folder / name, data=content.encode()) for name, content in contents.items()]


def local_packages(folder: Path, module: str) -> frozenset[str]:
    """Return which of the names that an adapter imports stand in the user's own folder, too: as sorters see it."""
    here = Path.cwd()
    there = {each.stem for each in here.glob("*.py")} | {each.parent.name for each in here.glob("*/*.py")}
    if folder.resolve() == here:
        there.add(module)
    elif folder.resolve().parent == here:
        there.add(folder.resolve().name)
    return frozenset(there & {"adapters", "contracts", "hub", module})


def module_of(name: str) -> str:
    """Return the module of an adapter.

    Raises:
        ConfigError: It can't be one.
    """
    module = name.replace("-", "_")
    if problem := module_problem(module):
        raise ConfigError([f"NAME {name}: {problem}; choose another"])
    return module
