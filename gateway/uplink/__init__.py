"""The way to the centre: MQTT, from the journal's rows to their confirmation."""

from gateway.uplink.reconnect import LinkState
from gateway.uplink.uplink import Uplink

__all__ = ["LinkState", "Uplink"]
