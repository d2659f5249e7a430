"""The builder of scenario folders: small clusters as a control plane would have written them.

One noun per file. A story fills a `Cluster`; `Story.files()` renders it. Nothing here knows how a diagnosis works.
"""

from tests.scenarios.builder.clock import sec, ts, when
from tests.scenarios.builder.cluster import Cluster
from tests.scenarios.builder.containers import ctr, execp, http, tcp, v_cm, v_empty, v_host, v_pvc, v_secret, web
from tests.scenarios.builder.logs import al, jl, pl, sl, zl
from tests.scenarios.builder.quantities import b64
from tests.scenarios.builder.states import crash_runs, dead, up, wait
from tests.scenarios.builder.story import STORIES, Story, cause, story

REG = "registry.example.com"

__all__ = [
    "REG",
    "STORIES",
    "Cluster",
    "Story",
    "al",
    "b64",
    "cause",
    "crash_runs",
    "ctr",
    "dead",
    "execp",
    "http",
    "jl",
    "pl",
    "sec",
    "sl",
    "story",
    "tcp",
    "ts",
    "up",
    "v_cm",
    "v_empty",
    "v_host",
    "v_pvc",
    "v_secret",
    "wait",
    "web",
    "when",
    "zl",
]
