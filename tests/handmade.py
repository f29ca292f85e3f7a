"""Picture files put together by hand, to say what no program would write."""

import struct
import zlib

GREY, RGB, PALETTE, GREY_ALPHA, RGB_ALPHA = 0, 2, 3, 4, 6  # colour types of PNG
PIXEL = b"\0\x01\x02\x03"  # one row of one pixel in RGB, behind its filter byte


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(size: tuple[int, int], bits: int, colours: int, rows: bytes, *extra: bytes) -> bytes:
    """A PNG by hand: `colours` is its colour type, `rows` have their filter byte, `extra` are chunks before them."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", *size, bits, colours, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(extra) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def gif(screen: tuple[int, int], frame: tuple[int, int], at: tuple[int, int] = (0, 0)) -> bytes:
    """A GIF that says its size twice and has the pixels of one."""
    head = b"GIF89a" + struct.pack("<HHBBB", *screen, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    return head + b"," + struct.pack("<HHHHB", *at, *frame, 0) + b"\x02\x02\x4c\x01\x00" + b";"


def bmp(width: int, height: int, bits: int, compression: int, rest: bytes) -> bytes:
    info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, compression, 0, 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54 + len(rest), 0, 0, 54) + info + rest


def marked(data: bytes, marker: int, block: bytes) -> bytes:
    """A JPEG with one more segment behind its start."""
    return data[:2] + bytes([0xFF, marker]) + struct.pack(">H", len(block) + 2) + block + data[2:]
