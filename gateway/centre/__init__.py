"""Reference receiver: the other end of the contract, made executable."""

from gateway.centre.listener import Listener
from gateway.centre.rules import Centre, Event
from gateway.centre.unpacking import accepted_encodings

__all__ = ["Centre", "Event", "Listener", "accepted_encodings"]
