"""Polling as the vendor's page suggests: the messages of each session every second, the pause when the words fall.

Usage: watcher_polling.py BASE_URL AGENT; the key is in BENCH_API_KEY. Lists the sessions every two seconds, and asks each for
what came after the last message it knows. The same rules and the same library as the aiohttp script.
"""

import asyncio
import pathlib
import random
import sys

import aiohttp

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "latency"))
from watcher_aiohttp import Watcher, fires, serve  # noqa: E402

POLL_EVERY = 1.0


class Poller(Watcher):
    async def watch(self, session_id):
        url, after, paused = f"{self.base_url}/v1/sessions/{session_id}/messages", 0, False
        await asyncio.sleep(random.uniform(0, POLL_EVERY))
        while not paused:
            try:
                async with self.http.get(url, params={"after_id": after}) as answer:
                    if answer.status == 404:
                        return
                    answer.raise_for_status()
                    messages = (await answer.json())["messages"]
                for message in messages:
                    after = max(after, message["id"])
                    content = message["content"]
                    if message["type"] in ("THOUGHT", "STEP") and fires({"text": content} if isinstance(content, str) else content):
                        paused = await self.pause(session_id)
            except aiohttp.ClientError as error:
                print(f"{session_id}: {error}", file=sys.stderr)
            await asyncio.sleep(POLL_EVERY)


if __name__ == "__main__":
    asyncio.run(serve(Poller, *sys.argv[1:]))
