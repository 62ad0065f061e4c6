# SPDX-License-Identifier: MIT
"""The ways through the auth proxy that --through names."""
import collections

Way = collections.namedtuple("Way", "title pool tls")

WAYS = {
    "proxy": Way("pooled", "on", False),
    "proxy-nopool": Way("not pooled", "off", False),
    "proxy-tls": Way("TLS", "on", True),
}
