/* One piece of named data, at #data/<name>: what it is, its first rows, how its values are distributed, and how
 * requests refer to it. However long it is, little of it comes here: the service does the counting. */
{
    const {element, fill} = page;
    const ROWS = 10;
    const COLUMNS = 12;
    const ROW_BYTES = 1 << 18; /* of rows at most; what is behind isn't shown */
    const BINS = 40;
    const EXPRESSIONS = 14; /* a request takes 16 */
    const TEXT_BYTES = 2000;

    /* In lines of 16 digits or more, of about one length. */
    function hash(digits) {
        return element("code", {}, digits.match(/.{16}/g).flatMap(part => [part, element("wbr")]));
    }

    function facts(data) {
        return page.facts([
            ["Kind", data.kind],
            ["Type", data.dtype &&
                (data.sent_dtype === data.dtype ? data.dtype : `${data.dtype}, sent as ${data.sent_dtype}`)],
            ["Shape", data.shape && (data.shape.map(page.count).join(" × ") || "one number")],
            ["Size", page.bytes(data.bytes)],
            ["Created", page.moment(data.created)],
            ["Expires", data.expires ? page.moment(data.expires) : "never"],
            ["SHA-256", data.sha256 && hash(data.sha256), "long"],
        ]);
    }

    /* --- first rows --- */

    /* Numbers of a row: of all dimensions behind the first, one after the other. */
    const rowLength = data => data.shape.slice(1).reduce((product, length) => product * length, 1);

    /* Where the i-th of them is, as in NumPy: "2", or "0, 2" of three dimensions. */
    function placeInRow(data, i) {
        const places = [];
        for (const length of data.shape.slice(1).reverse()) {
            places.unshift(page.count(i % length));
            i = Math.floor(i / length);
        }
        return places.join(", ");
    }

    /* From row `begin` on, by the array's first bytes: rows may be long, and JSON has neither NaN nor infinity. */
    async function fetchRows(data, begin) {
        const width = rowLength(data);
        const end = Math.min(begin + ROWS, data.shape.length > 0 ? data.shape[0] : 1);
        const shown = Math.min(width, COLUMNS);
        const limit = Math.min(1024 + 8 * ((end - begin - 1) * width + shown), ROW_BYTES);
        const rows = data.shape.length > 0 ? `?rows=${begin}:${end}` : "";
        const answer = await page.call("GET", page.dataPath(data.name) + rows, {headers: {
            Accept: "application/x-npy", Range: `bytes=0-${limit - 1}`,
            "If-Match": `"${data.etag.slice(1, -1)}.npy"`}});
        if (!answer.ok) {
            throw new Error(page.problemText(answer));
        }
        const array = page.readNpy(answer.bytes)[0];
        const text = at => at < array.present ? array.textAt(at) : "…";
        return Array.from({length: end - begin}, (_, row) => [page.count(begin + row),
            ...Array.from({length: shown}, (_, column) => text(row * width + column)),
            ...(width > shown ? ["…"] : [])]);
    }

    function rowHeads(data) {
        const width = rowLength(data);
        const heads = data.shape.length > 1
            ? Array.from({length: Math.min(width, COLUMNS)}, (_, i) => placeInRow(data, i)) : ["value"];
        return ["row", ...heads, ...(width > COLUMNS ? [`${page.count(width)} in all`] : [])].map(text =>
            ({text, numeric: true}));
    }

    function showRows(parent, data) {
        const count = data.shape.length > 0 ? data.shape[0] : 1;
        const place = element("div");
        let begin = 0;
        async function move(to) {
            begin = to;
            back.disabled = begin === 0;
            on.disabled = begin + ROWS >= count;
            try {
                const rows = await fetchRows(data, to);
                if (to === begin) {
                    fill(place, page.table(`Rows of ${data.name}`, rowHeads(data), rows));
                }
            } catch (error) {
                if (to === begin) {
                    page.showError(place, error.message);
                }
            }
        }
        const button = (text, by) =>
            element("button", {type: "button", class: "quiet", onclick: () => move(begin + by)}, text);
        const back = button("Earlier rows", -ROWS);
        const on = button("Later rows", ROWS);
        fill(parent, element("h2", {}, data.shape.length > 1 ? "Rows" : "Values"), place,
            count > ROWS ? element("div", {class: "actions"}, back, on) : null);
        if (data.bytes === 0) {
            fill(place, element("p", {class: "note"}, "It is empty."));
        } else {
            move(0);
        }
    }

    /* --- distribution --- */

    const literal = value => value.toExponential(); /* always a float: a whole number may be none that int64 has */

    /* The results of these /v1/map requests on the data, in one batch; throws a sentence. */
    async function map(data, items, signal) {
        const answer = await page.call("POST", "/v1/batch", {signal,
            body: {op: "/v1/map", defaults: {x: {data: data.name}}, items}});
        const failed = answer.ok && answer.json.results.find(result => result.status >= 400);
        if (!answer.ok || failed) {
            throw new Error(failed ? failed.detail : page.problemText(answer));
        }
        return answer.json.results.map(result => result.z);
    }

    /* Counts, extremes and mean of what is finite. */
    async function summarise(data, signal) {
        const [counts] = await map(data, [{exprs: {finite: "isfinite(x)", nan: "isnan(x)"}, reduce: "count"}], signal);
        if (counts.finite === 0) {
            return counts;
        }
        const [least, most, sum] = await map(data, [
            {expr: "where(isfinite(x), x, inf)", reduce: "min"},
            {expr: "where(isfinite(x), x, -inf)", reduce: "max"},
            {expr: `where(isfinite(x), x, 0) * ${literal(1 / counts.finite)}`, reduce: "sum"}], signal);
        return {...counts, least, most, mean: sum};
    }

    /* Where bins begin, and where the last ends. Few whole numbers have a bin each. */
    function edgesOf(data, {least, most}) {
        const span = most - least;
        if (["int64", "bool"].includes(data.dtype) && span < BINS) {
            return Array.from({length: span + 2}, (_, i) => least - 0.5 + i);
        }
        return Array.from({length: BINS + 1}, (_, i) => i === BINS ? most : least * (1 - i / BINS) + most * (i / BINS));
    }

    /* How many there are in each bin. The service counts what is below each edge. */
    async function countBins(data, edges, signal) {
        const last = edges.length - 1;
        const below = edges.map((edge, i) => [`e${i}`, `x ${i === last ? "<=" : "<"} ${literal(edge)}`]);
        const items = [];
        for (let i = 0; i <= last; i += EXPRESSIONS) {
            items.push({exprs: Object.fromEntries(below.slice(i, i + EXPRESSIONS)), reduce: "count"});
        }
        const counts = Object.assign({}, ...await map(data, items, signal));
        return edges.slice(1).map((_, i) => counts[`e${i + 1}`] - counts[`e${i}`]);
    }

    /* Round numbers between the ends are about as long as the ends' first digits. */
    function labelWidth(edges) {
        return 16 + 7 * Math.max(...[edges[0], edges.at(-1)].map(edge =>
            page.figure(Number(edge.toPrecision(2))).length));
    }

    function summaryText(data, summary) {
        const count = data.shape.reduce((product, length) => product * length, 1);
        const infinite = count - summary.finite - summary.nan;
        return page.facts([["Values", page.count(count)], ["Least", page.figure(summary.least)],
                           ["Largest", page.figure(summary.most)], ["Mean", page.figure(summary.mean)],
                           ["NaN", summary.nan > 0 && page.count(summary.nan)],
                           ["Infinite", infinite > 0 && page.count(infinite)]]);
    }

    /* Resolves to the chart, or to null where there is none. */
    async function drawDistribution(place, data, signal) {
        if (data.bytes === 0) {
            fill(place, element("p", {class: "note"}, "It is empty."));
            return null;
        }
        const summary = await summarise(data, signal);
        const text = summaryText(data, summary);
        if (summary.finite === 0 || summary.least === summary.most) {
            fill(place, text,
                element("p", {class: "note"},
                    summary.finite === 0 ? "No value is finite." : "All values are the same."));
            return null;
        }
        const edges = edgesOf(data, summary);
        const counts = await countBins(data, edges, signal);
        const canvas = element("div");
        fill(place, text, canvas, element("details", {}, element("summary", {}, "As a table"), page.table("Counts",
            ["from", "to", "count"].map(head => ({text: head, numeric: true})),
            counts.map((count, i) => [page.figure(edges[i]), page.figure(edges[i + 1]), page.count(count)]))));
        return page.chart(canvas,
            {label: `Histogram of ${data.name} in ${counts.length} bins`, x: "value", y: "count", bars: true,
            valueX: page.figure, labelWidth: labelWidth(edges), series: ["count"],
            rows: counts.map((count, i) => [(edges[i] + edges[i + 1]) / 2, count])});
    }

    /* --- text --- */

    async function drawText(place, data, signal) {
        const [head, counts] = await Promise.all([
            page.call("GET", page.dataPath(data.name), {signal, headers: {
                Accept: "text/plain", ...(data.bytes > 0 && {Range: `bytes=0-${TEXT_BYTES - 1}`})}}),
            page.call("POST", "/v1/wordcount", {signal, body: {text: {data: data.name}}})]);
        const failed = [head, counts].find(answer => !answer.ok);
        if (failed) {
            throw new Error(page.problemText(failed));
        }
        const text = head.text.replace(/\ufffd$/, ""); /* the last character may be cut */
        fill(place, page.facts([["Lines", page.count(counts.json.lines)], ["Words", page.count(counts.json.words)],
                                ["Characters", page.count(counts.json.chars)],
                                ["Bytes", page.count(counts.json.bytes)]]),
            element("pre", {class: "text", tabindex: "0"}, element("code", {}, text)),
            data.bytes > TEXT_BYTES ? element("p", {class: "note"}, "This is its beginning.") : null);
    }

    /* --- how to refer to it --- */

    function example(data) {
        const reference = {data: data.name};
        return data.kind === "text" ? ["/v1/wordcount", {text: reference, top: 10}]
            : ["/v1/map", {expr: "exp(-x**2)", x: reference, reduce: "mean"}];
    }

    function showReference(parent, data) {
        const reference = JSON.stringify({data: data.name});
        const [path, body] = example(data);
        fill(parent, element("h2", {}, "How requests refer to it"),
            element("p", {}, "In JSON ", element("code", {}, reference), ", in a query ",
                element("code", {}, `${data.kind === "text" ? "text" : "x"}=data:${data.name}`), "."),
            element("div", {class: "actions"}, element("button", {type: "button", class: "quiet", onclick: () =>
                page.fillTry("POST", path, {media: "application/json", body: JSON.stringify(body)})}, "Try it"),
                page.copyButton("Copy the reference", () => reference)));
    }

    /* Resolves to what draw(body) does; null where that failed, or was ended. */
    async function drawInto(panel, title, draw, signal) {
        const body = element("div");
        panel.append(element("h2", {}, title), body);
        fill(body, element("p", {class: "note"}, "The service counts…"));
        try {
            const drawn = await draw(body);
            if (!signal.aborted) {
                return drawn;
            }
            if (drawn) {
                drawn.destroy();
            }
        } catch (error) {
            if (!signal.aborted) {
                page.showError(body, error.message);
            }
        }
        return null;
    }

    /* Shows it; returns what ends that. */
    page.openData = (section, name) => {
        const ending = new AbortController();
        const place = element("div");
        const panels = element("div", {class: "columns"});
        let chart = null;

        async function fillPanel(panel, title, draw) {
            chart = await drawInto(panel, title, draw, ending.signal);
        }

        function show(data) {
            const [what, look, count, refer] = Array.from({length: 4}, () => element("section", {class: "panel"}));
            fill(what, element("h2", {}, "What it is"), facts(data),
                element("div", {class: "actions"}, page.deleteDataButton(data, place, () => page.go("data"))));
            showReference(refer, data);
            if (data.kind === "text") {
                fillPanel(look, "Text", body => drawText(body, data, ending.signal));
                fill(panels, element("div", {class: "stack"}, what, refer), look);
            } else {
                showRows(look, data);
                fillPanel(count, "Distribution", body => drawDistribution(body, data, ending.signal));
                fill(panels, element("div", {class: "stack"}, what, refer),
                    element("div", {class: "stack"}, count, look));
            }
        }

        async function load() {
            const fault = page.dataNameFault(name);
            const answer = fault ? null
                : await page.ask(place, "GET", `${page.dataPath(name)}?meta`, {signal: ending.signal});
            if (ending.signal.aborted) {
                return;
            }
            if (fault || (answer && !answer.ok)) {
                page.showError(place, fault || page.problemText(answer));
            } else if (answer) {
                show(answer.json);
            }
        }

        page.fillView(section, element("p", {}, element("a", {href: "#data"}, "All data")),
            element("h1", {class: "name"}, name), place, panels);
        load();
        return () => {
            ending.abort();
            if (chart) {
                chart.destroy();
            }
        };
    };
}
