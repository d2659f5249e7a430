"""A million lines become a page, and what matters is on it."""

from __future__ import annotations

import tracemalloc

from agents.cluster.logs import MAX_TEMPLATES, LogFold


def test_repeated_lines_become_one_with_a_count() -> None:
    fold = LogFold().add_all(
        f"2026-01-01T10:00:{i % 60:02d}Z GET /product/{i} 200 {i}ms id={i:08x}" for i in range(500)
    )
    (template,) = fold.templates()
    assert template.count == 500
    assert template.pattern == "<*> GET /product/<*> <*> <*>ms id=<*>"
    assert fold.page().startswith("[500x] 2026-01-01T10:00:19Z GET /product/499")


def test_the_one_error_among_many_lines_is_shown() -> None:
    lines = [f"request {i} {'x' * (i % 90)} served by handler{chr(97 + i % 26)}" for i in range(100_000)]
    lines[77_777] = "FATAL: could not open relation mapping file"
    page = LogFold().add_all(lines).page(limit_bytes=2_000)
    assert "FATAL: could not open relation" in page
    assert len(page) <= 2_000
    assert "left out" in page


def test_a_short_log_reads_as_it_was_written() -> None:
    lines = ["starting", "reading config", "panic: no such file", "  at main.go:12", "exit"]
    assert LogFold().add_all(lines).page().splitlines() == lines


def test_only_matching_lines_count() -> None:
    fold = LogFold("timeout").add_all(["a Timeout b", "fine", "timeout again"])
    assert (fold.lines, fold.matched) == (3, 2)
    assert LogFold("[broken(").add_all(["x [broken( y", "z"]).matched == 1


def test_memory_stays_bounded_when_every_line_is_different() -> None:
    words = ("".join(chr(97 + (i // 26**k) % 26) for k in range(5)) for i in range(MAX_TEMPLATES * 3))
    fold = LogFold().add_all(f"unique {word}" for word in words)
    assert len(fold.templates()) <= MAX_TEMPLATES + 1
    assert sum(template.count for template in fold.templates()) == MAX_TEMPLATES * 3


def test_the_last_lines_are_kept() -> None:
    fold = LogFold(tail_lines=2).add_all(f"line {i}" for i in range(10))
    assert list(fold.tail) == ["line 8", "line 9"]


def test_long_lines_that_never_repeat_are_held_in_little_memory() -> None:
    folded = LogFold()
    letters = "abcdefghijklmnopqrstuvwxyz"
    tracemalloc.start()
    for number in range(10_000):
        word = "".join(letters[(number // 26**place) % 26] for place in range(4))
        folded.add(f"{word} {'x' * 8_000}")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (folded.lines, len(folded.templates())) == (10_000, 5_001)
    assert peak < 40 * 2**20
