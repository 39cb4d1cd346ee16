#!/usr/bin/env python3
"""Fetches mail by poplib and drops it; `benches/clients --peers` starts it.

usage: poplib_drain.py HOST:PORT USER MESSAGES     prints the octets of all messages and their number
"""

import poplib, sys

host, port = sys.argv[1].rsplit(":", 1)
user, messages = sys.argv[2], int(sys.argv[3])
octets = 0
connection = poplib.POP3(host, int(port))
connection.user(user)
connection.pass_("secret")
for message in range(1, messages + 1):
    _, lines, _ = connection.retr(message)
    octets += sum(map(len, lines)) + 2 * len(lines)
connection.quit()
print(octets, messages)
