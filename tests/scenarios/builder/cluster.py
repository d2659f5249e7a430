"""The Cluster: everything that a story needs, one noun per parent."""

from tests.scenarios.builder.apps import Apps
from tests.scenarios.builder.batch import Batch
from tests.scenarios.builder.config import Config
from tests.scenarios.builder.container_status import ContainerStatuses
from tests.scenarios.builder.daemonsets import DaemonSets
from tests.scenarios.builder.deployments import Deployments
from tests.scenarios.builder.endpoints import Endpoints
from tests.scenarios.builder.events import Events
from tests.scenarios.builder.extensions import Extensions
from tests.scenarios.builder.furniture import Furniture
from tests.scenarios.builder.ledger import Ledger
from tests.scenarios.builder.network import Network
from tests.scenarios.builder.nodes import Nodes
from tests.scenarios.builder.observations import Observations
from tests.scenarios.builder.pods import Pods
from tests.scenarios.builder.scaling import Scaling
from tests.scenarios.builder.statefulsets import StatefulSets
from tests.scenarios.builder.storage import Storage
from tests.scenarios.builder.symptoms import Symptoms
from tests.scenarios.builder.writing import Writing


class Cluster(
    Symptoms,
    Apps,
    Furniture,
    Deployments,
    StatefulSets,
    DaemonSets,
    Batch,
    Pods,
    ContainerStatuses,
    Network,
    Endpoints,
    Config,
    Storage,
    Scaling,
    Extensions,
    Events,
    Observations,
    Writing,
    Nodes,
    Ledger,
):
    """A small cluster at one moment; a story adds objects, logs and events, then `files()` renders it."""

    @classmethod
    def small(cls, name, now, version="v1.34.1", workers=2, cpu=4, mem=16, cni="calico", zones=False, age=210, **base):
        """Some equal workers behind a managed control plane, and the ordinary furniture."""
        c = cls(name, now, version, "managed", cni, age)
        for i in range(workers):
            c.node(f"node-{i + 1}", cpu, mem, zone=f"zone-{'abc'[i % 3]}" if zones else None)
        c.base(**base)
        return c
