"""What a person wants, by the words of the question, in English and Chinese. Pure."""

from __future__ import annotations

import re
from typing import Literal

Wish = Literal["diagnose", "repair", "change", "metrics", "audit", "inventory", "nodes", "health"]

_SENTENCE = re.compile(r"[^.!?;,\n。！？；，：]+(?:\.(?=\S)[^.!?;,\n。！？；，：]+)*[?？]?")
_QUESTION = re.compile(r"[?？]$|(?:吗|么|呢)[?？]?$|要不要|是不是|该不该|应不应该")
_REQUEST = re.compile(r"^(?:please|kindly|can you|could you|would you|will you|请|麻烦|帮我|能不能|可以|可否)", re.I)
_TOLD_ZH = re.compile(r"之后|以后|已经|已被|刚刚?好?|全被|都被|过$|了$|时(?:$|\s|，)")
"""What was done, not what shall be done."""
_STATEMENT = re.compile(r"[^。！!；;？?\n]+[？?]?")
_ASKED_FOR_ZH = re.compile(r"请|麻烦|帮我|帮忙|给我")
_MAY_WE_ZH = re.compile(r"^(?:能不能|能否|可以|可否|可不可以)")
_OUTCOME_ZH = re.compile(
    r"^(?:但|却|可是|结果|然而|只有|只|还是|仍|依然|是不是|是(?=.*[吗么?？])|为什么|为何|怎么|难道)"
)
"""What came of something: whoever tells it, has done it."""
_AT_ONCE = re.compile(
    r"\b(?:restart|roll\s?back|rollback|undo|revert|cordon|uncordon|drain|delete|remove|pause|resume)\b"
    r"|重启|回滚|撤销|删|移除|封锁|排空|驱逐",
    re.I,
)
"""Orders that need no value beside their target."""
_POLITE = (
    r"^(?:(?:please|kindly|now|then|and|also|so|ok|hi|hello|hey|can you|could you|would you|will you|go ahead and"
    r"|i want to|i want you to|i'd like (?:you )?to|i need (?:you )?to|let's|help me|just)\s+)*"
)
_VERB = (
    r"(?:scale|resize|restart|roll\s?back|rollback|rollout|undo|revert|set|increase|decrease|raise|lower|reduce|bump"
    r"|change|update|upgrade|downgrade|patch|apply|delete|remove|create|add|cordon|uncordon|drain|evict|pause|resume"
    r"|suspend|label|annotate|deploy)\b(?!-|\s+(?:count|counts|loop|loops|history))"
)
_IMPERATIVE = re.compile(_POLITE + _VERB, re.I)
_IMPERATIVE_ZH = re.compile(
    r"^(?:请|请你|麻烦|麻烦你|帮我|帮忙|给我|能不能|可以|可否|现在|马上|立即|直接|先|再|然后|并)*"
    r"(?:(?:把|将).*(?:扩|缩|改|设|调|换|回滚|重启|删|移除|升级|降级|更新|封锁|排空|驱逐|恢复(?!正常)|提高|降低|增加|减少|标记)"
    r"|(?:扩容|缩容|扩到|缩到|重启|回滚|撤销|删除|移除|更新|升级|降级|调整|设置|修改|提高|降低|增加|减少|封锁|解除封锁|排空|驱逐|应用|创建|部署)(?!失败|次数|了|后|之后|以后|卡|一直|不|没))"
)
_REPAIR = re.compile(
    _POLITE + r"(?:fix|repair|remedy|resolve|heal|mitigate|recover)\b|\b(?:and|then)\s+(?:then\s+)?"
    r"(?:fix|repair|resolve)\b",
    re.I,
)
_REPAIR_ZH = re.compile(
    r"[的就都](?:修复|修好|修)(?:一下|掉|好)?(?=[。！!.\s]|$)"
    r"|(?:^|请|帮我|帮忙|并|再|然后|把.*)(?:修复|修好|修一下|解决一下|解决掉|恢复正常)(?!了|后|之后|以后|过|的|失败|没|不)"
)
_TROUBLE = re.compile(
    r"\b(?:wrong|fail\w*|broken?|breaks?|crash\w*|error\w*|down|stuck|pending|oom\w*|kill\w*|unavailable|not (?:work"
    r"|ready|start|serv|reach|respond|run)\w*|cannot|can'?t|couldn'?t|won'?t|doesn'?t|don'?t|isn'?t|aren'?t|unable|problem\w*"
    r"|incident|outage|issue\w*|symptom\w*|slow\w*|timeout\w*|time out|5\d\d|40[134]|refused|denied|forbidden|evicted"
    r"|degraded|unhealthy|restart(?:s|ing|ed)|root cause\w*|diagnos\w*|troubleshoot\w*|investigate|why|alert\w*|hang\w*"
    r"|blocked?|missing|never|nothing|no longer|still|happen\w*|die[sd]?|dying|exit codes?|exceed\w*"
    r"|disappear\w*|vanish\w*|gone|lost|no pods?|does not|do not|did not|is not|are not|was not|hot)\b",
    re.I,
)
_TROUBLE_ZH = re.compile(
    r"为什么|为何|怎么回事|怎么了|原因|故障|报错|错误|失败|异常|崩溃|挂了|挂掉|坏|卡住|卡在|起不来|没起来|没有起来|启动不了|无法"
    r"|(?<!能)不能|没法|不通|不够|只有.{0,8}(?:在跑|运行|就绪|起来|可用)|掉了"
    r"|超时|很慢|变慢|慢了|重启了|一直重启|反复重启|频繁重启|不可用|问题|排查|诊断|看一下|查一下|查查|不正常|用不了|访问不了|断断续续|没有提供"
    r"|被杀|丢|告警|掉线"
    r"|消失|不对|重启一次|过载|没有 ?Pod|都没有|退出|超出|被拒|拒绝|不扩容|没扩|没有扩|不动|还是没|找不到"
    r"|发生了什么|没反应|没跑起来|未就绪|不工作|不了"
)
_AUDIT = re.compile(
    r"\b(?:who|whom|whose|which user|by whom|audit\w*|what (?:was |has been |got |were )?(?:recently )?changed"
    r"|recent changes"
    r"|change history|logs? (?:of|from|for)|show (?:me )?(?:the )?logs?|(?:pod|container|previous) logs?"
    r"|events? (?:of|in|for|from)"
    r"|(?:recent|warning|list|show) (?:\w+ )?events?|deleted|logged)\b",
    re.I,
)
_AUDIT_ZH = re.compile(
    r"谁|审计|操作记录|变更记录|改动记录|改了什么|改动了什么|哪些变更|最近的?(?:变更|改动|操作)|日志|事件"
    r"|被删|已删|删(?:除|掉)的"
)
_METRICS = re.compile(
    r"\b(?:cpu|memory|ram|usage|utili[sz]ation|consum\w*|top (?:pods?|nodes?|\d+)|cost\w*|capacity|load"
    r"|throughput|latency|qps|rps|metric\w*|promql|prometheus|bandwidth|disk space"
    r"|headroom|right-?siz\w*|siz(?:e|ed|es|ing)|over-?provision\w*|waste\w*"
    r"|autoscal\w*|hpa)\b",
    re.I,
)
_METRICS_ZH = re.compile(
    r"CPU|内存|使用率|利用率|用量|占用|资源消耗|消耗|成本|费用|容量|负载|水位|指标|延迟|吞吐|带宽|QPS|监控|弹性|伸缩|浪费|趋势|规格",
    re.I,
)
_INVENTORY = re.compile(
    r"^(?:please\s+)?(?:list|show|get|describe|count|how many|which|what)\b.*\b(?:pods?|deployments?|services?|nodes?|"
    r"namespaces?|jobs?|cronjobs?|statefulsets?|daemonsets?|replicas|images?|versions?|ingress(?:es)?"
    r"|configmaps?|secrets?"
    r"|pvcs?|volumes?|clusters?|ports?|resources?|roles?)\b",
    re.I,
)
_INVENTORY_ZH = re.compile(
    r"(?:列出|列一下|有哪些|有多少|有几个|几个|哪些|多少个|查看|显示|是什么版本|什么镜像|哪个镜像|什么端口|哪个端口)"
)
_NODES = re.compile(r"\bnodes?\b|\bmachines?\b|节点|机器|主机", re.I)
_HEALTH = re.compile(
    r"\b(?:health\w*|inspect\w*|overview|status|state|check-?up|everything (?:ok|okay|fine|all right)|all good"
    r"|anything (?:wrong|broken))\b|健康|巡检|体检|概况|整体情况|是否正常|正常吗|状态|一切",
    re.I,
)


