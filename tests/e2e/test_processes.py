"""The supervisor and what surrounds it: crashes, clean stops, second instances, bad states."""

from __future__ import annotations

import os
import signal
import sqlite3
import time
from pathlib import Path
from typing import Callable, Iterator

import httpx
import pytest

from bot.training import model_file
from tests.conftest import Client, Running

SOON = 60


def eventually(met: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + SOON
    while time.monotonic() < deadline:
        if met():
            return
        time.sleep(0.2)
    raise AssertionError(f"{what} did not happen within {SOON} s")


def healthy(running: Running) -> bool:
    try:
        return httpx.get(f"{running.url}/health", timeout=5).status_code == 200
    except httpx.HTTPError:
        return False


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A second instance beside the shared one, with an action server, for tests that break it."""
    running = Running(tmp_path_factory.mktemp("own"), ACTION_SERVER="on").start()
    yield running
    if running.process is not None and running.process.poll() is None:
        running.stop()


def test_two_instances_run_side_by_side_with_their_own_state(assistant: Running, own: Running) -> None:
    mine, theirs = Client(assistant.url), Client(own.url)
    answer = own.url and theirs.http.get("/chat/history", headers=mine.headers)
    assert answer.status_code == 401
    assert (own.var / "assistant.db").exists()


def test_without_an_action_server_there_is_one_process_and_health_still_names_the_actions(assistant: Running) -> None:
    assert list(assistant.children()) == ["serve"]
    assert httpx.get(f"{assistant.url}/health", timeout=10).json()["actions"] == "ok"


def test_both_ways_of_running_actions_answer_alike(assistant: Running, own: Running) -> None:
    here, there = Client(assistant.url), Client(own.url)
    for words in ("does it hurt?", "and swimming after?", "I take warfarin", "start the health check"):
        said = [[(m["kind"], m["text"], m["sources"]) for m in client.say(words)] for client in (here, there)]
        assert said[0] == said[1]


def test_an_action_server_that_is_killed_comes_back_and_the_message_is_not_lost(own: Running) -> None:
    client = Client(own.url)
    os.kill(own.children()["actions"], signal.SIGKILL)
    body, key = {"text": "does it hurt?"}, {"Idempotency-Key": "after-the-crash"}
    eventually(lambda: client.post(body, **key).status_code == 200, "an answer")
    answer = client.post(body, **key).json()["messages"]
    assert answer[0]["sources"] == ["pain"]
    assert [m["text"] for m in client.history()].count("does it hurt?") == 1


def test_health_names_the_part_that_is_missing(own: Running) -> None:
    eventually(lambda: healthy(own), "health")
    os.kill(own.children()["actions"], signal.SIGSTOP)
    try:
        response = httpx.get(f"{own.url}/health", timeout=10)
        assert response.status_code == 503
        assert response.json()["failing"] == ["actions"]
    finally:
        os.kill(own.children()["actions"], signal.SIGCONT)
    eventually(lambda: healthy(own), "health")


def test_a_rasa_server_that_is_killed_comes_back_with_every_conversation(own: Running) -> None:
    client = Client(own.url)
    client.say("I want to talk to a person")
    before = client.history()
    os.kill(own.children()["serve"], signal.SIGKILL)
    eventually(lambda: not healthy(own), "the crash")
    eventually(lambda: healthy(own), "the restart")
    assert client.history() == before
    assert client.say("does it hurt?")


def test_a_screen_goes_on_after_a_restart(own: Running) -> None:
    client = Client(own.url)
    client.say("start the health check")
    client.press("Yes, that's fine")
    asked = client.press("No")[-1]
    os.kill(own.children()["serve"], signal.SIGKILL)
    eventually(lambda: not healthy(own), "the crash")
    eventually(lambda: healthy(own), "the restart")
    assert client.say("why do you ask?")[-1]["text"] == asked["text"]


def test_a_locked_database_is_waited_for_and_nothing_is_lost(own: Running) -> None:
    client = Client(own.url)
    lock = sqlite3.connect(own.var / "assistant.db", isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    refused = client.post({"text": "does it hurt?"}, **{"Idempotency-Key": "locked"})
    assert refused.status_code == 503
    assert refused.headers["content-type"] == "application/problem+json"
    assert int(refused.headers["retry-after"]) > 0
    lock.execute("ROLLBACK")
    assert client.post({"text": "does it hurt?"}, **{"Idempotency-Key": "locked"}).status_code == 200


def test_no_word_of_a_client_is_in_the_log(own: Running) -> None:
    client = Client(own.url)
    client.say("my zebrafinch told me that scraping hurts")
    client.say("i take zebrafinchol for my kidneys and want a person")
    assert "zebrafinch" not in own.output()


def test_stopping_leaves_no_process_behind(own: Running) -> None:
    pids = list(own.children().values())
    assert len(pids) == 2
    assert own.stop() == 0
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)
    assert "Stopped." in own.output()


def test_a_port_in_use_is_said_to_be_so(assistant: Running, tmp_path: Path) -> None:
    second = Running(tmp_path, PORT=str(assistant.port))
    failed = second.command("run")
    assert failed.returncode == 1
    assert f"Port {assistant.port} cannot be used" in failed.stderr
    assert "Traceback" not in failed.stderr


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("PORT", "eighty", "PORT"),
        ("TIMEZONE", "Mars/Olympus", "TIMEZONE"),
        ("PRACTICE_HOURS", "nine to five", "PRACTICE_HOURS"),
        ("LOG_LEVEL", "LOUD", "LOG_LEVEL"),
        ("BOOKING_URL", "javascript:alert(1)", "BOOKING_URL"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(tmp_path: Path, name: str, value: str, told: str) -> None:
    failed = Running(tmp_path, **{name: value}).command("migrate")
    assert failed.returncode == 1
    assert told in failed.stderr
    assert "Traceback" not in failed.stderr


def test_a_database_that_cannot_be_written_is_said_to_be_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder", encoding="utf-8")
    failed = Running(tmp_path, VAR_DIR=str(tmp_path / "file" / "var")).command("migrate")
    assert failed.returncode == 1
    assert "VAR_DIR" in failed.stderr
    assert "Traceback" not in failed.stderr


def test_a_database_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    running = Running(tmp_path)
    assert running.command("migrate").returncode == 0
    with sqlite3.connect(running.var / "assistant.db") as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    failed = running.command("migrate")
    assert failed.returncode == 1
    assert "newer version" in failed.stderr


def test_a_model_that_cannot_be_loaded_is_said_to_be_so_with_what_to_do(tmp_path: Path) -> None:
    running = Running(tmp_path)
    kept = tmp_path / "model"
    model_file().rename(kept)
    try:
        model_file().write_bytes(b"not a model")
        failed = running.command("run")
    finally:
        kept.replace(model_file())
    assert failed.returncode == 1
    assert "train --force" in failed.stderr
    assert "cannot serve" in failed.stderr
