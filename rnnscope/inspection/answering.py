"""A lane of a desk: what is wanted is taken, one after another, and what comes of it is said."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

from rnnscope.app.asking.answers import Answer, Refused
from rnnscope.app.asking.desk import Desk, Ticket
from rnnscope.app.asking.requests import Lane
from rnnscope.errors import RnnscopeError
from rnnscope.progress import Cancelled

Doing: TypeAlias = Callable[[Ticket], Iterator[Answer]]
"""Does a request, and yields what there is to say of it."""


def answer(desk: Desk, lane: Lane, doing: Doing) -> None:
    """Until the desk is closed. What cannot be done is told in a line."""
    while (ticket := desk.take(lane)) is not None:
        try:
            for said in doing(ticket):
                if ticket.is_dropped():
                    break
                desk.post(said)
        except Cancelled:
            pass
        except RnnscopeError as error:
            desk.post(Refused(ticket.request, str(error)))
        except Exception as error:  # one analysis that fails takes no other with it; it is told
            told = f"{type(error).__name__}: {' '.join(str(error).split())}"
            desk.post(Refused(ticket.request, f"a fault of rnnscope, {told}"))
        finally:
            desk.done(ticket)
