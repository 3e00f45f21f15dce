"""The desk between a screen and its worker.

A newer request of a kind takes the place of an older one, whether that waits or is being worked at. Answers
wait at the desk until the screen, which is woken once, collects them.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from rnnscope.app.asking.answers import Answer, Ended, Told
from rnnscope.app.asking.requests import Lane, Request

_LONGEST_WAY_SECONDS = 0.3


@dataclass(eq=False)
class Ticket:
    """A request that is being worked at."""

    request: Request
    told: Callable[[float], None] = lambda share: None
    """Hears how much is done, 0..1."""
    give_way: Callable[[], None] = lambda: None
    """Waits while something quick is done."""
    taken_at: float = 0.0
    is_put_off: bool = False
    """Whether it was left for what else waits in its lane, and is to be taken again."""
    _dropped: threading.Event = field(default_factory=threading.Event)
    _pressed: threading.Event = field(default_factory=threading.Event)

    def drop(self) -> None:
        self._dropped.set()

    def press(self) -> None:
        """Something else waits for the lane."""
        self._pressed.set()

    def should_pause(self) -> bool:
        """Whether it is dropped, or what waits in its lane should not wait for what takes this long."""
        return self.is_dropped() or self._pressed.is_set()

    def is_dropped(self) -> bool:
        """Whether nobody wants the answer any more; looked at between two pieces of work.

        There a search also waits while a page is read or a key is answered, so that they need not share.
        """
        if not self._dropped.is_set():
            self.give_way()
        return self._dropped.is_set()


class Desk:
    """Any thread asks, takes, posts and drains."""

    def __init__(self, wake: Callable[[], object] = lambda: None) -> None:
        """`wake` is called from a worker's thread when answers have begun to wait."""
        self.wake = wake
        self._changed = threading.Condition()
        self._waiting: list[Ticket] = []
        self._taken: list[Ticket] = []
        self._answers: list[Answer] = []
        self._is_closed = False

    # -- the screen's side -----------------------------------------------------------------------------------

    def ask(self, request: Request) -> None:
        """Want something; what was wanted of the same kind before is dropped."""
        with self._changed:
            self._drop(type(request))
            for ticket in self._taken:
                if ticket.request.lane == request.lane == "quick":
                    ticket.press()
            self._wait(request)

    def cancel(self, *kinds: type[Request]) -> None:
        """Want nothing of these kinds any more."""
        with self._changed:
            for kind in kinds:
                self._drop(kind)

    def close(self) -> None:
        """The screen is left: all is dropped, and the lanes end."""
        with self._changed:
            self._is_closed = True
            for ticket in (*self._waiting, *self._taken):
                ticket.drop()
            self._waiting.clear()
            self._changed.notify_all()

    def drain(self) -> list[Answer]:
        """All answers that wait, oldest first."""
        with self._changed:
            answers, self._answers = self._answers, []
        return answers

    def _wait(self, request: Request) -> None:
        ticket = Ticket(request, lambda share: self.post(Told(request, share)))
        if request.lane != "quick":
            ticket.give_way = self._give_way
        self._waiting.append(ticket)
        self._changed.notify_all()

    def _drop(self, kind: type[Request]) -> None:
        for ticket in self._taken:
            if type(ticket.request) is kind:
                ticket.drop()
        self._waiting = [ticket for ticket in self._waiting if type(ticket.request) is not kind]

    # -- the worker's side -----------------------------------------------------------------------------------

    @property
    def is_closed(self) -> bool:
        return self._is_closed

    def is_wanted(self) -> bool:
        """Wait until something is asked for; False once the desk is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._is_closed)
            return not self._is_closed

    def take(self, lane: Lane) -> Ticket | None:
        """The oldest request of a lane, as soon as there is one; None once the desk is closed."""
        with self._changed:
            while True:
                if self._is_closed:
                    return None
                for ticket in self._waiting:
                    if ticket.request.lane == lane:
                        self._waiting.remove(ticket)
                        self._taken.append(ticket)
                        ticket.taken_at = time.monotonic()
                        return ticket
                self._changed.wait()

    def done(self, ticket: Ticket) -> None:
        """The last that is said of a request; one that was put off waits again instead, after the others."""
        with self._changed:
            self._taken.remove(ticket)
            self._changed.notify_all()
            if ticket.is_put_off and not ticket.is_dropped() and not self._is_closed:
                self._wait(ticket.request)
                return
        self.post(Ended(ticket.request))

    def _give_way(self) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._is_closed or not self._is_hurried(), _LONGEST_WAY_SECONDS)

    def _is_hurried(self) -> bool:
        """Whether something quick waits or was begun just now; what takes longer shares the processor."""
        since = time.monotonic() - _LONGEST_WAY_SECONDS
        return any(
            ticket.request.lane == "quick" and (ticket.taken_at == 0.0 or ticket.taken_at > since)
            for ticket in (*self._waiting, *self._taken)
        )

    def post(self, answer: Answer) -> None:
        """Leave an answer for the screen."""
        with self._changed:
            self._answers.append(answer)
            is_first = len(self._answers) == 1
        if is_first:
            self.wake()
