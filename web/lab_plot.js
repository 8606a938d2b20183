/* Plots that are a picture of their own, to be saved: page.plot(). Colours are attributes, so that the file needs
 * nothing else; in the page, classes go before them. */
{
    const MARGIN = {left: 58, right: 18, top: 40, bottom: 44};
    const INK = "#1c2422";
    const SOFT = "#58625f";
    const LINE = "#d9dedb";
    const COLOURS = {measured: "#0b6e69", ideal: "#b4510b"};

    function node(tag, attributes = {}, ...children) {
        const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
        for (const [name, value] of Object.entries(attributes)) {
            made.setAttribute(name, typeof value === "number" ? Number(value.toFixed(2)) : value);
        }
        made.append(...children);
        return made;
    }

    function text(x, y, content, more = {}) {
        return node("text", {x, y, fill: SOFT, class: "soft", "font-size": 12, ...more}, content);
    }

    /* Round numbers from 0 to at least `top`, about `count` of them. */
    function ticks(top, count) {
        const power = 10 ** Math.floor(Math.log10(top / count));
        const step = power * [1, 2, 5, 10].find(factor => factor * power * count >= top);
        return Array.from({length: Math.ceil(top / step - 1e-9) + 1}, (_, i) => Number((i * step).toPrecision(6)));
    }

    /* Those of `values` that have room for their numbers. */
    function sparse(values, place) {
        let last = -Infinity;
        return values.filter(value => place(value) - last >= 26 && (last = place(value), true));
    }

    function axes(panel, places, values, width, height) {
        const bottom = height - MARGIN.bottom;
        return [
            text(MARGIN.left, 18, panel.title, {fill: INK, class: "ink", "font-size": 14, "font-weight": 600}),
            ...values.map(value =>
                node("path", {d: `M${MARGIN.left} ${places.y(value).toFixed(2)}H${width - MARGIN.right}`,
                                                 stroke: LINE, class: "line", fill: "none"})),
            ...values.map(value =>
                text(MARGIN.left - 8, places.y(value) + 4, page.count(value), {"text-anchor": "end"})),
            ...sparse(panel.counts, places.x).map(value =>
                text(places.x(value), bottom + 18, String(value), {"text-anchor": "middle"})),
            text((MARGIN.left + width - MARGIN.right) / 2, height - 6, "threads", {"text-anchor": "middle"}),
        ];
    }

    /* --- where a text has room --- */

    /* Does the polyline, by ascending x, go through the box? */
    function crosses(at, box) {
        return at.slice(1).some(([x, y], i) => {
            const [fromX, fromY] = at[i];
            const [begin, end] = [Math.max(fromX, box.left), Math.min(x, box.right)];
            const [one, other] = [begin, end].map(where => fromY + (y - fromY) * (where - fromX) / (x - fromX || 1));
            return begin <= end && Math.max(one, other) >= box.top && Math.min(one, other) <= box.bottom;
        });
    }

    function overlap(one, other) {
        return one.left <= other.right && other.left <= one.right && one.top <= other.bottom && other.top <= one.bottom;
    }

    /* What is in a panel but for texts: its lines, those of the numbers at the y axis too, and its dots. */
    function occupied(panel, places, values, width) {
        const level = value => [[MARGIN.left, places.y(value)], [width - MARGIN.right, places.y(value)]];
        return {
            lines: [...panel.lines.map(each => each.points.map(([x, y]) => [places.x(x), places.y(y)])),
                ...values.map(level)],
            boxes: panel.dots.map(([x, y]) => ({left: places.x(x) - 3, right: places.x(x) + 3, top: places.y(y) - 3,
                                                bottom: places.y(y) + 3})),
        };
    }

    /* The text at the first of these heights where nothing crosses it, which it occupies then; at the first of all
     * where there is none. */
    function placed(label, x, heights, occupied, more) {
        const wide = 7 * label.length;
        const left = more["text-anchor"] === "end" ? x - wide : x;
        const box = y => ({left, right: left + wide, top: y - 11, bottom: y + 3});
        const isFree = y => !occupied.lines.some(line => crosses(line, box(y))) &&
            !occupied.boxes.some(each => overlap(each, box(y)));
        const y = heights.find(isFree) ?? heights[0];
        occupied.boxes.push(box(y));
        return text(x, y, label, more);
    }

    /* From one height to another, pixel by pixel. */
    function heightsBetween(first, last) {
        return Array.from({length: Math.max(1, Math.floor(last - first))}, (_, i) => first + i);
    }

    /* --- what is drawn --- */

    /* Where the machine's cores end, and what is beyond. */
    function cores(panel, places, width, height, taken) {
        const x = places.x(panel.cores);
        const last = panel.counts[panel.counts.length - 1];
        const bottom = height - MARGIN.bottom;
        if (panel.cores > last) {
            return [];
        }
        const isRight = x > width / 2;
        const label = `${panel.cores} ${panel.cores === 1 ? "core" : "cores"}`;
        return [
            node("rect", {x, y: MARGIN.top, width: width - MARGIN.right - x, height: bottom - MARGIN.top,
                          fill: "#f1f4f2", class: "beyond"}),
            node("path", {d: `M${x.toFixed(2)} ${MARGIN.top}V${bottom}`, stroke: SOFT, class: "mark", fill: "none"}),
            placed(label, x + (isRight ? -5 : 5), heightsBetween(MARGIN.top + 14, bottom - 4), taken,
                   {"text-anchor": isRight ? "end" : "start"}),
        ];
    }

    /* A line's name is at its end, the ideal's above and the measured one's below, where there is room. */
    function lineName(each, [x, y], floor, taken) {
        const isAbove = each.dashed || y + 26 > floor;
        return placed(each.label, x + (isAbove ? 6 : -4), isAbove ? [y - 9] : heightsBetween(y + 20, floor - 4), taken,
                      {"text-anchor": "end", fill: COLOURS[each.name], class: `${each.name} name`});
    }

    function line(each, panel, places, taken) {
        const colour = COLOURS[each.name];
        const at = each.points.map(([x, y]) => [places.x(x), places.y(y)]);
        if (!at.length) {
            return [];
        }
        const drawn = [node("path", {d: "M" + at.map(([x, y]) => `${x.toFixed(2)} ${y.toFixed(2)}`).join("L"),
                                     fill: "none", stroke: colour, "stroke-width": 2, class: each.name,
                                     ...(each.dashed ? {"stroke-dasharray": "6 4"} : {})})];
        if (!each.dashed) {
            drawn.push(...at.map(([x, y], i) => node("circle", {cx: x, cy: y, r: 4, stroke: colour, "stroke-width": 2,
                fill: each.points[i][0] > panel.cores ? "#ffffff" : colour,
                class: each.points[i][0] > panel.cores ? `${each.name} hollow` : `${each.name} full`})));
        }
        return [...drawn, lineName(each, at[at.length - 1], places.y(0), taken)];
    }

    /* Single values. Few that are far above all others would leave no room for these: they are told in words,
     * below the title, as beside it there may be no room. */
    function dots(panel, places, top) {
        const beyond = panel.dots.filter(([, y]) => y > top);
        return [
            ...panel.dots.filter(([, y]) => y <= top).map(([x, y]) =>
                node("circle", {cx: places.x(x), cy: places.y(y), r: 2.5, fill: COLOURS.measured, "fill-opacity": 0.35,
                                class: "measured dot"})),
            ...(beyond.length ? [text(MARGIN.left, 33, `${beyond.length} above, up to ` +
                page.count(Math.max(...beyond.map(([, y]) => y))))] : []),
        ];
    }

    function drawPanel(panel, width, height) {
        const [first, last] = [panel.counts[0], panel.counts[panel.counts.length - 1]];
        const values = ticks(Math.max(panel.top, ...panel.lines.flatMap(each => each.points).map(([, y]) => y)), 5);
        const top = values[values.length - 1];
        const places = {
            x: value => MARGIN.left + 16 +
                (value - first) / (last - first || 1) * (width - MARGIN.left - MARGIN.right - 32),
            y: value => height - MARGIN.bottom - value / top * (height - MARGIN.top - MARGIN.bottom),
        };
        const taken = occupied(panel, places, values, width);
        const lines = panel.lines.flatMap(each => line(each, panel, places, taken)); /* their names come first */
        return [
            ...cores(panel, places, width, height, taken),
            ...axes(panel, places, values, width, height),
            ...dots(panel, places, top),
            ...lines,
        ];
    }

    /* An <svg> of this width with panels beside each other, or below where they haven't 300 px each. A panel:
     *   title    what its y axis is
     *   counts   the threads of its x axis, ascending
     *   cores    where a line marks the cores; what is beyond is shaded, its points hollow
     *   lines    [{name: "measured" | "ideal", label, dashed, points: [[threads, y], …]}]
     *   dots     [[threads, y], …], single values
     *   top      what the y axis reaches at least
     * label says what it shows; foot is a line below. */
    page.plot = (panels, {label, foot, width}) => {
        const columns = width >= 300 * panels.length ? panels.length : 1;
        const size = {width: width / columns, height: Math.min(320, Math.max(240, 0.62 * width / columns))};
        const height = size.height * panels.length / columns + (foot ? 24 : 0);
        const place = i => columns > 1 ? `${(i * size.width).toFixed(2)} 0` : `0 ${(i * size.height).toFixed(2)}`;
        return node("svg",
            {width, height, viewBox: `0 0 ${width} ${height.toFixed(2)}`, role: "img", "aria-label": label,
             "font-family": "system-ui, 'DejaVu Sans', sans-serif"},
            node("title", {}, label),
            node("rect", {width, height, fill: "#ffffff", class: "paper"}),
            ...panels.map((panel, i) =>
                node("g", {transform: `translate(${place(i)})`}, ...drawPanel(panel, size.width, size.height))),
            ...(foot ? [text(MARGIN.left, height - 8, foot, {"font-size": 11})] : []));
    };

    /* The file of such an <svg>. */
    page.svgText = svg => `<?xml version="1.0" encoding="UTF-8"?>\n${new XMLSerializer().serializeToString(svg)}\n`;
}
