"""The layout is what it says: six packages that are ours alone, a wheel that holds them, modules one can read."""

import ast
import importlib
import inspect
import os
import pkgutil
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest
import zeep.exceptions

import adapters
from adapters.soap import contract
from contracts.errors import ContractError
from hub import reference

ROOT = Path(__file__).parents[2]
PACKAGES = ("adapters", "contracts", "events", "hub", "observability", "routers")
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
PUBLIC = [path for path in MODULES if not path.name.startswith("_") or path.name == "__init__.py"]
TESTS = sorted((ROOT / "tests").rglob("*.py"))
DATA = (
    "adapters/soap/example.wsdl",
    "adapters/soap_intercept/example.wsdl",
    "hub/demo/benefits.cpy",
    "hub/demo/registry.wsdl",
    "hub/demo/rules.yaml",
    "hub/local_kafka/log4j2.properties",
    "hub/local_kafka/pom.xml",
)
ALL_PUBLIC = ("observability.fields",)
"""Modules of names, where a list of them all would only repeat them."""
DEVELOPMENT = ("pytest", "_pytest", "hypothesis", "coverage", "testcontainers", "mypy", "hatchling", "importlinter")
SMOKE = """
import importlib, pkgutil, sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {development}:
            raise ModuleNotFoundError(f"{{name}} is a development dependency", name=name)

sys.meta_path.insert(0, Blocked())
for package in {packages}:
    for module in pkgutil.walk_packages(importlib.import_module(package).__path__, package + "."):
        importlib.import_module(module.name)
        print(module.name)
sys.argv = ["banyan", "--help"]
from hub.cli import main
main()
"""


def named(path: Path) -> str:
    """Return a file's place in the checkout, as the name of its test."""
    return str(path.relative_to(ROOT))


@cache
def parsed(path: Path) -> ast.Module:
    """Return the syntax tree of a module."""
    return ast.parse(path.read_text(encoding="utf-8"))


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Yield every function of a module, nested ones included."""
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return the lines of a function without its signature and docstring."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return ((body[-1].end_lineno or 0) - body[0].lineno + 1) if body else 0


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Build the wheel as the release does, without a network; return what is in it."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=60)
    [built] = folder.glob("*.whl")
    return zipfile.ZipFile(built).namelist()


@pytest.mark.parametrize("package", PACKAGES)
def test_a_name_at_the_top_is_ours_alone(package: str) -> None:
    """Neither pip nor uv warns when another distribution brings a package of the same name; the last one wins."""
    assert set(packages_distributions().get(package, [])) <= {"banyan-hub"}
    assert list(importlib.import_module(package).__path__) == [str(ROOT / package)]


def test_the_wheel_holds_the_six_packages_and_nothing_else(wheel: list[str]) -> None:
    tops = {name.partition("/")[0] for name in wheel}

    assert {top for top in tops if not top.endswith(".dist-info")} == set(PACKAGES)
    assert len(tops) == len(PACKAGES) + 1


def test_the_wheel_holds_every_file_of_theirs(wheel: list[str]) -> None:
    files = {named(path) for package in PACKAGES for path in (ROOT / package).rglob("*") if path.is_file()}

    assert {name for name in wheel if ".dist-info/" not in name} == {
        name for name in files if "__pycache__" not in name
    }
    assert {*DATA, *(f"{package}/py.typed" for package in PACKAGES)} <= set(wheel)


def test_the_wheel_brings_the_command_and_the_licence(wheel: list[str]) -> None:
    ends = {name.partition(".dist-info/")[2] for name in wheel if ".dist-info/" in name}

    assert {"entry_points.txt", "licenses/LICENSE", "METADATA"} <= ends


def test_every_module_is_imported_without_development_dependencies() -> None:
    code = SMOKE.format(development=DEVELOPMENT, packages=PACKAGES)

    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=100)

    assert ran.returncode == 0, ran.stderr
    modules = {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for path in MODULES}
    assert set(ran.stdout.split("Usage: banyan")[0].split()) == modules - set(PACKAGES)
    assert "Usage: banyan" in ran.stdout


@pytest.mark.parametrize("path", PUBLIC, ids=named)
def test_a_module_exports_what_it_defines_in_public(path: Path) -> None:
    """Functions and classes of its own without an underscore; a package's `__init__` may export its modules' too."""
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    defined = {
        node.name
        for node in parsed(path).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and not node.name.startswith("_")
    }
    module = importlib.import_module(name)
    exported = list(getattr(module, "__all__", ()))

    assert len(exported) == len(set(exported))
    assert [each for each in exported if not hasattr(module, each) or each.startswith("_")] == []
    assert exported or not defined or name in ALL_PUBLIC
    if exported and not is_typer(module):
        assert defined - set(exported) - {"main"} == set()


def is_typer(module: Any) -> bool:
    """Tell whether a module's functions are commands, which are reached through its `app`."""
    return type(getattr(module, "app", None)).__name__ == "Typer"


