"""Containers, probes, volumes and pod templates, with the defaults that an API server fills in."""

import copy
import re

from tests.scenarios.builder.quantities import res


def http(path, port, delay=0, period=10, timeout=1, fail=3, success=1, scheme="HTTP"):
    p = {
        "failureThreshold": fail,
        "httpGet": {"path": path, "port": port, "scheme": scheme},
        "periodSeconds": period,
        "successThreshold": success,
        "timeoutSeconds": timeout,
    }
    if delay:
        p["initialDelaySeconds"] = delay
    return p


def tcp(port, delay=0, period=10, timeout=1, fail=3):
    p = {
        "failureThreshold": fail,
        "tcpSocket": {"port": port},
        "periodSeconds": period,
        "successThreshold": 1,
        "timeoutSeconds": timeout,
    }
    if delay:
        p["initialDelaySeconds"] = delay
    return p


def execp(cmd, delay=0, period=10, timeout=1, fail=3):
    p = {
        "failureThreshold": fail,
        "exec": {"command": cmd},
        "periodSeconds": period,
        "successThreshold": 1,
        "timeoutSeconds": timeout,
    }
    if delay:
        p["initialDelaySeconds"] = delay
    return p


def env_list(env):
    out = []
    for k, v in (env or {}).items():
        if isinstance(v, tuple):
            kind, a, b = v
            if kind == "secret":
                out.append({"name": k, "valueFrom": {"secretKeyRef": {"key": b, "name": a}}})
            elif kind == "cm":
                out.append({"name": k, "valueFrom": {"configMapKeyRef": {"key": b, "name": a}}})
            elif kind == "field":
                out.append({"name": k, "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": a}}})
        elif v == "":
            out.append({"name": k})
        else:
            out.append({"name": k, "value": str(v)})
    return out


def ctr(
    name,
    image,
    ports=None,
    env=None,
    env_from=None,
    req=None,
    lim=None,
    live=None,
    ready=None,
    startup=None,
    cmd=None,
    args=None,
    mounts=None,
    sc=None,
    pull=None,
    restart=None,
    log_policy="File",
):
    c = {
        "image": image,
        "imagePullPolicy": pull
        or ("Always" if ":" not in image.split("/")[-1] or image.endswith(":latest") else "IfNotPresent"),
        "name": name,
    }
    if cmd:
        c["command"] = list(cmd)
    if args:
        c["args"] = list(args)
    if env:
        c["env"] = env_list(env)
    if env_from:
        c["envFrom"] = [
            ({"secretRef": {"name": n}} if k == "secret" else {"configMapRef": {"name": n}}) for k, n in env_from
        ]
    if ports:
        c["ports"] = []
        for p in ports:
            if isinstance(p, int):
                p = (None, p)
            d = {"containerPort": p[1], "protocol": p[2] if len(p) > 2 else "TCP"}
            if p[0]:
                d["name"] = p[0]
            if len(p) > 3:
                d["hostPort"] = p[3]
            c["ports"].append(d)
    r = {}
    if lim:
        r["limits"] = res(lim)
    if req or lim:
        rq = dict(res(lim)) if lim else {}
        rq.update(res(req))
        r["requests"] = rq
    c["resources"] = r
    if live:
        c["livenessProbe"] = live
    if ready:
        c["readinessProbe"] = ready
    if startup:
        c["startupProbe"] = startup
    if sc:
        c["securityContext"] = sc
    if restart:
        c["restartPolicy"] = restart
    c["terminationMessagePath"] = "/dev/termination-log"
    c["terminationMessagePolicy"] = log_policy
    if mounts:
        c["volumeMounts"] = []
        for m in mounts:
            d = {"mountPath": m[1], "name": m[0]}
            if len(m) > 2 and m[2]:
                if m[2] == "ro":
                    d["readOnly"] = True
                else:
                    d["subPath"] = m[2]
            c["volumeMounts"].append(d)
    return c


def previous_tag(image):
    """registry/app:1.4.0 -> registry/app:1.3.9, registry/app:1.4.2 -> registry/app:1.4.1"""
    repo, tag = image.rsplit(":", 1)
    nums = list(re.finditer(r"\d+", tag))
    for m in reversed(nums):
        if int(m.group()) > 0:
            rest = re.sub(r"\d+", lambda x: "9", tag[m.end() :])
            return f"{repo}:{tag[: m.start()]}{int(m.group()) - 1}{rest}"
    return image + "-0"


def v_cm(name, cm):
    return {"configMap": {"defaultMode": 420, "name": cm}, "name": name}


def v_secret(name, s):
    return {"name": name, "secret": {"defaultMode": 420, "secretName": s}}


def v_pvc(name, claim):
    return {"name": name, "persistentVolumeClaim": {"claimName": claim}}


def v_empty(name, medium=None, size=None):
    e = {}
    if medium:
        e["medium"] = medium
    if size:
        e["sizeLimit"] = size
    return {"emptyDir": e, "name": name}


def v_host(name, path, typ=""):
    return {"hostPath": {"path": path, "type": typ}, "name": name}


def pod_spec(containers, init=None, volumes=None, sa="default", restart="Always", grace=30, **extra):
    """The pod template's spec as the API server returns it."""
    s = {
        "containers": copy.deepcopy(list(containers)),
        "dnsPolicy": extra.pop("dnsPolicy", "ClusterFirst"),
        "restartPolicy": restart,
        "schedulerName": extra.pop("schedulerName", "default-scheduler"),
        "securityContext": extra.pop("securityContext", {}),
        "terminationGracePeriodSeconds": grace,
    }
    if init:
        s["initContainers"] = copy.deepcopy(list(init))
    if volumes:
        s["volumes"] = copy.deepcopy(list(volumes))
    if sa and sa != "default":
        s["serviceAccount"] = sa
        s["serviceAccountName"] = sa
    s.update(copy.deepcopy(extra))
    return s


def web(name, image, port=8080, health="/healthz", **kw):
    """An HTTP container with the usual probes and resources."""
    kw.setdefault("req", "100m/128Mi")
    kw.setdefault("lim", "500m/256Mi")
    kw.setdefault("ready", http(health, "http", delay=5))
    kw.setdefault("live", http(health, "http", delay=15))
    return ctr(name, image, ports=[("http", port)], **kw)
