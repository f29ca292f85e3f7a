"""The report in a real browser: it fits a phone, says nothing on the console, and axe-core finds nothing."""

import html
import json
import re
import subprocess
from pathlib import Path

import pytest

from browser import AXE, CHROMIUM, needed

POLICY = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>')
RUNNER = """<script>addEventListener("load", () => axe.run(document).then(found =>
  parent.postMessage(found.violations.map(one => [one.id, one.impact, one.nodes[0].html]), "*")))</script>"""
FRAMES = """<!DOCTYPE html><title>frames</title><pre id="found"></pre>
<iframe id="phone" src="page.html" style="width: 320px; height: 800px"></iframe>
<iframe id="wide" src="broken.html" style="width: 320px; height: 800px"></iframe>
<script>
const said = {axe: {}}, frames_ = [["light.html", "light"], ["broken-axe.html", "broken"]];
addEventListener("message", event => {
  said.axe[[...document.querySelectorAll("iframe")].find(one => one.contentWindow === event.source).id] = event.data;
  if (Object.keys(said.axe).length === frames_.length) {
    document.getElementById("found").textContent = JSON.stringify(said);
  }
});
addEventListener("load", () => {
  for (const id of ["phone", "wide"]) {
    const page = document.getElementById(id).contentDocument.documentElement;
    said[id] = [page.clientWidth, page.scrollWidth];
  }
  for (const [source, id] of frames_) {
    const frame = Object.assign(document.createElement("iframe"), {id, src: source, width: 1200, height: 900});
    document.body.append(frame);
  }
});
</script>"""
BROKEN = "<!DOCTYPE html><title>x</title><body><div style='width: 900px'>x</div><img src='data:,'></body>"


@pytest.mark.slow  # a browser starts and checks every element of the page
@needed
def test_a_phone_the_console_and_axe(full, tmp_path):
    axe = (Path(AXE.submodule_search_locations[0]) / "axe.min.js").read_text("utf-8").replace("</script", "<\\/script")
    checked = f"<script>{axe}</script>{RUNNER}</body>"
    assert POLICY.search(full.page)
    pages = {
        "page.html": full.page,
        "broken.html": BROKEN,
        "light.html": POLICY.sub("", full.page).replace("</body>", checked),
        "broken-axe.html": BROKEN.replace("</body>", checked),
        "frames.html": FRAMES,
    }
    for name, text in pages.items():
        (tmp_path / name).write_text(text, "utf-8")
    for dark in ([], ["--blink-settings=preferredColorScheme=0"]):
        found, console = opened(tmp_path, dark)
        width, needed = found["phone"]
        assert needed <= width <= 320
        assert found["wide"][1] >= 900  # what does not fit is seen
        assert found["axe"]["light"] == []
        assert "image-alt" in {one[0] for one in found["axe"]["broken"]}  # and so is what axe is to find
        assert console == []


def opened(folder, options):
    """What the frames found, and the lines of the console."""
    words = [
        CHROMIUM,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--allow-file-access-from-files",
        "--enable-logging=stderr",
        f"--user-data-dir={folder / 'profile'}",
        "--virtual-time-budget=60000",
        *options,
        "--dump-dom",
        (folder / "frames.html").as_uri(),
    ]
    done = subprocess.run(words, capture_output=True, text=True, timeout=240, check=True)
    text = re.search(r'<pre id="found">(.*?)</pre>', done.stdout, flags=re.DOTALL)[1]
    return json.loads(html.unescape(text)), [line for line in done.stderr.splitlines() if "CONSOLE" in line]
