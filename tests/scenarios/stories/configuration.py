"""ConfigMaps and Secrets that are missing, incomplete or not yet read."""
# ruff: noqa: E501

from tests.scenarios.builder import REG, cause, jl, sec, story, ts, v_cm, v_secret, wait, web


@story(
    "radar-cm",
    "A ConfigMap is referenced by a name that nobody created",
    en="radar-feed was deployed with the new chart and shows CreateContainerConfigError.",
    zh="radar-feed 用新 chart 部署后显示 CreateContainerConfigError。",
    causes=[cause("radar/Deployment/radar-feed", "configmap_missing", "radar-feed-settings\\b")],
    spare=["radar/ConfigMap/radar-settings", "radar/Deployment/radar-ui"],
)
def radar_cm(c):
    ns = c.ns("radar")
    c.app(ns, "radar-ui", REG + "/radar/ui:1.0.0", lang="node")
    c.cm(ns, "radar-settings", {"RANGE_KM": "240"})
    c.no_config(
        ns,
        "radar-feed",
        [web("feed", REG + "/radar/feed:3.0.0", env_from=[("cm", "radar-feed-settings")])],
        'configmap "radar-feed-settings" not found',
        c.ago(m=22),
        svc=80,
    )


@story(
    "radar-mount",
    "A mounted ConfigMap is missing: the pod waits in ContainerCreating",
    en="tide-table is in ContainerCreating for a quarter of an hour. Storage trouble?",
    zh="tide-table 在 ContainerCreating 卡了一刻钟，是存储的问题吗？",
    causes=[cause("coast/Deployment/tide-table", "configmap_missing", "tide-rules\\b")],
    spare=["coast/Deployment/buoy"],
)
def radar_mount(c):
    ns = c.ns("coast")
    c.app(ns, "buoy", REG + "/coast/buoy:1.0.0")
    c.no_mount(
        ns,
        "tide-table",
        [web("tide", REG + "/coast/tide-table:2.0.1", mounts=[("rules", "/etc/rules", "ro")])],
        'MountVolume.SetUp failed for volume "rules" : configmap "tide-rules" not found',
        c.ago(m=16),
        old=[web("tide", REG + "/coast/tide-table:2.0.0")],
        alive=1,
        svc=80,
        tmpl={"volumes": [v_cm("rules", "tide-rules")]},
    )


@story(
    "theatre-key",
    "A deployment asks for a key that its ConfigMap never had",
    en="box-office: new pod does not start, message about a key. It blocks tonight's release.",
    zh="box-office 新 Pod 起不来，报错跟某个 key 有关，影响今晚发版。",
    causes=[
        cause("theatre/Deployment/box-office", "configmap_key_missing", "SEAT_HOLD_SECS|seat_hold_secs", "box-office")
    ],
    spare=["theatre/ConfigMap/box-office"],
)
def theatre_key(c):
    ns = c.ns("theatre")
    c.cm(ns, "box-office", {"seat_hold_seconds": "420", "currency": "GBP"})
    old = [
        web("office", REG + "/theatre/box-office:4.1.0", env={"SEAT_HOLD": ("cm", "box-office", "seat_hold_seconds")})
    ]
    c.no_config(
        ns,
        "box-office",
        [web("office", REG + "/theatre/box-office:4.2.0", env={"SEAT_HOLD": ("cm", "box-office", "seat_hold_secs")})],
        "couldn't find key seat_hold_secs in ConfigMap theatre/box-office",
        c.ago(m=13),
        old=old,
        alive=1,
        svc=80,
    )


@story(
    "zoo-key",
    "A key that was there before was removed from a ConfigMap",
    en="Feeding schedule pods fail after a node was replaced. Nothing was deployed for two months.",
    zh="换了一台节点后 feeding 的 Pod 起不来了，两个月没发过版。",
    causes=[cause("zoo/ConfigMap/feeding", "configmap_key_missing", "timezone")],
    spare=["zoo/Deployment/feeding"],
)
def zoo_key(c):
    ns = c.ns("zoo")
    at = c.ago(h=5)
    c.cm(ns, "feeding", {"interval": "6h", "animals": "312"}, created=c.ago(d=150), changed=at)
    since = c.ago(m=40)
    w = c.no_config(
        ns,
        "feeding",
        [
            web(
                "feeding",
                REG + "/zoo/feeding:1.6.0",
                env={"TZ": ("cm", "feeding", "timezone"), "EVERY": ("cm", "feeding", "interval")},
            )
        ],
        "couldn't find key timezone in ConfigMap zoo/feeding",
        since,
        created=c.ago(d=62),
        svc=80,
    )
    w.sets[-1]["metadata"]["creationTimestamp"] = ts(c.ago(d=62))
    c.audit(
        at,
        "marta@example.com",
        "update",
        "configmaps",
        ns,
        "feeding",
        req={"data": {"interval": "6h", "animals": "312"}},
    )


@story(
    "bakery-secret",
    "A Secret was deleted in a clean-up; a rescheduled pod cannot start",
    en="One of the oven-control pods was evicted and its replacement does not start.",
    zh="oven-control 有一个 Pod 被驱逐，替换的 Pod 启动不了。",
    causes=[cause("bakery/Deployment/oven-control", "secret_missing", "oven-mqtt\\b")],
    spare=["bakery/Secret/oven-mqtt-old"],
)
def bakery_secret(c):
    ns = c.ns("bakery")
    c.secret(ns, "oven-mqtt-old", {"user": "oven", "pass": "x"}, created=c.ago(d=300 if c.age > 300 else 150))
    c.audit(c.ago(h=2), "cleanup@example.com", "delete", "secrets", ns, "oven-mqtt")
    since = c.ago(m=30)

    err = 'secret "oven-mqtt" not found'
    tpl = [web("oven", REG + "/bakery/oven-control:2.0.0", env={"MQTT_USER": ("secret", "oven-mqtt", "user")})]
    w = c.roll(
        ns,
        "oven-control",
        tpl,
        [{"created": c.ago(d=9)}, {"created": since, "cs": {"oven": wait("CreateContainerConfigError", err)}}],
        since,
        created=c.ago(d=9),
        svc=80,
    )
    c.kubelet(w.pods[1], "Warning", "Failed", "Error: " + err, c.ago(s=6), 140, since + sec(3), "oven")


