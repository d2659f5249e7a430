"""A cluster becomes the files of a scenario folder: path inside the folder -> text."""

import datetime as dt
import json

from tests.scenarios.builder.documents import dump_objects


def _usage(use) -> str:
    lines = ["nodes:"]
    lines += [f"  {n}: {{cpu: {v['cpu']}, memory: {v['memory']}}}" for n, v in sorted(use["nodes"].items())]
    lines.append("pods:")
    for name, row in sorted(use["pods"].items()):
        cells = ", ".join(f"{c}: {{cpu: {v['cpu']}, memory: {v['memory']}}}" for c, v in sorted(row.items()))
        lines.append(f"  {name}: {{{cells}}}")
    return "\n".join(lines) + "\n"


def _open_metrics(series) -> str:
    out = []
    for family in sorted(series):
        s = series[family]
        out += [f"# HELP {family} {s['help']}", f"# TYPE {family} {s['type']}"]
        for suffix, labels, points in s["rows"]:
            text = ",".join(f'{k}="{v}"' for k, v in sorted(labels.items()))
            out += [f"{family}{suffix}{{{text}}} {v} {int(t.timestamp())}" for t, v in points]
    return "\n".join([*out, "# EOF"]) + "\n"


def _kept(item, now) -> bool:
    """Whether the API server still has it: Events live for an hour after they were last written."""
    if item["kind"] != "Event":
        return True
    series = item.get("series", {}).get("lastObservedTime")
    last = series or item["lastTimestamp"] or item["eventTime"]
    return dt.datetime.fromisoformat(last) > now - dt.timedelta(hours=1)


class Writing:
    """Renders everything except scenario.yaml."""

    def files(self) -> dict[str, str]:
        self.build_endpoints()
        out = {"objects.yaml": dump_objects([o for o in self.objs if _kept(o, self.now)])}
        for (ns, pod, container, previous), text in self.logs.items():
            out[f"logs/{ns}/{pod}/{container}{'.previous' if previous else ''}.log"] = text
        if self.with_usage:
            out["usage.yaml"] = _usage(self.usage())
        if self.series:
            out["metrics.om"] = _open_metrics(self.series)
        if self.audits:
            entries = [json.dumps(e, ensure_ascii=False) for _, e in sorted(self.audits, key=lambda x: x[0])]
            out["audit.jsonl"] = "\n".join(entries) + "\n"
        for component, text in self.control.items():
            out[f"controlplane/{component}.log"] = text
        return out
