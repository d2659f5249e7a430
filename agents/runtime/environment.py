"""Environment switches of the libraries below us, set before they are imported.

Several libraries read the environment once, at import, and their defaults do not suit a service: they reach for the
network, wrap their internals in spans, or serialise every prompt for an exporter that nobody configured. The package
`agents.runtime` imports this module first, so whatever imports the runtime gets them. A value that is already in the
environment wins.
"""

from __future__ import annotations

import os
import warnings

SWITCHES = {
    # ADK would look for a client certificate on the cloud's metadata address, three tries of three seconds each.
    "GOOGLE_API_USE_CLIENT_CERTIFICATE": "false",
    # LiteLLM would fetch its price list from the internet at import.
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    # LiteLLM would read a .env file of the working folder at import.
    "LITELLM_MODE": "PRODUCTION",
    # Pydantic would read the metadata of every installed package, looking for plugins.
    "PYDANTIC_DISABLE_PLUGINS": "__all__",
    # LiteLLM's own HTTP client instead of openai's, whose typed transformation of every message and tool schema costs
    # 2 ms of CPU per call; same errors (tests/runtime/test_models.py).
    "EXPERIMENTAL_OPENAI_BASE_LLM_HTTP_HANDLER": "True",
    # a2a-sdk would open about 60 spans per request around its own internals.
    "OTEL_INSTRUMENTATION_A2A_SDK_ENABLED": "false",
    "ADK_SUPPRESS_A2A_EXPERIMENTAL_FEATURE_WARNINGS": "1",
    "ADK_SUPPRESS_EXPERIMENTAL_FEATURE_WARNINGS": "1",
    # The newer schema serialises every request's messages and tool schemas even when nothing is exported ...
    "ADK_TELEMETRY_SCHEMA_VERSION_OPT_IN": "1",
    # ... and this one would put prompts into spans.
    "ADK_CAPTURE_MESSAGE_CONTENT_IN_SPANS": "false",
}


def apply() -> None:
    """Sets every switch that the environment does not set itself, and silences what says nothing."""
    for name, value in SWITCHES.items():
        os.environ.setdefault(name, value)
    # FastAPI silences this of its own making, but not where two threads set up routes at once, as tests and `eval` do.
    warnings.filterwarnings("ignore", message="The 'alias' attribute with value 'body'")


apply()
