#!/usr/bin/python3 -B
"""Makes docs/pictures/monitoring-board.png: packaging/monitoring/forkjoin_board.json as a browser shows it, laid out as in
Grafana, which Debian doesn't have. Debian's Prometheus scrapes a service that all kinds of things are asked of, and
answers each panel's queries.
Usage: FORKJOIN=build/release/forkjoin tests/page/board.py
"""

import contextlib
import json
import pathlib
import re
import sys
import tempfile
import time

import browser

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "http"))
import collector  # noqa: E402
import monitoring_test  # noqa: E402
import server  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
PICTURE = ROOT / "docs" / "pictures" / "monitoring-board.png"
DYGRAPHS = pathlib.Path("/usr/share/javascript/dygraphs")
WIDTH, HEIGHT = 1440, 1180
ROWS = 29  # of the board's units: down to its second heading
WINDOW_S = 75  # what is drawn; rates of 60 s are whole by then
NAMED_AT_MOST = 8  # series in a legend

PAGE = """<!doctype html><meta charset=utf-8><style>%(style)s
body { margin: 8px; overflow: hidden; background: #f4f5f5; font: 12px "DejaVu Sans", sans-serif; color: #24292e }
main { display: grid; grid-template-columns: repeat(24, 1fr); grid-auto-rows: 34px; gap: 6px }
section { background: #fff; border: 1px solid #ddd; padding: 6px 8px; overflow: hidden; display: flex; flex-direction: column }
h1 { font-size: 12px; margin: 0 0 4px } h2 { font-size: 13px; margin: 10px 0 0 }
.number { font-size: 24px; color: #1a7f37; margin: auto; white-space: nowrap }
.plot { flex: 1; min-height: 0 } .legend { font-size: 10px; line-height: 1.4; max-height: 56px; overflow: hidden }
.legend span { margin-right: 8px; white-space: nowrap }
</style><main></main><script>%(script)s</script><script>
const panels = %(panels)s, start = %(start)s, end = %(end)s;
const units = {s: [1, "s"], bytes: [1, "B"], Bps: [1, "B/s"], reqps: [1, "/s"], ops: [1, "/s"], percentunit: [100, "%%"]};
const scaled = (value, unit) => {
    const [factor, word] = units[unit] ?? [1, ""];
    let number = value * factor, prefix = "";
    if (number !== 0 && word && word !== "%%") {
        const steps = [[1e9, "G"], [1e6, "M"], [1e3, "k"], [1, ""], [1e-3, "m"], [1e-6, "µ"]];
        const [size, letter] = steps.find(([size]) => Math.abs(number) >= size && (word !== "s" || size <= 1)) ?? [1, ""];
        number /= size; prefix = letter;
    }
    return `${+number.toPrecision(3)} ${prefix}${word}`.trim();
};
for (const panel of panels) {
    const box = document.createElement(panel.type === "row" ? "h2" : "section");
    const {x, y, w, h} = panel.gridPos;
    box.style.gridArea = `${y + 1} / ${x + 1} / span ${h} / span ${w}`;
    document.querySelector("main").append(box);
    if (panel.type === "row") { box.textContent = panel.title; continue; }
    box.innerHTML = "<h1></h1>";
    box.firstChild.textContent = panel.title;
    if (panel.type === "stat") {
        const number = document.createElement("div");
        number.className = "number";
        number.textContent = scaled(panel.series[0]?.values.at(-1)[1] ?? NaN, panel.unit);
        box.append(number);
        continue;
    }
    const plot = document.createElement("div"), legend = document.createElement("div");
    plot.className = "plot"; legend.className = "legend";
    box.append(plot, legend);
    if (panel.series.length === 0) continue;
    const colors = ["#1f77b4", "#d95f02", "#2ca02c", "#d62728", "#9467bd", "#8c564b", "#e377c2", "#7f7f7f", "#999900", "#17a2b8"];
    const color = i => colors[i %% colors.length];
    panel.series.slice(0, %(named)d).forEach((one, i) => {
        const name = document.createElement("span");
        name.textContent = `— ${one.name}`;
        name.style.color = color(i);
        legend.append(name);
    });
    if (panel.series.length > %(named)d) legend.append(`and ${panel.series.length - %(named)d} more`);
    const times = [...new Set(panel.series.flatMap(one => one.values.map(([time]) => time)))].sort((a, b) => a - b);
    const columns = panel.series.map(one => new Map(one.values));
    new Dygraph(plot, times.map(time => [new Date(time * 1000), ...columns.map(column => column.get(time) ?? null)]), {
        colors: panel.series.map((_, i) => color(i)), labels: ["time", ...panel.series.map((_, i) => String(i))],
        legend: "never", includeZero: true, connectSeparatedPoints: true,
        dateWindow: [start * 1000, end * 1000],
        axes: {y: {axisLabelWidth: 60, axisLabelFormatter: value => scaled(value, panel.unit)}, x: {axisLabelFontSize: 11}},
        series: Object.fromEntries(panel.series.map((one, i) => [i, one.is_limit ? {strokePattern: [6, 4]} : {}])),
    });
}
</script>"""


