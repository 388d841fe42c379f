"""Gives an `AsyncClient` and its leases the blocking calls of `Client` and `Lease`, so that one test covers both."""


class BlockingAdapter:
    """Runs each call of an `AsyncClient` on an event loop until it completes."""

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
