/* The shell of the page, and what its views share. All scripts of web/ are put into one, this one first: classic
 * scripts that share the global `page`, each in a block of its own. A view is a file that calls page.view().
 *
 * The page is served with a Content-Security-Policy that allows no other host, nothing inline and no eval: nodes are
 * made by page.element(), never from strings of HTML, and styles are classes. */
const page = {};
{
    const views = new Map();
    let current = null;

    /* element("p", {class: "note", onclick: f, hidden: true}, "text", node, [more]): a node. Attributes that are false,
     * null or undefined are left out; functions under "on…" listen. */
    function element(tag, attributes = {}, ...children) {
        const node = document.createElement(tag);
        for (const [name, value] of Object.entries(attributes)) {
            if (value === false || value === null || value === undefined) {
                continue;
            }
            if (typeof value === "function") {
                node.addEventListener(name.slice(2), value);
            } else if (name === "value") {
                node.value = value;
            } else {
                node.setAttribute(name, value === true ? "" : String(value));
            }
        }
        node.append(...children.flat().filter(child => child !== null && child !== undefined && child !== false));
        return node;
    }

    /* Puts these nodes in place of what `parent` has. */
    function fill(parent, ...children) {
        parent.replaceChildren(...children.flat().filter(child => child !== null && child !== undefined &&
            child !== false));
    }

    /* --- words for numbers --- */

    const digits = new Intl.NumberFormat("en", {maximumSignificantDigits: 4});

    function count(value) {
        return Number.isFinite(value) ? (Number.isInteger(value) ? value.toLocaleString("en") : digits.format(value))
            : "–";
    }

    function duration(milliseconds) {
        if (!Number.isFinite(milliseconds)) {
            return "–";
        }
        const [unit, factor] = milliseconds >= 1000 ? ["s", 1e-3] : milliseconds >= 1 ? ["ms", 1] : ["µs", 1e3];
        return `${Number((milliseconds * factor).toPrecision(3))} ${unit}`;
    }

    function bytes(value) {
        if (!Number.isFinite(value)) {
            return "–";
        }
        const units = ["B", "KiB", "MiB", "GiB", "TiB"];
        let unit = 0;
        while (value >= 1024 && unit + 1 < units.length) {
            value /= 1024;
            unit++;
        }
        return `${Number(value.toPrecision(3))} ${units[unit]}`;
    }

    /* --- calls --- */

    /* One request to this service. `options`: query (object or string), headers, body (string, Blob, ArrayBuffer; other
     * objects are sent as JSON), signal. Resolves, whatever the status, to
     *   {status, ok, headers, media, text, json, bytes, elapsed}
     * json: parsed, where the answer is JSON or a problem; bytes: an ArrayBuffer of what is neither JSON nor text;
     * elapsed: milliseconds from here to the answer's last byte. Rejects where there was no answer. */
    async function call(method, path, options = {}) {
        const query = typeof options.query === "string" ? options.query
            : new URLSearchParams(options.query || {}).toString();
        const headers = {Accept: "application/json", ...options.headers};
        let body = options.body;
        if (body !== undefined && body !== null && typeof body !== "string" && !(body instanceof Blob) &&
            !(body instanceof ArrayBuffer) && !ArrayBuffer.isView(body)) {
            body = JSON.stringify(body);
        }
        if (typeof body === "string" && !Object.keys(headers).some(name => name.toLowerCase() === "content-type")) {
            headers["Content-Type"] = "application/json";
        }
        const started = performance.now();
        const response = await fetch(query ? `${path}?${query}` : path,
                                     {method, headers, body, signal: options.signal,
                                         cache: options.cache || "no-store"});
        const answer = {status: response.status, ok: response.ok, headers: response.headers,
                        media: (response.headers.get("Content-Type") || "").split(";")[0].trim()};
        if (/json$|^text\/|yaml$/.test(answer.media) || answer.media === "") {
            answer.text = await response.text();
            if (/json$/.test(answer.media)) {
                try {
                    answer.json = JSON.parse(answer.text);
                } catch (error) {
                    answer.json = undefined; /* lines of JSON */
                }
            }
        } else {
            answer.bytes = await response.arrayBuffer();
        }
        answer.elapsed = performance.now() - started;
        return answer;
    }

    const kept = new Map();

    /* A document that doesn't change while the page is open, asked for once. */
    function fetchJson(path) {
        if (!kept.has(path)) {
            kept.set(path, call("GET", path, {cache: "default"}).then(answer => {
                if (!answer.ok) {
                    throw new Error(problemText(answer));
                }
                return answer.json;
            }));
            kept.get(path).catch(() => kept.delete(path));
        }
        return kept.get(path);
    }

    /* A sentence that says what went wrong. */
    function problemText(answer) {
        const problem = answer.json;
        return problem && problem.detail ? problem.detail : `The answer has status ${answer.status}.`;
    }

    /* --- parts that views share --- */

    /* A table: heads are strings, or {text, numeric: true}; rows are arrays of strings and nodes. */
    function table(caption, heads, rows) {
        const columns = heads.map(head => typeof head === "string" ? {text: head} : head);
        const cell = (value, i) => element("td", {class: columns[i].numeric ? "numeric" : null}, value);
        return element("div", {class: "scroll", tabindex: "0", role: "region", "aria-label": caption},
            element("table", {},
                element("caption", {class: "visually-hidden"}, caption),
                element("thead", {}, element("tr", {}, columns.map(column =>
                    element("th", {scope: "col", class: column.numeric ? "numeric" : null}, column.text)))),
                element("tbody", {}, rows.map(row => element("tr", {}, row.map(cell))))));
    }

    /* Tells screen readers. */
    function announce(text) {
        document.getElementById("announcer").textContent = text;
    }

    /* A button that copies what `text()` says. */
    function copyButton(label, text) {
        const button = element("button", {type: "button", class: "quiet", onclick: async () => {
            try {
                await navigator.clipboard.writeText(text());
                button.textContent = "Copied";
            } catch (error) {
                button.textContent = "Copying isn't allowed here";
            }
            announce(button.textContent);
            setTimeout(() => { button.textContent = label; }, 1500);
        }}, label);
        return button;
    }

    /* Offers bytes or text as a file. */
    function save(name, content, media) {
        const link = element("a", {href: URL.createObjectURL(new Blob([content], {type: media})), download: name});
        link.click();
        setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    }

    /* What is said where something went wrong; replaces what `parent` has. */
    function showError(parent, text) {
        fill(parent, element("p", {class: "error", role: "alert"}, text));
    }

    /* --- views --- */

    /* Registers a view, in the order of the navigation: {id, title, open(section, rest), close()}. It is shown at
     * #id and #id/rest; open() is called whenever it is gone to, close() (optional) when it is left. */
    function view(description) {
        views.set(description.id, description);
    }

    /* An address may have been written by hand. */
    function decoded(text) {
        try {
            return decodeURIComponent(text);
        } catch (error) {
            return text;
        }
    }

    function show() {
        const [id, ...rest] = decoded(location.hash.slice(1)).split("/");
        const next = views.get(id) || views.get("try") || views.values().next().value;
        if (!next || id === "main" && current) {
            return; /* the link that skips to the content */
        }
        if (current && current !== next) {
            current.section.hidden = true;
            if (current.close) {
                current.close();
            }
        }
        const isNew = current !== next;
        current = next;
        if (!next.section) {
            next.section = element("section", {id: `view-${next.id}`, "aria-label": next.title});
            document.getElementById("main").append(next.section);
        }
        next.section.hidden = false;
        document.title = `${next.title} – forkjoin`;
        for (const link of document.querySelectorAll("header nav a")) {
            if (link.hash === `#${next.id}`) {
                link.setAttribute("aria-current", "page");
            } else {
                link.removeAttribute("aria-current");
            }
        }
        next.open(next.section, rest.join("/"));
        if (isNew) {
            window.scrollTo(0, 0);
        }
    }

    function go(target) {
        if (location.hash === `#${target}`) {
            show();
        } else {
            location.hash = target;
        }
    }

    let example = null;

    /* Puts a request into Try and goes there: {media, query, headers, body, accept}, body as text. Nothing is sent. */
    function fillTry(method, path, request = {}) {
        example = {method, path, ...request};
        go("try");
    }

    /* For Try: what fillTry() left, once. */
    function takeExample() {
        const taken = example;
        example = null;
        return taken;
    }

    async function describe() {
        try {
            const system = await fetchJson("/v1/system");
            document.querySelector(".about").textContent =
                `${system.cores.count} ${system.cores.count === 1 ? "core" : "cores"}, ${system.instruction_set}`;
            document.querySelector(".build").textContent = `forkjoin ${system.version} (${system.build})`;
        } catch (error) {
            document.querySelector(".about").textContent = "The service doesn't answer.";
        }
    }

    const order = ["try", "lab", "now", "jobs", "data", "api"];

    document.addEventListener("DOMContentLoaded", () => {
        const sorted = [...views.values()].sort((a, b) => order.indexOf(a.id) - order.indexOf(b.id));
        fill(document.querySelector("header nav"), sorted.map(each => element("a", {href: `#${each.id}`}, each.title)));
        window.addEventListener("hashchange", show);
        show();
        describe();
    });

    Object.assign(page, {view, go, fillTry, takeExample, element, fill, count, duration, bytes, call, fetchJson,
                         problemText, table, announce, copyButton, save, showError});
}
