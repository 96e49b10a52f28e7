"""The metrics' own port, on a real socket."""

from __future__ import annotations

import httpx
import pytest

from bot.metrics import REQUESTS, listen
from bot.supervisor import free_port


async def test_metrics_are_answered_on_loopback_in_prometheus_format() -> None:
    REQUESTS.labels("chat/messages", 200).inc()
    port = free_port()
    server = await listen(port)
    try:
        async with httpx.AsyncClient(trust_env=False) as client:
            answered = await client.get(f"http://127.0.0.1:{port}/metrics")
        assert answered.headers["content-type"].startswith("text/plain")
        assert 'assistant_requests_total{route="chat/messages",status="200"} 1.0' in answered.text
    finally:
        await server.cleanup()
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False)
