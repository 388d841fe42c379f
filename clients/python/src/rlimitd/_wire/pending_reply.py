"""The reply to one request while its parts arrive."""

from __future__ import annotations

from typing import Optional

from ..errors import Code, make_error
from ..v1 import rlimitd_pb2 as pb
from . import reply_decoder


class PendingReply:
    """The parts of one reply that have arrived, merged."""

    __slots__ = ("_merged", "is_complete")

    def __init__(self) -> None:
        self._merged: Optional[pb.Response] = None
        self.is_complete = False

    def add(self, response: pb.Response) -> None:
        """Adds the next part. Raises MALFORMED if it does not continue the parts before it."""
        more = response.more and not response.HasField("error")
        self._merged = reply_decoder.merge(self._merged, response)
        self.is_complete = not more

    def result(self) -> pb.Response:
        """The complete reply. Raises the error that the agent sent, and UNSUPPORTED for an unknown kind of reply."""
        assert self._merged is not None
        if self._merged.HasField("error"):
            raise reply_decoder.error(self._merged.error)
        if self._merged.WhichOneof("outcome") is None:
            raise make_error(Code.UNSUPPORTED, "the agent sent a kind of response that this client does not know")
        return self._merged
