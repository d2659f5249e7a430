"""Ordinary applications and their uneventful logs."""

from tests.scenarios.builder.clock import sec, tsm, when
from tests.scenarios.builder.containers import ctr, http
from tests.scenarios.builder.logs import al, jl, pl, sl


class Apps:
    """Neighbours in good health."""

    def app(
        self,
        ns,
        name,
        image,
        port=8080,
        n=1,
        req="100m/128Mi",
        lim="500m/256Mi",
        lang="go",
        svc=80,
        health="/healthz",
        env=None,
        msgs=None,
        lines=7,
        quiet=False,
        pname="http",
        **kw,
    ):
        """A healthy HTTP application: Deployment, Service and a log for each pod."""
        probe = {"ready": http(health, pname, delay=5), "live": http(health, pname, delay=15)} if health else {}
        w = self.deploy(
            ns, name, [ctr(name, image, ports=[(pname, port)], env=env, req=req, lim=lim, **probe)], n, **kw
        )
        if svc:
            self.svc(
                ns,
                name,
                [("http", svc, pname)],
                sel=w.obj["spec"]["selector"]["matchLabels"],
                created=when(w.obj["metadata"]["creationTimestamp"]),
            )
        if not quiet:
            for p in w.pods:
                self.chatter(p, name, lang, msgs, lines, port)
        return w

    def chatter(self, pod, container, lang="go", msgs=None, lines=7, port=8080, until=None):
        """An uneventful log, ending just now."""
        end = until or self.now
        born = when(pod["status"]["startTime"])
        out, t = [], max(born + sec(4), end - sec(lines * 37 + self.rng.randint(0, 60)))
        paths = [
            "/api/v1/items",
            "/api/v1/status",
            f"/api/v1/search?q={self.rand(4)}",
            f"/api/v1/items/{self.rng.randint(10, 9999)}",
            "/healthz",
        ]
        while t < end and len(out) < lines:
            m = self.rng.choice(msgs) if msgs else None
            ms = self.rng.randint(2, 48)
            if lang == "go":
                out.append(
                    jl(
                        t,
                        "info",
                        m or "request",
                        **(
                            {}
                            if m
                            else {"method": "GET", "path": self.rng.choice(paths), "status": 200, "duration_ms": ms}
                        ),
                    )
                )
            elif lang == "java":
                out.append(
                    sl(
                        t,
                        "INFO",
                        container,
                        f"nio-{port}-exec-{self.rng.randint(1, 9)}",
                        "c.e.{}.web.RequestLog".format(container.replace("-", "")),
                        m or f"GET {self.rng.choice(paths)} 200 {ms}ms",
                    )
                )
            elif lang == "python":
                out.append(
                    pl(
                        t,
                        "INFO",
                        "{}.access".format(container.replace("-", "_")),
                        m or f'"GET {self.rng.choice(paths)} HTTP/1.1" 200 {ms}ms',
                    )
                )
            elif lang == "node":
                out.append(
                    jl(
                        t,
                        "info",
                        m or "request completed",
                        **(
                            {}
                            if m
                            else {
                                "req": {"method": "GET", "url": self.rng.choice(paths)},
                                "res": {"statusCode": 200},
                                "responseTime": ms,
                            }
                        ),
                    )
                )
            elif lang == "nginx":
                out.append(
                    al(
                        t,
                        f"{self.net}.{self.rng.randint(0, len(self.nodes) - 1)}.{self.rng.randint(4, 180)}",
                        f"GET {self.rng.choice(paths)} HTTP/1.1",
                        200,
                        self.rng.randint(300, 9000),
                        ms / 1000,
                    )
                )
            else:
                out.append("{} {}".format(tsm(t), m or "ok"))
            t += sec(self.rng.randint(9, 61))
        if not out:
            out = [jl(born + sec(1), "info", "listening", port=port)]
        self.log(pod, container, out)
