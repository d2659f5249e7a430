"""What importing the libraries below us costs, and what of it is put off until it is wanted.

A service used a third of its start on what it does not use (docs/performance.md). Three devices, none of which changes
what a library does:

- Lazy packages: importing `kubernetes.aio` runs `kubernetes/__init__`, which imports the synchronous client too;
  `mcp.server` brings the client, `google.genai` an HTTP client, `sqlalchemy.ext.asyncio` the ORM. For the packages of
  the table, a submodule is imported without the package's `__init__`. The first access to any other name runs it.
- Absent modules: what a library uses when it is there, and we never do.
- Pydantic builds a model's validator when it is first used, not when its class is made: most of the thousand models of
  `google.genai` and `mcp` are never used.

The package `agents.runtime` calls `install` before anything else is imported. What is imported already stays as it is.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

from pydantic import BaseModel

PACKAGES: Mapping[str, Mapping[str, str]] = {
    "a2a.server.cluster": {},
    "a2a.server.request_handlers": {"RequestHandler": "request_handler", "validate_request_params": "request_handler"},
    "a2a.server.tasks": {"TaskStore": "task_store", "TaskUpdater": "task_updater"},
    "google.genai": {"errors": "errors", "types": "types", "version": "version"},
    "kubernetes": {"aio": "aio"},
    "kubernetes.aio": {"client": "client", "config": "config"},
    "mcp": {"MCPError": "shared.exceptions", "types": "types"},
    "mcp.client": {},
    "mcp.server": {},
    "sqlalchemy.dialects.postgresql": {},
    "sqlalchemy.ext.asyncio": {
        "AsyncConnection": "engine",
        "AsyncEngine": "engine",
        "create_async_engine": "engine",
        "exc": "exc",
    },
}
"""Per package, the names that are had without its `__init__`, and the submodule that each comes from (or is)."""

ABSENT = frozenset({"httpx._main"})
"""httpx's own command line, which would bring click, rich and pygments."""


def install() -> None:
    """Takes effect for everything that this process imports from now on."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())
    BaseModel.model_config["defer_build"] = True


class _Finder(MetaPathFinder):
    """Finds the lazy packages where they always are, and has their `__init__` wait."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname in ABSENT:
            raise ModuleNotFoundError(f"{fullname} is left out (agents.runtime.imports)", name=fullname)
        if fullname not in PACKAGES:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _Later(spec.loader)
        return spec


class _Later(Loader):
    """Stands before the real loader. `run` may be called from several threads; the others wait for the first."""

    def __init__(self, real: Loader) -> None:
        self._real = real
        self._lock = threading.RLock()
        self._running = False

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._real.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        module.__class__ = _LazyPackage

    def run(self, module: ModuleType) -> bool:
        """Runs the `__init__`. False when this very thread is running it: what is missing then is really missing."""
        with self._lock:
            if self._running:
                return False
            if type(module) is _LazyPackage:
                self._running = True
                try:
                    self._real.exec_module(module)
                    module.__class__ = ModuleType  # pyright: ignore[reportAttributeAccessIssue] - it is one again
                finally:
                    self._running = False
        return True


class _LazyPackage(ModuleType):
    """A package whose `__init__` has not run."""

    def __getattr__(self, name: str) -> Any:
        package: str = self.__dict__["__name__"]
        submodule = PACKAGES[package].get(name)
        if submodule is not None:
            module = import_module(f"{package}.{submodule}")
            return module if name == submodule else getattr(module, name)
        loader = self.__dict__["__spec__"].loader
        # Names with an underscore are submodules on their way in, or what Python looks for on every module.
        wanted = not name.startswith("_") or name in ("__all__", "__version__")
        if wanted and isinstance(loader, _Later) and loader.run(self):
            return getattr(self, name)
        raise AttributeError(f"module {package!r} has no attribute {name!r}")
