/* One job, at #jobs/<id>: followed by its events until it is over, then its result. */
{
    const {element, fill} = page;
    const RETRY_MS = 2000;
    const FAILURES = {"job-crashed": "The service ended while it ran, as often as it may.",
                      "job-damaged": "What it needs was changed on the disk, or is gone."};
    const CALLBACKS = {waiting: "waits for the job's end", due: "not delivered yet", delivered: "delivered",
                       "given-up": "given up"};

    /* Its state as a sentence. */
    function sentence(job) {
        const wait = page.jobWait(job);
        switch (job.status) {
        case "accepted":
            return wait === "next" ? "It is the next to be run." : wait ? `It waits, with ${wait}.`
                : "It waits to be run.";
        case "running":
            return `It runs${job.progress === undefined ? "" : `: ${job.progress} %`}${wait ? `, ${wait}` : ""}.`;
        case "successful":
            return `It took ${page.jobTook(job)}.`;
        case "failed":
            return job.failure ? FAILURES[job.failure] || job.failure : "Its result is a problem.";
        default:
            return "It was cancelled.";
        }
    }

    function callbackText(callback) {
        return callback && `${callback.url}: ${CALLBACKS[callback.state] || callback.state}, ` +
            `${callback.tries} ${callback.tries === 1 ? "try" : "tries"}${callback.error ? `, ${callback.error}` : ""}`;
    }

    function describe(job) {
        return page.facts([
            ["Endpoint", element("code", {}, job.op)],
            ["Created", page.moment(job.created)],
            ["Started", page.moment(job.started)],
            ["Ended", page.moment(job.finished)],
            ["Duration", job.finished && page.jobTook(job)],
            [job.expired ? "Result gone since" : "Result kept until", job.expires && page.moment(job.expires)],
            ["Threads", job.threads && page.count(job.threads.granted)],
            ["Waited in the queue", job.timing && job.timing.queue_ms > 0 && page.duration(job.timing.queue_ms)],
            ["Priority", `${job.priority} of 0 to 9`],
            ["Begun", job.attempts === 1 ? "once" : `${job.attempts} times`],
            ["Kept", job.durable ? "on the disk" : "in memory: gone when the service ends"],
            ["Callback", callbackText(job.callback)],
        ]);
    }

    /* Resolves to what ends it. */
    async function showResult(place, job) {
        let answer;
        fill(place, element("h2", {}, "Result"), element("p", {class: "note"}, "Loading…"));
        try {
            answer = await page.peek(job.links.result);
        } catch (error) {
            page.showError(place, "The service doesn't answer.");
            return () => {};
        }
        const body = element("div");
        fill(place, element("h2", {}, job.status === "failed" ? "Problem" : "Result"), body);
        const endBody = page.showBody(body, answer);
        if (answer.ok) {
            place.append(element("div", {class: "actions"}, element("button", {type: "button", class: "quiet",
                onclick: () => page.saveFrom(job.links.result, `${job.id}.${page.extension(answer.media)}`)},
                "Save the result")));
        }
        return endBody;
    }

    /* Shows each status that comes, until the job is over; refused() where no more come for another reason. Returns the
     * source of events. */
    function follow(path, show, refused) {
        const source = new EventSource(`${path}/events`);
        const hear = event => {
            const job = JSON.parse(event.data);
            show(job);
            if (page.jobIsOver(job)) {
                source.close();
            }
        };
        source.addEventListener("status", hear);
        source.addEventListener("progress", hear);
        source.addEventListener("error", () => {
            if (source.readyState === EventSource.CLOSED) {
                refused();
            }
        });
        return source;
    }

    /* What is shown of a job: {nodes, place (for what goes wrong), show(job), end()}. */
    function makeParts(id, load) {
        let shown = null;
        let ending = Promise.resolve(() => {});
        const state = element("p", {class: "state"});
        const bar = element("div");
        const place = element("div");
        const actions = element("div", {class: "actions"});
        const facts = element("div", {class: "panel", hidden: true});
        const result = element("div", {class: "panel", hidden: true});

        function show(job) {
            const isOver = page.jobIsOver(job);
            fill(place);
            fill(state, page.jobPill(job), " ", sentence(job));
            fill(bar, page.jobBar(job));
            fill(facts, describe(job));
            facts.hidden = false;
            if (!shown || isOver !== page.jobIsOver(shown)) {
                fill(actions, page.jobButton(job, place, isOver ? () => page.go("jobs") : load));
            }
            if (!shown || shown.status !== job.status) {
                page.announce(`Job ${id}: ${sentence(job)}`);
            }
            if (isOver && result.hidden && job.result_status && !job.expired) {
                result.hidden = false;
                ending = showResult(result, job);
            }
            shown = job;
        }

        return {nodes: [state, bar, place, actions, facts, result], place, show,
                end: () => ending.then(endBody => endBody())};
    }

    /* Shows it and follows it; returns what ends that. */
    page.openJob = (section, id) => {
        const path = `/v1/jobs/${encodeURIComponent(id)}`;
        const parts = makeParts(id, load);
        let source = null;
        let timer = 0;
        let isOpen = true;

        function end() {
            isOpen = false;
            clearTimeout(timer);
            if (source) {
                source.close();
            }
            parts.end();
        }

        async function load() {
            clearTimeout(timer);
            const answer = await page.ask(parts.place, "GET", path);
            if (!isOpen) {
                return;
            }
            if (!answer) {
                clearTimeout(timer);
                timer = setTimeout(load, RETRY_MS);
                return;
            }
            if (!answer.ok) {
                page.showError(parts.place, page.problemText(answer));
                return;
            }
            parts.show(answer.json);
            if (!page.jobIsOver(answer.json) && (!source || source.readyState === EventSource.CLOSED)) {
                source = follow(path, parts.show, () => {
                    if (isOpen) {
                        timer = setTimeout(load, RETRY_MS); /* the status says why */
                    }
                });
            }
        }

        page.fillView(section, element("p", {}, element("a", {href: "#jobs"}, "All jobs")),
            element("h1", {class: "name"}, `Job ${id}`), ...parts.nodes);
        load();
        return end;
    };
}
