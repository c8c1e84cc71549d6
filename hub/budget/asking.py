"""Asks the leader of a budget how that is, for people."""

import asyncio
from typing import Final

from hub.budget.folder import Folder
from hub.budget.messages import TOLD_BYTES, Asked, decode_told
from hub.budget.report import BudgetReport

__all__ = ["ask"]

ANSWER_SECONDS: Final = 2.0


async def ask(folder: Folder) -> BudgetReport | None:
    """Return what the leader tells; None where nobody leads, or answers."""
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            reader, writer = await asyncio.open_unix_connection(folder.socket, limit=TOLD_BYTES)
            try:
                writer.write(Asked(show=True).line())
                return decode_told(await reader.readline()).report
            finally:
                writer.transport.abort()
    except (OSError, ValueError):
        return None
