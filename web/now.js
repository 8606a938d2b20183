/* The view "Now": what the service does, from its /metrics, once a second while somebody looks. */
{
    const EVERY_MS = 1000;
    const WINDOW_S = 180;
    const MOVING_S = 10;  /* the table's rates and times are of so many seconds */
    const MOST_SERIES = 5;
    const OWN = "/metrics"; /* this view's requests aren't what it is about */
    const {parse, sum, sums, growth, quantile} = page.metrics;
    const REQUESTS = "forkjoin_requests_total";
    const BUCKETS = "forkjoin_request_duration_seconds_bucket";
    const USED = new RegExp("^(forkjoin_(requests_total|problems_total|threads_(requested|granted)_(sum|count)|" +
                            "cores|cores_busy|works_running|queue_.*|memory_.*|connections|connections_limit)|" +
                            "process_(cpu|start_time).*)$");

    let parts = null;      /* what is shown: [{panel, chart, …}] */
    let state, table, pause, choice; /* nodes */
    let looks = [];        /* [{time, families}] of the last seconds */
    let isOpen = false;
    let isPaused = false;
    let asking = null;     /* the AbortController of the question that is out, or of the pause before the next */
    let timer = 0;

    const keep = (name, labels) => USED.test(name) || name === BUCKETS && labels.includes('phase="total"');
    const rate = value => `${page.count(Number(value.toPrecision(3)))} /s`;
    const milliseconds = seconds => page.duration(1000 * seconds);
    const rounded = value => page.count(Number(value.toFixed(value < 10 ? 2 : 0)));
    const total = map => [...map.values()].reduce((all, value) => all + value, 0);
    const nameOf = endpoint => endpoint === "none" ? "other paths" : endpoint;

    /* --- what is drawn: each takes two looks, the earlier one null where there is none, and says
     *     {values: by series, or null for a gap; texts: [what is large, what is beside it]} --- */

    function grownBy(now, before, name, label, filter) {
        return growth(now.families, before && before.families, families => sums(families, name, label, filter));
    }

    function perSecond(now, before, grown) {
        return new Map([...grown || []].map(([key, value]) => [key, 1000 * value / (now.time - before.time)]));
    }

    function coresOf(now, before) {
        const cores = sum(now.families, "forkjoin_cores");
        const held = sum(now.families, "forkjoin_cores_busy");
        const used = [...perSecond(now, before, grownBy(now, before, "process_cpu_seconds_total", "")).values(),
            null][0];
        const threads = ["requested_sum", "requested_count", "granted_sum", "granted_count"].map(each =>
            sum(now.families, `forkjoin_threads_${each}`) - (looks[0]
                ? sum(looks[0].families, `forkjoin_threads_${each}`) : NaN));
        const granted = threads[3] > 0 ? `${rounded(threads[2] / threads[3])} threads granted a computation`
            : "no computation just now";
        const asked = threads[1] > 0 ? `, ${rounded(threads[0] / threads[1])} asked for` : "";
        return {values: {held, used, cores},
                texts: [`${held} of ${cores} held`, `${used === null ? "–" : rounded(used)} used; ${granted}${asked}`]};
    }

    function requestsOf(now, before) {
        const grown = grownBy(now, before, REQUESTS, "endpoint");
        const rates = perSecond(now, before, grown);
        rates.delete(OWN);
        return {values: grown ? Object.fromEntries([...rates].map(([endpoint, value]) => [nameOf(endpoint), value]))
            : null,
                texts: [grown ? rate(total(rates)) : "–", `this view's own to ${OWN} left out`]};
    }

    function latencyOf(now, before) {
        const wanted = choice.value;
        const grown = grownBy(now, before, BUCKETS, "le",
            labels => wanted ? labels.endpoint === wanted : labels.endpoint !== OWN);
        const at = share => grown && grown.get("+Inf") ? 1000 * quantile(grown, share) : null;
        const [p50, p99] = [at(0.5), at(0.99)];
        return {values: {p50, p99}, texts: p50 === null ? ["–", "no request just now"] :
            [`p50 ${page.duration(p50)}, p99 ${page.duration(p99)}`,
                "half took less than p50, one in a hundred more than p99"]};
    }

    function queueOf({families}) {
        const waiting = sums(families, "forkjoin_queue_length", "class");
        const oldest = Math.max(0, ...sums(families, "forkjoin_queue_oldest_seconds", "class").values());
        return {values: Object.fromEntries(waiting),
                texts: [`${total(waiting)} of ${page.count(sum(families, "forkjoin_queue_limit"))}`,
                        `${sum(families, "forkjoin_works_running")} running` +
                        (oldest ? `; the oldest waits for ${milliseconds(oldest)}` : "")]};
    }

    /* What the service had no room for; other problems are those of requests. */
    const REFUSALS = ["overloaded", "memory-busy", "memory-limit", "too-many-connections", "data-full", "disk-failed",
        "state-full",
                      "jobs-unavailable", "shutting-down"];

    function refusalsOf(now, before) {
        const grown = grownBy(now, before, "forkjoin_problems_total", "problem",
            labels => REFUSALS.includes(labels.problem));
        const rates = new Map([...perSecond(now, before, grown)].filter(([, value]) => value > 0));
        const all = [...sums(now.families, "forkjoin_problems_total", "problem")]
            .filter(([problem, value]) => value > 0 && REFUSALS.includes(problem))
            .sort((a, b) => b[1] - a[1]);
        return {values: grown ? Object.fromEntries(rates) : null,
                texts: [grown ? rate(total(rates)) : "–", all.length ? "since the start: " +
                    all.slice(0, 6).map(([problem, count]) => `${problem} ${page.count(count)}`).join(", ")
                        : "none since the start"]};
    }

    function memoryOf({families}) {
        const uses = sums(families, "forkjoin_memory_bytes", "use");
        return {values: Object.fromEntries(uses),
                texts: [`${page.bytes(total(uses))} of ${page.bytes(sum(families, "forkjoin_memory_limit_bytes"))}`,
                        [...uses].map(([use, value]) => `${use} ${page.bytes(value)}`).join(", ") +
                        `; ${page.bytes(sum(families, "forkjoin_memory_kept_bytes"))} kept for reuse`]};
    }

    function connectionsOf({families}) {
        const states = sums(families, "forkjoin_connections", "state");
        const of = (...names) => names.reduce((all, name) => all + (states.get(name) || 0), 0);
        return {values: {receiving: of("opening", "head", "body"), working: of("working"),
            answering: of("answering", "lingering"),
                         idle: of("idle")},
                texts: [`${total(states)} of ${page.count(sum(families, "forkjoin_connections_limit"))}`,
                        [...states].filter(([, value]) => value > 0).map(([name, value]) =>
                            `${value} ${name}`).join(", ")]};
    }

    /* Series that aren't named are those that come up. */
    const PARTS = [
        {id: "cores", title: "Cores", series: ["held", "used", "cores"], dashed: ["cores"], read: coresOf},
        {id: "requests", title: "Requests", read: requestsOf},
        {id: "latency", title: "Latency", series: ["p50", "p99"], read: latencyOf, value: page.duration},
        {id: "queue", title: "Queue", series: ["interactive", "stream", "job"], read: queueOf},
        {id: "refusals", title: "Refusals", read: refusalsOf},
        {id: "memory", title: "Memory", series: ["requests", "data", "connections"], read: memoryOf, value: page.bytes,
            binary: true},
        {id: "connections", title: "Connections", series: ["receiving", "working", "answering", "idle"],
            read: connectionsOf},
    ];

    /* --- drawing --- */

    function makePart(part) {
        const large = page.element("strong", {});
        const small = page.element("span", {class: "note"});
        const place = page.element("div", {class: "place"});
        return {...part, large, small, place, history: [], shown: null, chart: null,
                node: page.element("section", {class: "panel", id: `now-${part.id}`},
                    page.element("h2", {}, part.title), part.id === "latency" ? choice : null,
                    page.element("p", {}, large, " ", small), place)};
    }

    /* The series of a part that has no fixed ones: those with most in the window. */
    function mainSeries(part) {
        const totals = new Map();
        for (const {values} of part.history) {
            for (const [name, value] of Object.entries(values || {})) {
                totals.set(name, (totals.get(name) || 0) + value);
            }
        }
        const names = [...totals].filter(([, value]) => value > 0).sort((a, b) => b[1] - a[1]).slice(0,
            MOST_SERIES).map(([name]) => name);
        return names.length ? names.sort() : ["none in this window"];
    }

    /* The window always has its whole width, hence a first row without values. */
    function rowsOf(part, series, time) {
        const rows = part.history.map(({time: at, values}) =>
            [(at - time) / 1000,
                ...series.map(name => values ? (name in values ? values[name] : part.series ? null : 0) : null)]);
        return [[-WINDOW_S, ...series.map(() => null)], ...rows];
    }

    function draw(part, time) {
        const series = part.series || mainSeries(part);
        const rows = rowsOf(part, series, time);
        if (part.chart && part.shown === series.join()) {
            part.chart.update(rows);
            return;
        }
        if (part.chart) {
            part.chart.destroy();
        }
        part.shown = series.join();
        part.chart = page.chart(part.place,
            {label: `${part.title} in the last ${WINDOW_S / 60} minutes`, x: "", y: "", series, rows,
            dashed: part.dashed, value: part.value, binary: part.binary,
            valueX: x => x > -0.5 ? "now" : `−${Math.round(-x)} s`});
    }

    /* Rates and times by endpoint, of the last seconds. */
    function showTable(now, before) {
        const grown = grownBy(now, before, REQUESTS, "endpoint");
        const rates = perSecond(now, before, grown);
        const refused = perSecond(now, before,
            grownBy(now, before, REQUESTS, "endpoint", labels => labels.code >= "400"));
        const counts = [...sums(now.families, REQUESTS, "endpoint")].sort((a, b) => a[0] < b[0] ? -1 : 1);
        const heads = ["Endpoint",
            ...["Requests/s", "p50", "p99", "Errors/s", "Since the start"].map(text => ({text, numeric: true}))];
        const made = page.table(`Endpoints in the last ${MOVING_S} seconds`, heads, counts.map(([endpoint, count]) => {
            const times = grownBy(now, before, BUCKETS, "le", labels => labels.endpoint === endpoint) || new Map();
            const at = share => times.get("+Inf") ? milliseconds(quantile(times, share)) : "–";
            const of = each => grown ? page.count(Number((each.get(endpoint) || 0).toPrecision(3))) : "–";
            return [page.element("code", {}, nameOf(endpoint)), of(rates), at(0.5), at(0.99), of(refused),
                page.count(count)];
        }));
        const body = table.querySelector("tbody");
        if (body) {
            body.replaceWith(made.querySelector("tbody"));
        } else {
            page.fill(table, made);
        }
        offerEndpoints(counts.map(([endpoint]) => endpoint).filter(endpoint => endpoint !== OWN));
    }

    /* The endpoints that there are times of, to choose from. */
    function offerEndpoints(endpoints) {
        for (const endpoint of endpoints.filter(each => ![...choice.options].some(option => option.value === each))) {
            choice.append(page.element("option", {value: endpoint}, nameOf(endpoint)));
        }
    }

    function show(families) {
        const now = {time: performance.now(), families};
        parts[0].node.parentNode.classList.remove("stale");
        const before = looks[looks.length - 1] || null;
        for (const part of parts) {
            const {values, texts} = part.read(now, before);
            part.history = part.history.filter(each => now.time - each.time < 1000 * WINDOW_S);
            part.history.push({time: now.time, values});
            part.large.textContent = texts[0];
            part.small.textContent = texts[1];
            draw(part, now.time);
        }
        looks = looks.filter(each => now.time - each.time <= 1000 * MOVING_S);
        showTable(now, looks[0] || null);
        looks.push(now);
    }

    /* --- asking --- */

    /* The text of /metrics, or a sentence why there is none. */
    async function read(signal) {
        try {
            const answer = await page.call("GET", OWN, {headers: {Accept: "text/plain"}, signal});
            return answer.ok ? {text: answer.text} : {wrong: page.problemText(answer)};
        } catch (error) {
            return {wrong: "The service doesn't answer."};
        }
    }

    async function ask() {
        const mine = asking = new AbortController();
        const begun = performance.now();
        const {text, wrong} = await read(mine.signal);
        if (mine.signal.aborted) {
            return;
        }
        state.textContent = wrong ? `${wrong} It is asked again every second.` : "";
        if (wrong) {
            interrupt();
        } else {
            show(parse(text, keep));
        }
        /* a slow browser isn't filled by it */
        timer = setTimeout(ask, Math.max(EVERY_MS / 2, EVERY_MS - (performance.now() - begun)));
    }

    /* What was counted meanwhile isn't a rate of this second: lines have a gap, and the next look is a first one. */
    function interrupt() {
        looks = [];
        parts[0].node.parentNode.classList.add("stale"); /* until the next look */
        /* one gap is enough */
        for (const part of parts.filter(each => each.history.length > 0 && each.history.at(-1).values)) {
            part.history.push({time: performance.now(), values: null});
        }
    }

    /* Asks while the view is open, the tab is seen and nobody has paused it. */
    function follow() {
        const shall = isOpen && !isPaused && !document.hidden && parts !== null;
        if (shall && !asking) {
            ask();
        } else if (!shall && asking) {
            asking.abort();
            asking = null;
            clearTimeout(timer);
            interrupt();
        }
    }

    function togglePause() {
        isPaused = !isPaused;
        pause.textContent = isPaused ? "Go on" : "Pause";
        page.announce(isPaused ? "Paused." : "Going on.");
        follow();
    }

    function build(section) {
        state = page.element("p", {class: "note", role: "status"});
        table = page.element("div", {});
        pause = page.element("button", {type: "button", class: "quiet", onclick: togglePause}, "Pause");
        choice = page.element("select", {"aria-label": "Endpoint", onchange: () => {
            parts.find(part => part.id === "latency").history = [];
        }}, page.element("option", {value: ""}, "all endpoints"));
        parts = PARTS.map(makePart);
        page.fill(section, page.element("div", {class: "head"}, page.element("h1", {}, "Now"), pause), state,
            page.element("div", {class: "columns"}, parts.map(part => part.node),
                page.element("section", {class: "panel", id: "now-endpoints"},
                    page.element("h2", {}, "Endpoints"),
                    page.element("p", {class: "note"}, `The last ${MOVING_S} seconds.`), table)));
    }

    document.addEventListener("visibilitychange", follow);

    page.view({id: "now", title: "Now", open(section) {
        if (!parts) {
            build(section);
        }
        isOpen = true;
        follow();
    }, close() {
        isOpen = false;
        follow();
    }});
}
