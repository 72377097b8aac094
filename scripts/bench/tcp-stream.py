"""Bulk TCP for benchmarks, in Python because it costs a tenth of node's cycles where the CPU is emulated.

tcp-stream.py receive ADDRESS PORT          says "ready", then for each connection how many bytes came in how many
                                            seconds, from the first byte to the last
tcp-stream.py send ADDRESS PORT SECONDS     sends as much as goes, and ends when the other side has all of it
"""

import socket
import sys
import time

BYTES = 1 << 18


def family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def receive(address, port):
    buffer = bytearray(BYTES)
    with socket.create_server((address, port), family=family(address)) as server:
        print("ready", flush=True)
        while True:
            connection, _ = server.accept()
            with connection:
                total = connection.recv_into(buffer)
                start = last = time.monotonic()
                while got := connection.recv_into(buffer):
                    total += got
                    last = time.monotonic()
            print(total, last - start, flush=True)


def send(address, port, seconds):
    data = memoryview(bytes(BYTES))
    with socket.create_connection((address, port)) as connection:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            connection.send(data)
        connection.shutdown(socket.SHUT_WR)
        connection.recv(1)


mode, address, port, *rest = sys.argv[1:]
if mode == "receive":
    receive(address, int(port))
else:
    send(address, int(port), float(rest[0]))
