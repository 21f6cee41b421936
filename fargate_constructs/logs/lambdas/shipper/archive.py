"""Archive one batch, or quarantine it if it is unreadable."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .envelope import UnreadableBatch
from .metrics import report_lag
from .objects import objects_of
from .put import quarantine, store

if TYPE_CHECKING:
    from .put import Context


def archive(event: object, context: Context) -> dict[str, object]:
    """Return `{"archived": [key, ...]}` or `{"quarantined": key}`."""
    try:
        objects = objects_of(event)
    except UnreadableBatch as unreadable:
        return {"quarantined": quarantine(event, str(unreadable), context)}
    store(objects, context)
    report_lag(objects.newest, context)
    return {"archived": list(objects.bodies)}
