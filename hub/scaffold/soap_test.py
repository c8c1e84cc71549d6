"""The test of an adapter of a polled operation, as text."""

from collections.abc import Collection

from hub.scaffold.soap_plan import Plan
from hub.scaffold.soap_trial import Trial
from hub.scaffold.text import WIDTH, literal, quoted

__all__ = ["text_of_test"]

_TEXT = '''"""Tests the adapter {name}: a made-up reply of the service, without a network."""

from pathlib import Path

{imports}

adapter = load(Path(__file__).with_name("{module}.py"), soap.Adapter)
REPLY = Path(__file__).with_name("{reply}").read_text(encoding="utf-8")


def test_each_{item}_becomes_an_event() -> None:
    polled = poll(adapter, REPLY)

    assert polled.reasons == []
    assert polled.events == [
{events}
    ]
    assert read_back(adapter.model, polled) == polled.events


def test_{what}_becomes_a_dead_letter() -> None:
    reply = REPLY.replace({replaced})

    polled = poll(adapter, reply)

    assert polled.reasons == {reasons}
    assert len(polled.events) == {left}


def test_what_is_published_already_is_not_published_again() -> None:
    first = poll(adapter, REPLY)

    again = poll(adapter, REPLY, after=first)

    assert (again.events, again.reasons) == ([], [])
'''


def text_of_test(plan: Plan, trial: Trial, *, item: str, module: str, reply: str, local: Collection[str]) -> str:
    """Return the text of a test that stands beside its adapter.

    Args:
        plan: What the adapter does.
        trial: What it made of the reply.
        item: What an item is called.
        module: The adapter's module.
        reply: Name of the file with the reply.
        local: Packages of the user's own folder.
    """
    wrong = trial.wrong
    arguments = [quoted(wrong.old), quoted(wrong.new), "1"]
    inline = ", ".join(arguments)
    if len(inline) + 28 > WIDTH:
        inline = "\n" + "".join(f"        {each},\n" for each in arguments) + "    "
    ours = ["from adapters import soap", "from hub.testing import load, poll, read_back"]
    blocks = [[each for each in ours if (each.split()[1].partition(".")[0] in local) is own] for own in (False, True)]
    return _TEXT.format(
        imports="\n\n".join("\n".join(block) for block in blocks if block),
        name=plan.wanted.name,
        module=module,
        reply=reply,
        item=item,
        events="\n".join(_event(key, data) for key, data in trial.found.events),
        what="a_value_that_is_none" if wrong.new else "a_missing_value",
        replaced=inline,
        reasons=literal([wrong.reason], indent=4, lead=25),
        left=wrong.events,
    )


def _event(key: str, data: object) -> str:
    return f"        (\n            {quoted(key)},\n            {literal(data, indent=12)},\n        ),"
