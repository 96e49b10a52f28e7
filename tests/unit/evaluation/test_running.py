"""The evaluation from end to end, against a stand-in for the assistant."""

from __future__ import annotations

import json
import re
import sys
import textwrap
from pathlib import Path
from typing import Any, Callable

import httpx
import pytest

from bot.evaluation import EvaluationError, evaluate, main, running_assistant
from bot.evaluation.chat import Assistant
from bot.evaluation.errors import NoReplyError
from bot.screening import LINK_IDS
from tests.unit.evaluation.conftest import Stub, message

SAUNA = {"text": "sauna ok?", "expect": {"kind": "answer", "passages": ["after_heat"]}}
STEAM = {"turns": ["sauna ok?", "n steam?"], "expect": {"kind": "answer", "passages": ["after_heat"]}}


def test_every_row_is_sent_in_a_conversation_of_its_own(
    stub: Stub, url: str, write: Callable[..., Path], tmp_path: Path
) -> None:
    stub.replies = {"sauna ok?": [message("answer", "after_heat")], "n steam?": [message("answer", "after_heat")]}
    write("single", SAUNA, SAUNA)
    results = evaluate(url, write("follow_up", STEAM), tmp_path / "out")
    assert sorted(stub.heard.values()) == [["sauna ok?"], ["sauna ok?"], ["sauna ok?", "n steam?"]]
    assert {figure.name: figure.value for figure in results.figures}["follow_up.correct"] == 1
    assert results.assistant == {"model": "m1", "rules_version": "7"}


