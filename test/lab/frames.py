"""Frames as they are on a netdev, in hex, one on each line.

frames.py send NETDEV [PPS]   sends what stdin says, evenly at most so many a second
frames.py ask NETDEV          the same with a virtio-net header before each frame: checksums and segmentation left to the netdev
frames.py capture NETDEV      says "ready", then every frame that the netdev receives, with its VLAN tag in place
"""
import socket
import struct
import sys
import time

SOL_PACKET = 263
SO_RCVBUFFORCE = 33
PACKET_AUXDATA = 8
PACKET_VNET_HDR = 15
PACKET_OUTGOING = 4
ETH_P_ALL = 3
TP_STATUS_VLAN_VALID = 1 << 4
AUXDATA = struct.Struct("IIIHHHH")


def enlarge(wire):
    """So that nothing is lost while this program is slower than the wire; root may have as much as it asks for."""
    try:
        wire.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 26)
    except PermissionError:
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 26)


def with_tag(frame, ancillary):
    """The kernel takes the outer tag off and tells about it beside the frame."""
    for level, kind, data in ancillary:
        if (level, kind) == (SOL_PACKET, PACKET_AUXDATA):
            status, _, _, _, _, tci, tpid = AUXDATA.unpack_from(data)
            if status & TP_STATUS_VLAN_VALID:
                return frame[:12] + struct.pack("!HH", tpid or 0x8100, tci) + frame[12:]
    return frame


mode, netdev, *rate = sys.argv[1:]
with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL)) as wire:
    wire.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
    if mode == "ask":
        wire.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
    wire.bind((netdev, ETH_P_ALL if mode == "capture" else 0))
    if mode != "capture":
        due = time.monotonic()
        for line in sys.stdin:
            wire.send(bytes.fromhex(line))
            due += 1 / float(rate[0]) if rate else 0
            time.sleep(max(0, due - time.monotonic()))
    else:
        enlarge(wire)
        print("ready", flush=True)
        while True:
            frame, ancillary, _, source = wire.recvmsg(65536, socket.CMSG_SPACE(AUXDATA.size))
            if source[2] != PACKET_OUTGOING:
                print(with_tag(frame, ancillary).hex(), flush=True)
