"""What the makers of workloads return."""


class Work:
    """A workload: the object, its ReplicaSets and its Pods; `current` are the Pods of the newest revision."""

    def __init__(self, obj, sets=None, pods=None, current=None):
        self.obj, self.sets, self.pods = obj, sets or [], pods or []
        self.current = self.pods if current is None else current

    @property
    def name(self):
        return self.obj["metadata"]["name"]

    @property
    def ns(self):
        return self.obj["metadata"]["namespace"]
