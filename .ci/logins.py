"""What the checks of the ways to log in share: they run the `fetch` example, look for secrets, and run side by side."""

import base64, os, shutil, subprocess, sys, tempfile, time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

FETCH = os.path.abspath(sys.argv[1])
CA = Path(os.environ["POP3_CERTIFICATES"]) / "ca.pem"
SCRATCH = Path(tempfile.mkdtemp())
LIMIT = 60  # seconds for one run of FETCH: far beyond what any needs, so that a hang is a failure
AT_ONCE = 4
CHECKS = []


def check(name, function, *arguments, **named):
    CHECKS.append((name, partial(function, *arguments, **named)))


def forms(secret):
    """A secret as it is, and what any base64 that holds it has in common."""
    octets = secret.encode()
    yield octets
    for before in range(3):
        text = base64.b64encode(b"x" * before + octets)
        # The outermost characters also hold bits of what stands beside the secret.
        yield text[-(-before * 8 // 6):len(text) - 4]


def fetch(url, *options, password=None, token=None, ca=CA, status=0):
    """Lists a maildrop; answers its stdout and its stderr, neither of which may hold a secret."""
    words = [FETCH, "--list", "--timeout", "20", *options]
    for option, secret in (("--password-file", password), ("--token-file", token)):
        if secret:
            file = Path(tempfile.mkdtemp(dir=SCRATCH)) / "secret"
            file.write_text(secret + "\n", "utf-8")
            words += [option, file]
    if ca:
        words += ["--ca", ca]
    done = subprocess.run([*words, url], stdin=subprocess.DEVNULL, capture_output=True, timeout=LIMIT, cwd=SCRATCH)
    for secret in filter(None, (password, token)):
        assert not any(form in done.stdout + done.stderr for form in forms(secret)), "a secret is in the output"
    err = done.stderr.decode()
    assert "panicked" not in err, err
    assert done.returncode == status, f"exit {done.returncode}, not {status}; stderr: {err}"
    return done.stdout.decode(), err


def methods(err):
    return [line for line in err.splitlines() if "logged in" in line]


def accepted(method, listing, url, *options, **more):
    """`method` is what the line says after `logged in by`."""
    out, err = fetch(url, *options, **more)
    assert methods(err) == [f"logged in by {method}"], err
    assert out == listing, f"{out!r}, not {listing!r}"


def refused(says, url, *options, **more):
    out, err = fetch(url, *options, status=1, **more)
    assert not out and not methods(err), f"{out!r}; stderr: {err}"
    for text in says:
        assert text in err, f"stderr does not say {text!r}: {err}"


def say(line):
    sys.stdout.write(line + "\n")  # in one piece, where others speak too
    sys.stdout.flush()


def main():
    wanted = [one for one in CHECKS if not sys.argv[2:] or any(part in one[0] for part in sys.argv[2:])]

    def outcome(one):
        name, function = one
        began = time.monotonic()
        try:
            function()
        except Exception as error:  # whatever went wrong, the other checks have their say
            say(f"FAIL {name}: {type(error).__name__}: {error}")
            return False
        say(f"ok   {name} ({time.monotonic() - began:.1f} s)")
        return True

    try:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            passed = list(pool.map(outcome, wanted)).count(True)
    finally:
        shutil.rmtree(SCRATCH, ignore_errors=True)
    print(f"{passed} passed, {len(wanted) - passed} failed")
    return passed < len(wanted) or not wanted
