/* Plots that are a picture of their own, to be saved: page.plot(). Colours are attributes, so that the file needs
 * nothing else; in the page, classes go before them.
 *
 * No text stands where something is drawn, so none has to look for room, whatever was measured: a legend between the
 * title and the plotted area names what is in it, numbers are left of it and below. What fits is known before anything
 * is drawn, by an upper bound of how wide a text is, as the file may be shown with another font. */
{
    const SIDE = 8;     /* between texts and the picture's edge */
    const ROW = 18;     /* of the legend */
    const TITLE = 34;   /* above the legend's first row's middle */
    const RIGHT = 18;
    const BOTTOM = 44;  /* numbers, and what they are */
    const INSET = 16;   /* of the first and the last count from the plotted area's sides */
    const SAMPLE = 24;  /* a line's in the legend */
    const INK = "#1c2422";
    const SOFT = "#58625f";
    const LINE = "#d9dedb";
    const COLOURS = {measured: "#0b6e69", ideal: "#b4510b"};
    const FONT = 12;
    const FOOT_FONT = 11;

    function node(tag, attributes = {}, ...children) {
        const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
        for (const [name, value] of Object.entries(attributes)) {
            made.setAttribute(name, typeof value === "number" ? Number(value.toFixed(2)) : value);
        }
        made.append(...children);
        return made;
    }

    function text(x, y, content, more = {}) {
        return node("text", {x, y, fill: SOFT, class: "soft", "font-size": FONT, ...more}, content);
    }

    /* --- what fits --- */

    /* In ems, at most: DejaVu Sans is the widest of the usual fonts. Characters of East Asia are as wide as high. */
    const WIDTHS = [[/[ !"'(),./:;I[\\\]fijlrt|-]/, 0.46], [/[$*0-9?_a-ln-vxyz]/, 0.64], [/[^]/, 1.05]];

    function widthOf(content, size = FONT) {
        const ems = [...content].map(character => WIDTHS.find(([set]) => set.test(character))[1]);
        return size * ems.reduce((sum, em) => sum + em, 0);
    }

    /* Where things of these widths stand beside each other, in rows that are no wider than `room`: [{x, row}]. */
    function flow(widths, room) {
        let [x, row] = [0, 0];
        return widths.map(width => {
            if (x > 0 && x + width > room) {
                [x, row] = [0, row + 1];
            }
            x += width;
            return {x: x - width, row};
        });
    }

    /* The text of the foot in lines that are no wider than `room`; long words are cut. */
    function wrap(content, room) {
        const pieces = content.match(/\s*\S{1,20}/gu);
        const lines = [];
        flow(pieces.map(piece => widthOf(piece, FOOT_FONT)), room).forEach(({row}, i) => {
            lines[row] = (lines[row] || "") + pieces[i];
        });
        return lines;
    }

    /* Round numbers from 0 to at least `top`, about `count` of them. */
    function ticks(top, count) {
        const power = 10 ** Math.floor(Math.log10(top / count));
        const step = power * [1, 2, 5, 10].find(factor => factor * power * count >= top);
        return Array.from({length: Math.ceil(top / step - 1e-9) + 1}, (_, i) => Number((i * step).toPrecision(6)));
    }

    /* Those of `values` that have room for their numbers. */
    function sparse(values, place) {
        let end = -Infinity;
        return values.filter(value => {
            const half = widthOf(String(value)) / 2;
            const fits = place(value) - half >= end;
            end = fits ? place(value) + half + SIDE : end;
            return fits;
        });
    }

    /* --- what is drawn --- */

    function stroke(name, points, more = {}) {
        return node("path", {d: `M${points.map(([x, y]) => `${x.toFixed(2)} ${y.toFixed(2)}`).join("L")}`, fill: "none",
                             class: name, ...more});
    }

    function marker(name, [x, y], isHollow) {
        return node("circle", {cx: x, cy: y, r: 4, stroke: COLOURS[name], "stroke-width": 2,
                               fill: isHollow ? "#ffffff" : COLOURS[name],
                               class: `${name} ${isHollow ? "hollow" : "full"}`});
    }

    function dot([x, y]) {
        return node("circle", {cx: x, cy: y, r: 2.5, fill: COLOURS.measured, "fill-opacity": 0.5,
                               class: "measured dot"});
    }

    /* A line, and markers at these of its points: [[x, y, isHollow], …]. */
    function line({name, dashed}, points, marked) {
        return [
            stroke(name, points,
                   {stroke: COLOURS[name], "stroke-width": 2, ...(dashed && {"stroke-dasharray": "6 4"})}),
            ...(dashed ? [] : marked.map(([x, y, isHollow]) => marker(name, [x, y], isHollow))),
        ];
    }

    function coresMark(x, top, bottom) {
        return stroke("mark", [[x, top], [x, bottom]], {stroke: SOFT});
    }

    /* What the legend has: {label, width, sample(x, y)}, a sample with its middle at the height y and its left end at
     * x. Values far above all others would leave no room for these, and are told in words. */
    function legendOf(panel) {
        const beyond = panel.dots.map(([, y]) => y).filter(y => y > panel.top);
        return [
            ...panel.lines.map(each => ({label: each.label, width: SAMPLE, sample: (x, y) =>
                line(each, [[x, y], [x + SAMPLE, y]], [[x + SAMPLE / 2, y, false]])})),
            panel.dots.length > 0 && {label: "calls", width: 5, sample: (x, y) => [dot([x + 2.5, y])]},
            panel.isMarked && {label: `${panel.cores} ${panel.cores === 1 ? "core" : "cores"}`, width: 2,
                               sample: (x, y) => [coresMark(x + 1, y - 7, y + 7)]},
            beyond.length > 0 && {label: `${beyond.length} ${beyond.length === 1 ? "call" : "calls"} above, up to ` +
                                  page.count(Math.max(...beyond)), width: 0, sample: () => []},
        ].filter(each => each);
    }

    /* Where its parts are: those of flow(). */
    function legendPlaces(legend, width) {
        return flow(legend.map(each => each.width + widthOf(each.label) + 2 * SIDE), width - 2 * SIDE);
    }

    function drawLegend(legend, width) {
        return legendPlaces(legend, width).flatMap(({x, row}, i) => {
            const [left, middle] = [SIDE + x, TITLE + ROW * row];
            return [...legend[i].sample(left, middle),
                text(left + legend[i].width + (legend[i].width && 6), middle + 4, legend[i].label)];
        });
    }

    function drawAxes(panel, frame, places) {
        return [
            text(SIDE, 18, panel.title, {fill: INK, class: "ink", "font-size": 14, "font-weight": 600}),
            ...panel.values.map(value => stroke("line", [[frame.left, places.y(value)], [frame.right, places.y(value)]],
                                                {stroke: LINE})),
            ...panel.values.map(value =>
                text(frame.left - SIDE, places.y(value) + 4, page.count(value), {"text-anchor": "end"})),
            ...sparse(panel.counts, places.x).map(value =>
                text(places.x(value), frame.bottom + 18, String(value), {"text-anchor": "middle"})),
            text((frame.left + frame.right) / 2, frame.bottom + 38, "threads", {"text-anchor": "middle"}),
        ];
    }

    /* Where the machine's cores end, and what is beyond. */
    function drawCores(panel, frame, places) {
        const x = panel.isMarked ? places.x(panel.cores) : frame.left;
        return panel.cores > panel.counts.at(-1) ? [] : [
            node("rect", {x, y: frame.top, width: frame.right - x, height: frame.bottom - frame.top, fill: "#f1f4f2",
                          class: "beyond"}),
            ...(panel.isMarked ? [coresMark(x, frame.top, frame.bottom)] : []),
        ];
    }

    function drawPanel(panel, frame) {
        const [first, last] = [panel.counts[0], panel.counts.at(-1)];
        const places = {
            x: value => frame.left + INSET +
                (value - first) / (last - first || 1) * (frame.right - frame.left - 2 * INSET),
            y: value => frame.bottom - value / panel.top * (frame.bottom - frame.top),
        };
        const at = ([x, y]) => [places.x(x), places.y(y), x > panel.cores];
        return [
            ...drawCores(panel, frame, places),
            ...drawAxes(panel, frame, places),
            ...drawLegend(panel.legend, frame.width),
            ...panel.dots.filter(([, y]) => y <= panel.top).map(each => dot(at(each))),
            ...panel.lines.filter(each => each.points.length > 0)
                .flatMap(each => line(each, each.points.map(at), each.points.map(at))),
        ];
    }

    /* A panel with what follows from it: its y axis' numbers, that of its top, and its legend. A speed-up against a
     * time of 0 is no number, and isn't drawn. */
    function prepare(given) {
        const lines = given.lines.map(each => ({...each, points: each.points.filter(([, y]) => Number.isFinite(y))}));
        const values = ticks(Math.max(given.top, ...lines.flatMap(each => each.points).map(([, y]) => y)), 5);
        const isMarked = given.cores >= given.counts[0] && given.cores <= given.counts.at(-1);
        const panel = {...given, lines, values, top: values.at(-1), isMarked};
        return {...panel, legend: legendOf(panel)};
    }

    /* Where all panels have their plotted areas, which are of one size. */
    function frameOf(panels, width) {
        const rows = Math.max(...panels.flatMap(each => legendPlaces(each.legend, width)).map(({row}) => row)) + 1;
        const top = TITLE + ROW * rows;
        const bottom = top + Math.min(236, Math.max(156, 0.62 * width - 84));
        const widest = Math.max(...panels.flatMap(each => each.values).map(value => widthOf(page.count(value))));
        return {width, height: bottom + BOTTOM, left: 2 * SIDE + widest, right: width - RIGHT, top, bottom};
    }

    /* An <svg> of this width, 250 px or more, with panels beside each other, or below where they haven't 300 px each. A
     * panel:
     *   title    what its y axis is
     *   counts   the threads of its x axis, ascending
     *   cores    where a line marks the cores; what is beyond is shaded, its points hollow
     *   lines    [{name: "measured" | "ideal", label, dashed, points: [[threads, y], …]}]
     *   dots     [[threads, y], …], single values
     *   top      what the y axis reaches at least
     * label says what it shows; foot stands below. */
    page.plot = (given, {label, foot = "", width}) => {
        const panels = given.map(prepare);
        const columns = width >= 300 * panels.length ? panels.length : 1;
        const frame = frameOf(panels, width / columns);
        const end = frame.height * panels.length / columns;
        const lines = foot ? wrap(foot, width - 2 * SIDE) : [];
        const height = end + (foot ? SIDE + 16 * lines.length : 0);
        const place = i => columns > 1 ? `${(i * frame.width).toFixed(2)} 0` : `0 ${(i * frame.height).toFixed(2)}`;
        return node("svg",
            {width, height, viewBox: `0 0 ${width} ${height.toFixed(2)}`, role: "img", "aria-label": label,
             "font-family": "system-ui, 'DejaVu Sans', sans-serif"},
            node("title", {}, label),
            node("rect", {width, height, fill: "#ffffff", class: "paper"}),
            ...panels.map((panel, i) => node("g", {transform: `translate(${place(i)})`}, ...drawPanel(panel, frame))),
            ...lines.map((each, i) => text(SIDE, end + 12 + 16 * i, each, {"font-size": FOOT_FONT})));
    };

    /* The file of such an <svg>. */
    page.svgText = svg => `<?xml version="1.0" encoding="UTF-8"?>\n${new XMLSerializer().serializeToString(svg)}\n`;
}
