"""The web process: `python -m reference_app.web`. Serves the application with uvicorn.

It may start before its services: it listens at once, keeps trying to reach them, and answers 503
until it has reached them all.
"""

from __future__ import annotations

import gc

if __name__ == "__main__":
    # Imports leave no garbage: without collections they take a tenth less processor time.
    gc.disable()

import logging
import os
import signal
import sys

import uvicorn
from starlette.types import ASGIApp

from reference_app.environment import SettingsError
from reference_app.web.application import Application
from reference_app.web.settings import WebSettings

GRACE_S = 5


def main() -> int:
    """Serve until SIGTERM. Exit code 0, 1 when the address is taken, 2 for wrong settings."""
    gc.freeze()  # what was imported stays: no later collection need look at it
    gc.enable()
    logging.basicConfig(
        level=logging.WARNING, stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s"
    )
    try:
        settings = WebSettings.read(os.environ)
    except SettingsError as error:
        print(f"reference_app.web: {error}", file=sys.stderr)
        return 2
    # uvicorn stops gracefully and then raises the signal again, for the handler before its own
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    server = uvicorn.Server(server_config(Application(settings).asgi, settings))
    server.run()
    return 0 if server.started else 1


def server_config(app: ASGIApp, settings: WebSettings) -> uvicorn.Config:
    """How uvicorn serves the application: as one process, so that killing it is killing it all.

    By the client of `make bench ONLY=app`, a request costs half the processor time with httptools
    than with h11 (78 against 168 µs), and a tenth less with uvloop than with asyncio's own loop.
    """
    return uvicorn.Config(
        app,
        host=settings.process.host,
        port=settings.process.port or 8080,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        interface="asgi3",
        access_log=False,
        log_level="warning",
        log_config=None,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        timeout_keep_alive=settings.keep_alive_s,
        timeout_graceful_shutdown=GRACE_S,
    )


if __name__ == "__main__":
    sys.exit(main())
