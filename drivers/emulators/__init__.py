"""Devices that speak the real wire protocols from the other end of a pty or a stream."""