@story(
    "circus-key",
    "The new version reads a Secret key under another name",
    en="ticket-wagon cannot start: something with a secret key. The secret is there!",
    zh="ticket-wagon 启动失败，好像跟 secret 的 key 有关，但 secret 明明在！",
    causes=[cause("circus/Deployment/ticket-wagon", "secret_key_missing", "apiKey", "wagon-pay")],
    spare=["circus/Secret/wagon-pay"],
)
def circus_key(c):
    ns = c.ns("circus")
    c.secret(ns, "wagon-pay", {"api-key": "k-1"})
    c.no_config(
        ns,
        "ticket-wagon",
        [web("wagon", REG + "/circus/wagon:1.5.0", env={"PAY_KEY": ("secret", "wagon-pay", "apiKey")})],
        "couldn't find key apiKey in Secret circus/wagon-pay",
        c.ago(m=19),
        old=[web("wagon", REG + "/circus/wagon:1.4.0", env={"PAY_KEY": ("secret", "wagon-pay", "api-key")})],
        svc=80,
    )


@story(
    "bridge-stale",
    "A ConfigMap was changed an hour ago; the pods still run with the old environment",
    en="I switched the toll rates to the summer table an hour ago in the configmap, but the bridge still charges winter prices.",
    zh="一小时前我在 configmap 里把收费切到夏季费率，但系统还在按冬季收费。",
    causes=[cause("bridge/Deployment/toll", "config_stale", "toll-rates", "restart|重启|envFrom|环境变量")],
    spare=["bridge/ConfigMap/toll-rates"],
    remedy=("rollout_restart", "bridge/Deployment/toll"),
)
def bridge_stale(c):
    ns = c.ns("bridge")
    at = c.ago(h=1, m=1)
    c.make(
        "v1",
        "ConfigMap",
        "toll-rates",
        ns,
        c.ago(d=100),
        {"data": {"RATE_TABLE": "summer-2026", "CURRENCY": "EUR"}},
        changed=at,
    )
    cm = c.get("ConfigMap", "toll-rates", ns)
    cm["metadata"]["managedFields"] = [
        {
            "apiVersion": "v1",
            "fieldsType": "FieldsV1",
            "fieldsV1": {"f:data": {"f:RATE_TABLE": {}}},
            "manager": "kubectl-edit",
            "operation": "Update",
            "time": ts(at),
        }
    ]
    w = c.deploy(
        ns, "toll", [web("toll", REG + "/bridge/toll:3.3.0", env_from=[("cm", "toll-rates")])], 2, created=c.ago(d=14)
    )
    c.svc(ns, "toll", [("http", 80, "http")])
    for p in w.pods:
        c.log(
            p,
            "toll",
            c.spell(
                c.ago(m=12), 40, lambda t: jl(t, "info", "charged", table="winter-2025", cents=c.rng.choice([240, 480]))
            ),
        )
    c.audit(at, "ivo@example.com", "patch", "configmaps", ns, "toll-rates", req={"data": {"RATE_TABLE": "summer-2026"}})


@story(
    "mirror-subpath",
    "A Secret was rotated; a subPath mount never sees the new content and logins fail",
    en="Since the LDAP password rotation 50 minutes ago, logins to the intranet fail. The secret has the new value, I decoded it.",
    zh="五十分钟前轮换 LDAP 密码之后内网登录就失败了，secret 里已经是新值，我解码看过。",
    causes=[cause("login/Deployment/sso-portal", "config_stale", "ldap-bind", "subPath|restart|重启")],
    spare=["login/Secret/ldap-bind", "login/Deployment/profile"],
    remedy=("rollout_restart", "login/Deployment/sso-portal"),
)
def mirror_subpath(c):
    ns = c.ns("login")
    at = c.ago(m=51)
    s = c.secret(ns, "ldap-bind", {"password": "spring-hill-7"}, created=c.ago(d=140), changed=at)
    s["metadata"]["managedFields"] = [
        {
            "apiVersion": "v1",
            "fieldsType": "FieldsV1",
            "fieldsV1": {"f:data": {"f:password": {}}},
            "manager": "vault-sync",
            "operation": "Update",
            "time": ts(at),
        }
    ]
    w = c.deploy(
        ns,
        "sso-portal",
        [web("sso", REG + "/login/sso:5.0.0", mounts=[("ldap", "/etc/ldap/password", "password")])],
        1,
        created=c.ago(d=33),
        tmpl={"volumes": [v_secret("ldap", "ldap-bind")]},
    )
    c.svc(ns, "sso-portal", [("http", 80, "http")])
    c.log(
        w.pods[0],
        "sso",
        c.spell(
            at + sec(8),
            22,
            lambda t: jl(
                t,
                "error",
                "bind failed",
                server="ldaps://ldap.example.internal",
                error='LDAP Result Code 49 "Invalid Credentials"',
            ),
        ),
    )
    c.app(ns, "profile", REG + "/login/profile:2.1.0")
