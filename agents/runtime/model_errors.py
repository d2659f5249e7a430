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
        return f"{words} ({self.detail})" if self.detail else words


def without_model(error: ModelError, language: Language) -> str:
    """The line of `Finding.missing` when the runbook had to finish a model's turn."""
    if language == "zh":
        return f"缺少语言模型的说明:{error.describe('zh')};本回答由内置的运行手册给出。"
    return f"The language model's part is missing: {error.describe('en')}; this is the runbook's answer."
