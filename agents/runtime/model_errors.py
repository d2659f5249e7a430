"""What can go wrong with a language model, in words for people."""

from __future__ import annotations

from typing import Literal

from agents.runtime.findings import Language, Usage

ModelErrorKind = Literal[
    "rate_limited", "server", "unreachable", "timeout", "context_overflow", "auth", "rejected", "malformed", "limit"
]

_WORDS: dict[ModelErrorKind, dict[Language, str]] = {
    "rate_limited": {"en": "{model} refused because of too many requests", "zh": "{model} 因请求过多而拒绝服务"},
    "server": {"en": "{model} failed with a server error", "zh": "{model} 服务端出错"},
    "unreachable": {"en": "{model} could not be reached", "zh": "无法连接 {model}"},
    "timeout": {"en": "{model} did not answer in time", "zh": "{model} 未能及时应答"},
    "context_overflow": {"en": "the conversation was too long for {model}", "zh": "对话超出了 {model} 的上下文长度"},
    "auth": {"en": "{model} refused the API key", "zh": "{model} 拒绝了 API 密钥"},
    "rejected": {"en": "{model} rejected the request", "zh": "{model} 拒绝了该请求"},
    "malformed": {"en": "{model} gave no usable answer", "zh": "{model} 没有给出可用的回答"},
    "limit": {"en": "{model} used up the model calls of one turn", "zh": "{model} 用尽了单次任务的模型调用次数"},
}

_REASONS: dict[str, dict[Language, str]] = {
    "empty": {"en": "an empty answer", "zh": "回答为空"},
    "MODEL_RETURNED_NO_CONTENT": {"en": "an empty answer", "zh": "回答为空"},
    "MAX_TOKENS": {"en": "the answer was cut off", "zh": "回答被截断"},
    "MALFORMED_FUNCTION_CALL": {"en": "tool arguments that are no JSON", "zh": "工具参数不是合法的 JSON"},
    "resting": {"en": "it has failed several times and is tried again in a while", "zh": "它已连续失败,稍后再试"},
    "printed_calls": {"en": "it writes tool calls as text", "zh": "它把工具调用写成了文本"},
    "no_look": {"en": "it answered without looking", "zh": "它没有查看集群就作答"},
    "failing_calls": {"en": "its tool calls kept failing", "zh": "它的工具调用接连失败"},
}
"""Known values of `detail`; any other is shown as it is."""


class ModelError(Exception):
    """A model call failed for good, retries included."""

    def __init__(self, kind: ModelErrorKind, model: str, detail: str = "", usage: Usage | None = None) -> None:
        self.kind: ModelErrorKind = kind
        self.model = model
        self.detail = detail
        self.usage = usage or Usage()
        super().__init__(self.describe("en"))

    def describe(self, language: Language) -> str:
        """One clause for a person: what failed, and the provider's own short reason where it helps."""
        words = _WORDS[self.kind][language].format(model=self.model)
        reason = _REASONS[self.detail][language] if self.detail in _REASONS else self.detail
        return f"{words} ({reason})" if reason else words


def without_model(error: ModelError, language: Language) -> str:
    """The line of `Finding.missing` when the runbook had to finish a model's turn."""
    if language == "zh":
        return f"缺少语言模型的说明:{error.describe('zh')};本回答由内置的运行手册给出。"
    return f"The language model's part is missing: {error.describe('en')}; this is the runbook's answer."
