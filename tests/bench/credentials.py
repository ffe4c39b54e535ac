"""What judging a code costs, and the public test credentials in a folder, as far as there is one.

Of the EU's, `*.jsonl` with a case a line, or its checkout with `COUNTRY/…/2DCode/raw/*.json`; of
SMART Health Cards `shc-*.txt` with their issuer's `*.jwk`; of ICAO `icao-*.txt`.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from time import process_time
from typing import Final

from gateway.passes import icao, shc
from gateway.passes.document import understand
from gateway.passes.form import parse_json
from gateway.passes.judging import judge
from gateway.passes.trust import Trust
from tests.bench.dgc import Tally, cases
from tests.bench.figures import Figure, Settings, at_most, median, share
from tests.passes.certifying import (
    SHC_ISSUER,
    card_key,
    certificate,
    ec_key,
    eu,
    listed,
    rsa_key,
    seal,
    smart,
)
from tests.passes.issuing import NOW, PLACE, at, body, shown
from tests.passes.test_own import CLAIMS, jws

_MOST_TOLD: Final = 20
_SCAN_US: Final = 2000
"""A picture takes two milliseconds to read: judging what is on it is to be a small part of that."""


def run(settings: Settings) -> Iterator[Figure]:
    """The cost of each kind, then the counts of what is in the folder."""
    yield from _costs(settings.scaled(300, 30))
    if settings.credentials:
        yield from _eu(settings.credentials)
        yield from _others(settings.credentials)


def _costs(rounds: int) -> Iterator[Figure]:
    signers = [certificate(ec_key()), certificate(rsa_key(2048))]
    sealer = certificate(ec_key("sealer"), issuer=ec_key("authority"))
    authority = certificate(ec_key("authority"), issuer=ec_key("authority"))
    cards = [{"iss": SHC_ISSUER, "keys": [card_key(ec_key())]}]
    health = {"dcc": listed(*signers), "shc": cards, "icao": listed(authority)}
    trust = understand(body() | {"health": health}).trust(PLACE, ["https://code.example.cn/"])
    codes = {
        "a pass": shown(),
        "a pass, forged": shown()[:-3] + b"000",
        "a JWS": jws(CLAIMS),
        "an EU certificate": eu(der=signers[0]),
        "an EU certificate, RSA": eu(key=rsa_key(2048), der=signers[1]),
        "a SMART Health Card": smart(),
        "ICAO's seal": seal(ec_key("sealer"), sealer),
        "another health code": b"https://code.example.cn/440300",
        "any code": b"https://menu.example.cn/table/17",
    }
    for name, code in codes.items():
        cost = median([_microseconds(code, trust) for _ in range(rounds)])
        yield Figure(f"judging {name}", cost, "µs CPU", _SCAN_US, "reading it", [at_most(1000)])


def _microseconds(code: bytes, trust: Trust) -> float:
    started = process_time()
    judge(code, at(NOW), trust)
    return (process_time() - started) * 1e6


def _eu(folder: Path) -> Iterator[Figure]:
    tally = Tally()
    for case in cases(folder):
        tally.take(case)
    for expectation, (held, of) in sorted(tally.counts.items()):
        yield Figure(f"EU, {expectation}", held, "", of, "cases", [share(1)])
    for expectation, count in sorted(tally.unchecked.items()):
        yield Figure(f"EU, {expectation}, not to be checked", count, "")
    for each in tally.failed[:_MOST_TOLD]:
        yield Figure(f"EU, otherwise than expected: {each}", 1, "", reach=[at_most(0)])


def _others(folder: Path) -> Iterator[Figure]:
    cards = [path.read_bytes().strip() for path in sorted(folder.rglob("shc-*.txt"))]
    keys = [parse_json(path.read_bytes()) for path in sorted(folder.rglob("*.jwk"))]
    known = {"health": {"shc": [{"iss": _issuer(each), "keys": keys} for each in cards]}}
    yield from _genuine("SMART Health Cards", cards, understand(known).trust(PLACE))
    seals = [path.read_bytes().strip() for path in sorted(folder.rglob("icao-*.txt"))]
    signers = listed(*{_certificate(each) for each in seals})
    trust = understand({"health": {"icao": signers}}).trust(PLACE)
    yield from _genuine("ICAO's seals", seals, trust)


def _issuer(card: bytes) -> str:
    return str(parse_json(shc.read(card).payload)["iss"])


def _certificate(seal: bytes) -> bytes:
    return icao.to_bytes(parse_json(seal)["sig"]["cer"])


def _genuine(name: str, codes: list[bytes], trust: Trust) -> Iterator[Figure]:
    """How many are, as they are and with one character changed."""
    good = partial(judge, stamp=at(_WHEN_THEY_WERE_GOOD), trust=trust)
    held = sum(good(each).verdict == "valid" for each in codes)
    yield Figure(f"{name}, genuine", held, "", len(codes), "examples", [share(1)])
    changed = [each[:-40] + bytes([each[-40] ^ 1]) + each[-39:] for each in codes]
    refused = sum(good(each).verdict != "valid" for each in changed)
    yield Figure(f"{name}, altered and found out", refused, "", len(codes), "examples", [share(1)])


_WHEN_THEY_WERE_GOOD: Final = 1_635_000_000  # October 2021
