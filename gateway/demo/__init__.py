"""The demo: the real daemon between emulated devices, a broker and what the centre sees."""

from gateway.demo.show import main

__all__ = ["main"]
