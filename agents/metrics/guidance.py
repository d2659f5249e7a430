"""query_prometheus_metric_guidance: what to ask of kube-state-metrics, cAdvisor, node-exporter and the kubelet."""

from __future__ import annotations

from agents.metrics.results import Failure, MetricGuidance, MetricInfo, PromqlSample

CATEGORIES = ("cpu", "memory", "network", "disk")
_NODES = ("node", "nodes", "instance", "host")
_POD_LABELS = ["namespace", "pod", "container", "node"]
_STATE_LABELS = ["namespace", "pod", "container", "resource", "unit"]
_NODE_LABELS = ["instance", "job"]

# name, type, labels, description
_METRICS: dict[tuple[str, str], list[tuple[str, str, list[str], str]]] = {
    ("pod", "cpu"): [
        ("container_cpu_usage_seconds_total", "counter", _POD_LABELS, "CPU time used, in core seconds"),
        ("container_cpu_cfs_throttled_periods_total", "counter", _POD_LABELS, "periods in which it was throttled"),
        ("container_cpu_cfs_periods_total", "counter", _POD_LABELS, "enforcement periods in all"),
        ("kube_pod_container_resource_requests", "gauge", _STATE_LABELS, "requests; resource='cpu' in cores"),
        ("kube_pod_container_resource_limits", "gauge", _STATE_LABELS, "limits; resource='cpu' in cores"),
    ],
    ("pod", "memory"): [
        ("container_memory_working_set_bytes", "gauge", _POD_LABELS, "memory that counts against the limit"),
        ("container_memory_rss", "gauge", _POD_LABELS, "anonymous memory"),
        ("kube_pod_container_resource_limits", "gauge", _STATE_LABELS, "limits; resource='memory' in bytes"),
        ("kube_pod_container_status_restarts_total", "counter", _POD_LABELS, "container restarts"),
        (
            "kube_pod_container_status_last_terminated_reason",
            "gauge",
            [*_POD_LABELS, "reason"],
            "why it ended last; reason='OOMKilled'",
        ),
    ],
    ("pod", "network"): [
        ("container_network_receive_bytes_total", "counter", ["namespace", "pod", "interface"], "bytes received"),
        ("container_network_transmit_bytes_total", "counter", ["namespace", "pod", "interface"], "bytes sent"),
        ("container_network_receive_errors_total", "counter", ["namespace", "pod", "interface"], "receive errors"),
        ("container_network_receive_packets_dropped_total", "counter", ["namespace", "pod", "interface"], "drops"),
    ],
    ("pod", "disk"): [
        ("kubelet_volume_stats_used_bytes", "gauge", ["namespace", "persistentvolumeclaim"], "bytes used of a volume"),
        ("kubelet_volume_stats_capacity_bytes", "gauge", ["namespace", "persistentvolumeclaim"], "size of a volume"),
        ("container_fs_usage_bytes", "gauge", _POD_LABELS, "bytes written to the container's own layer"),
    ],
    ("node", "cpu"): [
        ("node_cpu_seconds_total", "counter", [*_NODE_LABELS, "cpu", "mode"], "CPU time by mode"),
        ("node_load1", "gauge", _NODE_LABELS, "load average over one minute"),
        ("kube_node_status_allocatable", "gauge", ["node", "resource", "unit"], "what pods may request"),
    ],
    ("node", "memory"): [
        ("node_memory_MemAvailable_bytes", "gauge", _NODE_LABELS, "memory that can still be used"),
        ("node_memory_MemTotal_bytes", "gauge", _NODE_LABELS, "memory in all"),
        ("kube_node_status_condition", "gauge", ["node", "condition", "status"], "MemoryPressure and others"),
    ],
    ("node", "network"): [
        ("node_network_receive_bytes_total", "counter", [*_NODE_LABELS, "device"], "bytes received"),
        ("node_network_transmit_bytes_total", "counter", [*_NODE_LABELS, "device"], "bytes sent"),
        ("node_network_receive_drop_total", "counter", [*_NODE_LABELS, "device"], "packets dropped"),
    ],
    ("node", "disk"): [
        ("node_filesystem_avail_bytes", "gauge", [*_NODE_LABELS, "mountpoint", "fstype"], "bytes free"),
        ("node_filesystem_size_bytes", "gauge", [*_NODE_LABELS, "mountpoint", "fstype"], "bytes in all"),
        ("node_disk_io_time_seconds_total", "counter", [*_NODE_LABELS, "device"], "seconds spent with I/O"),
    ],
}
_FS = 'fstype!~"tmpfs|overlay"'
# name, severity, description, PromQL
_QUERIES: dict[tuple[str, str], list[tuple[str, str, str, str]]] = {
    ("pod", "cpu"): [
        (
            "pod_cpu_cores",
            "info",
            "cores used by pod over five minutes",
            'sum by (namespace, pod) (rate(container_cpu_usage_seconds_total{container!=""}[5m]))',
        ),
        (
            "container_throttled_share",
            "warning",
            "share of periods in which a container was throttled",
            "sum by (namespace, pod, container) (rate(container_cpu_cfs_throttled_periods_total[5m])) "
            "/ sum by (namespace, pod, container) (rate(container_cpu_cfs_periods_total[5m])) > 0.25",
        ),
    ],
    ("pod", "memory"): [
        (
            "container_memory_of_limit",
            "warning",
            "memory as a share of the limit",
            'max by (namespace, pod, container) (container_memory_working_set_bytes{container!=""}) '
            '/ max by (namespace, pod, container) (kube_pod_container_resource_limits{resource="memory"}) > 0.9',
        ),
        (
            "container_memory_growth",
            "warning",
            "bytes per second by which memory grows over an hour",
            'deriv(container_memory_working_set_bytes{container!=""}[1h])',
        ),
        (
            "container_restarts",
            "warning",
            "restarts in the last hour",
            "increase(kube_pod_container_status_restarts_total[1h]) > 0",
        ),
    ],
    ("pod", "network"): [
        (
            "pod_receive_bytes",
            "info",
            "bytes received per second",
            "sum by (namespace, pod) (rate(container_network_receive_bytes_total[5m]))",
        ),
        (
            "pod_receive_errors",
            "warning",
            "receive errors per second",
            "sum by (namespace, pod) (rate(container_network_receive_errors_total[5m])) > 0",
        ),
    ],
    ("pod", "disk"): [
        (
            "volume_full",
            "warning",
            "volumes above 85 percent",
            "kubelet_volume_stats_used_bytes / kubelet_volume_stats_capacity_bytes > 0.85",
        ),
        (
            "volume_full_in_a_day",
            "warning",
            "volumes that will be full within a day",
            "predict_linear(kubelet_volume_stats_available_bytes[6h], 86400) < 0",
        ),
    ],
    ("node", "cpu"): [
        (
            "node_cpu_used_share",
            "warning",
            "share of CPU that is not idle",
            '1 - avg by (instance) (rate(node_cpu_seconds_total{mode="idle"}[5m]))',
        ),
    ],
    ("node", "memory"): [
        (
            "node_memory_used_share",
            "warning",
            "share of memory in use",
            "1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes",
        ),
    ],
    ("node", "network"): [
        (
            "node_receive_bytes",
            "info",
            "bytes received per second",
            'sum by (instance) (rate(node_network_receive_bytes_total{device!="lo"}[5m]))',
        ),
    ],
    ("node", "disk"): [
        (
            "node_filesystem_used_share",
            "warning",
            "share of a file system in use",
            f"1 - node_filesystem_avail_bytes{{{_FS}}} / node_filesystem_size_bytes{{{_FS}}}",
        ),
    ],
}


def metric_guidance(resource_label: str, metric_category: str) -> MetricGuidance:
    """Metrics and queries for `node`, or for pods and everything made of them; cpu, memory, network or disk."""
    category = metric_category.strip().lower()
    if category not in CATEGORIES:
        text = f"metric_category is one of {', '.join(CATEGORIES)}, not {metric_category!r}"
        return MetricGuidance(error=Failure(error_code="INVALID_CATEGORY", error_message=text))
    key = ("node" if resource_label.strip().lower() in _NODES else "pod", category)
    return MetricGuidance(
        metrics=[
            MetricInfo(name=name, type=kind, category=category, labels=labels, description=description)
            for name, kind, labels, description in _METRICS[key]
        ],
        promql_samples=[
            PromqlSample(rule_name=name, severity=severity, category=category, description=text, expression=promql)
            for name, severity, text, promql in _QUERIES[key]
        ],
    )
