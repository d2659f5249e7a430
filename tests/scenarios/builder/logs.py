"""Log lines as applications in several languages write them."""

import json

from tests.scenarios.builder.clock import tsm


def jl(t, level, msg, **kw):
    d = {"time": tsm(t, msg), "level": level, "msg": msg}
    d.update(kw)
    return json.dumps(d, ensure_ascii=False)


def zl(t, level, where, msg, **kw):
    return "{}\t{}\t{}\t{}{}".format(tsm(t, msg), level, where, msg, ("\t" + json.dumps(kw)) if kw else "")


def sl(t, level, app, thread, cls, msg):
    return "%s %5s 1 --- [%s] [%15s] %-40s : %s" % (tsm(t, msg), level, app, thread[-15:], cls, msg)


def pl(t, level, mod, msg):
    return f"{tsm(t, msg)} {level} [{mod}] {msg}"


def al(t, ip, req, status, size, dur, up="-"):
    return '%s %s "%s" %d %d %.3f %s' % (t.strftime("%Y-%m-%dT%H:%M:%S+00:00"), ip, req, status, size, dur, up)
