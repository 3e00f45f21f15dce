"""The web server of `rnnscope serve`: one page, and a process for each visitor.

The page is textual-serve's terminal. Here are the limit of visitors, a page that loads nothing from other
sites, and the check that a WebSocket is opened by the page itself: another site must not press keys.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import Callable
from html import escape
from urllib.parse import urlsplit

from aiohttp import web
from textual_serve.server import Server

from rnnscope.app.served import SERVED
from rnnscope.errors import OptionError

_PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="stylesheet" href="/static/css/xterm.css">
<style>
html,body{{margin:0;height:100%;background:#0b0d14;color:#dde;font:16px/1.5 system-ui,sans-serif}}
#terminal{{position:fixed;inset:0}}
#ended,#wait{{position:fixed;inset:0;display:flex;align-items:center;justify-content:center;gap:1em}}
#ended{{display:none;background:#0b0d14e0;z-index:2}}
body.-closed #ended{{display:flex}}
body.-first-byte #wait{{display:none}}
button{{font:inherit;padding:.4em 1.2em}}
</style>
</head>
<body>
<div id="wait">{title} is starting …</div>
<div id="ended">The screen has ended. <button onclick="location.reload()">Start again</button></div>
<div id="terminal" class="textual-terminal" data-session-websocket-url="{scheme}://{host}/ws"
 data-font-size="{font_size}"></div>
<script src="/static/js/textual.js"></script>
</body>
</html>
"""

_FULL = """\
<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1"></head>
<body><p>{title} has {visitors}, and no room for more. Try again when a page has been closed.</p></body>
</html>
"""


_ROOM_SECONDS = 3.0
"""The time that a process may take to end after its page was closed."""


class VisitorServer(Server):
    """textual-serve with a limit of visitors."""

    def __init__(self, command: str, *, title: str, host: str, port: int, visitors: int) -> None:
        super().__init__(command, host=host, port=port, title=title)
        self._most = visitors
        self._visitors: set[asyncio.Task[None]] = set()

    async def handle_index(self, request: web.Request) -> web.Response:
        """The page, or a sentence where there are too many visitors."""
        title = escape(self.title)
        if not await self._has_room():
            visitors = "a visitor" if self._most == 1 else f"{self._most} visitors"
            page = _FULL.format(title=title, visitors=visitors)
            return web.Response(text=page, content_type="text/html", status=503)
        size = request.query.get("fontsize", "")
        page = _PAGE.format(
            title=title,
            scheme="wss" if request.secure else "ws",
            host=escape(request.host),
            font_size=min(72, max(6, int(size))) if size.isdecimal() else 16,
        )
        return web.Response(text=page, content_type="text/html")

    async def _has_room(self) -> bool:
        """Whether another visitor may come; waits for the process of a page that has just been reloaded."""
        for _ in range(round(_ROOM_SECONDS / 0.1)):
            if len(self._visitors) < self._most:
                return True
            await asyncio.sleep(0.1)
        return False

    async def handle_websocket(self, request: web.Request) -> web.WebSocketResponse:
        """Run the command for a visitor until the page is closed."""
        origin = urlsplit(request.headers.get("Origin", ""))
        if origin.netloc != request.host:
            raise web.HTTPForbidden(text="only the page of this server may connect")
        if len(self._visitors) >= self._most:
            raise web.HTTPServiceUnavailable(text="too many visitors")
        task = asyncio.current_task()
        assert task is not None
        self._visitors.add(task)
        try:
            response: web.WebSocketResponse = await super().handle_websocket(request)
            return response
        finally:
            self._visitors.discard(task)

    async def end(self) -> None:
        """Close all pages, and wait until their processes have saved and ended."""
        visitors = tuple(self._visitors)
        for task in visitors:
            task.cancel()
        await asyncio.gather(*visitors, return_exceptions=True)


def serve(
    command: str, *, title: str, host: str, port: int, visitors: int, on_start: Callable[[str], object]
) -> None:
    """Serve a command until SIGINT or SIGTERM, then wait until every visitor's process has saved and ended.

    on_start: called with the address once the server listens. Raises OptionError if it cannot listen.
    """
    os.environ[SERVED] = "1"
    os.environ["RNNSCOPE_STATE"] = ""  # the layouts of visitors are not remembered
    logging.getLogger("textual-serve").setLevel(logging.CRITICAL)
    server = VisitorServer(command, title=title, host=host, port=port, visitors=visitors)
    asyncio.run(_serve(server, on_start))


async def _serve(server: VisitorServer, on_start: Callable[[str], object]) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    app = web.Application()
    app.add_routes(
        [
            web.get("/", server.handle_index),
            web.get("/ws", server.handle_websocket),
            web.static("/static", server.statics_path),
        ]
    )
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, server.host, server.port)
        try:
            await site.start()
        except OSError as error:
            raise OptionError(
                f"cannot listen on {server.host}:{server.port}: {error.strerror}; choose another --port"
            ) from error
        port = runner.addresses[0][1]
        host = f"[{server.host}]" if ":" in server.host else server.host
        on_start(f"http://{host}:{port}")
        await stopped.wait()
        await server.end()
    finally:
        await runner.cleanup()
