"""Who asks for a password gets it in the safest way that he offers: RFC 7616's own examples."""

import pytest

from drivers.eye.digest import authorization

REALM = 'realm="http-auth@example.org"'
NONCE = 'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"'
OPAQUE = 'opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
CNONCE = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"


def challenge(*lines: str) -> bytes:
    asked = "".join(f"WWW-Authenticate: {line}\r\n" for line in lines)
    return f"HTTP/1.0 401 Unauthorized\r\n{asked}Server: x".encode()


def digest(algorithm: str, qop: str = 'qop="auth, auth-int"') -> str:
    return f"Digest {REALM}, {qop}, algorithm={algorithm}, {NONCE}, {OPAQUE}"


def answer(*lines: str) -> str | None:
    secret = "Mufasa:Circle of Life"
    return authorization(challenge(*lines), "/dir/index.html", secret, cnonce=CNONCE)


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_the_examples_of_rfc_7616(algorithm: str, response: str) -> None:
    assert answer(digest(algorithm)) == (
        f'Digest username="Mufasa", {REALM}, {NONCE}, uri="/dir/index.html", cnonce="{CNONCE}", '
        f'response="{response}", {OPAQUE}, algorithm={algorithm}, qop=auth, nc=00000001'
    )


def test_without_qop_it_is_the_older_scheme() -> None:
    """The example of RFC 2069 2.4, with the response of its erratum 749."""
    asked = 'Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093"'
    secret = "Mufasa:CircleOfLife"
    assert authorization(challenge(asked), "/dir/index.html", secret) == (
        'Digest username="Mufasa", realm="testrealm@host.com", '
        'nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", uri="/dir/index.html", '
        'response="1949323746fe6a43ef61f9606e7febea"'
    )


@pytest.mark.parametrize(
    ("offers", "chosen"),
    [
        ([digest("MD5"), digest("SHA-256")], "algorithm=SHA-256"),
        (["Basic realm=x", digest("MD5")], "algorithm=MD5"),
        ([digest("SHA-512-256"), "Basic realm=x"], "Basic TXVmYXNhOkNpcmNsZSBvZiBMaWZl"),
    ],
)
def test_the_safest_offer_is_taken(offers: list[str], chosen: str) -> None:
    assert chosen in (answer(*offers) or "")


@pytest.mark.parametrize("offers", [[], ["Negotiate"], [digest("SHA-512-256")]])
def test_a_question_that_is_not_understood(offers: list[str]) -> None:
    assert answer(*offers) is None


def test_quotes_in_names_survive() -> None:
    head = challenge(r'Digest realm="a \"gate\"", nonce="n"')
    header = authorization(head, "/", r'o"neil:x') or ""
    assert r'username="o\"neil", realm="a \"gate\"", nonce="n"' in header
