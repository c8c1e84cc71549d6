"""`banyan copybook reconcile`: whether a file of records agrees with what it says of itself."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Final

import typer

from contracts.errors import ConfigError
from contracts.file_description import ends_of, layout_of
from contracts.legacy.check import require_fields
from contracts.legacy.file_spec import FileSpec
from contracts.legacy.framing import Role
from contracts.legacy.reconciliation import Outcome, Report
from contracts.legacy.reconciliation import reconcile as reconciled
from contracts.legacy.record_file import RecordFile
from hub.cli.file_options import described
from hub.cli.output import AsJson, console, print_json, print_table
from hub.cli.streams import shown

__all__ = ["NOT_PUBLISHED", "reconcile"]

NOT_PUBLISHED: Final = 3
"""The exit code when the file would be held or quarantined."""


@described
def reconcile(
    spec: FileSpec,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The data file.")],
    as_json: AsJson = False,
) -> None:
    """Compare a file with its header and trailer: counts, sums, hash totals, sequences; publishes nothing.

    The checks stand in the description (`--spec`). Exit code 3 when the file would be held or quarantined.
    """
    if not spec.checks:
        raise ConfigError(["checks: the description names none; put them into the file of --spec"])
    layout, ends = layout_of(spec), ends_of(spec)
    require_fields(spec.checks, {Role.DATA: layout, **ends})
    with shown(file) as stream:
        report = reconciled(spec.checks, RecordFile(spec, layout, ends).parts(stream))
    if as_json:
        print_json(asdict(report))
    else:
        _print(report)
    if report.outcome is not Outcome.PUBLISH:
        raise typer.Exit(NOT_PUBLISHED)


def _print(report: Report) -> None:
    rows = [
        ("agrees" if each.agrees else each.on_break, each.check, each.expected, each.found) for each in report.findings
    ]
    print_table(("", "check", "expected", "found"), rows, empty="no check")
    unread = f", {report.refused} can't be decoded" if report.refused else ""
    console().print(f"{report.outcome}: {report.records} records{unread}", markup=False)
