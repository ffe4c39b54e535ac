"""The process that sees: everything native that touches a picture runs here, apart from the daemon.

::

    source ──newest frame──> sight: unpack, read, measure ──messages, one JSON line each──> daemon

A decoder that crashes, hangs or swallows memory takes this process with it and nothing else; a
frame is never copied from process to process, only what was seen in it. The daemon imports
``options`` and ``messages``, which load no native library.
"""
