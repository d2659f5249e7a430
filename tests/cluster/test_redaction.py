"""Secrets never get through, ordinary lines always do."""

from __future__ import annotations

import json
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.cluster.redaction import REDACTED, redact, redact_object

LEAK = "Sw0rdf1sh-9931"


@pytest.mark.parametrize(
    "text",
    [
        "password={}",
        "DB_PASSWORD={}",
        'password: "{}"',
        "spring.datasource.password = {}",
        '{{"user": "a", "apiKey": "{}"}}',
        '{{\\"client_secret\\": \\"{}\\"}}',
        "connecting to postgres://app:{}@db:5432/shop",
        "redis://:{}@cache:6379/0",
        "Authorization: Bearer {}",
        "authorization: Basic {}",
        '-H "Authorization: Token {}"',
        "got header Bearer {}{}",
        "  token: {}",
        "--token={} --verbose",
        "curl 'https://x/y?api_key={}&page=2'",
        "- name: SMTP_PASSWORD\n  value: {}",
        '{{"name": "SMTP_PASSWORD", "value": "{}"}}',
        "Set-Cookie: session={}; HttpOnly",
        "level=error msg=login secret={} user=a",
        "invalid password: {}",
        "-----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----\n{} and then the log ends",
        "kind: Secret\nmetadata:\n  name: a\ndata:\n  anything: {}\ntype: Opaque",
        '{{"data":{{"anything":"{}"}},"kind":"Secret"}}',
        '"{{\\"kind\\":\\"Secret\\",\\"stringData\\":{{\\"anything\\":\\"{}\\"}}}}"',
    ],
)
def test_a_secret_is_taken_out_wherever_it_stands(text: str) -> None:
    shown = redact(text.format(LEAK, LEAK))
    assert LEAK not in shown
    assert REDACTED in shown
    assert redact(shown) == shown


@pytest.mark.parametrize(
    "token",
    [
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
        "AKIAIOSFODNN7EXAMPLE",
        "ghp_" + "a1B2" * 9,
        "sk-" + "abcd1234" * 5,
        "xoxb-123456789012-abcdefghij",
    ],
)
def test_tokens_are_known_by_their_shape(token: str) -> None:
    assert redact(f"using {token} now") == f"using {REDACTED} now"


@pytest.mark.parametrize(
    "line",
    [
        'MountVolume.SetUp failed for volume "tls" : secret "web-tls" not found',
        "Error: couldn't find key db-password in Secret web/db",
        "missing required environment variable DB_PASSWORD",
        "KeyError: 'SMTP_PASSWORD'",
        "invalid token: signature is invalid",
        "password: required",
        "token=null",
        "secretName: web-tls",
        "serviceAccountToken:\n  expirationSeconds: 3607",
        'level=info controller=certs secret="web/tls-cert" msg=renewed',
        "input_tokens=512 max_tokens: 4096",
        "Pulling image registry.example.com/a@sha256:" + "ab12" * 16,
        "pod api-5d4f8b7c9d-x2x7k_web(77dfd341-4a23-4aa2-ab5b-baa77f8581b6)",
        "dial tcp 10.96.190.67:80: connect: connection refused http://checkout:8080/x",
        "the bearer of bad news",
        "PWD=/app",
        "kind: ConfigMap\ndata:\n  color: blue",
        "-----BEGIN CERTIFICATE-----",
    ],
)
def test_what_a_diagnosis_needs_survives(line: str) -> None:
    assert redact(line) == line


WORDS = st.text(string.ascii_letters + string.digits + "-./_", min_size=1, max_size=20)
NAMES = ("passw", "passphrase", "pwd", "secret", "token", "key", "credential", "authorization", "bearer", "basic")
NAMES += ("dsn", "connection", "cookie")
SHAPES = ("eyj", "akia", "asia", "ltai", "aiza", "gh", "glpat", "xox", "sk-")


def is_ordinary(word: str) -> bool:
    return not any(part in word.lower() for part in (*NAMES, *SHAPES))


@given(st.lists(st.tuples(WORDS.filter(is_ordinary), st.sampled_from([" ", "=", ": ", " [", "] ", ", "]))))
def test_ordinary_lines_survive(parts: list[tuple[str, str]]) -> None:
    line = "".join(word + sign for word, sign in parts)
    assert redact(line) == line


@given(st.text())
def test_redacting_twice_changes_nothing(text: str) -> None:
    once = redact(text)
    assert redact(once) == once


VALUES = st.text(string.ascii_letters + string.digits, min_size=16, max_size=40)


@given(
    VALUES,
    st.sampled_from(["password", "apiKey", "DB_TOKEN", "client-secret", "AWS_SECRET_ACCESS_KEY"]),
    st.text(max_size=15),  # too short to hold the value
)
def test_no_value_under_a_secret_name_gets_through(value: str, name: str, around: str) -> None:
    documents = [f"{around}\n{name}={value}\n{around}", json.dumps({"x": around, name: value}), f"{name}: {value}"]
    assert all(value not in redact(document) for document in documents)


def test_objects_are_redacted_by_key_env_name_and_kind() -> None:
    found = {
        "kind": "Deployment",
        "env": [{"name": "DB_PASSWORD", "value": LEAK}, {"name": "COLOR", "value": "blue"}],
        "url": f"amqp://u:{LEAK}@mq/",
        "config": {"apiKey": LEAK, "secretName": "db"},
        "nested": {"kind": "Secret", "data": {"k": LEAK}, "metadata": {"name": "s"}},
    }
    shown = redact_object(found)
    assert LEAK not in json.dumps(shown)
    assert shown["env"][1] == {"name": "COLOR", "value": "blue"}
    assert shown["config"]["secretName"] == "db"
    assert shown["nested"]["data"] == {"k": REDACTED}


def test_a_long_line_takes_linear_time() -> None:
    for piece in ("a", "password", "eyJ", "a:", "x=", "-----BEGIN PRIVATE KEY-----", '"', "http://a:", "name: "):
        text = piece * (200_000 // len(piece))
        assert len(redact(text)) > 0
