"""The vendor's official Python SDK as a watcher: its event stream in one thread per session, its pause when the words fall.

Usage: watcher_sdk.py BASE_URL AGENT; the key is in BENCH_API_KEY. Lists the sessions every two seconds. The same rules as the
aiohttp script. One client per thread, as the SDK's own is not told to be safe to share, and one more kept for pauses per thread.
"""

import os
import pathlib
import sys
import threading
import time

from agi import AGIClient
from agi.exceptions import AGIError

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "latency"))
from watcher_aiohttp import LIST_EVERY, fires  # noqa: E402

threading.stack_size(256 * 1024)


def main(base_url, agent):
    make = lambda: AGIClient(api_key=os.environ["BENCH_API_KEY"], base_url=base_url)
    lister, watched = make(), set()
    while True:
        for session in lister.sessions.list():
            if session.agent_name == agent and session.session_id not in watched:
                watched.add(session.session_id)
                threading.Thread(target=watch, args=(make, session.session_id), daemon=True).start()
        time.sleep(LIST_EVERY)


def watch(make, session_id):
    client, paused = make(), False
    while True:
        try:
            for event in client.sessions.stream_events(session_id):
                if not paused and event.event in ("thought", "step") and fires(event.data):
                    client.sessions.pause(session_id)
                    paused = True
        except AGIError as error:
            print(f"{session_id}: {error}", file=sys.stderr)
            if "404" in str(error) or "not found" in str(error).lower():
                return
        time.sleep(0.5)


if __name__ == "__main__":
    main(*sys.argv[1:])
