"""What logs say beside their gravest line: hosts, neighbours that tell more, words of not being ready."""

from __future__ import annotations

import pytest

from agents.diagnoser.log_signs import classify, hosts_in, why_not_ready, with_details


@pytest.mark.parametrize(
    ("line", "host"),
    [
        ('{"msg":"fare lookup failed","error":"dial tcp: lookup fares on 10.96.0.10:53: no such host"}', "fares"),
        ("rate lookup timed out: lookup rates.example.com: i/o timeout", "rates.example.com"),
    ],
)
def test_a_verb_after_lookup_is_no_host(line: str, host: str) -> None:
    assert host in [name for name, _ in hosts_in(line)]
    assert not {"failed", "timed"} & {name for name, _ in hosts_in(line)}


def test_netcat_names_host_and_port() -> None:
    assert ("broker", 5672) in hosts_in("until nc -z -w2 broker 5672; do sleep 3; done")


def test_a_setting_is_quoted_with_the_complaint_about_its_file() -> None:
    fatal = 'FATAL:  configuration file "/etc/db.conf" contains errors'
    log = f'LOG:  invalid value for parameter "shared_buffers": "128XB"\nHINT:  Valid units are "kB" and "MB".\n{fatal}'
    assert with_details(log, fatal).startswith('LOG:  invalid value for parameter "shared_buffers"')
    assert fatal in with_details(log, fatal)


def test_a_program_that_is_not_ready_says_why_in_a_warning() -> None:
    found = why_not_ready('{"level":"warn","msg":"not ready: rate table is 26h old"}\n{"level":"info","msg":"tick"}')
    assert found is not None
    assert "26h" in found.line


def test_an_expired_certificate_is_known_in_any_word_order() -> None:
    assert classify("remote error: tls: expired certificate") == "certificate"
