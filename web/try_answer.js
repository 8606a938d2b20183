/* What came back, for Try. */
{
    const PLOTTED = 8;      /* fewer values are read sooner than drawn */
    const DRAWN = 2000;     /* points at most */
    const SERIES = 6;
    const FIRST_VALUES = 100;
    const MOST_TEXT = 20000;
    const PHASES = {
        receive: "the request came in", queue: "it waited for cores", decode: "it was read",
        compute: "the computation itself", encode: "the answer was printed",
        finish: "the answer was compressed, where that is worth it, and handed over to be sent",
        network: "the rest of the round trip: the browser and the way",
    };
    const ENDINGS = {"application/x-npy": "npy", "application/x-ndjson": "ndjson", "application/yaml": "yaml"};

    /* --- times --- */

    /* Milliseconds by phase, total and cpu, as Server-Timing says them. The JSON of a computation says the same as of
     * when it was printed: its phases are shown as they stand there, and what came after as one more. A job's result has
     * the job's timing, which isn't this request's. */
    function times(answer) {
        const found = {};
        for (const [, name, value] of (answer.header("Server-Timing") || "").matchAll(/(\w+);dur=([\d.]+)/g)) {
            found[name] = Number(value);
        }
        const printed = answer.json && answer.json.timing;
        const isOwn = printed && ["receive", "decode", "compute"].every(name => printed[`${name}_ms`] === found[name]);
        return isOwn ? {...found, queue: printed.queue_ms, encode: printed.encode_ms,
                        finish: found.total - printed.total_ms} : found;
    }

    function phases(answer) {
        const found = times(answer);
        if (found.total === undefined) {
            return null;
        }
        found.network = Math.max(0, answer.elapsed - found.total);
        const shown = Object.keys(PHASES).filter(name => found[name] !== undefined);
        const inside = shown.filter(name => name !== "network").reduce((sum, name) => sum + found[name], 0);
        const bar = (names, whole) => page.element("div", {class: "phases", "aria-hidden": "true"}, names.map(name => {
            const part = page.element("span", {class: `phase-${name}`});
            part.style.flexGrow = String(found[name] / whole);
            return part;
        }));
        return [bar(shown, found.network + inside),
            found.network > 4 * found.total
                ? [page.element("p", {class: "note"}, "The service's part, enlarged:"), bar(shown.slice(0, -1), inside)]
                : null,
            page.element("ul", {class: "phase-list"},
                shown.map(name => page.element("li", {class: `phase-${name}`, title: PHASES[name]},
                `${name} ${page.duration(found[name])}`))),
            page.element("p", {class: "note"},
                `${page.duration(answer.elapsed)} in all, ${page.duration(found.total)} of it in the service, ` +
                `which used ${page.duration(found.cpu)} of CPU time.`,
                found.finish === undefined ? "" : " The timing in the answer ends before “finish”.",
                inside > 1.02 * found.total ? " The phases overlap: it was worked on while it came." : "")].flat();
    }

    function grant({status, json}) {
        if (status === 202 && json && json.id) {
            return page.element("p", {class: "grant"}, "It is a job now: ",
                page.element("a", {href: `#jobs/${encodeURIComponent(json.id)}`}, json.id), ".");
        }
        const threads = json && json.threads;
        if (!threads || threads.granted === undefined) {
            return null;
        }
        const plural = count => `${count} ${count === 1 ? "thread" : "threads"}`;
        const said = threads.requested === undefined ? `Ran on ${plural(threads.granted)}`
            : threads.requested === "auto" ? `The service chose ${plural(threads.granted)}`
            : threads.requested === threads.granted ? `Got the ${plural(threads.granted)} asked for`
            : `Got ${threads.granted} of the ${threads.requested} threads asked for`;
        return page.element("p", {class: "grant"}, `${said}${threads.reason ? `: ${threads.reason}` : ""}.`);
    }

    /* --- plots --- */

    const isNumber = value => typeof value === "number" || typeof value === "boolean" || value === null;
    const isNumbers = value => Array.isArray(value) && value.length > 0 && isNumber(value[0]) && isNumber(value.at(-1));

    function listed(name, list) {
        return {name, length: list.length, at: i => list[i] === null ? null : Number(list[i])};
    }

    /* The answer's long lists: [{name, length, at(i)}], all of one member. */
    function columnsOf(json) {
        for (const [name, value] of Object.entries(json || {})) {
            if (isNumbers(value)) {
                return [listed(name, value)];
            }
            if (Array.isArray(value) && value.length > 0 && value.every(isNumbers)) {
                return value.slice(0, SERIES).map((row, i) => listed(`${name}[${i}]`, row));
            }
            if (value && typeof value === "object" && !Array.isArray(value) && Object.values(value).some(isNumbers)) {
                return Object.entries(value).filter(([, list]) => isNumbers(list)).slice(0, SERIES).map(each =>
                    listed(...each));
            }
        }
        return [];
    }

    function arrayColumns(array, i) {
        const [rows, length] = array.shape.length === 2 ? array.shape : [1, array.count];
        const at = row => array.isFortran && array.shape.length === 2 ? k => array.at(k * rows + row) : k =>
            array.at(row * length + k);
        return Array.from({length: Math.min(rows, SERIES)}, (_, row) =>
            ({name: rows > 1 ? `row ${row}` : i > 0 ? `array ${i}` : "values", length, at: at(row)}));
    }

    /* Rows of a chart. Where there are too many, each two rows stand for `step` elements: their least and their
     * greatest. */
    function chartRows(columns, length) {
        const finite = value => Number.isFinite(value) ? value : null;
        if (length <= DRAWN) {
            return [Array.from({length},
                (_, i) => [i, ...columns.map(column => i < column.length ? finite(column.at(i)) : null)]), 1];
        }
        const step = Math.ceil(length / (DRAWN / 2));
        const rows = [];
        for (let begin = 0; begin < length; begin += step) {
            const low = [begin];
            const high = [begin + step / 2];
            for (const column of columns) {
                let [least, greatest] = [Infinity, -Infinity];
                for (let i = begin; i < Math.min(begin + step, column.length); i++) {
                    const value = finite(column.at(i));
                    least = value !== null && value < least ? value : least;
                    greatest = value !== null && value > greatest ? value : greatest;
                }
                low.push(finite(least));
                high.push(finite(greatest));
            }
            rows.push(low, high);
        }
        return [rows, step];
    }

    /* The chart and what is said below it; null where there is nothing to draw. destroy() is kept in `kept.chart`. */
    function plot(columns, kept) {
        const length = Math.max(0, ...columns.map(column => column.length));
        if (length < PLOTTED) {
            return null;
        }
        const [rows, step] = chartRows(columns, length);
        const parent = page.element("div", {});
        kept.draw = () => {
            kept.chart = page.chart(parent,
                {label: `${columns.map(column => column.name).join(", ")}: ${page.count(length)} elements`,
                x: "element", y: columns.length === 1 ? columns[0].name : "value",
                series: columns.map(column => column.name), rows,
                points: length <= 40, fromZero: false});
        };
        return [parent, step === 1 ? null : page.element("p", {class: "note"},
            `${page.count(length)} elements; of every ${page.count(step)} the least and the greatest are drawn.`)];
    }

    /* --- bodies --- */

    function npy(answer, kept) {
        let arrays;
        try {
            arrays = page.readNpy(answer.bytes);
        } catch (error) {
            return page.element("p", {class: "error"}, error.message);
        }
        return arrays.flatMap((array, i) => {
            const values = Array.from({length: Math.min(array.count, FIRST_VALUES)}, (_, k) => array.textAt(k));
            const left = array.count - values.length;
            return [page.element("p", {class: "label"},
                `${array.dtype}, shape (${array.shape.join(", ")}${array.shape.length === 1 ? "," : ""})`),
                i === 0 ? plot(arrays.flatMap(arrayColumns).slice(0, SERIES), kept) : null,
                box(`First values of array ${i + 1}`,
                    values.join(", ") + (left > 0 ? ` … ${page.count(left)} more` : ""))].flat();
        });
    }

    function box(label, text) {
        return page.element("pre", {tabindex: "0", role: "region", "aria-label": label},
            page.element("code", {}, text));
    }

    function textBox(answer) {
        if (answer.text === "") {
            return page.element("p", {class: "note"}, "It has no body.");
        }
        if (answer.json !== undefined) {
            return box("The answer's JSON", page.json.layOut(answer.text));
        }
        const left = answer.text.length - MOST_TEXT;
        return box("The answer",
            answer.text.slice(0, MOST_TEXT) + (left > 0 ? `\n… ${page.count(left)} more characters` : ""));
    }

    function problem(json) {
        return page.element("div", {class: "error", role: "alert"},
            page.element("strong", {}, json.title), page.element("br"),
            page.element("span", {class: json.detail && json.detail.includes("\n") ? "mono" : null}, json.detail || ""),
            json.pointer ? [page.element("br"), page.element("span", {class: "hint"}, `at ${json.pointer}`)] : null);
    }

    const isProblem = answer => answer.media === "application/problem+json" && answer.json;

    function content(answer, kept) {
        return answer.media === page.try.NPY_MEDIA ? npy(answer, kept)
            : [isProblem(answer) ? null : plot(columnsOf(answer.json), kept), textBox(answer)].flat();
    }

    /* Fills `parent` with what an answer says: {media, bytes, text, json}, as page.try.send() gives them. Returns
     * {destroy()}. */
    function showBody(parent, answer) {
        const kept = {draw() {}, chart: null};
        page.fill(parent, isProblem(answer) ? problem(answer.json) : null, content(answer, kept));
        kept.draw();
        return {destroy: () => kept.chart && kept.chart.destroy()};
    }

    /* Fills `parent` with an answer. Returns {destroy()}. */
    function show(parent, answer) {
        const kept = {draw() {}, chart: null};
        const ending = ENDINGS[answer.media] || (/json$/.test(answer.media) ? "json" : "txt");
        page.fill(parent,
            page.element("p", {class: "status"},
                page.element("span", {class: answer.status < 400 ? "good" : "bad"}, `${answer.status} ${answer.title}`),
                page.element("span", {class: "hint"},
                    ` ${answer.media}${answer.media ? ", " : ""}${page.bytes(answer.bytes.byteLength)}`)),
            isProblem(answer) ? problem(answer.json) : null,
            phases(answer),
            grant(answer),
            content(answer, kept),
            page.element("div", {class: "actions"},
                answer.bytes.byteLength === 0 ? null : page.element("button", {type: "button", class: "quiet",
                onclick: () => page.save(`answer.${ending}`, answer.bytes, answer.media)},
                `Save it whole (answer.${ending})`)),
            page.element("details", {}, page.element("summary", {}, "Header fields"),
                box("Header fields", answer.headers)));
        kept.draw();
        return {destroy: () => kept.chart && kept.chart.destroy()};
    }

    Object.assign(page.try, {showAnswer: show, showBody});
}
