"""Runs the whole set and says what failed."""

import asyncio
import sys
from pathlib import Path

from tests.remedies.repair import repair, wants_remedy

AT_ONCE = 6
DATA = Path(__file__).parents[1] / "scenarios" / "data"


async def main(roots: list[Path]) -> int:
    """All scenarios below the roots; the number that failed."""
    folders = [folder for root in roots for folder in sorted(root.iterdir()) if folder.is_dir()]
    wanted = [folder for folder in folders if wants_remedy(folder)]
    gate, failed = asyncio.Semaphore(AT_ONCE), 0

    async def one(folder: Path) -> None:
        nonlocal failed
        async with gate:
            try:
                result = await repair(folder)
                problem = result.problem
            except Exception as error:
                problem = f"{type(error).__name__}: {error}"
            failed += bool(problem)
            print(f"{'FAIL' if problem else 'ok  '} {folder.name} {problem}", flush=True)

    await asyncio.gather(*map(one, wanted))
    print(f"{len(wanted) - failed} of {len(wanted)} incidents are over")
    return failed


if __name__ == "__main__":
    sys.exit(asyncio.run(main([Path(arg) for arg in sys.argv[1:]] or [DATA])) > 0)
