"""The least that a client on this machine can do: bytes in, one substring, bytes out. Not a usable watcher.

Usage: floor.py BASE_URL AGENT; the key is in BENCH_API_KEY. Raw sockets and one selector; parses neither HTTP nor JSON of the
streams, checks no answer, and sends every pause over one connection.
"""

import http.client
import json
import os
import selectors
import socket
import sys
import time
import urllib.parse

LIST_EVERY = 2.0
WORDS = (b"lace your order", b"uy now", b"lacing the order", b"ubmit payment", b"onfirm and pay")


def main(base_url, agent):
    address = urllib.parse.urlsplit(base_url)
    host = (address.hostname, address.port)
    auth = f"Host: {address.netloc}\r\nAuthorization: Bearer {os.environ['BENCH_API_KEY']}\r\n"
    lister = http.client.HTTPConnection(*host)
    ready = selectors.DefaultSelector()
    control = connect(host)
    ready.register(control, selectors.EVENT_READ, None)
    watched, due = set(), 0.0
    while True:
        if time.monotonic() >= due:
            lister.request("GET", "/v1/sessions", headers={"Authorization": f"Bearer {os.environ['BENCH_API_KEY']}"})
            for session in json.load(lister.getresponse()):
                session_id = session["session_id"]
                if session["agent_name"] == agent and session_id not in watched:
                    watched.add(session_id)
                    stream = connect(host)
                    stream.sendall(f"GET /v1/sessions/{session_id}/events HTTP/1.1\r\n{auth}\r\n".encode())
                    pause = f"POST /v1/sessions/{session_id}/pause HTTP/1.1\r\n{auth}Content-Length: 0\r\n\r\n".encode()
                    ready.register(stream, selectors.EVENT_READ, pause)
            due = time.monotonic() + LIST_EVERY
        for key, _ in ready.select(max(0.0, due - time.monotonic())):
            got = key.fileobj.recv(65536)
            if not got:
                ready.unregister(key.fileobj)
                key.fileobj.close()
            elif key.data is not None and any(word in got for word in WORDS):
                control.sendall(key.data)
                ready.modify(key.fileobj, selectors.EVENT_READ, None)


def connect(host):
    stream = socket.create_connection(host)
    stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return stream


if __name__ == "__main__":
    main(*sys.argv[1:])
