"""Images that cannot be pulled or cannot run."""
# ruff: noqa: E501

from tests.scenarios.builder import REG, cause, ctr, jl, sec, story, wait, web

NOT_FOUND = 'rpc error: code = NotFound desc = failed to pull and unpack image "{0}": failed to resolve reference "{0}": {0}: not found'
NO_HOST = "exec /usr/local/bin/{}: exec format error"


@story(
    "parcels-tag",
    "A patch release names a tag that was never pushed",
    en="The parcel tracking rollout from this morning hangs, half an hour now. What is it?",
    zh="今天早上的 parcel 查询服务上线卡住半小时了，是什么原因？",
    causes=[cause("depot/Deployment/parcel-lookup", "image_not_found", r"5\.14\.0-rc7")],
    spare=["depot/Deployment/label-render"],
    remedy=("set_image", "depot/Deployment/parcel-lookup"),
)
def parcels_tag(c):
    ns = c.ns("depot")
    c.app(ns, "label-render", REG + "/depot/label-render:2.1.0", lang="python")
    bad = REG + "/depot/parcel-lookup:5.14.0-rc7"
    w = c.no_pull(
        ns,
        "parcel-lookup",
        [web("parcel-lookup", bad)],
        NOT_FOUND.format(bad),
        c.ago(m=33),
        old=[web("parcel-lookup", REG + "/depot/parcel-lookup:5.13.2")],
        alive=1,
        svc=80,
    )
    c.scaled(w, f"Scaled up replica set {w.sets[-1]['metadata']['name']} from 0 to 1", c.ago(m=33))


@story(
    "brochure-repo",
    "A repository was renamed and the cron job still pulls the old one",
    en="The nightly brochure export did not produce anything. Why?",
    zh="昨晚的 brochure 导出没有产出任何东西，为什么？",
    causes=[cause("print/CronJob/brochure-export", "image_not_found", r"print/brochure-cli")],
    spare=["print/Deployment/proof-viewer"],
    remedy=("set_image", "print/CronJob/brochure-export"),
)
def brochure_repo(c):
    ns = c.ns("print")
    c.app(ns, "proof-viewer", REG + "/print/proof-viewer:1.4.4", lang="node")
    img = REG + "/print/brochure-cli:3.0"
    err = f'failed to pull and unpack image "{img}": failed to resolve reference "{img}": unexpected status from HEAD request to https://registry.example.com/v2/print/brochure-cli/manifests/3.0: 404 Not Found'
    js = c.job_spec([ctr("export", img, req="50m/64Mi", lim="200m/128Mi", args=["--all"])], backoff=2)
    at = c.ago(h=6)
    cj = c.cronjob(ns, "brochure-export", "15 1 * * *", js, last=at, ok=c.ago(d=2))

    run = c.cron_run(
        cj,
        at,
        pods=[{"cs": {"export": wait("ImagePullBackOff", f'Back-off pulling image "{img}": ErrImagePull: {err}')}}],
    )
    run.obj["status"].pop("completionTime", None)
    run.obj["status"] = {
        "active": 1,
        "ready": 0,
        "startTime": run.obj["status"]["startTime"],
        "terminating": 0,
        "uncountedTerminatedPods": {},
    }
    cj["status"]["active"] = [
        {"apiVersion": "batch/v1", "kind": "Job", "name": run.name, "namespace": ns, "uid": run.obj["metadata"]["uid"]}
    ]
    p = run.pods[0]
    c.kubelet(p, "Warning", "Failed", f'Failed to pull image "{img}": {err}', c.ago(m=3), 71, at + sec(3), "export")
    c.kubelet(p, "Warning", "Failed", "Error: ImagePullBackOff", c.ago(s=30), 1580, at + sec(4), "export")


@story(
    "loom-secret",
    "The pull secret that the pods name does not exist in this namespace",
    en="loom-designer was moved to the new namespace textile an hour ago and none of its pods start.",
    zh="loom-designer 一小时前迁到新命名空间 textile，之后没有一个 Pod 能启动。",
    causes=[cause("textile/Deployment/loom-designer", "image_pull_unauthorized", "vendor-registry")],
    spare=["textile/Deployment/yarn-stock"],
)
def loom_secret(c):
    ns = c.ns("textile", created=c.ago(d=1))
    c.app(ns, "yarn-stock", REG + "/textile/yarn-stock:1.0.9", created=c.ago(h=20))
    img = "vendor.example.net/looms/designer:8.2"
    err = f'failed to pull and unpack image "{img}": failed to resolve reference "{img}": failed to authorize: failed to fetch anonymous token: unexpected status from GET request to https://vendor.example.net/token?scope=repository%3Alooms%2Fdesigner%3Apull&service=vendor.example.net: 401 Unauthorized'
    since = c.ago(h=1, m=4)
    w = c.no_pull(
        ns,
        "loom-designer",
        [web("loom-designer", img)],
        err,
        since,
        svc=80,
        tmpl={"imagePullSecrets": [{"name": "vendor-registry"}]},
    )
    c.kubelet(
        w.pods[0],
        "Warning",
        "FailedToRetrieveImagePullSecret",
        "Unable to retrieve some image pull secrets (vendor-registry); attempting to pull the image may not succeed.",
        c.ago(s=19),
        297,
        since + sec(2),
    )


