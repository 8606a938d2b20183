/* What the speed-up lab measures: page.experiments. Each has
 *   fields     of its form: {name, label, hint, kind, value, …}; kind is number, text, area, file, or a list of
 * choices;
 *              pointer: the members of the request that it makes, by their JSON pointers
 *   data       what is kept on the server before: {name: {media, bytes}}, a Blob each
 *   size       of the longest body that is sent for it: {field, bytes}
 *   request    {path, members} of one call; refer(name) stands for kept data, keep(members) has the result kept, too
 *   carried    the same where data can't be kept: {path, query, headers, body}, times are in Server-Timing then
 *   says       what was measured, for the table's caption */
{
    const NPY = "application/x-npy";
    const RESULT_EXPIRES_S = 60;

    /* PyO3's word-count example has this text. */
    const ZEN = `The Zen of Python, by Tim Peters

Beautiful is better than ugly.
Explicit is better than implicit.
Simple is better than complex.
Complex is better than complicated.
Flat is better than nested.
Sparse is better than dense.
Readability counts.
Special cases aren't special enough to break the rules.
Although practicality beats purity.
Errors should never pass silently.
Unless explicitly silenced.
In the face of ambiguity, refuse the temptation to guess.
There should be one-- and preferably only one --obvious way to do it.
Although that way may not be obvious at first unless you're Dutch.
Now is better than never.
Although never is often better than *right* now.
If the implementation is hard to explain, it's a bad idea.
If the implementation is easy to explain, it may be a good idea.
Namespaces are one honking great idea -- let's do more of those!
`;

    /* An array of float64 as NumPy's np.save writes it. */
    function npy(values) {
        const about = `{'descr': '<f8', 'fortran_order': False, 'shape': (${values.length},), }`;
        const header = about + " ".repeat(63 - (10 + about.length) % 64) + "\n";
        const start = Uint8Array.of(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, header.length & 255, header.length >> 8);
        return {media: NPY, bytes: new Blob([start, header, values])};
    }

    /* x rises from 0 to 1 and y falls, both without their 0. */
    function arrays(n, names) {
        const values = {x: i => (i + 1) / n, y: i => (n - i) / n};
        return Object.fromEntries(names.map(name =>
            [name, npy(Float64Array.from({length: n}, (_, i) => values[name](i)))]));
    }

    /* A body of .npy arrays with all else in the query; what isn't reduced comes back as .npy, too. */
    function carriedArrays(path, query, data, answer) {
        return {path, query, headers: {"Content-Type": NPY, Accept: answer},
                body: new Blob(Object.values(data).map(each => each.bytes))};
    }

    const elements = {name: "n", label: "Elements", kind: "number", value: 2000000, min: 1, max: 1e9};
    const arraysSize = values => ({field: "n", bytes: 128 + 8 * values.n});
    const usedNames = expr => ["x", "y"].filter(name => new RegExp(`\\b${name}\\b`).test(expr));
    const ofWord = values => values.count === "exact" || values.count === "letters";

    function countMembers(values) {
        return ofWord(values) ? {word: values.word, match: values.count} : values.count === "top" ? {top: 10} : {};
    }

    function readText(values) {
        const pieces = values.file ? [values.file] : [values.text.repeat(values.repeat)];
        return {text: {media: "text/plain", bytes: new Blob(pieces)}};
    }

    function textBytes(values) {
        return values.file ? values.file.size : values.repeat * new Blob([values.text]).size;
    }

    function mapMembers(values) {
        return {expr: values.expr, ...(values.result === "kept" ? {} : {reduce: values.result})};
    }

    page.experiments = [{
        id: "wordcount",
        title: "Word count",
        about: "Counts words of a text that the server keeps.",
        fields: [
            {name: "text", label: "Text", kind: "area", value: ZEN, pointer: ["/text"]},
            {name: "repeat", label: "Repeated", kind: "number", value: 20000, min: 1, max: 1e7, hint: "times"},
            {name: "file", label: "Or a file", kind: "file", hint: "once"},
            {name: "count", label: "Count", value: "exact",
                kind: [["exact", "one word"], ["letters", "one word, any case"],
                ["totals", "lines, words, characters"], ["top", "the 10 most frequent"]], pointer: ["/match", "/top"]},
            {name: "word", label: "Word", kind: "text", value: "is", pointer: ["/word"]},
        ],
        size: values => ({field: values.file ? "file" : "repeat", bytes: textBytes(values)}),
        data: readText,
        request: (values, refer) => ({path: "/v1/wordcount", members: {text: refer("text"), ...countMembers(values)}}),
        carried: async (values, data) => ({path: "/v1/wordcount",
                                           members: {text: await data.text.bytes.text(), ...countMembers(values)}}),
        says: (values, data) => `word count of ${page.bytes(data.text.bytes.size)}` +
            (ofWord(values) ? `, the word “${values.word}”` : values.count === "top" ? ", most frequent words"
                : ", totals"),
    }, {
        id: "gaussian",
        title: "Gaussian",
        about: "exp(−γ (x − y)²) of arrays that the server keeps, and so the result: x rises from 0 to 1, y falls.",
        fields: [
            elements,
            {name: "gamma", label: "γ", kind: "number", value: 2, min: 0, step: "any", pointer: ["/gamma"]},
        ],
        size: arraysSize,
        data: values => arrays(values.n, ["x", "y"]),
        request: (values, refer, keep) => ({path: "/v1/gaussian",
                                            members: keep({x: refer("x"), y: refer("y"), gamma: values.gamma})}),
        carried: (values, data) => carriedArrays("/v1/gaussian", {gamma: values.gamma}, data, NPY),
        says: values => `Gaussian of ${page.count(values.n)} elements`,
    }, {
        id: "expression",
        title: "Expression",
        about: "Your own expression of x and y, in Python's grammar, for each element: x rises from 0 to 1, y falls.",
        fields: [
            {name: "expr", label: "Expression", kind: "text", value: "exp(-2 * (x - y)**2) * sin(9 * x)", code: true,
             pointer: ["/expr"]},
            elements,
            {name: "result", label: "Result", value: "sum", pointer: ["/reduce"],
                kind: [["sum", "its sum"], ["mean", "its mean"],
                ["min", "its minimum"], ["max", "its maximum"], ["std", "its standard deviation"],
                ["kept", "kept whole"]]},
        ],
        size: arraysSize,
        data: values => arrays(values.n, usedNames(values.expr)),
        request: (values, refer, keep) => {
            const members = {...mapMembers(values),
                ...Object.fromEntries(usedNames(values.expr).map(name => [name, refer(name)]))};
            return {path: "/v1/map", members: values.result === "kept" ? keep(members) : members};
        },
        carried: (values, data) => carriedArrays("/v1/map", {...mapMembers(values), names: Object.keys(data).join(",")},
                                                 data, values.result === "kept" ? NPY : "application/json"),
        says: values => usedNames(values.expr).length === 0 ? `${values.expr}, which is one number` :
            `${values.expr} of ${page.count(values.n)} elements, ` +
            (values.result === "kept" ? "kept" : `the ${values.result}`),
    }, {
        id: "triangular",
        title: "Triangular numbers",
        about: "All triangular numbers of three ranges: a load of known size, a range for a thread.",
        fields: [100, 200, 300].map((millions, i) => (
            {name: `range${i}`, label: `Range ${i + 1}`, kind: "number", value: millions * 1e6, min: 0,
             pointer: [`/ranges/${i}`]})),
        size: () => ({bytes: 0}),
        data: () => ({}),
        request: values => ({path: "/v1/triangular", members: {ranges: [values.range0, values.range1, values.range2]}}),
        says: values => "triangular numbers of " +
            [values.range0, values.range1, values.range2].map(page.count).join(", "),
    }];

    /* The members that have a result kept under this name. */
    page.keepResult = name => members => ({...members, store: name, expires_s: RESULT_EXPIRES_S});
}
