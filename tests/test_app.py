"""What belongs to the gate itself ends the process when it fails: it is started again."""

import asyncio
import struct
from functools import partial
from pathlib import Path

import pytest
from msgspec.structs import replace

from gateway.app import Gateway
from gateway.conduct import Conduct
from gateway.conduct.assessor import Assessor, Grounds
from gateway.config import Config, Place, UplinkConfig
from gateway.errors import JournalError
from gateway.journal import Journal
from gateway.pseudonyms import Keyring
from gateway.recorder import Recorder
from tests.journal.journals import CLOCK, SOURCE, note
from tests.ports import free_port


async def test_a_bug_in_the_journal_ends_the_gateway(tmp_path: Path) -> None:
    """Else it would go on for months and record nothing."""
    place = Place(
        id="410102011003007", district="410102", street="011", community="003", state_dir=tmp_path
    )
    config = Config(gateway=place, uplink=UplinkConfig(host="127.0.0.1", port=free_port()))
    journal = await Journal.open(tmp_path / "journal.db", source=SOURCE, clock=CLOCK)
    keyring = Keyring.open(tmp_path / "pseudonym.key")
    assessor = Assessor(keyring, CLOCK, Grounds())
    recorder = Recorder(journal, assessor, CLOCK)
    conduct = partial(Conduct.of, config, keyring, assessor, journal, CLOCK)
    running = Gateway(
        *(config, CLOCK, journal, recorder, conduct),
        *(tmp_path / "gateway.toml", asyncio.Event()),
    )
    gateway = asyncio.create_task(running.run(asyncio.Event()), name="gateway")
    broken = replace(note(1), stamp=replace(CLOCK.now(), mono_ns=1 << 90))  # fits no column
    try:
        with pytest.raises(JournalError, match="writer has ended"):
            await journal.append([broken])
        await asyncio.wait([gateway], timeout=10)
        assert gateway.done()
        with pytest.raises(ExceptionGroup) as failure:
            gateway.result()
        assert failure.group_contains(struct.error)
    finally:
        gateway.cancel()
        with pytest.raises(struct.error):
            await journal.close()
