"""`banyan copybook sniff`: how a file is framed and encoded, as a proposal with its evidence."""

from pathlib import Path
from typing import Annotated, Any, Final

import typer

from contracts.errors import ConfigError, ContractError
from contracts.file_description import layouts_of, read_spec
from contracts.legacy.framing import Framing
from contracts.legacy.framing.sniff import Proposal
from contracts.legacy.framing.sniff import sniff as propose
from contracts.legacy.trial import trial_of
from hub.cli.output import AsJson, complain, console, print_json

__all__ = ["sniff"]

_HEAD_BYTES: Final = 2**25
_SHOWN: Final = 3


def sniff(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A data file, or its beginning.")],
    copybook: Annotated[Path, typer.Argument(metavar="COPYBOOK", help="The copybook of its records.")],
    as_json: AsJson = False,
) -> None:
    """Propose framing and code page of a file, the likeliest first, with what speaks for and against each.

    The first 1,000 records of each proposal are decoded by the copybook; how many could be is evidence, and ranks them.
    Reads 32 MiB at most. Nothing is read by a proposal: put what is right into the options or the settings.
    """
    try:
        size = file.stat().st_size
        with file.open("rb") as stream:
            head = stream.read(_HEAD_BYTES)
    except OSError as error:
        raise ConfigError([f"{error.filename}: {error.strerror}"]) from error
    layouts = layouts_of(read_spec(None, {"copybook": copybook}))
    try:
        trial = trial_of(layouts)
    except ContractError as error:
        complain(f"records are not tried: {error}")
        trial = None
    proposals = propose(head, total_bytes=size, lengths=sorted({layout.length for layout in layouts}), trial=trial)
    if as_json:
        print_json([_as_json(each) for each in proposals])
    else:
        _print(proposals)
    if not proposals:
        raise typer.Exit(1)


def _options(framing: Framing) -> dict[str, Any]:
    """Return what a settings file says of a framing."""
    return {"recfm": framing.recfm.value, **framing.model_dump(mode="json", exclude_defaults=True)}


def _as_json(proposal: Proposal) -> dict[str, Any]:
    return {
        "framing": _options(proposal.framing),
        "code_page": proposal.code_page,
        "confidence": round(proposal.confidence, 2),
        "evidence": proposal.evidence,
        "against": proposal.against,
    }


def _print(proposals: tuple[Proposal, ...]) -> None:
    out = console()
    if not proposals:
        out.print("No framing fits the file.")
    for rank, each in enumerate(proposals[:_SHOWN], start=1):
        options = ", ".join(f"{name}: {value}" for name, value in _options(each.framing).items())
        page = each.code_page or "code page unknown"
        out.print(f"{rank}. {options} ({page}), confidence {each.confidence:.2f}", markup=False)
        for reason in each.evidence:
            out.print(f"   + {reason}", markup=False)
        for reason in each.against:
            out.print(f"   - {reason}", markup=False)
    if len(proposals) > _SHOWN:
        out.print(f"{len(proposals) - _SHOWN} more are less likely; --json shows them.")
