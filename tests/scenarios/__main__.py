"""`python -m tests.scenarios [NAME…]` renders the stories (all, or those named) into `data/`."""

import shutil
import sys
from pathlib import Path

from tests.scenarios.stories import STORIES

DATA = Path(__file__).parent / "data"


def main(names: list[str]) -> None:
    """Replaces the folders of the stories; a full run also removes folders that no story owns."""
    unknown = set(names) - set(STORIES)
    if unknown:
        raise SystemExit(f"no such story: {', '.join(sorted(unknown))}")
    if not names:
        shutil.rmtree(DATA, ignore_errors=True)
    for name in names or STORIES:
        shutil.rmtree(DATA / name, ignore_errors=True)
        STORIES[name].write(DATA)
    print(f"{len(names or STORIES)} scenarios written to {DATA}")


if __name__ == "__main__":
    main(sys.argv[1:])