@story(
    "forecast-arch",
    "An image built for arm64 only lands on amd64 machines",
    en="Weather tiles are not rendered since the build pipeline was moved. The pod restarts all the time.",
    zh="构建流水线迁移之后天气瓦片就不渲染了，Pod 一直在重启。",
    causes=[cause("weather/Deployment/tile-render", "image_arch_unsupported", "exec format error|arm64|amd64")],
    spare=["weather/Deployment/station-feed"],
)
def forecast_arch(c):
    ns = c.ns("weather")
    c.app(ns, "station-feed", REG + "/weather/station-feed:4.0.0")
    c.crash(
        ns,
        "tile-render",
        [web("tile-render", REG + "/weather/tile-render:1.9.0")],
        lambda t: [NO_HOST.format("tile-render")],
        c.ago(m=52),
        code=255,
        run=0.3,
        old=[web("tile-render", REG + "/weather/tile-render:1.8.3")],
        svc=80,
    )


@story(
    "sonar-platform",
    "The manifest list has no entry for this platform",
    en="We rolled out the sonar decoder half an hour ago, and the new pod hangs in ImagePullBackOff although the tag exists in the registry. I checked it.",
    zh="半小时前发布了 sonar decoder，新的 Pod 卡在 ImagePullBackOff，但镜像仓库里明明有这个 tag，我确认过了。",
    causes=[cause("survey/Deployment/sonar-decoder", "image_arch_unsupported", "platform|平台|架构|arch")],
    spare=["survey/Deployment/track-log"],
)
def sonar_platform(c):
    ns = c.ns("survey")
    c.app(ns, "track-log", REG + "/survey/track-log:0.8.1")
    img = REG + "/survey/sonar-decoder:2.3.0"
    err = f'rpc error: code = NotFound desc = failed to pull and unpack image "{img}": no match for platform in manifest: not found'
    c.no_pull(
        ns,
        "sonar-decoder",
        [web("sonar-decoder", img)],
        err,
        c.ago(m=31),
        old=[web("sonar-decoder", REG + "/survey/sonar-decoder:2.2.4")],
        alive=1,
        svc=80,
    )


@story(
    "malformed-name",
    "An image reference with a capital letter",
    en="The new cafeteria menu board pod shows a strange status. Why does it not run?",
    zh="新的食堂菜单看板 Pod 状态很奇怪，为什么跑不起来？",
    causes=[cause("canteen/Deployment/menu-board", "image_not_found", r"Menu-Board:2\.0")],
    spare=[],
    remedy=("set_image", "canteen/Deployment/menu-board"),
)
def malformed_name(c):
    ns = c.ns("canteen")
    img = REG + "/canteen/Menu-Board:2.0"
    since = c.ago(m=14)
    err = f'Failed to apply default image tag "{img}": couldn\'t parse image name "{img}": invalid reference format: repository name (canteen/Menu-Board) must be lowercase'
    w = c.blocked(ns, "menu-board", [web("menu-board", img)], "InvalidImageName", err, since)
    c.kubelet(w.pods[0], "Warning", "InspectFailed", err, c.ago(s=8), 66, since + sec(2), "menu-board")
    c.kubelet(w.pods[0], "Warning", "Failed", "Error: InvalidImageName", c.ago(s=8), 66, since + sec(2), "menu-board")


@story(
    "token-expired",
    "The pull secret's robot token expired; old pods run, new ones cannot pull",
    en="Autoscaling brought two new ferry-booking pods and both fail; the old one is fine. Did the release break?",
    zh="自动扩容新增了两个 ferry-booking Pod，都失败了，老的那个正常。是发版出问题了吗？",
    causes=[cause("harbour/Secret/registry-robot", "image_pull_unauthorized", "registry-robot")],
    spare=["harbour/Deployment/berth-plan", "harbour/Deployment/ferry-booking"],
)
def token_expired(c):
    ns = c.ns("harbour")
    img = REG + "/harbour/ferry-booking:6.1.0"
    c.make(
        "v1",
        "Secret",
        "registry-robot",
        ns,
        c.ago(d=180),
        {
            "data": {
                ".dockerconfigjson": "eyJhdXRocyI6eyJyZWdpc3RyeS5leGFtcGxlLmNvbSI6eyJ1c2VybmFtZSI6InJvYm90In19fQ=="
            },
            "type": "kubernetes.io/dockerconfigjson",
        },
    )
    err = f'failed to pull and unpack image "{img}": failed to resolve reference "{img}": failed to authorize: failed to fetch oauth token: unexpected status from POST request to https://registry.example.com/token: 401 Unauthorized: robot token expired'
    since = c.ago(m=18)

    bad = {"ferry-booking": wait("ImagePullBackOff", f'Back-off pulling image "{img}": ErrImagePull: {err}')}
    w = c.roll(
        ns,
        "ferry-booking",
        [web("ferry-booking", img)],
        [{"created": c.ago(d=12)}, {"created": since, "cs": bad}, {"created": since + sec(1), "cs": bad}],
        c.ago(d=12),
        created=c.ago(d=12),
        tmpl={"imagePullSecrets": [{"name": "registry-robot"}]},
        svc=80,
    )
    c.app(ns, "berth-plan", "docker.io/example/berth-plan:1.2.0")
    for p in w.pods[1:]:
        c.kubelet(
            p,
            "Warning",
            "Failed",
            f'Failed to pull image "{img}": {err}',
            c.ago(m=2),
            6,
            since + sec(3),
            "ferry-booking",
        )
        c.kubelet(p, "Warning", "Failed", "Error: ImagePullBackOff", c.ago(s=11), 70, since + sec(5), "ferry-booking")
    c.log(
        w.pods[0],
        "ferry-booking",
        c.spell(c.ago(m=9), 40, lambda t: jl(t, "info", "booking confirmed", seats=c.rng.randint(1, 5))),
    )
