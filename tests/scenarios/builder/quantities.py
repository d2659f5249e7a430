"""CPU, memory and the resource lists of containers."""

import base64


def cpu_m(q):
    q = str(q)
    return int(q[:-1]) if q.endswith("m") else int(float(q) * 1000)


def mem_b(q):
    q = str(q)
    for suf, mul in (
        ("Ki", 2**10),
        ("Mi", 2**20),
        ("Gi", 2**30),
        ("Ti", 2**40),
        ("k", 10**3),
        ("M", 10**6),
        ("G", 10**9),
    ):
        if q.endswith(suf):
            return int(float(q[: -len(suf)]) * mul)
    return int(q)


def b64(s):
    return base64.b64encode(s.encode() if isinstance(s, str) else s).decode()


def res(spec):
    """'100m/128Mi' -> a resource list; '-' leaves one out; more as '100m/128Mi/ephemeral-storage=1Gi'."""
    out = {}
    if not spec:
        return out
    parts = spec.split("/")
    if parts[0] not in ("", "-"):
        out["cpu"] = parts[0]
    if len(parts) > 1 and parts[1] not in ("", "-"):
        out["memory"] = parts[1]
    for p in parts[2:]:
        k, v = p.split("=")
        out[k.replace("|", "/")] = v
    return out