def test_modules_are_short() -> None:
    lengths = {named(path): len(path.read_text(encoding="utf-8").splitlines()) for path in [*MODULES, *TESTS]}

    assert {name: lines for name, lines in lengths.items() if lines > 400} == {}


def test_no_function_is_long() -> None:
    lengths = {(named(path), f.name): body_lines(f) for path in [*MODULES, *TESTS] for f in functions(path)}

    assert {function: lines for function, lines in lengths.items() if lines > 50} == {}


def test_median_and_tail_of_functions_stay_low() -> None:
    """The house style's budget: good style is decided in the tail."""
    lengths = sorted(body_lines(f) for path in MODULES for f in functions(path))

    assert lengths[len(lengths) // 2] <= 8
    assert lengths[len(lengths) * 90 // 100] <= 25


def test_every_module_says_what_it_is() -> None:
    silent = [named(path) for path in MODULES if not ast.get_docstring(parsed(path))]
    vague = {"utils", "util", "helpers", "helper", "common", "base", "manager", "misc"}

    assert silent == []
    assert [named(path) for path in MODULES if path.stem in vague or path.parent.name in vague] == []


def test_annotations_are_read_at_run_time_and_imports_are_absolute() -> None:
    """Pydantic and FastStream read annotations; both ways to hide them are banned."""
    imports = [
        (named(path), node.module, name.name)
        for path in [*MODULES, *TESTS]
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.ImportFrom)
        for name in node.names
    ]
    hiding = {("__future__", "annotations"), ("typing", "TYPE_CHECKING")}

    assert [each for each in imports if each[1:] in hiding or each[1] is None] == []


def test_a_silenced_check_has_a_code() -> None:
    bare = re.compile(r"#\s*(?:noqa(?!: [A-Z])|type: ignore(?!\[)|pyright: ignore(?!\[)|fmt: off)")

    assert {named(path): bare.findall(path.read_text(encoding="utf-8")) for path in [*MODULES, *TESTS]} == {
        named(path): [] for path in [*MODULES, *TESTS]
    }


ZEEP_ERRORS = [
    value
    for value in vars(zeep.exceptions).values()
    if isinstance(value, type) and issubclass(value, Exception) and not issubclass(value, Warning)
]


def made(error: type[Exception]) -> Exception:
    """Return an instance, whatever its constructor takes."""
    parameters = inspect.signature(error).parameters.values()
    required = [p for p in parameters if p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD]
    return error(*("said by zeep" for _ in required))


@pytest.mark.parametrize("error", ZEEP_ERRORS, ids=lambda error: error.__name__)
def test_every_error_of_zeep_is_translated(error: type[Exception]) -> None:
    """At the one place where zeep reads a contract; a new class in zeep must not get past it."""
    understood: Any = vars(contract)["_understood"]

    with pytest.raises(ContractError, match=error.__name__), understood("registry.wsdl"):
        raise made(error)


def test_zeep_has_errors_to_translate() -> None:
    assert len(ZEEP_ERRORS) >= 10


def test_every_adapter_kind_is_shown_on_a_page() -> None:
    names = {module.name for module in pkgutil.iter_modules(adapters.__path__) if not module.name.startswith("_")}
    kinds = sorted(names - {"outbound"})  # goes the other way; its page has a description that the tests read
    pages = [ROOT / "README.md", *(ROOT / "docs" / "guides").glob("*.md")]
    text = "".join(page.read_text(encoding="utf-8") for page in pages)

    assert [kind for kind in kinds if f"{kind}.Adapter(" not in text] == []


def test_the_reference_pages_are_current(capsys: pytest.CaptureFixture[str]) -> None:
    assert reference.main(["--check"]) == 0, capsys.readouterr().err


@pytest.mark.parametrize(("page", "most"), [("README.md", 150), ("CONTRIBUTING.md", 100)])
def test_a_page_at_the_top_is_short(page: str, most: int) -> None:
    lines = (ROOT / page).read_text(encoding="utf-8").splitlines()

    assert 10 < len(lines) <= most


def test_make_help_lists_every_target() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    environ: Mapping[str, str] = {**os.environ, "MAKEFLAGS": ""}

    ran = subprocess.run(
        ["make", "help"], cwd=ROOT, env=environ, capture_output=True, text=True, check=True, timeout=30
    )

    assert set(re.findall(r"^  make (\w+)", ran.stdout, re.MULTILINE)) == targets
