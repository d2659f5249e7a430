"""Makes a page of a million log lines: repeated lines fold into templates with counts, in one pass."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import AsyncIterable, Iterable
from dataclasses import dataclass

MAX_TEMPLATES = 5_000
MAX_CACHE = 20_000
MAX_TEMPLATE_LENGTH = 600
TAIL_LINES = 20

_VARIABLE = re.compile(
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?"  # time
    r"|\b[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\b"  # UUID
    r"|\b0x[0-9a-fA-F]+\b"
    r"|\b(?=[a-f]*\d)[0-9a-f]{8,64}\b"  # hashes and ids
    r"|\d+(?:\.\d+)*"
)
_SEVERE = re.compile(
    r"(?i)\b(?:fatal|panic|\w*error|err|\w*exception|traceback|failed|failure|fail|cannot|can't|denied|refused|killed|oom"
    r"|timeout|timed out|unreachable|no such|not found|unauthorized|forbidden|permission)\b|^[EF]\d{4} "
)
_DIGITS = {ord(digit): "0" for digit in "123456789"}


@dataclass
class Template:
    """Lines that differ only in times, numbers and ids."""

    pattern: str
    """The line with `<*>` where they differ."""
    count: int
    first: str
    """The first such line in full, at most 600 characters."""
    last: str
    severe: bool
    """Whether it speaks of an error."""
    order: int
    """Position of the first such line in the log."""


class LogFold:
    """Folds lines as they come, in bounded memory."""

    def __init__(self, pattern: str | None = None, tail_lines: int = TAIL_LINES) -> None:
        """With `pattern` (a regular expression, or plain text when it is none), only lines that match it count."""
        self.lines = 0
        """Lines read."""
        self.matched = 0
        self.tail: deque[str] = deque(maxlen=tail_lines)
        """The last matching lines."""
        self._matches = _matcher(pattern)
        self._templates: dict[str, Template] = {}
        self._cache: dict[str, Template] = {}

    def add(self, line: str) -> None:
        """One line, without its end."""
        self.lines += 1
        if not line or not self._matches(line):
            return
        self.matched += 1
        self.tail.append(line)
        # Lines of one template mostly have the same shape once digits are equal: then no pattern needs to run.
        # The template is made of no more than this, and long lines must not fill the memory as keys.
        shape = line[:MAX_TEMPLATE_LENGTH].translate(_DIGITS)
        template = self._cache.get(shape)
        if template is None:
            template = self._template(line)
            if len(self._cache) < MAX_CACHE:
                self._cache[shape] = template
        template.count += 1
        template.last = line[:MAX_TEMPLATE_LENGTH]

    def _template(self, line: str) -> Template:
        pattern = _VARIABLE.sub("<*>", line[:MAX_TEMPLATE_LENGTH])
        template = self._templates.get(pattern)
        if template is None:
            if len(self._templates) >= MAX_TEMPLATES:
                pattern, line = "(lines of other kinds)", "(lines of other kinds)"
                if pattern in self._templates:
                    return self._templates[pattern]
            severe = _SEVERE.search(line) is not None
            template = Template(pattern, 0, line[:MAX_TEMPLATE_LENGTH], line, severe, self.matched)
            self._templates[pattern] = template
        return template

    def add_all(self, lines: Iterable[str]) -> LogFold:
        """Many lines. Returns itself."""
        for line in lines:
            self.add(line)
        return self

    def templates(self, limit: int | None = None) -> list[Template]:
        """What was said, errors first, then what was said most often; within `limit` in the log's order."""
        ranked = sorted(self._templates.values(), key=lambda template: (not template.severe, -template.count))
        return sorted(ranked[:limit], key=lambda template: template.order)

    def page(self, limit_bytes: int = 8_000) -> str:
        """A text of at most that size: templates with counts; a log without repetition reads as it was written."""
        shown: list[str] = []
        size = 0
        everything = sorted(self._templates.values(), key=lambda template: (not template.severe, -template.count))
        chosen: list[Template] = []
        for template in everything:
            size += len(_shown(template)) + 1
            if size > limit_bytes - 80:
                break
            chosen.append(template)
        shown = [_shown(template) for template in sorted(chosen, key=lambda template: template.order)]
        if left := len(everything) - len(chosen):
            shown.append(f"({left} further kinds of lines left out)")
        return "\n".join(shown)


async def fold(lines: AsyncIterable[str], pattern: str | None = None) -> LogFold:
    """Folds a stream of lines."""
    folded = LogFold(pattern)
    async for line in lines:
        folded.add(line)
    return folded


def _shown(template: Template) -> str:
    return template.last if template.count == 1 else f"[{template.count}x] {template.last}"


def _matcher(pattern: str | None):
    if not pattern:
        return lambda line: True
    try:
        return re.compile(pattern, re.IGNORECASE).search
    except re.error:
        return lambda line: pattern.lower() in line.lower()
