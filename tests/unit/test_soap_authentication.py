"""Who calls: tokens of ours are taken, and each way to be wrong has its name."""

from datetime import UTC, datetime, timedelta

import pytest

from contracts.legacy.soap.authentication import Authenticated, Rules, Unauthenticated, authenticate
from contracts.legacy.soap.security import PasswordKind, add_username_token
from contracts.legacy.xml import Element, parse

NOW = datetime(2026, 1, 2, 12, tzinfo=UTC)
EMPTY = b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body/></s:Envelope>'
WSSE = "{http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd}"
WSU = "{http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd}"


def rules(kind: PasswordKind = "digest") -> Rules:
    return Rules(passwords={"shop": "secret"}, kind=kind)


def signed(
    user: str = "shop", said: str = "secret", *, kind: PasswordKind = "digest", created: datetime = NOW
) -> Element:
    root = parse(EMPTY)
    nonce, valid = b"0123456789abcdef", timedelta(minutes=5)
    add_username_token(root, user, said, kind=kind, now=created, nonce=nonce, valid_for=valid)
    return root


def reason(root: Element, kind: PasswordKind = "digest", *, now: datetime = NOW) -> str:
    found = authenticate(root, rules(kind), now=now)
    return found.reason if isinstance(found, Unauthenticated) else "taken"


@pytest.mark.parametrize("kind", ["digest", "text"])
def test_a_token_of_ours_is_taken(kind: PasswordKind) -> None:
    found = authenticate(signed(kind=kind), rules(kind), now=NOW)

    assert isinstance(found, Authenticated)
    assert (found.user, found.nonce is not None) == ("shop", kind == "digest")


def test_the_same_nonce_of_another_user_is_another() -> None:
    two = Rules(passwords={"shop": "secret", "mall": "secret"})
    found = [authenticate(signed(user), two, now=NOW) for user in ("shop", "mall", "shop")]
    nonces = [each.nonce for each in found if isinstance(each, Authenticated)]

    assert nonces[0] == nonces[2] != nonces[1]


@pytest.mark.parametrize(
    ("root", "told"),
    [
        (parse(EMPTY), "missing"),
        (signed("nobody"), "user"),
        (signed(said="guess"), "password"),
        (signed(kind="text"), "kind"),
        (signed(created=NOW - timedelta(minutes=6)), "stale"),
        (signed(created=NOW + timedelta(minutes=2)), "early"),
        (signed(created=NOW + timedelta(seconds=50)), "taken"),
        (signed(created=NOW - timedelta(minutes=4)), "taken"),
    ],
)
def test_each_way_to_be_wrong_has_its_name(root: Element, told: str) -> None:
    assert reason(root) == told


@pytest.mark.parametrize(
    ("path", "text", "told"),
    [
        (f"{WSSE}Nonce", "?", "malformed"),
        (f"{WSSE}Nonce", "", "malformed"),
        (f"{WSSE}Nonce", "AAAA", "password"),
        (f"{WSU}Created", "yesterday", "password"),
        (f"{WSU}Created", "2026-01-02T11:59:59Z", "password"),
        (f"{WSSE}Password", "", "password"),
        (f"{WSSE}Username", "mall", "user"),
    ],
)
def test_what_is_changed_under_way_does_not_fit(path: str, text: str, told: str) -> None:
    root = signed()
    token = next(root.iter(f"{WSSE}UsernameToken"))
    for each in token.iter(path):
        each.text = text

    assert reason(root) == told


@pytest.mark.parametrize("name", ["Nonce", "Created", "Password", "Username"])
@pytest.mark.parametrize("times", [0, 2])
def test_what_is_missing_or_there_twice_is_malformed(name: str, times: int) -> None:
    root = signed()
    token = next(root.iter(f"{WSSE}UsernameToken"))
    [part] = [each for each in token if each.tag.endswith("}" + name)]
    if times:
        token.append(parse(f'<{name} xmlns="{part.tag[1:].partition("}")[0]}">x</{name}>'.encode()))
    else:
        token.remove(part)

    assert reason(root) == "malformed"


def test_two_tokens_are_malformed_since_another_reader_may_take_the_other() -> None:
    root, other = signed(), signed("mall")
    security = next(root.iter(f"{WSSE}Security"))
    security.append(next(other.iter(f"{WSSE}UsernameToken")))

    assert reason(root) == "malformed"


def test_a_timestamp_that_has_expired_is_refused() -> None:
    root = signed()
    next(root.iter(f"{WSU}Expires")).text = "2026-01-02T11:58:00Z"

    assert reason(root) == "expired"
