"""The files that the browser loads, as the build left them in `dist/`.

Names hold a digest of the content, so a file under `/widget/` never changes and may be kept for ever; only
`/widget.js`, which host pages name, is asked for again. This module must not know what is in the files.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict, Optional

from sanic.request import Request
from sanic.response import HTTPResponse

from bot.channels.problems import Problem

DIST = Path(__file__).parent / "dist"
FOREVER = "public, max-age=31536000, immutable"
# host pages name it, so it may change: looked at again after five minutes, and then mostly found unchanged
SHORTLY = "public, max-age=300, stale-while-revalidate=86400"
NOT_BUILT = "The page's files are not built on this server. Build them with 'make run', or 'make web'."


class Built:
    """The built files, read once.

    Args:
        folder: where the build wrote them.
    """

    def __init__(self, folder: Path = DIST) -> None:
        self._folder = folder
        manifest = folder / "manifest.json"
        self._manifest: Optional[Dict[str, Any]] = json.loads(manifest.read_text()) if manifest.exists() else None
        self._contents: Dict[str, bytes] = {}

    @property
    def exists(self) -> bool:
        """Whether the files were built."""
        return self._manifest is not None

    @property
    def files(self) -> Dict[str, Dict[str, Any]]:
        """Every file: its bytes, its bytes gzipped, and a digest of its content."""
        return dict(self._manifest["files"]) if self._manifest else {}

    def entry(self, name: str) -> list[str]:
        """The addresses of the files that `chat` or `book` needs at once, the entry first."""
        return [f"/widget/{file}" for file in self._manifest[name]] if self._manifest else []

    def response(self, request: Request, name: str) -> HTTPResponse:
        """One file.

        Raises:
            Problem: 503 when nothing was built, 404 when there is no such file.
        """
        if self._manifest is None:
            raise Problem(503, NOT_BUILT)
        known = self._manifest["files"].get(name)
        if known is None:
            raise Problem(404, "There is no such file. Load /widget.js, which names the others.")
        tag = f'"{known["digest"]}"'
        headers = {
            "Cache-Control": SHORTLY if name == "widget.js" else FOREVER,
            "ETag": tag,
            "Vary": "Accept-Encoding",
            "X-Content-Type-Options": "nosniff",
            # host pages that isolate themselves may still load it
            "Cross-Origin-Resource-Policy": "cross-origin",
        }
        if request.headers.get("if-none-match") == tag:
            return HTTPResponse(status=304, headers=headers)
        packed = "gzip" in request.headers.get("accept-encoding", "")
        if packed:
            headers["Content-Encoding"] = "gzip"
        body = self._read(f"{name}.gz" if packed else name)
        return HTTPResponse(body, headers=headers, content_type="text/javascript; charset=utf-8")

    def _read(self, name: str) -> bytes:
        if name not in self._contents:
            self._contents[name] = (self._folder / name).read_bytes()
        return self._contents[name]
