/* Prometheus' text format, and what follows from two looks at it: page.metrics. */
{
    const SAMPLE = /^([A-Za-z_:][\w:]*)(?:\{(.*)\})? (\S+)/;
    const LABEL = /(\w+)="((?:[^"\\]|\\.)*)"/g;
    const START = "process_start_time_seconds";

    function number(text) {
        return text === "+Inf" ? Infinity : text === "-Inf" ? -Infinity : Number(text);
    }

    function readLabels(text) {
        const labels = {};
        for (const [, name, value] of (text || "").matchAll(LABEL)) {
            labels[name] = value.replace(/\\(.)/g, (_, escaped) => escaped === "n" ? "\n" : escaped);
        }
        return labels;
    }

    /* The samples of a text, by name: Map of name to [{labels, value}]. keep(name, text of the labels), if given, says
     * which. */
    function parse(text, keep = () => true) {
        const families = new Map();
        for (const line of text.split("\n")) {
            const found = SAMPLE.exec(line);
            if (found && keep(found[1], found[2] || "")) {
                const samples = families.get(found[1]) || families.set(found[1], []).get(found[1]);
                samples.push({labels: readLabels(found[2]), value: number(found[3])});
            }
        }
        return families;
    }

    const matches = (labels, wanted) => Object.entries(wanted).every(([name, value]) => labels[name] === value);

    /* The sum of the samples of this name and these labels; 0 of none. */
    function sum(families, name, wanted = {}) {
        return (families.get(name) || []).filter(each => matches(each.labels, wanted)).reduce((total, each) => total +
            each.value, 0);
    }

    /* Sums by a label's value: Map. keep(labels), if given, says of which samples. */
    function sums(families, name, label, keep = () => true) {
        const found = new Map();
        for (const {labels, value} of (families.get(name) || []).filter(each => keep(each.labels))) {
            found.set(labels[label], (found.get(labels[label]) || 0) + value);
        }
        return found;
    }

    /* How much counters have grown between two looks, by key. Null where they can't be compared: there is no earlier
     * look, another process answered, or one has fallen. Series appear in a process at 0, so one that wasn't there
     * counts in full. */
    function growth(now, before, pick) {
        if (!before || sum(now, START) !== sum(before, START)) {
            return null;
        }
        const earlier = pick(before);
        const grown = new Map([...pick(now)].map(([key, value]) => [key, value - (earlier.get(key) || 0)]));
        return [...grown.values()].some(value => value < 0) ? null : grown;
    }

    /* The value below which `share` of a histogram's growth lies, by a straight line within its bucket; the last finite
     * bound where it lies beyond. grown: Map of le to a count that includes all below. NaN of nothing. */
    function quantile(grown, share) {
        const buckets = [...grown].map(([le, count]) => [number(le), count]).sort((a, b) => a[0] - b[0]);
        const wanted = buckets.length ? share * buckets[buckets.length - 1][1] : 0;
        let [below, counted] = [0, 0];
        for (const [bound, count] of buckets) {
            if (count >= wanted && count > counted) {
                return bound === Infinity ? below : below + (bound - below) * (wanted - counted) / (count - counted);
            }
            [below, counted] = [bound, count];
        }
        return NaN;
    }

    page.metrics = {parse, sum, sums, growth, quantile};
}
