"""What a container is doing: running, waiting, terminated; and the rhythm of a crash loop."""

from tests.scenarios.builder.clock import sec


def up(at=None, restarts=0, last=None, ready=True, started=True):
    return {"s": "running", "at": at, "restarts": restarts, "last": last, "ready": ready, "started": started}


def wait(reason, message=None, restarts=0, last=None):
    return {"s": "waiting", "reason": reason, "message": message, "restarts": restarts, "last": last}


def dead(code, at, fin, reason=None, message=None, restarts=0, last=None):
    """A terminated container; also what `last=` takes."""
    if reason is None:
        reason = "Completed" if code == 0 else "Error"
    return {
        "s": "terminated",
        "code": code,
        "at": at,
        "fin": fin,
        "reason": reason,
        "message": message,
        "restarts": restarts,
        "last": last,
    }


DELAYS = [1, 10, 20, 40, 80, 160, 300]


def crash_runs(start, length, now, lo=8):
    """The instances of a crash-looping container until now, [(start, finish)...], and the present back-off.

    The kubelet restarts once at once, then waits 10 s, 20 s, ... 5 min. `length` (seconds of an instance) is nudged
    so that `now` falls into a wait.
    """
    for extra in range(400):
        ln = length + extra * (0.25 if length > 20 else 0.02)
        runs, at, k = [], start, 0
        while True:
            fin = at + sec(ln)
            if fin > now - sec(lo):
                break
            runs.append((at, fin))
            d = DELAYS[min(k, 6)]
            nxt = fin + sec(d + 1)
            k += 1
            if nxt > now + sec(lo) and k > 1:
                out = [(x.replace(microsecond=0), y.replace(microsecond=0)) for x, y in runs]
                return out, {10: "10s", 20: "20s", 40: "40s", 80: "1m20s", 160: "2m40s", 300: "5m0s"}[d]
            at = nxt
    raise RuntimeError("no fit")