def sentences(text: str) -> list[str]:
    """The text cut at punctuation, Chinese or English; a question keeps its mark."""
    return [part.strip() for part in _SENTENCE.findall(text) if part.strip(" ?？")]


def wish_of(text: str) -> Wish:
    """What is wanted. When in doubt it is a diagnosis: that looks at everything and changes nothing.

    "The release broke it, roll it back" is a repair: what is ordered there may not be what helps. An order that says
    all that is needed (`scale web to 5`) stays a change whatever is told around it.
    """
    if wants_change(text):
        return "repair" if in_trouble(text) and not orders_completely(text) else "change"
    if wants_repair(text):
        return "repair"
    if in_trouble(text):
        return "diagnose"
    for wish, english, chinese in (
        ("metrics", _METRICS, _METRICS_ZH),
        ("audit", _AUDIT, _AUDIT_ZH),
    ):
        if english.search(text) or chinese.search(text):
            return "metrics" if wish == "metrics" else "audit"
    return _state_of_things(text)


def _state_of_things(text: str) -> Wish:
    if _HEALTH.search(text):
        return "nodes" if _NODES.search(text) else "health"
    if _INVENTORY.search(text) or _INVENTORY_ZH.search(text):
        return "inventory"
    return "nodes" if _NODES.search(text) else "diagnose"


