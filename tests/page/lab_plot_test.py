"""The lab's plots, made of times that nobody has to measure: what they show can be read, whatever it is."""

import unittest

import browser

# plotOf(): a plot as the lab makes it, of one time for each count of threads. touches(): of plots of all sorts of times
# and cores, what a text touches: by the boxes that the browser draws it in.
PLOTS = """
    window.plotOf = (counts, times, cores, width) => {
        const dots = counts.flatMap((threads, i) => [0.9, 1.2, 30].map(factor => [threads, factor * times[i]]));
        const points = (name, label, y) => ({name, label, dashed: name === "ideal", points: counts.map((n, i) => [n, y(n, i)])});
        return page.plot([
            {title: "Time to compute, ms", counts, cores, dots, top: Math.max(1e-3, ...times),
             lines: [points("measured", "median", (_, i) => times[i])]},
            {title: "Speed-up", counts, cores, dots: [], top: 1,
             lines: [points("ideal", "ideal", n => n), points("measured", "measured", (_, i) => times[0] / times[i])]},
        ], {label: "", width, foot: "exp(-x)*".repeat(40) + " of 2,000,000 elements; “is” " + "WORD ".repeat(30) + "語".repeat(99)});
    };

    const boxOf = (node, margin = 0) => {
        const {left, right, top, bottom} = node.getBoundingClientRect();
        return {node, left: left - margin, right: right + margin, top: top - margin, bottom: bottom + margin};
    };
    const touch = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;

    /* Boxes of a few pixels along a line. */
    function along(path) {
        const {e, f} = path.getScreenCTM();
        const points = [...path.getAttribute("d").matchAll(/([\\d.-]+) ([\\d.-]+)/g)].map(([, x, y]) => [Number(x) + e, Number(y) + f]);
        return points.slice(1).flatMap(([x, y], i) => {
            const [fromX, fromY] = points[i];
            const steps = Math.ceil(Math.hypot(x - fromX, y - fromY) / 4);
            const [dx, dy] = [(x - fromX) / steps, (y - fromY) / steps];
            return Array.from({length: steps}, (_, k) => [[fromX + dx * k, fromX + dx * (k + 1)], [fromY + dy * k, fromY + dy * (k + 1)]]);
        }).map(([x, y]) => ({node: path, left: Math.min(...x) - 0.5, right: Math.max(...x) + 0.5,
                             top: Math.min(...y) - 0.5, bottom: Math.max(...y) + 0.5}));
    }

    window.touches = (counts, width) => {
        const found = [];
        const random = () => Math.random();
        for (const cores of [1, 2, 3, 8, 64]) {
            for (const time of [n => 40 / Math.min(n, cores), () => 7, n => 1e6 / n, () => 0.002, () => 0, random, n => n + random()]) {
                const svg = plotOf(counts, counts.map(time), cores, width);
                document.body.append(svg);
                const edge = boxOf(svg);
                const texts = [...svg.querySelectorAll("text")].map(text => boxOf(text));
                const drawn = [...[...svg.querySelectorAll("path")].flatMap(along),
                               ...[...svg.querySelectorAll("circle")].map(circle => boxOf(circle, 1))];
                texts.forEach((text, i) => {
                    const others = [...texts.slice(0, i), ...drawn].filter(each => touch(text, each));
                    const isOut = text.left < edge.left || text.right > edge.right || text.top < edge.top || text.bottom > edge.bottom;
                    if (others.length > 0 || isOut) {
                        found.push([text.node.textContent, others.length > 0 ? others[0].node.outerHTML : "the edge", cores, String(time)]);
                    }
                });
                svg.remove();
            }
        }
        return found.slice(0, 5);
    };
"""


class LabPlotTest(browser.PageTest):
    view = "lab"

    def test_texts_of_a_plot_touch_nothing(self):
        """Neither each other nor anything drawn, nor the picture's edge: however narrow it is, whatever was measured."""
        counts = [[1], [1, 2], [1, 2, 3], [8], list(range(1, 9)), [2**i for i in range(7)], list(range(1, 65)), [1, 1000, 1024]]
        self.script(PLOTS)
        for width in (250, 340, 960):
            for threads in counts:
                with self.subTest(width=width, threads=threads):
                    self.assertEqual(self.script("return touches(...arguments)", threads, width), [])

    def test_a_plot_of_times_too_short_to_be_seen_has_no_broken_numbers(self):
        self.script(PLOTS)
        drawn = self.script("return plotOf([1, 2], [0, 0], 2, 700).outerHTML")
        self.assertNotIn("NaN", drawn)
        self.assertNotIn("Infinity", drawn)


if __name__ == "__main__":
    unittest.main()
