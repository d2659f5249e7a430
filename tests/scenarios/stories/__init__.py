"""The stories, by family. Each function fills a small cluster; the decorator holds the question and the truth.

Names, texts and numbers are invented here. Messages of Kubernetes components are quoted in full, as they are written.
"""

from importlib import import_module
from pkgutil import iter_modules

from tests.scenarios.builder import STORIES

for _family in iter_modules(__path__):
    import_module(f"{__name__}.{_family.name}")

__all__ = ["STORIES"]
