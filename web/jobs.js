/* The view Jobs: the list, which is asked for again while something in it is unfinished and somebody looks, and at
 * #jobs/<id> one job (page.openJob, job.js). */
{
    const {element, fill} = page;
    const POLL_MS = 1500;
    const PAGE = 20;
    const WORDS = {accepted: "Waiting", running: "Running", successful: "Done", failed: "Failed",
        dismissed: "Cancelled"};
    const TONES = {running: "good", successful: "good", failed: "bad"};

    page.jobIsOver = job => !["accepted", "running"].includes(job.status);

    page.jobPill = job => element("span", {class: `pill ${TONES[job.status] || ""}`}, WORDS[job.status] || job.status);

    /* How far it is: nothing where it is over, a bar that says nothing but "at work" where nobody knows. */
    page.jobBar = job => page.jobIsOver(job) ? null
        : element("progress", {max: 100, value: job.progress, "aria-label": `Progress of job ${job.id}`});

    /* The service says times in whole milliseconds. */
    page.jobTook = job => {
        const took = new Date(job.finished) - new Date(job.started);
        return took === 0 ? "under 1 ms" : page.duration(took);
    };

    /* What there is to say while it isn't over. */
    page.jobWait = job => {
        if (job.status === "accepted" && job.place !== undefined) {
            return job.place === 0 ? "next" : `${page.count(job.place)} before it`;
        }
        if (job.eta_s === undefined) {
            return "";
        }
        const minutes = job.eta_s / 60;
        return minutes < 2 ? `about ${Math.max(1, Math.round(job.eta_s))} s left`
            : minutes < 120 ? `about ${Math.round(minutes)} min left` : `about ${Math.round(minutes / 60)} h left`;
    };

    /* Cancels it if it isn't over: one that ends in this moment would be forgotten instead, so the status that was seen
     * last is a condition, and one that was begun meanwhile is looked at again. Resolves to the last answer. */
    page.cancelJob = async (place, id) => {
        const path = `/v1/jobs/${encodeURIComponent(id)}`;
        let answer = await page.ask(place, "GET", path);
        for (let tries = 0; tries < 5 && answer && answer.ok && !page.jobIsOver(answer.json); tries++) {
            const cancelled = await page.ask(place, "DELETE", path,
                {headers: {"If-Match": answer.headers.get("ETag")}});
            if (!cancelled || cancelled.status !== 412) {
                return cancelled;
            }
            answer = await page.ask(place, "GET", path);
        }
        return answer;
    };

    /* Cancel or Delete, with what is done when the service has answered. */
    page.jobButton = (job, place, done) => {
        const isOver = page.jobIsOver(job);
        return page.confirmButton({
            label: isOver ? "Delete" : "Cancel",
            name: `${isOver ? "Delete" : "Cancel"} job ${job.id}`,
            question: isOver ? "Delete job and result?" : "Cancel this job?",
            yes: isOver ? "Delete" : "Cancel it",
            no: isOver ? "Keep" : "Go on",
            act: async () => {
                const answer = isOver ? await page.ask(place, "DELETE", `/v1/jobs/${encodeURIComponent(job.id)}`)
                    : await page.cancelJob(place, job.id);
                if (answer && !answer.ok) {
                    page.showError(place, page.problemText(answer));
                } else if (answer) {
                    page.announce(isOver ? `Job ${job.id} is deleted.` : `Job ${job.id} is cancelled.`);
                    await done(answer);
                }
            },
        });
    };

    /* Try, with a request that becomes a job. */
    function submit() {
        page.fillTry("POST", "/v1/triangular", {media: "application/json", headers: {Prefer: "respond-async"},
                                                body: '{"ranges": [1000000000, 1000000000, 1000000000, 1000000000]}'});
    }

    let stop = () => {};

    function makeRow(place, reload) {
        return job => {
            const cells = {status: element("td", {class: "status"}), took: element("td", {class: "numeric"}),
                           finished: element("td", {class: "wide"}), act: element("td", {class: "act"})};
            let drawn = "";
            function update(next) {
                const shape = `${next.status} ${next.progress} ${page.jobWait(next)}`;
                if (shape === drawn) {
                    return;
                }
                const wait = page.jobIsOver(next) ? "" : page.jobWait(next);
                fill(cells.status, page.jobPill(next), page.jobBar(next),
                    wait && element("span", {class: "note"}, wait));
                fill(cells.took, page.jobTook(next));
                fill(cells.finished, page.moment(next.finished));
                if (!drawn || page.jobIsOver(next) !== cells.isOver) {
                    cells.isOver = page.jobIsOver(next);
                    fill(cells.act, page.jobButton(next, place, reload));
                }
                drawn = shape;
            }
            const row = element("tr", {}, element("td", {class: "id"}, element("a", {href: `#jobs/${job.id}`}, job.id),
                element("span", {class: "note"}, job.op)), cells.status,
                element("td", {class: "wide"}, page.moment(job.created)), cells.finished, cells.took, cells.act);
            return {row, update};
        };
    }

    function makeFilter(onchange) {
        return element("select", {id: "jobs-status", onchange}, element("option", {value: ""}, "All"),
            Object.entries(WORDS).map(([value, text]) => element("option", {value}, text)));
    }

    function listHead(filter, load) {
        return element("div", {class: "list-head"}, element("h1", {}, "Jobs"),
            element("div", {}, element("label", {for: "jobs-status"}, "Status"), filter),
            element("button", {type: "button", class: "quiet", onclick: load}, "Refresh"),
            element("button", {type: "button", onclick: submit}, "Submit one in Try"));
    }

    function openList(section) {
        let timer = 0;
        let asked = 0;
        let jobs = [];
        const place = element("div");
        const note = element("p", {class: "note", role: "status"});
        const filter = makeFilter(() => pages.restart(first()));
        const first = () => `/v1/jobs?limit=${PAGE}${filter.value ? `&status=${filter.value}` : ""}`;
        const pages = page.pager(["Newer", "Older"], first(), load);
        const table = page.liveTable("List of jobs",
            ["Job", "Status", "Created", "Ended", {text: "Duration", numeric: true},
            {text: element("span", {class: "visually-hidden"}, "Action")}], job => job.id, makeRow(place, load));
        table.node.querySelectorAll("th").forEach((head, i) => head.classList.toggle("wide", i === 2 || i === 3));

        function plan() {
            clearTimeout(timer);
            if (!document.hidden && jobs.some(job => !page.jobIsOver(job))) {
                timer = setTimeout(load, POLL_MS);
            }
        }

        function show(answer) {
            jobs = answer.ok ? answer.json.jobs : [];
            if (!answer.ok) {
                page.showError(place, page.problemText(answer));
            } else {
                fill(place);
            }
            table.show(jobs);
            note.textContent = jobs.length > 0 || !answer.ok ? ""
                : filter.value ? `No job is ${WORDS[filter.value].toLowerCase()}.`
                    : "No jobs yet. A request with “Prefer: respond-async” becomes one.";
            pages.found(answer.ok ? answer.json.next || null : null);
        }

        async function load() {
            const mine = ++asked;
            clearTimeout(timer);
            const answer = await page.ask(place, "GET", pages.at());
            if (mine !== asked) {
                return; /* a later question is on its way, or nobody looks any more */
            }
            if (answer) {
                show(answer);
            }
            plan();
        }

        const seen = () => document.hidden ? clearTimeout(timer) : load();
        document.addEventListener("visibilitychange", seen);
        stop = () => {
            asked++;
            clearTimeout(timer);
            document.removeEventListener("visibilitychange", seen);
        };
        page.fillView(section, listHead(filter, load), place, note, table.node, pages.node);
        load();
    }

    page.view({
        id: "jobs",
        title: "Jobs",
        open(section, id) {
            stop();
            if (id) {
                stop = page.openJob(section, id);
            } else {
                openList(section);
            }
        },
        close: () => stop(),
    });
}
