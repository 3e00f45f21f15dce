"""A screen in a web page: `rnnscope serve` runs it in a process whose input and output are packets.

Visitors may press every key, but files are not theirs: actions that read or write a file that the user names
are not offered, and notes are not saved.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from textual.driver import Driver

SERVED = "RNNSCOPE_SERVED"
"""The environment variable that `rnnscope serve` sets for the process of each visitor."""


def is_served() -> bool:
    """Whether this process draws for a web page."""
    return SERVED in os.environ


def web_driver() -> type[Driver]:
    """The driver of a served screen, which saves and quits if the server ends."""
    from textual.drivers.web_driver import WebDriver

    class ServedDriver(WebDriver):
        def run_input_thread(self) -> None:
            super().run_input_thread()
            if not self.exit_event.is_set():
                self._app.call_later(self._app.run_action, "hang_up")

        def on_meta(self, packet_type: str, payload: dict[str, Any]) -> None:
            if packet_type == "quit":  # the visitor has closed the page
                self._app.call_later(self._app.run_action, "hang_up")
            else:
                super().on_meta(packet_type, payload)

    return ServedDriver
