/* Charts, drawn by dygraphs: page.chart(). */
{
    const COLOURS = 6;

    /* Its legend sets styles in HTML, which the page's policy forbids, and its axes' names are HTML: whoever names a
     * result could put markup there. Charts here have their own. */
    Dygraph.PLUGINS = Dygraph.PLUGINS.filter(plugin =>
        ![Dygraph.Plugins.Legend, Dygraph.Plugins.ChartLabels].includes(plugin));

    /* A text as HTML, which is what it takes for the numbers at its axes. */
    function markup(text) {
        return text.replace(/&/g, "&amp;").replace(/</g, "&lt;");
    }

    function colour(name) {
        return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
    }

    /* Bars from the axis to each point, as wide as the points' distance allows. */
    function drawBars(e) {
        const context = e.drawingContext;
        const base = e.dygraph.toDomYCoord(Math.max(0, e.dygraph.yAxisRange()[0]));
        const distances = e.points.slice(1).map((point, i) => point.canvasx - e.points[i].canvasx);
        const width = Math.max(1, Math.min(40, 0.8 * Math.min(...distances, 50)));
        context.fillStyle = e.color;
        for (const point of e.points) {
            context.fillRect(point.canvasx - width / 2, point.canvasy, width, base - point.canvasy);
        }
    }

    function looks(series) {
        return {colors: series.map((_, i) => colour(`--series-${i % COLOURS + 1}`)),
                gridLineColor: colour("--line"), axisLineColor: colour("--line")};
    }

    /* A chart in `parent`, which it fills; it follows the parent's width and the colour scheme.
     *   label     what it shows, for those who don't see it
     *   x, y      what the axes say
     *   series    names, at most six
     *   rows      [[x, y1, …], …] by ascending x; null: no value
     *   bars      true: bars in place of lines
     *   points    true: the points are marked
     *   dashed    names of the series that are drawn dashed (an ideal, a limit)
     *   fromZero  false: the y axis needn't begin at 0
     *   labelWidth  pixels from one number at the x axis to the next, at least
     *   binary    true: numbers are bytes, the y axis steps by powers of two
     *   value     how a number is said (default page.count); valueX likewise for x
     * Returns {update(rows), destroy()}. */
    page.chart = (parent, options) => {
        const legend = page.element("ul", {class: "legend", "aria-hidden": "true"});
        const canvas = page.element("div", {class: "drawn"});
        page.fill(parent, page.element("figure", {class: "chart", role: "img", "aria-label": options.label},
            page.element("div", {class: "canvas"}, canvas, options.y && page.element("div", {class: "y"}, options.y),
                options.x && page.element("div", {class: "x"}, options.x)), legend));
        const say = options.value || page.count;
        const sayX = options.valueX || page.count;
        let rows = options.rows;

        function describe(x, values) {
            page.fill(legend, x === undefined ? null : page.element("li", {class: "at"}, `${options.x} ${sayX(x)}`),
                options.series.map((name, i) => page.element("li", {class: `series-${i % COLOURS + 1}`},
                    values ? `${name} ${values[i] === null || values[i] === undefined ? "–" : say(values[i])}`
                        : name)));
        }

        /* dygraphs has names that mean something, and wants each once */
        const line = name => `line ${options.series.indexOf(name)}`;
        const chart = new Dygraph(canvas, rows, {
            ...looks(options.series),
            labels: ["x", ...options.series.map((_, i) => `line ${i}`)],
            showLabelsOnHighlight: false,
            includeZero: options.fromZero !== false,
            drawPoints: options.points === true, pointSize: 3, highlightCircleSize: 5, strokeWidth: 2,
            ...(options.bars ? {plotter: drawBars, xRangePad: 20} : {}),
            axisLabelFontSize: 12,
            axes: {y: {axisLabelWidth: 64, labelsKMG2: options.binary === true,
                axisLabelFormatter: value => markup(say(value))},
                   x: {pixelsPerLabel: options.labelWidth || 70, axisLabelFormatter: value => markup(sayX(value))}},
            series: Object.fromEntries((options.dashed || []).map(name =>
                [line(name), {strokePattern: [6, 4], drawPoints: false, strokeWidth: 1.5}])),
            interactionModel: {}, animatedZooms: false,
            highlightCallback: (event, x, points, row) => describe(x, rows[row].slice(1)),
            unhighlightCallback: () => describe(),
        });
        describe();

        const resized = new ResizeObserver(() => chart.resize());
        resized.observe(canvas);
        const scheme = matchMedia("(prefers-color-scheme: dark)");
        const recolour = () => chart.updateOptions(looks(options.series));
        scheme.addEventListener("change", recolour);
        return {
            update(next) {
                rows = next;
                chart.updateOptions({file: next});
            },
            destroy() {
                resized.disconnect();
                scheme.removeEventListener("change", recolour);
                chart.destroy();
                page.fill(parent);
            },
        };
    };
}
