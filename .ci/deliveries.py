"""What the checks of deliveries share: mail on the server, processes that are held up, and what stands in a Maildir."""

import os, poplib, re, shutil, signal, socket, subprocess, sys, tempfile, threading, time
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

PROGRAM = os.path.abspath(sys.argv[1])
PORT = int(os.environ["POP3_PORT"])
MAIL = Path(os.environ["POP3_MAIL"])
PASSWORDS = dict(re.findall(r"^(\w+):\{PLAIN\}(.*?):", Path(os.environ["POP3_USERS"]).read_text("utf-8"), re.M))
SCRATCH = Path(tempfile.mkdtemp())
MIB = 1 << 20
LIMIT = 120  # seconds for one run of PROGRAM: far beyond what any needs, so that a hang is a failure
STARTED = []


# The mail.

def message(subject, body):
    head = f"From: a@example.org\nTo: b@example.org\nSubject: {subject}\nDate: Mon, 5 Jan 2026 10:00:00 +0000\n\n"
    return head.encode().replace(b"\n", b"\r\n") + body


ODD = [
    message("plain", b"Hello\r\n"),
    message("stuffed dots", b".\r\n..\r\n.leading\r\nmid.dle\r\n...\r\n.\r\n"),
    message("empty body", b""),
    message("no final newline", b"the last line has no newline"),
    message("no final newline after a dot", b"."),
    message("8-bit", "grüße 日本語\r\n".encode() + bytes(range(128, 256)) + b"\r\n"),
    message("5000 octets in a line", b"x" * 5000 + b"\r\n"),
    message("LF only", b"one\ntwo\n.three\n.\n\nend\n").replace(b"\r\n", b"\n"),
    message("dense dots", (b"." * 70 + b"\r\n") * 15000),
]


def on_the_wire(source):
    """What Dovecot sends for a stored message, after un-stuffing.

    Dovecot turns each bare LF of the file into CRLF, and if the last line has no end it sends one, because the
    terminator needs a line of its own. (LIST does not count those last two octets.) All else is sent as it is.
    """
    text = re.sub(rb"(?<!\r)\n", b"\r\n", source)
    return text if text.endswith(b"\r\n") else text + b"\r\n"


def fill(user, sources):
    """Gives a user a fresh maildrop."""
    shutil.rmtree(MAIL / user, ignore_errors=True)
    maildir = MAIL / user / "Maildir"
    for folder in ("cur", "new", "tmp"):
        (maildir / folder).mkdir(parents=True)
    for i, source in enumerate(sources):
        (maildir / "cur" / f"{1700000000 + i}.M{i}P1.host:2,").write_bytes(source)
    for path in (MAIL / user, *(MAIL / user).rglob("*")):
        shutil.chown(path, "nobody", "nogroup")


# Running the program.

def fresh(name="Maildir"):
    return Path(tempfile.mkdtemp(dir=SCRATCH)) / name


def launch(*words, output=subprocess.PIPE):
    process = subprocess.Popen(
        [PROGRAM, *map(str, words)], stdin=subprocess.DEVNULL, stdout=output, stderr=output,
        # Whatever mode a file ends up with is of the program's own making, and so is where it ends up.
        umask=0, cwd=tempfile.mkdtemp(dir=SCRATCH))
    STARTED.append(process)
    return process


def end(process, status=0):
    try:
        out, err = (text.decode() for text in process.communicate(timeout=LIMIT))
    except subprocess.TimeoutExpired:
        process.kill()
        raise AssertionError(f"still running after {LIMIT} s") from None
    assert process.returncode == status, f"exit {process.returncode}, not {status}; stderr: {err}"
    return out, err


def peak_memory(process):
    """Octets resident at most until `process` ends, and how often that was looked at."""
    peaks = []
    # Its own high-water mark: what wait4 answers also counts this script, from before the exec.
    while process.poll() is None:
        if peak := re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{process.pid}/status").read_text()):
            peaks.append(int(peak[1]) * 1024)
        time.sleep(0.001)
    assert len(peaks) >= 10, f"only {len(peaks)} looks at its memory"
    return peaks[-1], len(peaks)


def as_written(to):
    """What changes when a file is written anew."""
    return [(path, path.stat().st_ino, path.stat().st_mtime_ns) for path in inside(to / "new")]


def inside(folder):
    return sorted(path for path in folder.iterdir()) if folder.is_dir() else []


def delivered(to):
    return Counter(path.read_bytes() for path in inside(to / "new"))


def same(found, wanted):
    def name(octets):
        subject = re.search(rb"Subject: ([^\r\n]*)", octets)
        return f"{subject[1].decode() if subject else octets[:40]!r} ({len(octets)} octets)"
    def names(difference):
        return ", ".join(f"{n} x {name}" for name, n in Counter(map(name, difference.elements())).most_common(9)) or "none"
    assert found == wanted, f"missing: {names(wanted - found)}; surplus or altered: {names(found - wanted)}"


def until(condition, process, what):
    deadline = time.monotonic() + 30
    while not condition():
        assert process.poll() is None, f"ended with {process.returncode} before {what}: {process.stderr.read()}"
        assert time.monotonic() < deadline, f"not within 30 s: {what}"
        time.sleep(0.005)


@contextmanager
def slow_line(octets):
    """A way to the server that lets so many octets through at once and after that 3 kB a second."""
    listener = socket.create_server(("127.0.0.1", 0))
    reached = threading.Event()

    def pump(source, sink, left):
        try:
            while data := source.recv(16384 if left > 0 else 64):
                sink.sendall(data)
                left -= len(data)
                if left <= 0:
                    reached.set()
                    time.sleep(0.02)
        except OSError:
            pass
        for side in (source, sink):
            side.close()

    def serve():
        client, server = listener.accept()[0], socket.create_connection(("127.0.0.1", PORT))
        threading.Thread(target=pump, args=(client, server, sys.maxsize), daemon=True).start()
        pump(server, client, octets)

    threading.Thread(target=serve, daemon=True).start()
    with listener:
        yield listener.getsockname()[1], reached


# The checks, in the order they run.

CHECKS = []


def check(function):
    CHECKS.append(function)
    return function


def main(before):
    """Runs the checks, each after `before`."""
    # An ignored SIGINT, as a background job has it, would be inherited.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    wanted = [one for one in CHECKS if not sys.argv[2:] or any(part in one.__name__ for part in sys.argv[2:])]
    try:
        failed = sum(not passes(function, before) for function in wanted)
    finally:
        shutil.rmtree(SCRATCH, ignore_errors=True)
    if failed:
        print(f"{os.path.basename(sys.argv[0])}: {failed} checks failed")
    return failed > 0 or not wanted


def passes(function, before):
    before()
    began = time.monotonic()
    problem = None
    try:
        function()
    except (AssertionError, OSError, poplib.error_proto, subprocess.TimeoutExpired) as error:
        problem = error
        print(f"     {type(error).__name__}: {error}")
    for process in STARTED:
        process.kill()
        process.wait()
    STARTED.clear()
    outcome = "FAIL" if problem else "ok  "
    print(f"{outcome} {function.__name__.replace('_', ' ')} ({time.monotonic() - began:.1f} s)", flush=True)
    return problem is None
