"""What a process prints is caught below Python. Runs in child processes: pytest owns the descriptors of this one."""

import subprocess
import sys
import textwrap

import pytest

PRELUDE = """
import ctypes, os, subprocess, sys, threading, time
from runners.harness.capture import OutputCapture

def read_all(capture):
    text = ""
    while piece := capture.read():
        text += piece
    return text

capture = OutputCapture()
"""


def child(body):
    """Run the code in a fresh process; what it writes to descriptor 9 is returned, with its stdout."""
    script = PRELUDE + textwrap.dedent(body)
    finished = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        timeout=60,
        errors="replace",
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


def test_python_c_and_children_are_caught_in_order_and_echoed():
    out = child("""
        capture.start()
        print("from python")
        print("to stderr", file=sys.stderr)
        sys.stderr.flush(); sys.stdout.flush()
        ctypes.CDLL(None).puts(b"from C")
        ctypes.CDLL(None).fflush(None)
        subprocess.run(["echo", "from a child"])
        capture.stop()
        text = read_all(capture)
        capture.close()
        assert text.index("to stderr") >= 0
        assert text.index("from C") < text.index("from a child"), text
        print(repr(text))
    """)
    assert out.count("from python") == 2, "once echoed, once in the captured text"
    assert "from a child" in out.splitlines()


def test_what_c_code_buffers_is_read_while_it_runs():
    child("""
        capture.start()
        ctypes.CDLL(None).puts(b"still in the buffer of the C library")
        text = read_all(capture)
        capture.close()
        assert "still in the buffer" in text
    """)


def test_descriptors_and_streams_come_back():
    out = child("""
        original = sys.stdout
        for number in range(3):
            capture = OutputCapture()
            capture.start()
            sys.stdout = open(os.devnull, "w")
            capture.stop()
            assert sys.stdout is original
            capture.close()
        assert len(os.listdir("/proc/self/fd")) < 10, os.listdir("/proc/self/fd")
        print("after")
    """)
    assert out == "after\n"


def test_characters_that_are_cut_in_half_stay_whole():
    child("""
        capture.start()
        half = "€".encode()
        os.write(1, b"x" + half[:1])
        first = capture.read()
        os.write(1, half[1:])
        second = capture.read()
        os.write(1, b"\\xff bad")
        third = capture.read()
        capture.close()
        assert (first, second, third) == ("x", "€", "\\ufffd bad"), (first, second, third)
    """)


def test_a_flood_is_skipped_not_buffered():
    child("""
        capture = OutputCapture(max_backlog=1_000_000)
        capture.start()
        for _ in range(50):
            os.write(1, (b"x" * 99 + b"\\n") * 1000)
        os.write(1, b"the end")
        text = read_all(capture)
        capture.close()
        left = text.count("x\\n")
        lines, size = capture.take_skipped()
        assert (lines, size) == (50_000 - left, 5_000_007 - len(text)), (lines, size)
        assert text.endswith("the end")
        assert len(text) < 1_000_000
        assert capture.take_skipped() == (0, 0)
    """)


def test_a_million_lines_while_holding_the_gil_do_not_block():
    """A pipe would fill up after 64 KiB and stop a C function that prints without releasing the GIL."""
    child("""
        capture.start()
        libc = ctypes.PyDLL(None)  # PyDLL keeps the GIL
        for _ in range(20_000):
            libc.puts(b"x" * 100)
        libc.fflush(None)
        capture.close()
    """)


def test_the_disk_space_of_what_was_read_is_given_back():
    child("""
        capture.start()
        for _ in range(100):
            os.write(1, b"x" * 100_000)
            capture.read()
        blocks = os.fstat(1).st_blocks * 512
        capture.close()
        assert blocks < 2_000_000, blocks
    """)


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_user_code_may_close_its_streams(stream):
    child(f"""
        capture.start()
        sys.{stream}.close()
        capture.stop()
        capture.close()
    """)
