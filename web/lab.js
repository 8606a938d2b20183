/* The view "Speed-up": experiments with 1 to N threads, on the machine that the page came from. */
{
    const FILE_WIDTH = 960;
    const MOST_COUNTS = 64;
    const MOST_DOTS = 1000; /* of long runs the last ones */
    const COLUMNS = ["Threads", "Granted", "Min", "Max", "Mean", "StdDev", "Median", "IQR", "Ops/s", "Rounds",
        "Speed-up"];

    let system = null;
    let form, results, status, notes, plot, figures, saving, stop, go, which; /* nodes */
    let current = null;  /* the run that goes on: {…, controller} */
    let shown = null;    /* the run that is shown */
    const inputs = new Map(); /* by "experiment.field" */

    /* --- the form --- */

    function control(id, field) {
        const attributes = {id, name: id, value: field.value, "aria-describedby": `${id}-error`};
        if (Array.isArray(field.kind)) {
            return page.element("select", attributes,
                field.kind.map(([value, text]) => page.element("option", {value}, text)));
        }
        if (field.kind === "area") {
            return page.element("textarea", {...attributes, rows: 4, spellcheck: "false", required: true});
        }
        return page.element("input", {...attributes, type: field.kind, min: field.min, max: field.max, step: field.step,
                                      required: field.kind !== "file", class: field.code ? "code" : null,
                                      autocomplete: "off", spellcheck: "false"});
    }

    /* A labelled control; its error, where there is one, is below it. */
    function fieldOf(group, field) {
        const id = `lab-${group}-${field.name}`;
        const input = control(id, field);
        if (Array.isArray(field.kind)) {
            input.value = field.value; /* once it has its choices */
        }
        const error = page.element("span", {id: `${id}-error`, class: "wrong"});
        inputs.set(`${group}.${field.name}`, {...field, input, error});
        const isWide = field.kind === "area" || field.code || field.kind === "file";
        return page.element("div", {class: isWide ? "wide" : null},
            page.element("label", {for: id}, field.label,
                field.hint ? page.element("span", {class: "hint"}, ` ${field.hint}`) : null),
            input, error);
    }

    const common = cores => [
        {name: "counts", label: "Threads", kind: "text", value: usualCounts(cores), hint: "as 1-4, 8",
            pointer: ["/threads"]},
        {name: "schedule", label: "Schedule", value: "static",
            kind: ["static", "dynamic", "guided"].map(each => [each, each]),
         pointer: ["/schedule"]},
        {name: "chunk", label: "Chunk", kind: "number", value: 0, min: 0, hint: "0: default", pointer: ["/chunk"]},
        {name: "rounds", label: "Rounds", kind: "number", value: 10, min: 1, max: 1000},
    ];

    /* Each count up to the cores, and to 4, where the machine has few; powers of two where it has many. */
    function usualCounts(cores) {
        if (cores <= 16) {
            return `1-${Math.max(cores, 4)}`;
        }
        const powers = Array.from({length: Math.ceil(Math.log2(cores))}, (_, i) => 2 ** i);
        return [...powers, cores].join(", ");
    }

    /* "1-4, 8" as ascending numbers, with the 1 that speed-ups are compared with; null where it is none of that. */
    function parseCounts(text) {
        const counts = new Set([1]);
        for (const part of text.split(",")) {
            const match = /^\s*(\d{1,4})\s*(?:[-–]\s*(\d{1,4})\s*)?$/.exec(part);
            const [first, last] = match ? [Number(match[1]), Number(match[2] || match[1])] : [0, 0];
            if (first < 1 || last < first || last > 1024) {
                return null;
            }
            for (let threads = first; threads <= last; threads++) {
                counts.add(threads);
            }
        }
        return counts.size <= MOST_COUNTS ? [...counts].sort((a, b) => a - b) : null;
    }

    function chosen() {
        return page.experiments.find(each => each.id === form.elements["lab-experiment"].value);
    }

    function choose() {
        for (const fieldset of form.querySelectorAll("fieldset[data-experiment]")) {
            fieldset.hidden = fieldset.disabled = fieldset.dataset.experiment !== chosen().id;
        }
        const word = inputs.get("wordcount.word").input;
        const count = inputs.get("wordcount.count").input.value;
        word.disabled = count !== "exact" && count !== "letters";
    }

    function valuesOf(group) {
        const values = {};
        for (const [key, {name, kind, input}] of inputs) {
            if (key.startsWith(`${group}.`)) {
                values[name] = kind === "number" ? input.valueAsNumber : kind === "file" ? input.files[0] : input.value;
            }
        }
        return values;
    }

    function fail(key, text) {
        const {input, error} = inputs.get(key);
        error.textContent = text;
        input.setAttribute("aria-invalid", "true");
        input.focus();
    }

    function forgetErrors() {
        for (const {input, error} of inputs.values()) {
            error.textContent = "";
            input.removeAttribute("aria-invalid");
        }
    }

    /* At the field whose member the problem names, else above the results. */
    function showProblem(run, error) {
        const key = [...inputs.keys()].find(each =>
            (each.startsWith(`${run.experiment.id}.`) || each.startsWith("common.")) &&
            (inputs.get(each).pointer || []).includes(error.pointer));
        if (key) {
            fail(key, error.message);
            page.announce(error.message);
        } else {
            page.showError(status, error instanceof TypeError ? "The service doesn't answer." : error.message);
        }
    }

    /* --- the results --- */

    function panelsOf(rows, counts, run) {
        const unit = which.value === "compute" ? "Time to compute, ms" : "Time in all, ms";
        const upTo = counts.filter(threads => rows.some(row => row.threads === threads));
        const points = pick => rows.map(row => [row.threads, pick(row)]);
        return [
            {title: unit, counts, cores: run.cores, top: Math.max(1e-3, ...rows.map(row => row.median + 2 * row.iqr)),
             dots: run.samples.slice(-MOST_DOTS).map(sample => [sample.threads, sample[which.value]]),
             lines: [{name: "measured", label: "median", points: points(row => row.median)}]},
            {title: "Speed-up", counts, cores: run.cores, top: 1, dots: [],
             lines: [{name: "ideal", label: "ideal", dashed: true, points: counts.map(threads => [threads, threads])},
                     {name: "measured", label: "measured", points: upTo.length ? points(row => row.speedUp) : []}]},
        ];
    }

    function sentence(run) {
        const {schedule, chunk} = run.values;
        return `${run.says}; ${schedule}, ${chunk === 0 ? "default chunks" : `chunks of ${page.count(chunk)}`}; ` +
            `${run.rounds} ${run.rounds === 1 ? "round" : "rounds"} after one to warm up`;
    }

    /* Against a time of 0 there is none. */
    function speedUpText({speedUp}) {
        return Number.isFinite(speedUp) ? speedUp.toFixed(2) : "–";
    }

    function picture(run, width, foot) {
        const rows = page.statisticsOfRun(run, which.value);
        const told = rows.map(row =>
            `${page.threadsText(row.threads)} ${page.duration(row.median)}, speed-up ${speedUpText(row)}`);
        const label = `Time and speed-up by threads, ${run.says}: ${told.join("; ") || "nothing yet"}`;
        return page.plot(panelsOf(rows, run.counts, run), {label, foot, width});
    }

    /* Three digits, or all of a thousand's and more; the clock has three behind the point. */
    function figure(value) {
        return !Number.isFinite(value) ? "–" : value >= 999.5 ? page.count(Math.round(value))
            : value < 0.1 ? value.toFixed(3) : value.toPrecision(3);
    }

    function threadsCell({threads, beyond}) {
        return beyond ? page.element("span", {class: "over"}, String(threads),
            page.element("span", {class: "visually-hidden"}, " (beyond the cores)")) : String(threads);
    }

    function tableRow(row) {
        const values = [row.min, row.max, row.mean, row.deviation, row.median, row.iqr, row.rate];
        return [threadsCell(row), row.granted.length ? row.granted.join(", ") : "–", ...values.map(figure),
            String(row.count), speedUpText(row)];
    }

    /* Only what has changed is replaced, so that the table stays where it was scrolled to. */
    function showTable(run) {
        const made = page.table("Times by threads", COLUMNS.map(text => ({text, numeric: true})),
                                page.statisticsOfRun(run, which.value).map(tableRow));
        const body = figures.querySelector("tbody");
        if (body) {
            body.replaceWith(made.querySelector("tbody"));
        } else {
            page.fill(figures, made,
                page.element("p", {class: "note"}, "Times in ms. StdDev is the sample's, IQR the middle " +
                "half's width, Ops/s 1,000 / mean; speed-up is the median with one thread / this median." +
                (run.counts.some(threads => threads > run.cores) ? " Grey: beyond the cores." : "")));
        }
    }

    function draw() {
        if (!shown || plot.clientWidth === 0) {
            return;
        }
        page.fill(plot, picture(shown, plot.clientWidth));
        showTable(shown);
        page.fill(notes, page.lookAtRun(shown, which.value).map(text => page.element("li", {}, text)));
        saving.hidden = shown.samples.length === 0;
    }

    /* --- files --- */

    const quoted = text => /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : String(text);

    /* Each time that was measured, a line each, in the order they were. */
    function csv(run) {
        const lines = [["experiment", "what", "schedule", "chunk", "round", "threads", "granted", "compute_ms",
            "total_ms", "cpu_ms"]];
        for (const sample of run.samples) {
            lines.push([run.experiment.id, run.says, run.values.schedule, run.values.chunk, sample.round,
                sample.threads,
                        sample.granted === null ? "" : sample.granted, sample.compute, sample.total, sample.cpu]);
        }
        return lines.map(line => line.map(quoted).join(",") + "\r\n").join("");
    }

    function saveSvg() {
        const foot = `${sentence(shown)}; forkjoin ${system.version}, ${system.instruction_set}, ` +
            new Date().toISOString().slice(0, 10);
        page.save(`forkjoin-${shown.experiment.id}.svg`, page.svgText(picture(shown, FILE_WIDTH, foot)),
            "image/svg+xml");
    }

    /* --- a run --- */

    /* What the form asks for, or null and its error at the field. */
    function read() {
        const experiment = chosen();
        const values = {...valuesOf(experiment.id), ...valuesOf("common")};
        const counts = parseCounts(values.counts);
        const {field, bytes} = experiment.size(values);
        if (!counts) {
            fail("common.counts", `Numbers from 1 to 1,024 and ranges of them, ${MOST_COUNTS} at most.`);
            return null;
        }
        if (bytes > system.limits.max_body_bytes) {
            fail(`${experiment.id}.${field}`, `That is ${page.bytes(bytes)}; the service takes ` +
                 `${page.bytes(system.limits.max_body_bytes)} in a body.`);
            return null;
        }
        return {experiment, values, counts, cores: system.cores.count};
    }

    function busy(isBusy) {
        go.disabled = isBusy;
        stop.hidden = !isBusy;
    }

    function begin(run) {
        const controller = new AbortController();
        Object.assign(run, {controller, signal: controller.signal, says: "", round: draw, tell(text) {
            status.textContent = text;
            run.says = run.says || run.experiment.says(run.values, run.data);
        }});
        current = shown = run;
        page.fill(figures);
        busy(true);
        stop.focus({preventScroll: true});
        if (results.getBoundingClientRect().top > innerHeight / 2) {
            results.scrollIntoView(); /* below the form, on a phone */
        }
        page.announce("The measurement has begun.");
    }

    async function start(event) {
        event.preventDefault();
        forgetErrors();
        const run = current ? null : read();
        if (!run) {
            return;
        }
        begin(run);
        try {
            await page.runExperiment(run);
            status.textContent = `Done: ${sentence(run)}.`;
        } catch (error) {
            status.textContent = `Stopped after ${run.rounds} of ${run.values.rounds} rounds.`;
            if (!run.signal.aborted) {
                showProblem(run, error);
            }
        }
        end();
    }

    function end() {
        current = null;
        const hadFocus = document.activeElement === stop;
        busy(false);
        if (hadFocus) {
            go.focus({preventScroll: true});
        }
        page.announce(status.textContent);
        draw();
    }

    function leave() {
        if (current) {
            current.controller.abort();
        }
    }

    /* --- the view --- */

    function choices() {
        return page.element("fieldset", {class: "choices"},
            page.element("legend", {class: "label"}, "Experiment"),
            page.experiments.map((each, i) => page.element("label", {},
                page.element("input", {type: "radio", name: "lab-experiment", value: each.id, checked: i === 0}),
                ` ${each.title}`)));
    }

    function build(section) {
        go = page.element("button", {type: "submit"}, "Run");
        stop = page.element("button", {type: "button", class: "quiet stop", hidden: true, onclick: leave}, "Stop");
        which = page.element("select", {id: "lab-which", onchange: draw},
            page.element("option", {value: "compute"}, "computing alone"),
            page.element("option", {value: "total"}, "the whole call"));
        form = page.element("form", {class: "panel", onsubmit: start, onchange: choose}, choices(),
            page.experiments.map(each => page.element("fieldset", {"data-experiment": each.id},
                page.element("legend", {class: "visually-hidden"}, each.title),
                page.element("p", {class: "note"}, each.about),
                page.element("div", {class: "fields"}, each.fields.map(field => fieldOf(each.id, field))))),
            page.element("fieldset", {}, page.element("legend", {class: "visually-hidden"}, "Measurement"),
                page.element("div", {class: "fields"},
                    common(system.cores.count).map(field => fieldOf("common", field)))),
            page.element("div", {class: "actions"}, go));
        status = page.element("p", {class: "status"}, "Run an experiment to see how its time falls with more threads.");
        notes = page.element("ul", {class: "notes"});
        plot = page.element("div", {class: "plot"});
        figures = page.element("div", {});
        saving = page.element("div", {class: "actions", hidden: true},
            page.element("label", {for: "lab-which"}, "Time of"), which,
            page.element("button", {type: "button", class: "quiet", onclick: () =>
                page.save(`forkjoin-${shown.experiment.id}.csv`, csv(shown), "text/csv")}, "Save CSV"),
            page.element("button", {type: "button", class: "quiet", onclick: saveSvg}, "Save SVG"));
        results = page.element("div", {class: "panel"}, page.element("div", {class: "state"}, status, stop), notes,
            plot, saving, figures);
        page.fill(section, page.element("h1", {}, "Speed-up"),
            page.element("p", {},
                "How much faster more threads are, on the machine that this page came from. The service's own clock " +
                "is read, and each round tries all threads once, in another order."),
            page.element("div", {class: "lab"}, form, results));
        choose();
        new ResizeObserver(draw).observe(plot);
    }

    window.addEventListener("pagehide", () => {
        if (current) {
            leave();
            page.forgetRun(current);
        }
    });

    page.view({id: "lab", title: "Speed-up", close: leave, async open(section) {
        try {
            system = await page.fetchJson("/v1/system");
            if (!form) {
                build(section);
            }
        } catch (error) {
            page.showError(section, error instanceof TypeError ? "The service doesn't answer." : error.message);
        }
    }});
}
