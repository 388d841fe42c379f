"""Presents an `AsyncClient` and its leases with the blocking calls of `Client` and `Lease`, for tests of both."""


class BlockingAdapter:
    """An `AsyncClient` with the face of a `Client`, for the same tests."""

    def __init__(self, client, loop):
        self._client = client
        self._loop = loop

    def __getattr__(self, name):
        def call(*arguments, **named):
            async def waiting():
                result = await getattr(self._client, name)(*arguments, **named)
                return BlockingLeaseAdapter(result, self._loop) if name == "lease" else result

            return self._loop.run_until_complete(waiting())

        return call


class BlockingLeaseAdapter(BlockingAdapter):
    def __getattr__(self, name):
        if name in ("id", "changes", "info"):
            return getattr(self._client, name)
        return super().__getattr__(name)
