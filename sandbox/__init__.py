"""The embedded cluster: a Kubernetes API in memory that serves a scenario folder. Imports none of the other rooms.

`Sandbox` is the way in; the types of `scenario.yaml` are for whoever asks the questions and scores the answers.
"""

from sandbox.reader import ScenarioError
from sandbox.scenario import Expectation, Remedy, RootCause, Scenario, read_scenario
from sandbox.server import Sandbox

__all__ = ["Expectation", "Remedy", "RootCause", "Sandbox", "Scenario", "ScenarioError", "read_scenario"]
