"""udp-endpoint.py OWN PEER: one end of a UDP conversation on port 9, which a benchmark keeps for all of its rounds.

Says "ready", then for each line "PPS SECONDS" sends datagrams of 18 bytes, frames of 64, at an even rate (0: as fast as
it can) and prints how many the kernel took. What arrives ends in the socket's full buffer, without an ICMP answer. In
Python because it calls send() several times as fast as node does, which counts where the CPU is emulated.
"""

import socket
import sys
import time

PORT = 9
BATCH = 64
own, peer = sys.argv[1:]
payload = b"spillway spillway "
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.bind((own, PORT))
udp.connect((peer, PORT))


def send(datagrams):
    taken = 0
    for _ in range(datagrams):
        try:
            udp.send(payload)
            taken += 1
        except OSError:
            pass  # no carrier, no neighbour, no buffer: not sent
    return taken


def flood(end):
    taken = 0
    while time.monotonic() < end:
        taken += send(BATCH)
    return taken


def pace(pps, start, end):
    taken, due = 0, 0
    while (now := time.monotonic()) < end:
        owed = int((now - start) * pps) + 1 - due
        taken += send(owed)
        due += owed
        time.sleep(max(0.0, start + due / pps - time.monotonic()))
    return taken


print("ready", flush=True)
for line in sys.stdin:
    pps, seconds = map(float, line.split())
    start = time.monotonic()
    print(pace(pps, start, start + seconds) if pps > 0 else flood(start + seconds), flush=True)
