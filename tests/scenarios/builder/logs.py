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
    return f"{tsm(t, msg)} {level:>5} 1 --- [{app}] [{thread[-15:]:>15}] {cls:<40} : {msg}"


def pl(t, level, mod, msg):
    return f"{tsm(t, msg)} {level} [{mod}] {msg}"


def al(t, ip, req, status, size, dur, up="-"):
    return f'''{t.strftime("%Y-%m-%dT%H:%M:%S+00:00")} {ip} "{req}" {status} {size} {dur:.3f} {up}'''
