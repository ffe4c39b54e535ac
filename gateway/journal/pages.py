"""Records out of a damaged database file, where SQLite gives up: its pages, read one by one.

https://sqlite.org/fileformat2.html. Nothing in a page is believed, not even its type. Whatever
can be taken for a cell of a table is decoded, from the file and from the pages in its write-ahead
log; whether a record is what it seems is for the caller to verify.
"""

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

PAGE_BYTES = 1024
"""Of every journal there has been; a damaged header cannot be asked."""

Value = int | bytes | None
Record = tuple[int, list[Value]]
"""The rowid and the columns."""

_LOG_HEADER = 32
_FRAME_HEADER = 24
_FRAME = struct.Struct(">II8s")  # page number, commit mark, salts
_MOST_LOCAL = PAGE_BYTES - 35
_LEAST_LOCAL = (PAGE_BYTES - 12) * 32 // 255 - 23
_OVERFLOW_BYTES = PAGE_BYTES - 4
_MOST_CELLS = (PAGE_BYTES - 8) // 2
_LARGEST_PAYLOAD = 16 << 20
_PORTION = 128
_INTEGER_BYTES = {0: 0, 1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8, 8: 0, 9: 0}
"""By serial type; 0 is NULL, 8 and 9 are the constants 0 and 1."""


@dataclass(frozen=True, slots=True)
class _Cell:
    rowid: int
    size: int
    local: bytes
    overflow: int
    """Number of the page where the payload goes on; 0 if it does not."""


@dataclass(slots=True)
class PageReader:
    """Reads the records of `columns` columns out of a database and its log, given as descriptors.

    A part that is missing is None.
    """

    database: int | None
    log: int | None
    columns: int
    _newest: dict[int, int] = field(default_factory=dict, init=False)
    """Where in the log the newest version of a page is."""

    def portions(self) -> Iterator[list[Record]]:
        """All there is, newest first; some milliseconds of work for each portion, empty or not.

        A record may come more than once.
        """
        for pages in self._log_portions():
            yield self._records(pages)
        for pages in self._database_portions():
            yield self._records(pages)

    def _log_portions(self) -> Iterator[list[bytes]]:
        if self.log is None:
            return
        current: list[int] = []
        older: list[int] = []
        salts = _read(self.log, 8, _LOG_HEADER + 8)
        for at in range(_LOG_HEADER, os.fstat(self.log).st_size, _FRAME_HEADER + PAGE_BYTES):
            head = _read(self.log, _FRAME.size, at)
            if len(head) < _FRAME.size:
                break
            number, _, these = _FRAME.unpack(head)
            if these == salts:
                self._newest[number] = at + _FRAME_HEADER
                current.append(at + _FRAME_HEADER)
            else:  # of the log's former round, or damaged
                older.append(at + _FRAME_HEADER)
        order = current[::-1] + older[::-1]
        for start in range(0, len(order), _PORTION):
            yield [_read(self.log, PAGE_BYTES, at) for at in order[start : start + _PORTION]]

    def _database_portions(self) -> Iterator[list[bytes]]:
        if self.database is None:
            return
        portion = _PORTION * PAGE_BYTES
        size = os.fstat(self.database).st_size
        for start in range(size // portion * portion, -1, -portion):
            raw = _read(self.database, portion, start)
            yield [raw[at : at + PAGE_BYTES] for at in range(0, len(raw), PAGE_BYTES)][::-1]

    def _records(self, pages: list[bytes]) -> list[Record]:
        found: list[Record] = []
        for page in pages:
            for cell in _cells(page.ljust(PAGE_BYTES, b"\0")):
                if _column_count(cell.local) == self.columns:
                    found += [
                        (cell.rowid, values)
                        for payload in self._payloads(cell)
                        if (values := _values(payload)) is not None
                    ]
        return found

    def _payloads(self, cell: _Cell) -> Iterator[bytes]:
        """What the cell may hold: with the pages of the log, and without them."""
        if not cell.overflow:
            yield cell.local
            return
        for newest in (self._newest, {}) if self._newest else ({},):
            parts, missing, number = [cell.local], cell.size - len(cell.local), cell.overflow
            while missing > 0 and number:
                page = self._page(number, newest)
                parts.append(page[4 : 4 + missing])
                missing -= _OVERFLOW_BYTES
                number = int.from_bytes(page[:4], "big")
            yield b"".join(parts)

    def _page(self, number: int, newest: dict[int, int]) -> bytes:
        if self.log is not None and number in newest:
            return _read(self.log, PAGE_BYTES, newest[number])
        if self.database is None:
            return b""
        return _read(self.database, PAGE_BYTES, (number - 1) * PAGE_BYTES)


def _read(file: int, size: int, at: int) -> bytes:
    """As much as there is; a place that the disk cannot read is as good as missing."""
    try:
        return os.pread(file, size, at)
    except OSError:
        return b""


def _cells(page: bytes) -> Iterator[_Cell]:
    """The cells that a leaf of a table would have, were this one."""
    count = min(int.from_bytes(page[3:5], "big"), _MOST_CELLS)
    for (at,) in struct.iter_unpack(">H", page[8 : 8 + 2 * count]):
        try:
            size, start = _varint(page, at)
            rowid, start = _varint(page, start)
        except IndexError:
            continue
        if not 0 < size <= _LARGEST_PAYLOAD:
            continue
        local = _local_bytes(size)
        spilt = local < size
        end = start + local
        overflow = int.from_bytes(page[end : end + 4], "big") if spilt else 0
        if end + 4 * spilt <= PAGE_BYTES and bool(overflow) == spilt:
            yield _Cell(rowid, size, page[start:end], overflow)


def _local_bytes(size: int) -> int:
    if size <= _MOST_LOCAL:
        return size
    local = _LEAST_LOCAL + (size - _LEAST_LOCAL) % _OVERFLOW_BYTES
    return local if local <= _MOST_LOCAL else _LEAST_LOCAL


def _column_count(payload: bytes) -> int:
    """From the record's header; -1 if it is none."""
    try:
        return len(_types(payload)[0])
    except IndexError:
        return -1


def _values(payload: bytes) -> list[Value] | None:
    """The columns; None if lengths do not add up."""
    types, at = _types(payload)
    values: list[Value] = []
    for kind in types:
        size = _INTEGER_BYTES.get(kind, (kind - 12) // 2)
        raw = payload[at : at + size]
        at += size
        if kind >= 12:
            values.append(raw)
        elif kind in (8, 9):
            values.append(kind - 8)
        else:
            values.append(int.from_bytes(raw, "big", signed=True) if kind else None)
    return values if at == len(payload) else None


def _types(payload: bytes) -> tuple[list[int], int]:
    """Serial types of the columns, and where the first value begins."""
    end, at = _varint(payload, 0)
    types: list[int] = []
    while at < end:
        kind, at = _varint(payload, at)
        types.append(kind)
    if at != end or any(kind in (7, 10, 11) for kind in types):  # reals and reserved ones
        raise IndexError
    return types, at


def _varint(raw: bytes, at: int) -> tuple[int, int]:
    """A number of one to nine bytes, seven bits in each but the ninth; and where it ends."""
    value = 0
    for place in range(at, at + 8):
        byte = raw[place]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, place + 1
    value = value << 8 | raw[at + 8]
    return value - (1 << 64 if value >> 63 else 0), at + 9
