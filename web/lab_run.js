/* A run of the speed-up lab: page.runExperiment(), and what its figures say: page.lookAtRun(). */
{
    const DATA_EXPIRES_S = 3600;
    const CALM_MS = 50; /* after drawing, so that the browser isn't beside the next round */
    const SHORT_MS = 0.05; /* the time of handing work to a team is some part of that */
    const SPREAD = 0.1;
    const ALONE = 0.9;

    /* An answer that ends a run: its problem. */
    class Refusal extends Error {
        constructor(answer) {
            super(page.problemText(answer));
            this.status = answer.status;
            this.pointer = answer.json && answer.json.pointer;
        }
    }

    const rest = () => new Promise(resolve => setTimeout(resolve, CALM_MS));

    function shuffled(values) {
        const order = [...values];
        for (let i = order.length - 1; i > 0; i--) {
            const other = Math.floor(Math.random() * (i + 1));
            [order[i], order[other]] = [order[other], order[i]];
        }
        return order;
    }

    async function ask(run, method, path, options) {
        const answer = await page.call(method, path, {signal: run.signal, ...options});
        if (!answer.ok) {
            throw new Refusal(answer);
        }
        return answer;
    }

    /* Sends what the experiment computes on; where there is no room for it, it will travel with each call. */
    async function keepData(run) {
        try {
            for (const [name, {media, bytes}] of Object.entries(run.data)) {
                run.tell(`Sending ${page.bytes(bytes.size)} …`);
                await ask(run, "PUT", `/v1/data/${run.prefix}${name}`,
                          {query: {expires_s: DATA_EXPIRES_S}, headers: {"Content-Type": media}, body: bytes});
            }
        } catch (error) {
            carryData(run, error);
        }
    }

    function carryData(run, error) {
        if (error.status !== 507 || run.carried) {
            throw error;
        }
        run.carried = error.message;
    }

    async function request(run, threads) {
        const options = {threads, schedule: run.values.schedule, chunk: run.values.chunk};
        if (run.carried) {
            const {path, query, members, headers, body} = await run.experiment.carried(run.values, run.data);
            return members ? [path, {body: {...members, ...options}}]
                : [path, {query: {...query, ...options}, headers, body}];
        }
        const {path, members} = run.experiment.request(run.values, name => ({data: run.prefix + name}),
                                                       page.keepResult(`${run.prefix}z`));
        return [path, {body: {...members, ...options}}];
    }

    /* Answers in .npy have their times in a header, and say nothing of threads. */
    function timesOf(answer) {
        if (answer.json) {
            const {timing, threads} = answer.json;
            return {compute: timing.compute_ms, total: timing.total_ms, cpu: timing.cpu_ms, granted: threads.granted,
                    reason: threads.reason};
        }
        const header = answer.headers.get("Server-Timing");
        const phase = name => Number(new RegExp(`\\b${name};dur=([\\d.]+)`).exec(header)[1]);
        return {compute: phase("compute"), total: phase("total"), cpu: phase("cpu"), granted: null};
    }

    async function measure(run, threads) {
        const [path, options] = await request(run, threads);
        return {threads, ...timesOf(await ask(run, "POST", path, options))};
    }

    async function warmUp(run) {
        run.tell("Warming up …");
        for (const threads of run.counts) {
            try {
                await measure(run, threads);
            } catch (error) {
                carryData(run, error);
                await measure(run, threads);
            }
        }
    }

    /* Before a round nothing of this run is at work: who has cores is somebody else. */
    async function isShared(run) {
        const health = (await ask(run, "GET", "/healthz")).json;
        return health.cores_busy > 0 || health.queued > 0;
    }

    /* Runs an experiment: warm-up, then rounds, in each of which every count of threads has its turn, in another order.
     *   experiment, values   of page.experiments; values: its fields', schedule, chunk, rounds as well
     *   counts, cores        threads, ascending, and how many cores the service has
     *   signal               ends it
     *   tell(text), round()  what it does, and that a round is over
     * The run is filled while it goes on: samples ({threads, round, compute, total, cpu, granted, reason}, in order),
     * rounds, sharedRounds, carried (why data isn't kept). Rejects as it ends early. What it has put on the server is
     * removed. */
    page.runExperiment = async run => {
        Object.assign(run, {samples: [], rounds: 0, sharedRounds: 0, carried: null,
                            prefix: `lab-${Math.random().toString(36).slice(2, 10)}/`});
        try {
            run.data = run.experiment.data(run.values);
            await keepData(run);
            await warmUp(run);
            while (run.rounds < run.values.rounds) {
                run.tell(`Round ${run.rounds + 1} of ${run.values.rounds}`);
                run.sharedRounds += await isShared(run);
                for (const threads of shuffled(run.counts)) {
                    run.samples.push({round: run.rounds + 1, ...await measure(run, threads)});
                }
                run.rounds++;
                run.round();
                await rest();
            }
        } finally {
            await page.forgetRun(run);
        }
    };

    /* Deletes a run's data; also when the page is left, which a request outlives that is `keepalive`. */
    page.forgetRun = run => fetch(`/v1/data?prefix=${encodeURIComponent(run.prefix)}&all=true`,
                                  {method: "DELETE", keepalive: true}).catch(() => {}); /* it expires */

    page.threadsText = threads => threads === 1 ? "1 thread" : `${threads} threads`;

    /* Statistics of each count of threads that has samples: [{threads, granted, beyond, speedUp, …page.statistics()}].
     * which: "compute" or "total". */
    page.statisticsOfRun = (run, which) => {
        const rows = [];
        for (const threads of run.counts) {
            const samples = run.samples.filter(sample => sample.threads === threads);
            if (samples.length) {
                const granted = samples.map(sample => sample.granted).filter(value => value !== null);
                rows.push({threads, beyond: threads > run.cores, granted: [...new Set(granted)].sort((a, b) => a - b),
                           ...page.statistics(samples.map(sample => sample[which]))});
            }
        }
        const one = rows.find(row => row.threads === 1);
        return rows.map(row => ({...row, speedUp: one ? one.median / row.median : NaN}));
    };

    const percent = share => `${Math.round(100 * share)} %`;

    /* A thread that computes alone needs all of its core: what of the time it hadn't one, somebody else had it. */
    function shareOfCore(run) {
        const alone = run.samples.filter(sample => sample.threads === 1);
        const sum = name => alone.reduce((all, sample) => all + sample[name], 0);
        return sum("cpu") / sum("compute");
    }

    /* What to know before these figures are believed: sentences. */
    page.lookAtRun = (run, which) => {
        const rows = page.statisticsOfRun(run, which);
        const notes = [];
        const narrow = run.samples.filter(sample => sample.granted !== null &&
            sample.granted < Math.min(sample.threads, run.cores));
        const wide = rows.filter(row => !row.beyond && row.count > 2 && row.iqr > SPREAD * row.median);
        if (run.carried) {
            notes.push("Data travels with each request, and total times have that in them, since it can't be kept: " +
                       run.carried);
        }
        if (run.counts.some(threads => threads > run.cores)) {
            notes.push(`The service computes on ${run.cores} ${run.cores === 1 ? "core" : "cores"}: ` +
                       "who asks for more threads is granted no more.");
        }
        if (narrow.length) {
            notes.push(`${narrow.length} of ${run.samples.length} calls were granted fewer threads ` +
                       `than they asked for: ${[...new Set(narrow.map(sample => sample.reason))].join("; ")}.`);
        }
        if (run.sharedRounds) {
            const rounds = run.sharedRounds === 1 ? "a round" : `${run.sharedRounds} rounds`;
            notes.push(`Other requests used the service's cores when ${rounds} began.`);
        }
        if (!run.carried && shareOfCore(run) < ALONE) {
            notes.push("Something else uses the cores: one thread alone had its core for " +
                       `${percent(shareOfCore(run))} of the time.`);
        }
        if (wide.length) {
            notes.push(`Times vary: the middle half of them by ${wide.map(row =>
                `${percent(row.iqr / row.median)} with ${page.threadsText(row.threads)}`).join(", ")}.`);
        }
        if (rows.some(row => row.median < SHORT_MS)) {
            notes.push("Times this short say little of threads: there should be more to do.");
        }
        return notes;
    };
}