def test_the_table_the_results_and_the_report_are_there_in_the_end(
    stub: Stub, url: str, write: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stub.replies = {"sauna ok?": [message("answer", "after_sun", text="<b>No sun</b>")]}
    evaluate(url, write("single", SAUNA), tmp_path / "out")
    printed = capsys.readouterr()
    assert re.search(r"single \(1 messages\)", printed.out)
    assert "1 x  answer after_heat -> answer after_sun" in printed.out
    assert printed.err == "single done\n", "no bar where nobody watches"
    assert json.loads((tmp_path / "out" / "results.json").read_text(encoding="utf-8"))["rows"][0]["outcome"] == "wrong"
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert page.count("<svg") == 4
    assert "&lt;b&gt;No sun&lt;/b&gt;" in page, "replies are shown, not run"
    assert not re.search(r'(?:src|href)="https?://', page.replace('xmlns:xlink="http', "")), "nothing is fetched"


def test_the_same_results_give_the_same_page(stub: Stub, url: str, write: Callable[..., Path], tmp_path: Path) -> None:
    folder = write("single", SAUNA)
    for name in ("a", "b"):
        evaluate(url, folder, tmp_path / name)
    assert (tmp_path / "a" / "report.html").read_bytes() == (tmp_path / "b" / "report.html").read_bytes()


def test_a_server_error_counts_as_a_failed_row_and_the_others_go_on(
    stub: Stub, url: str, write: Callable[..., Path], tmp_path: Path
) -> None:
    stub.replies = {"sauna ok?": [message("answer", "after_heat")], "boom": 500}
    results = evaluate(url, write("single", {**SAUNA, "text": "boom"}, SAUNA), tmp_path)
    figures = {figure.name: (figure.count.hits, figure.count.of) for figure in results.figures}
    assert figures["single.failed"] == (1, 2)
    assert figures["single.correct"] == (1, 2)


@pytest.mark.parametrize("broken", [{"kind": "answer"}, {**message("answer"), "buttons": None}])
def test_a_message_without_the_contracts_fields_is_a_failed_row(
    stub: Stub, url: str, write: Callable[..., Path], tmp_path: Path, broken: dict[str, Any]
) -> None:
    stub.replies = {"sauna ok?": [broken]}
    assert evaluate(url, write("single", SAUNA), tmp_path).verdicts[0].outcome == "failed"


def test_rate_limits_stop_the_evaluation_with_what_to_do(
    stub: Stub, url: str, write: Callable[..., Path], tmp_path: Path
) -> None:
    stub.replies = {"sauna ok?": 429}
    with pytest.raises(EvaluationError, match="RATE_LIMITS=off"):
        evaluate(url, write("single", SAUNA), tmp_path)


def test_an_address_where_nothing_answers_is_told(write: Callable[..., Path], tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match=r"No assistant answers at http://127\.0\.0\.1:9"):
        evaluate("http://127.0.0.1:9", write("single", SAUNA), tmp_path)


def test_an_assistant_that_is_not_ready_is_not_measured(
    stub: Stub, url: str, write: Callable[..., Path], tmp_path: Path
) -> None:
    stub.healthy = False
    with pytest.raises(EvaluationError, match="not ready yet"):
        evaluate(url, write("single", SAUNA), tmp_path)


def test_the_command_fails_where_a_floor_does_not_hold(
    url: str, write: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write("single", SAUNA)
    arguments = ["--url", url, "--sets", str(folder), "--out", str(tmp_path / "out")]
    assert main(arguments) == 0
    (folder / "floors.json").write_text('{"single.correct": {"at_least": 0.5, "goal": 1}}', encoding="utf-8")
    assert main(arguments) == 1
    assert "single.correct is 0.0% (0 of 1), below the agreed floor of 50.0%." in capsys.readouterr().err
    assert main([*arguments, "--limit", "1"]) == 0, "a sample proves nothing about a floor"


def test_the_command_names_a_faulty_set_before_anything_is_started(
    write: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write("single", {**SAUNA, "text": ""})
    assert main(["--sets", str(folder), "--out", str(tmp_path / "out")]) == 1
    assert "Error: single.jsonl:1: 'text'" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_every_listed_condition_is_denied_so_that_the_truth_is_in_the_text(stub: Stub, url: str) -> None:
    with Assistant(url, 1) as assistant:
        assert assistant.check("I row on Sundays") == "eligible"
    (body,) = stub.checks
    assert body["text"] == "I row on Sundays"
    assert body["consent"] is True
    assert body["answers"] == {link: "no" for link in LINK_IDS if link != "other"}


def test_a_check_that_is_refused_is_no_decision(stub: Stub, url: str) -> None:
    stub.outcomes = {"lupus": 503}
    with Assistant(url, 1) as assistant, pytest.raises(NoReplyError, match="HTTP 503"):
        assistant.check("lupus")


def test_the_safety_figures_come_from_the_screen(
    stub: Stub, url: str, write: Callable[..., Path], tmp_path: Path
) -> None:
    stub.outcomes = {"lupus": "review"}
    folder = write(
        "screening",
        {"text": "lupus", "expect": "flag", "about": "lupus"},
        {"text": "keloids", "expect": "flag", "about": "scars"},
        {"text": "I row", "expect": "harmless", "about": "sport"},
    )
    found = {figure.name: figure for figure in evaluate(url, folder, tmp_path).figures}
    assert (found["screening.false_clear"].count.hits, found["screening.false_clear"].count.of) == (1, 2)
    assert found["screening.false_clear"].low == 0
    assert found["screening.coverage"].value == 1


SERVER = """
    import http.server, os
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            names = ("RATE_LIMITS", "VAR_DIR", "SMTP_URL", "DATABASE_URL", "TELEGRAM_BOT_TOKEN")
            self.wfile.write(repr([os.environ[name] for name in names]).encode())
    http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""


def test_an_assistant_of_its_own_is_alone_and_is_stopped_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SMTP_URL", "smtp://mail.example")
    monkeypatch.setenv("TELEGRAM_BOT_TOKEN", "12:ab")
    command = (sys.executable, "-c", textwrap.dedent(SERVER))
    with running_assistant(tmp_path / "var", tmp_path / "log", command) as url:
        assert httpx.get(url).text == repr(["off", str(tmp_path / "var"), "", "", ""])
    with pytest.raises(httpx.ConnectError):
        httpx.get(url)


def test_an_assistant_that_does_not_start_is_told_with_its_last_lines(tmp_path: Path) -> None:
    command = (sys.executable, "-c", "import sys; sys.exit('The port is taken.')")
    with (
        pytest.raises(EvaluationError, match=r"ended with exit code 1(.|\n)*The port is taken\."),
        running_assistant(tmp_path / "var", tmp_path / "log", command),
    ):
        pass
