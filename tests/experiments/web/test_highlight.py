import html
import re

import pytest

from experiments.web.highlight import code_lines

TEXTS = [
    "", "\n\nx=1\n", "a = '''x\n<y>\n'''\n", '"""\\', "x\r\ny", "f'{a}' \"b\\\"c", "@cached\nclass A: pass  # it's",
    "'" * 3000, "\\\"" * 3000, "- - " * 3000, "\n " * 3000, '"""' + "\\" * 3000,
]  # fmt: skip


@pytest.mark.parametrize("name", ["a.py", "a.yaml", "a.txt"])
@pytest.mark.parametrize("text", TEXTS)
def test_nothing_is_lost_or_unescaped(name: str, text: str) -> None:
    lines = code_lines(name, text)
    assert len(lines) == text.removesuffix("\n").count("\n") + 1
    plain = re.sub(r'</?span(?: class="code-\w+")?>', "", "\n".join(lines))
    assert "<" not in plain
    assert html.unescape(plain) == text.replace("\r\n", "\n").removesuffix("\n")
    assert all(line.count("<span") == line.count("</span>") for line in lines)


def test_what_has_a_class() -> None:
    (line,) = code_lines("a.py", "def f(n=10): return 'x'  # why")
    assert re.findall(r'class="code-(\w+)">([^<]*)', line) == [
        ("keyword", "def"), ("name", "f"), ("value", "10"), ("keyword", "return"),
        ("string", "&#x27;x&#x27;"), ("comment", "# why"),
    ]  # fmt: skip
    assert code_lines("a.yaml", "a#b: 1 # c") == ['a#b: 1 <span class="code-comment"># c</span>']
