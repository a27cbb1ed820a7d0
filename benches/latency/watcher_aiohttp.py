"""The script that one would write without holdpoint: pauses a session when its agent says that it is about to buy.

Usage: watcher_aiohttp.py BASE_URL AGENT; the key is in BENCH_API_KEY. Lists the sessions every two seconds, holds one event
stream per session, looks for the words of the rules in what the agent says and does, and posts the pause over a connection
that is kept open. Keeps no record, asks nobody, and repeats nothing.
"""

import asyncio
import json
import os
import re
import sys

import aiohttp

LIST_EVERY = 2.0

PURCHASE = re.compile(
    r"\b(plac(e|ing) (your|my|the|this|an)? ?order|(buy|order|pay|purchase) (it )?now|(complet|confirm|finaliz|submit|mak)"
    r"(e|ing|t|ting)? (the|your|my|this|a)? ?(order|purchase|payment|checkout|transaction)|confirm and pay|agree and pay"
    r"|jetzt kaufen|zahlungspflichtig bestellen|acheter maintenant|comprar ahora)\b",
    re.IGNORECASE,
)
PAYMENT_DATA = re.compile(
    r"\b(enter|typ|fill|provid|past|submit|add)\w* .{0,40}\b(card number|credit card|card details|cvv|cvc|security code|iban)\b"
    r"|\b(?:\d[ -]?){13,19}\b",
    re.IGNORECASE,
)
RULES = (PURCHASE, PAYMENT_DATA)


class Watcher:
    def __init__(self, base_url, agent, http):
        self.base_url = base_url.rstrip("/")
        self.agent = agent
        self.http = http
        self.watched = {}

    async def run(self):
        while True:
            try:
                async with self.http.get(f"{self.base_url}/v1/sessions") as answer:
                    answer.raise_for_status()
                    sessions = await answer.json()
            except aiohttp.ClientError as error:
                print(f"list: {error}", file=sys.stderr)
                sessions = []
            for session in sessions:
                session_id = session["session_id"]
                if session["agent_name"] == self.agent and session_id not in self.watched:
                    self.watched[session_id] = asyncio.create_task(self.watch(session_id))
            await asyncio.sleep(LIST_EVERY)

    async def watch(self, session_id):
        url = f"{self.base_url}/v1/sessions/{session_id}/events"
        wait, paused = 0.5, False
        while True:
            try:
                async with self.http.get(url, headers={"Accept": "text/event-stream"}) as answer:
                    if answer.status == 404:
                        return
                    answer.raise_for_status()
                    wait = 0.5
                    async for name, data in events(answer.content):
                        if not paused and name in ("thought", "step") and fires(data):
                            paused = await self.pause(session_id)
            except aiohttp.ClientError as error:
                print(f"{session_id}: {error}", file=sys.stderr)
            await asyncio.sleep(wait)
            wait = min(wait * 2, 30.0)

    async def pause(self, session_id):
        async with self.http.post(f"{self.base_url}/v1/sessions/{session_id}/pause") as answer:
            await answer.read()
            return answer.ok


async def events(lines):
    """Name and data of each event of a stream."""
    name, data = "message", []
    async for line in lines:
        line = line.decode().rstrip("\r\n")
        if line.startswith("data:"):
            data.append(line[5:].lstrip())
        elif line.startswith("event:"):
            name = line[6:].strip()
        elif not line:
            if data:
                yield name, json.loads("\n".join(data))
            name, data = "message", []


def fires(data):
    texts = [data["text"]] if "text" in data else [value for value in data.values() if isinstance(value, str)]
    return any(rule.search(text) for text in texts for rule in RULES)


async def serve(watcher, base_url, agent):
    headers = {"Authorization": f"Bearer {os.environ['BENCH_API_KEY']}"}
    # No limit of connections (the default of 100 would starve the pauses), no total time-out (streams are long), and
    # patience with connections: thousands are made at once.
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=60)
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=60)
    async with aiohttp.ClientSession(connector=connector, headers=headers, timeout=timeout) as http:
        await watcher(base_url, agent, http).run()


if __name__ == "__main__":
    asyncio.run(serve(Watcher, *sys.argv[1:]))
