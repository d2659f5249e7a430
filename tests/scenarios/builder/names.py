"""Generated names: the alphabet and the hash of pod templates."""

import json
import zlib

ALNUM = "bcdfghjklmnpqrstvwxz2456789"


def template_hash(template):
    n = zlib.crc32(json.dumps(template, sort_keys=True).encode()) | 0x10000000
    return "".join(ALNUM[ord(ch) % 27] for ch in str(n))


CA_PEM = """-----BEGIN CERTIFICATE-----
MIIBPjCB5aADAgECAhRF5d78wOPxcarZlaoZrciOqKspQTAKBggqhkjOPQQDAjAV
MRMwEQYDVQQDDAprdWJlcm5ldGVzMB4XDTI0MDYwMTA2MDAwMFoXDTQ0MDUyNzA2
MDAwMFowFTETMBEGA1UEAwwKa3ViZXJuZXRlczBZMBMGByqGSM49AgEGCCqGSM49
AwEHA0IABLAbLCiRX62seOUUNBHKnKvQMSw48NPkIQ6arPG7v39DLLxgGyTwgBd1
mRZ93panLP+bP1f2QQWDXqO2XpUyLxGjEzARMA8GA1UdEwEB/wQFMAMBAf8wCgYI
KoZIzj0EAwIDSAAwRQIhAOLqiuh4lxy3Ya85XEix/YhOXcYjhs18OKJYpI6skKtR
AiBD+WSSBmaspwHwObd+3JPwu2ZqnDQEWCxXqe/WxSWM4w==
-----END CERTIFICATE-----
"""
