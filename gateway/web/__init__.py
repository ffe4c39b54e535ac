"""A web server for a few browsers of technicians: bounded in every direction, and read-only."""

from gateway.web.assets import asset
from gateway.web.messages import NOT_FOUND, Request, Response
from gateway.web.server import Answer, serving

__all__ = ["NOT_FOUND", "Answer", "Request", "Response", "asset", "serving"]
