"""Analyzers: small pure functions, a Snapshot in, Observations out, one file per kind of fault, all in one table.

To add a family of faults `x`: write `analyzers/x.py` with `analyze`, `wording/x.py` with `WORDING`, when changes can be
proposed `remedies/x.py` with `REMEDIES`, and add one line to each room's table. Analyzers judge by the present state;
history (old restarts, resolved warnings) is evidence only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from agents.diagnoser.analyzers import (
    apiservices,
    autoscaling,
    batch,
    calls,
    certificates,
    configuration,
    crashes,
    custom_resources,
    disruptions,
    dns,
    finalizers,
    gateways,
    images,
    ingresses,
    init_containers,
    mutations,
    nodes,
    probes,
    quotas,
    rbac,
    replicas,
    rollouts,
    scheduling,
    selectors,
    services,
    stale,
    throttling,
    volumes,
    webhooks,
)
from agents.diagnoser.observation import Observation, merge
from agents.diagnoser.snapshot import Snapshot

Analyzer = Callable[[Snapshot], Iterable[Observation]]

ANALYZERS: tuple[Analyzer, ...] = (
    images.analyze,
    crashes.analyze,
    init_containers.analyze,
    probes.analyze,
    scheduling.analyze,
    configuration.analyze,
    volumes.analyze,
    quotas.analyze,
    services.analyze,
    selectors.analyze,
    rbac.analyze,
    dns.analyze,
    calls.analyze,
    ingresses.analyze,
    gateways.analyze,
    certificates.analyze,
    nodes.analyze,
    replicas.analyze,
    rollouts.analyze,
    autoscaling.analyze,
    batch.analyze,
    disruptions.analyze,
    webhooks.analyze,
    mutations.analyze,
    apiservices.analyze,
    custom_resources.analyze,
    finalizers.analyze,
    stale.analyze,
    throttling.analyze,
)
"""One line per family."""


def observe(snapshot: Snapshot, analyzers: Iterable[Analyzer] = ANALYZERS) -> list[Observation]:
    """Everything that the analyzers see, each fault of an object once."""
    return merge([seen for analyze in analyzers for seen in analyze(snapshot)])
