"""What the differential checks share: octets as transcripts write them, and the tables of differences that are known.

A table is a Markdown file. A `## ` heading and the text under it say why peers differ; each row under that names its cases and
what became of them, peer by peer. A case that is in no row must come out the same everywhere, and one that is in a row
must come out as it says there.
"""

import hashlib, re
from pathlib import Path

SHORT = 100  # characters of a message that a table shows; of a longer one it has the digest


def unescape(text):
    """The octets of a line of a transcript: see `pop3-proto/tests/transcripts/README.md`."""
    octets = text.encode()
    octets = re.sub(rb"\\(\d+)\{([^}]*)\}", lambda run: run[2] * int(run[1]), octets)
    octets, ended = (octets[:-1], False) if re.search(rb"(?<!\\)(\\\\)*\\$", octets) else (octets, True)

    def one(escape):
        known = {b"r": b"\r", b"n": b"\n", b"t": b"\t", b"\\": b"\\"}
        return known.get(escape[1]) or bytes.fromhex(escape[1][1:].decode())

    return re.sub(rb"\\([rnt\\]|x[0-9a-fA-F]{2})", one, octets) + (b"\r\n" if ended else b"")


def escape(octets):
    named = {9: "\\t", 10: "\\n", 13: "\\r", 92: "\\\\"}
    # A table takes the bar and the backtick for its own.
    plain = lambda octet: 32 <= octet < 127 and octet not in b"|`"
    return "".join(named.get(octet) or (chr(octet) if plain(octet) else f"\\x{octet:02x}") for octet in octets)


def shown(octets):
    """Octets as a table has them."""
    text = escape(octets)
    if len(text) <= SHORT:
        return text
    return f"{len(octets)} octets, {hashlib.sha256(octets).hexdigest()[:12]}"


def cells(line):
    return [re.findall(r"`([^`]*)`", cell) for cell in line.strip("|").split("|")]


class Table:
    def __init__(self, file, peers):
        self.file, self.peers, self.rows, reason = Path(file), peers, {}, None
        for number, line in enumerate(self.file.read_text("utf-8").splitlines(), 1):
            if line.startswith("## "):
                reason = ""
            elif reason is not None and not line.startswith("|"):
                reason += line
            elif reason is not None and line.startswith("| `"):
                names, *outcomes = cells(line)
                where = f"{self.file.name}, line {number}"
                assert reason and "RFC" in reason, f"{where}: no reason that cites an RFC"
                assert len(outcomes) == len(peers), f"{where}: {len(peers)} outcomes are due"
                for name in names:
                    assert name not in self.rows, f"{where}: {name} stands twice"
                    self.rows[name] = [cell[0] if cell else None for cell in outcomes]

    def check(self, found, complete):
        """Says where what was found, a list of outcomes for each case, is not what is known; how often that is."""
        wrong = []
        for name, outcomes in found.items():
            told = [outcome for outcome in outcomes if outcome is not None]
            known = self.rows.get(name)
            if known is None and len(set(told)) > 1:
                wrong.append(f"not in {self.file.name}:\n{self.row(name, outcomes)}")
            elif known is not None and len(set(told)) == 1:
                wrong.append(f"a difference that is none any more: {name}: {told[0]}")
            elif known is not None and known != outcomes:
                wrong.append(f"not as in {self.file.name}:\n{self.row(name, known)}\n{self.row(name, outcomes)}")
        wrong += [f"no such case: {name}" for name in self.rows if complete and name not in found]
        for line in wrong:
            print(line)
        known = sum(name in self.rows for name in found)
        print(f"{len(found)} cases, {known} known to differ, {len(wrong)} not as they should be")
        return len(wrong)

    def row(self, name, outcomes):
        return "| " + " | ".join(f"`{text}`" if text is not None else "–" for text in [name, *outcomes]) + " |"
