"""Base45 (RFC 9285): bytes in the 45 characters that a QR code packs two to eleven bits."""

from typing import Final

from gateway.passes.form import FormError

ALPHABET: Final = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
_VALUE: Final = {char: value for value, char in enumerate(ALPHABET)}


def encode(data: bytes) -> bytes:
    """`data` in Base45."""
    text = bytearray()
    for at in range(0, len(data) - 1, 2):
        rest, third = divmod(data[at] << 8 | data[at + 1], 45 * 45)
        second, first = divmod(third, 45)
        text += bytes((ALPHABET[first], ALPHABET[second], ALPHABET[rest]))
    if len(data) % 2:
        second, first = divmod(data[-1], 45)
        text += bytes((ALPHABET[first], ALPHABET[second]))
    return bytes(text)


def decode(text: bytes) -> bytes:
    """What `text` stands for.

    Raises:
        FormError: it is not Base45.
    """
    try:
        values = [_VALUE[char] for char in text]
    except KeyError:
        raise FormError("a character that Base45 does not have") from None
    if len(values) % 3 == 1:
        raise FormError("an odd character at the end of Base45")
    data = bytearray()
    for at in range(0, len(values) - 2, 3):
        number = values[at] + 45 * values[at + 1] + 45 * 45 * values[at + 2]
        if number > 0xFFFF:
            raise FormError("three characters that stand for no two bytes")
        data += number.to_bytes(2, "big")
    if len(values) % 3:
        number = values[-2] + 45 * values[-1]
        if number > 0xFF:
            raise FormError("two characters that stand for no byte")
        data.append(number)
    return bytes(data)
