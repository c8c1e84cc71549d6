import pytest

from routers.facade.http.authority import asked_at
from routers.facade.http.forwarding import Origin
from routers.facade.http.head import RefusedError, RequestHead, read_request


def request(*fields: str, host: str = "hub.example") -> RequestHead:
    lines = "".join(f"{field}\r\n" for field in fields)
    head = f"GET /registry?wsdl HTTP/1.1\r\nHost: {host}\r\n{lines}\r\n".encode()
    return read_request(head, target_bytes=1000, headers=20)


def origin(scheme: str = "http", *, trusted: bool = False) -> Origin:
    return Origin(address="10.0.0.1", scheme=scheme, trusted=trusted)


def test_a_listener_with_tls_is_asked_by_https() -> None:
    assert asked_at(request(host="hub.example:8443"), origin("https")) == "https://hub.example:8443"


def test_the_first_hop_counts_and_forwarded_before_the_older_fields() -> None:
    said = request('Forwarded: for="a,b";host="one.example:1";proto=https, for=c;host=two', "X-Forwarded-Host: three")

    assert asked_at(said, origin(trusted=True)) == "https://one.example:1"
    assert asked_at(said, origin()) == "http://hub.example"


def test_several_lines_of_one_field_are_one_list() -> None:
    said = request("X-Forwarded-Host: one.example", "X-Forwarded-Host: two.example", "Forwarded: for=1.2.3.4")

    assert asked_at(said, origin("https", trusted=True)) == "https://one.example"


@pytest.mark.parametrize("prefix", ["/api", "/api/", "/a/b%20c"])
def test_what_a_proxy_took_off_the_path_is_put_before_it_again(prefix: str) -> None:
    said = request(f"X-Forwarded-Prefix: {prefix}")

    assert asked_at(said, origin(trusted=True)) == f"http://hub.example{prefix.rstrip('/')}"


@pytest.mark.parametrize(
    "field", ["X-Forwarded-Prefix: api", "X-Forwarded-Prefix: /a?b", "X-Forwarded-Proto: javascript"]
)
def test_what_can_not_stand_in_an_address_is_refused(field: str) -> None:
    with pytest.raises(RefusedError, match="400 host"):
        asked_at(request(field), origin(trusted=True))
