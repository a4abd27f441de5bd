"""What went wrong, in one sentence for a person; the log has the whole of it."""

from __future__ import annotations

from concurrent.futures import CancelledError

from distributed import KilledWorker

from cache.address import ClusterError
from cache.location import CacheError
from engine.validate import InvalidValueError

LOST = "The processes that compute were lost; the work goes on where the last stored result was."
GONE = "The processes that compute were lost and did not come back."
IDLE = "There is no worker; the work waits for one."
NO_GPU = "The last worker with a GPU was lost; what it was to train waits for another one."
RESTARTED = "A worker process died and was replaced; this wave has been started again."
UNWATCHED = "Nobody looked at this training any more, so it was stopped; what was finished is kept."


def foreseen(error: Exception) -> bool:
    """Whether the sentence says all there is to know, so that the log needs no traceback."""
    return isinstance(error, CacheError | InvalidValueError | ClusterError | CancelledError | KilledWorker)


def sentence(error: Exception) -> str:
    """The sentence for what a job raised."""
    if isinstance(error, CacheError):
        return error.told
    if isinstance(error, InvalidValueError | ClusterError):
        return str(error)
    if isinstance(error, CancelledError):
        return "The processes that compute were lost; start Privacy Dial again if this happens twice."
    if isinstance(error, KilledWorker):
        return "The worker process died twice while it computed this setting, perhaps for lack of memory."
    reason = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
    return f"This setting could not be computed: {reason}."