def name_of(target, labels):
    return re.sub(r"\{\{(\w+)\}\}", lambda found: labels.get(found.group(1), ""), target.get("legendFormat") or "") or "value"


def series_of(prometheus, panel, begun, end):
    for target in panel.get("targets", []):
        answer = prometheus.ask("query_range", query=monitoring_test.resolve(target["expr"]), start=begun, end=end, step=2)
        for one in answer["result"]:
            name = name_of(target, one["metric"])
            values = [(moment, float(text)) for moment, text in one["values"] if text not in ("NaN", "+Inf")]
            if values:
                yield {"name": name, "values": values, "is_limit": name.startswith(("limit", "total"))}


def drawn_panels():
    """Those that the picture has room for."""
    return [panel for panel in monitoring_test.BOARD["panels"]
            if panel["gridPos"]["y"] < ROWS and panel["type"] in ("row", "stat", "timeseries")]


def observe():
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        traces = stack.enter_context(collector.Collector())
        under_test = stack.enter_context(server.Server(
            cores=2, queue=2, jobs="durable", state_dir=folder / "state", job_cores=1, otlp=traces.url))
        prometheus = monitoring_test.Prometheus(folder, f"{under_test.host}:{under_test.port}")
        stack.callback(prometheus.stop)
        server.wait_until(prometheus.is_scraped, "Prometheus has scraped it")
        with monitoring_test.Traffic(under_test):
            time.sleep(60 + WINDOW_S)
        end = time.time()
        begun = end - WINDOW_S
        panels = [{"title": panel["title"], "type": panel["type"], "gridPos": panel["gridPos"],
                   "unit": panel.get("fieldConfig", {}).get("defaults", {}).get("unit"),
                   "series": list(series_of(prometheus, panel, begun, end))} for panel in drawn_panels()]
        return {"panels": json.dumps(panels), "start": begun, "end": end}


def main():
    observed = observe()
    text = {name: (DYGRAPHS / f"dygraph.min.{ending}").read_text() for name, ending in (("script", "js"), ("style", "css"))}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        page = pathlib.Path(folder) / "board.html"
        page.write_text(PAGE % {**observed, **text, "named": NAMED_AT_MOST})
        chromium = browser.start(folder)
        try:
            chromium.set_window_size(WIDTH, HEIGHT)
            chromium.execute_cdp_cmd("Emulation.setDeviceMetricsOverride",
                                     {"width": WIDTH, "height": HEIGHT, "deviceScaleFactor": 1, "mobile": False})
            chromium.get(page.as_uri())
            time.sleep(1)
            chromium.save_screenshot(str(PICTURE))
        finally:
            chromium.quit()
    print(PICTURE)


if __name__ == "__main__":
    main()
