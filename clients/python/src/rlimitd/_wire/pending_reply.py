"""The reply to one request while its parts arrive."""

from __future__ import annotations

from typing import Optional

from ..errors import Code, make_error
from ..v1 import rlimitd_pb2 as pb
from . import reply_decoder


class PendingReply:
    """What has come of one answer."""

    __slots__ = ("_merged", "is_whole")

    def __init__(self) -> None:
        self._merged: Optional[pb.Response] = None
        self.is_whole = False

    def add(self, response: pb.Response) -> None:
        """Raises MALFORMED where a part does not continue what came before."""
        more = response.more and not response.HasField("error")
        self._merged = reply_decoder.merge(self._merged, response)
        self.is_whole = not more

    def result(self) -> pb.Response:
        """The whole of it. Raises what the agent says went wrong."""
        assert self._merged is not None
        if self._merged.HasField("error"):
            raise reply_decoder.error(self._merged.error)
        if self._merged.WhichOneof("outcome") is None:
            raise make_error(Code.UNSUPPORTED, "an answer of a kind that this client does not know")
        return self._merged
