"""Bodies of callbacks: read to a limit each and in all, and counted before anybody parses them."""

from __future__ import annotations

from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response

MAX_BODY = 1 << 20  # bytes; the longest documented callback carries a hundred reports
MAX_FIELDS = 2000  # of query and body together; parsing one costs ten microseconds
MAX_IN_ALL = 1 << 26  # bytes of all bodies under way


class Bodies:
    """Reads the bodies of one app."""

    def __init__(self, *, max_body: int = MAX_BODY, max_fields: int = MAX_FIELDS) -> None:
        self._max_body = max_body
        self._max_fields = max_fields
        self._held = 0

    async def read(self, request: Request) -> bytes | Response:
        """The body, or the answer to one that is no report's."""
        body = bytearray()
        try:
            async for chunk in request.stream():
                body += chunk
                self._held += len(chunk)
                if len(body) > self._max_body:
                    return _refused(413, f"The body is larger than {_size(self._max_body)}.")
                if self._held > MAX_IN_ALL:
                    return later("Too many bodies are under way; call again.")
        except ClientDisconnect:
            return _refused(400, "The body did not come to its end.")
        finally:
            self._held -= len(body)
        # Whatever the body calls itself, an adapter may take it for a form.
        if request.scope["query_string"].count(b"&") + body.count(b"&") > self._max_fields:
            return _refused(413, f"The call has more than {self._max_fields} fields.")
        return bytes(body)


def later(sentence: str) -> Response:
    """The answer that asks to call again."""
    return PlainTextResponse(sentence, status_code=503, headers={"Retry-After": "5"})


def _refused(status: int, sentence: str) -> Response:
    return PlainTextResponse(sentence, status_code=status)


def _size(count: int) -> str:
    return f"{count >> 20} MiB" if count % (1 << 20) == 0 else f"{count} bytes"