def wants_change(text: str) -> bool:
    """A sentence orders a change. Telling what somebody did before, asking why, or asking whether, is not an order."""
    return bool(_orders(text))


def orders_completely(text: str) -> bool:
    """An order names its target, and its value where it needs one."""
    return any(names_in(part) and (_AT_ONCE.search(part) or re.search(r"\d", part)) for part in _orders(text))


def order_in(text: str) -> str:
    """The orders alone, without the trouble that is told around them; the whole text when there is no trouble."""
    orders = _orders(text)
    return ". ".join(orders) if orders and in_trouble(text) else text


def _orders(text: str) -> list[str]:
    """The sentences that order something: neither what came to nothing, nor "could we delete it?" amid trouble."""
    found: list[str] = []
    for statement in _STATEMENT.findall(text):
        parts = sentences(statement)
        for n, part in enumerate(parts):
            if not _is_order(part):
                continue
            asked_for = bool(_ASKED_FOR_ZH.search(part)) or not _IMPERATIVE_ZH.search(part)
            done = any(_OUTCOME_ZH.search(later) for later in parts[n + 1 :])
            suggested = bool(_MAY_WE_ZH.search(part)) and in_trouble(text)
            if asked_for or not (done or suggested):
                found.append(part)
    return found


def _is_order(sentence: str) -> bool:
    if _QUESTION.search(sentence) and not _REQUEST.search(sentence):
        return False
    if _TOLD_ZH.search(sentence):
        return False
    return bool(_IMPERATIVE.search(sentence) or _IMPERATIVE_ZH.search(sentence))


def wants_repair(text: str) -> bool:
    """Put right what is wrong, whatever that is."""
    return any(_REPAIR_ZH.search(part) or _REPAIR.search(part) for part in sentences(text))


def in_trouble(text: str) -> bool:
    """Something does not work, or somebody asks why."""
    return bool(_TROUBLE.search(text) or _TROUBLE_ZH.search(text))


def about_usage(text: str) -> bool:
    """Numbers matter: usage, cost, load."""
    return bool(_METRICS.search(text) or _METRICS_ZH.search(text))


_NUMBERS = re.compile(
    r"^(?:please |can you |show|tell|give|how (?:much|many|big|full|busy)|which|what|top|list|compare|plot|chart)"
    r"|\b(?:right-?)?siz(?:e|ed|ing)\b|规格|哪些|多少|多大|最(?:多|高|耗|少|低|大的|近)|排行|排名|显示|列出|给我看|画",
    re.I,
)


def asks_for_numbers(text: str) -> bool:
    """`how much memory does web use`, `which pods use most CPU`: a plain question for measurements."""
    return about_usage(text) and bool(_NUMBERS.search(text.strip()))


_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/\-]*")
_NOT_NAMES = """
please can could would will you kindly now then and also so ok hi hello hey go ahead i want to like need let s us help
me just the a an it its them that this those these all of in on at by for from with up down back out into again more
less much scale resize restart roll rollback rollout undo revert set increase decrease raise lower reduce bump change
update upgrade downgrade patch apply delete remove create add cordon uncordon drain evict pause resume suspend label
annotate deploy rolling deployment deployments statefulset statefulsets daemonset daemonsets pod pods service services
node nodes namespace workload workloads app application container containers replica replicas instance instances image
images version limit limits request requests cpu memory env variable environment resource resources previous last latest
new old one two three four five mi gi ki m g k ns cluster there here first everything something anything thing
"""
_NOT_A_TARGET = frozenset(_NOT_NAMES.split())
_QUANTITY = re.compile(r"^\d+(?:\.\d+)?(?:[kmgt]i?b?|m|%|x|cores?)?$", re.I)


def names_in(text: str) -> list[str]:
    """Words that may name an object: Latin words that are neither grammar, nor kinds, nor quantities."""
    words = (word.strip("./-") for word in _NAME.findall(text))
    return [w for w in words if w and w.lower() not in _NOT_A_TARGET and not _QUANTITY.match(w)]
