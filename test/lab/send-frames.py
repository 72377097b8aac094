"""Sends frames as they are: `send-frames.py NETDEV`, a frame in hex on each line of stdin."""
import socket
import sys

with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as wire:
    wire.bind((sys.argv[1], 0))
    for line in sys.stdin:
        wire.send(bytes.fromhex(line))
