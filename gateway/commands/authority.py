"""Whether somebody may order something: for this gateway, signed, and allowed here."""

from collections.abc import Mapping
from typing import Any

from gateway.commands.deeds import DEEDS, Deed
from gateway.commands.order import Order, RefusedError
from gateway.config import Config, Ordered
from gateway.messages import Message
from gateway.signing import Keyring, Purpose
from gateway.topics import Topics

_NOT_HERE = ("still", "decommission")
"""Of the contract; this gateway takes no pictures of people, and is dismantled by hand."""


class Authority:
    """The last word is the configuration's."""

    def __init__(self, config: Config, keys: Keyring) -> None:
        topics, place = Topics(config.gateway), config.gateway
        self._keys = keys
        self._allowed = config.commands.allow
        self._notices = topics.notices
        self._names = {
            topics.command: place.id,
            topics.notices: f"{place.district}/{place.street}/{place.community}/_all",
        }
        """For whom an order on this topic is; it is part of what is signed."""

    @property
    def topics(self) -> list[str]:
        """Where orders come."""
        return list(self._names)

    def is_broadcast(self, message: Message) -> bool:
        """Whether it has come to every gateway of the community."""
        return message.topic == self._notices

    def check_signed(self, members: Mapping[str, Any], message: Message) -> None:
        """See to it that the centre has signed `members`, for this gateway.

        Raises:
            RefusedError: it has not.
        """
        whom = self._names[message.topic]
        if members.get("gateway", whom) != whom:
            raise RefusedError(403, "it is for another gateway")
        if not self._keys.signer(Purpose.COMMAND, {**members, "gateway": whom}):
            raise RefusedError(401, "it is not signed by a key that counts here, for this gateway")

    def deed(self, order: Order, message: Message) -> Deed:
        """What is ordered.

        Raises:
            RefusedError: it is not allowed, not in this way, or does not exist.
        """
        if message.retained:
            raise RefusedError(400, "it was retained by the broker: nobody knows how old it is")
        if self.is_broadcast(message) and order.command != Ordered.ANNOUNCE:
            raise RefusedError(403, "nothing but announce is taken from a broadcast")
        if order.command in _NOT_HERE:
            raise RefusedError(403, f"{order.command} is not available here")
        if order.command not in DEEDS:
            raise RefusedError(404, f"there is no command {order.command}")
        command = Ordered(order.command)
        if command not in self._allowed:
            raise RefusedError(403, f"{command} is not allowed here ([commands] allow)")
        return DEEDS[command]
