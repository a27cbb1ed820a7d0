"""Stands between client and simulator where a condition asks for what loopback does not have: a way, resets, TLS.

Usage: relay.py TARGET_PORT [--rtt MS] [--reset SHARE] [--tls CERTIFICATE KEY]; prints its own port. Bytes travel half of the
round trip each way, and a new connection is read from one round trip after it was made, as its handshake would take. A share
of the connections is reset within five seconds. TLS ends here; for a way with TLS, one relay of a way stands before one of TLS. One asyncio process on the simulator's core: it adds a fraction of a
millisecond, for all clients alike.
"""

import argparse
import asyncio
import collections
import random
import socket
import ssl
import struct

CHUNK = 1 << 16
RESET_WITHIN = 5.0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("--rtt", type=float, default=0.0)
    parser.add_argument("--reset", type=float, default=0.0)
    parser.add_argument("--tls", nargs=2)
    asyncio.run(Relay(parser.parse_args()).serve())


class Relay:
    def __init__(self, args):
        self.args, self.trip = args, args.rtt / 1000
        self.random = random.Random(1)
        self.context = None
        if args.tls:
            self.context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            self.context.load_cert_chain(*args.tls)

    async def serve(self):
        server = await asyncio.start_server(self.connection, "127.0.0.1", 0, backlog=4096, ssl=self.context)
        print(server.sockets[0].getsockname()[1], flush=True)
        await server.serve_forever()

    async def connection(self, reader, writer):
        doomed = self.random.random() < self.args.reset
        if doomed:
            asyncio.get_running_loop().call_later(self.random.uniform(0, RESET_WITHIN), reset, writer)
        try:
            await asyncio.sleep(self.trip)
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.args.port)
            both = [self.carry(reader, far_writer), self.carry(far_reader, writer)]
            await asyncio.gather(*both, return_exceptions=True)
            far_writer.close()
        except (OSError, ssl.SSLError):
            pass
        finally:
            writer.close()

    async def carry(self, reader, writer):
        if not self.trip:
            while chunk := await reader.read(CHUNK):
                writer.write(chunk)
                await writer.drain()
        else:
            # What was read leaves half a round trip later; reading goes on meanwhile.
            loop, waiting = asyncio.get_running_loop(), collections.deque()
            while chunk := await reader.read(CHUNK):
                waiting.append(chunk)
                loop.call_later(self.trip / 2, lambda: writer.write(waiting.popleft()))
            await asyncio.sleep(self.trip / 2)
        writer.close()


def reset(writer):
    raw = writer.get_extra_info("socket")
    if raw is not None and not writer.is_closing():
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()


if __name__ == "__main__":
    main()
