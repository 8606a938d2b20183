/* The request that Try is about, before it is sent: a draft.
 *   operation  as openapi.yaml has it, or null
 *   method, path, query (text, without "?"), headers (text, a line each)
 *   media      of the body; "": there is none
 *   text       the body, unless there are files, which are sent one behind the other, or bytes (an example's .npy)
 *   arrays     how the files are named (see nameArrays), where the endpoint wants names for them
 * Form and raw request are two views of it: neither keeps anything of its own. */
{
    const JSON_MEDIA = "application/json";
    const TEXT_MEDIA = "text/plain";
    const NPY_MEDIA = "application/x-npy";

    function latin1(text) {
        return Uint8Array.from(text, character => character.charCodeAt(0));
    }

    function draftOf(operation, example, path) {
        const isNpy = example && example.media === NPY_MEDIA;
        const media = example ? example.media : operation.needsBody ? operation.media[0] || "" : "";
        return {operation, method: operation.method, path, media, headers: "", files: [],
                query: example ? example.query : "",
                text: example && !isNpy ? example.text : media === JSON_MEDIA ? "{}" : "",
                bytes: isNpy ? latin1(example.text) : null};
    }

    /* --- values by their fields: get() and set() the text that a control shows --- */

    function isReference(text) {
        const parsed = /^\s*\{/.test(text) ? page.json.parse(text) : null;
        return parsed !== null && typeof parsed.value.data === "string";
    }

    function memberText(field, source) {
        const value = source === undefined ? "" : JSON.parse(source);
        if (field.kind === "lines" && Array.isArray(value) &&
            value.every(each => typeof each === "string" && !each.includes("\n"))) {
            return value.join("\n");
        }
        return typeof value === "string" ? value : source;
    }

    function memberSource(field, text) {
        const isList = field.kind === "lines" && !(text.startsWith("[") && page.json.parse(text));
        if (isList) {
            return page.json.write(text.split("\n"));
        }
        if (field.isShort && /^[\s,]*\d[\d\s,]*$/.test(text)) {
            return `[${text.match(/\d+/g).map(digits => digits.replace(/^0+(?=\d)/, "")).join(", ")}]`;
        }
        const isText = field.kind === "word" || (field.kind === "long" && !(field.takesData && isReference(text)));
        return !isText && page.json.parse(text) ? text.trim() : JSON.stringify(text);
    }

    function bodyValues(draft) {
        const members = () => page.json.membersOf(draft.text) || new Map();
        return {
            names: () => [...members().keys()],
            get: field => memberText(field, members().get(field.name)),
            set(field, text) {
                const all = members();
                if (text === "" && !(field.required && field.kind === "long")) {
                    all.delete(field.name);
                } else {
                    all.set(field.name, memberSource(field, text));
                }
                draft.text = page.json.objectOf(all);
            },
        };
    }

    function queryValues(draft) {
        const all = () => new URLSearchParams(draft.query);
        return {
            names: () => [...new Set(all().keys())],
            get: field => all().getAll(field.name).join("\n"),
            set(field, text) {
                const query = all();
                query.delete(field.name);
                const items = text === "" ? [] : field.kind === "lines" && !field.isOneText ? text.split("\n") : [text];
                items.forEach(item => query.append(field.name, item));
                draft.query = query.toString();
            },
        };
    }

    function pathValues(draft) {
        const names = (draft.operation.path.match(/\{\w+\}/g) || []).map(name => name.slice(1, -1));
        const values = () => (draft.operation.pattern.exec(draft.path) || [""]).slice(1);
        return {
            get: field => (values()[names.indexOf(field.name)] || "").replace(`{${field.name}}`, ""),
            set(field, text) {
                const now = values();
                now[names.indexOf(field.name)] = text;
                draft.path = names.reduce((path, name, i) => path.replace(`{${name}}`, () => now[i] || `{${name}}`),
                                          draft.operation.path);
            },
        };
    }

    function headerLines(draft) {
        return draft.headers.split("\n").filter(line => line.includes(":"))
            .map(line => [line.slice(0, line.indexOf(":")).trim(), line.slice(line.indexOf(":") + 1).trim()]);
    }

    function headerValues(draft) {
        const isIt = field => ([name]) => name.toLowerCase() === field.name.toLowerCase();
        return {
            get: field => (headerLines(draft).find(isIt(field)) || ["", ""])[1],
            set(field, text) {
                const others = headerLines(draft).filter(line => !isIt(field)(line));
                draft.headers = [...others,
                    ...(text ? [[field.name, text]] : [])].map(line => line.join(": ")).join("\n");
            },
        };
    }

    /* --- another kind of body: what both can say is kept --- */

    function queryText(field, value, source) {
        if (Array.isArray(value)) {
            return field.kind === "lines" ? value.join("\n") : field.isShort ? value.join(",") : "";
        }
        if (value !== null && typeof value === "object") {
            return typeof value.data === "string" && !value.rows ? `data:${value.data}` : "";
        }
        return typeof value === "string" ? value : source;
    }

    function toQuery(draft, fields, free) {
        const members = page.json.membersOf(draft.text) || new Map();
        const values = queryValues(draft);
        draft.query = "";
        for (const [name, source] of members) {
            const field = fields.find(each => each.name === name) || (free && {...free, name});
            const value = JSON.parse(source);
            const isText = name === "text" && typeof value === "string";
            if (field && !isText) {
                values.set(field, queryText(field, value, source));
            }
        }
        const text = members.get("text");
        draft.text = text && text[0] === '"' ? JSON.parse(text) : "";
    }

    function toMembers(draft, fields, free) {
        const query = queryValues({query: draft.query});
        const values = bodyValues(draft);
        const text = draft.text;
        draft.text = "{}";
        if (text && fields.some(each => each.name === "text")) {
            values.set({name: "text", kind: "long"}, text);
        }
        for (const name of query.names()) {
            const field = fields.find(each => each.name === name) || (free && {...free, name});
            const said = query.get({name});
            if (field) {
                const isList = field.kind === "json" && /^[-+\d.eE,]+,[-+\d.eE,]+$/.test(said);
                values.set(field,
                    said.startsWith("data:") && field.takesData ? `{"data": ${JSON.stringify(said.slice(5))}}`
                    : isList ? `[${said}]` : said);
            }
        }
        draft.query = "";
    }

    function changeMedia(draft, media, api) {
        const {operation} = draft;
        const before = draft.media;
        draft.media = media;
        draft.files = [];
        draft.bytes = null;
        draft.arrays = null;
        if (before === JSON_MEDIA && media !== JSON_MEDIA) {
            toQuery(draft, api.parameterFields(operation, "query"), api.freeField(operation, media));
        } else if (before !== JSON_MEDIA && media === JSON_MEDIA) {
            toMembers(draft, api.bodyFields(operation, media) || [], api.freeField(operation, media));
        }
    }

    /* --- what .npy files are called in an expression: `names` in the query --- */

    /* Python's own that a file may have */
    const WORDS = /^(and|as|class|def|for|from|if|in|is|lambda|not|or|with|True|False|None)$/;

    /* The names of a form's arrays, before files take their place. */
    function arraysOf(draft) {
        if (draft.media !== JSON_MEDIA) {
            return queryValues(draft).get({name: "names"}).split(",").filter(name => name);
        }
        const members = page.json.membersOf(draft.text) || new Map();
        return [...members].filter(([, source]) => source[0] === "[").map(([name]) => name);
    }

    /* From here on `names` and the operands of an example follow the files and the expression, until somebody writes
     * something else there. `before`: arraysOf() of the draft as it was. */
    function nameArrays(draft, before, options) {
        const values = queryValues(draft);
        const others = values.names().filter(name => !options.includes(name));
        draft.arrays = {before: before.filter(name => !options.includes(name)), options,
            said: values.get({name: "names"}),
                        others: new Map(others.map(name => [name, values.get({name})])), left: new Set()};
        followExpression(draft);
    }

    /* Of the ways to call the files the one of which the expression has most: by their own names, as the arrays were
     * called that they stand for, or x, y, z, …. True where the query has changed. */
    function followExpression(draft) {
        const {arrays, files, query} = draft;
        const values = queryValues(draft);
        if (!arrays || files.length === 0 || values.get({name: "names"}) !== arrays.said) {
            return false;
        }
        const used = new Set(values.get({name: "expr"}).match(/(?<![\w.])[A-Za-z_]\w*/g));
        const own = files.map(file => file.name.replace(/\.npy$/i, ""));
        const isName = name => /^[A-Za-z_]\w{0,30}$/.test(name) && !WORDS.test(name) && !arrays.options.includes(name);
        const count = names => names.filter(name => used.has(name)).length;
        const [names] = [own.every(isName) && new Set(own).size === own.length ? own : [],
                         arrays.before, files.map((file, i) => ["x", "y", "z"][i] || `x${i}`)]
            .filter(each => each.length === files.length).sort((one, other) => count(other) - count(one));
        arrays.said = names.join(",");
        values.set({name: "names"}, arrays.said);
        for (const [name, value] of arrays.others) {
            const isUsed = used.has(name) && !names.includes(name);
            if (!isUsed && values.get({name}) === value) {
                values.set({name}, "");
                arrays.left.add(name);
            } else if (isUsed && arrays.left.delete(name) && values.get({name}) === "") {
                values.set({name}, value);
            }
        }
        return draft.query !== query;
    }

    /* --- what is sent --- */

    /* Header fields that a browser lets no script set. */
    const FORBIDDEN = new RegExp(
        "^((accept-(charset|encoding)|connection|content-length|cookie2?|date|dnt|expect|host|keep-alive|origin|" +
        "referer|set-cookie|te|trailer|transfer-encoding|upgrade|via)$|(access-control-request|proxy|sec)-)", "i");
    const isBrowsersOwn = name => FORBIDDEN.test(name);

    /* What is wrong with a path: "//host" and "http://host" would be asked of another one. Tabs are nothing in a URL,
     * and "\\" is "/". */
    const pathFault = path => /^\/(?![/\\])/.test(path.replace(/\t/g, "")) ? ""
        : "A path begins with one “/”: it is asked of this service.";

    /* {method, target, headers: [[name, value]], body: null or {text}, {bytes} or {files}, accept} */
    function requestOf(draft) {
        const headers = headerLines(draft);
        const has = wanted => headers.some(([name]) => name.toLowerCase() === wanted);
        let body = null;
        if (draft.media && !/^(GET|HEAD)$/.test(draft.method)) {
            body = draft.files.length > 0 ? {files: draft.files} : draft.bytes ? {bytes: draft.bytes}
                : {text: draft.text};
            if (!has("content-type")) {
                headers.unshift(["Content-Type", draft.media]);
            }
        }
        return {method: draft.method, target: draft.query ? `${draft.path}?${draft.query}` : draft.path, headers, body,
                accept: headerValues(draft).get({name: "Accept"})};
    }

    function read(xhr, started) {
        const media = (xhr.getResponseHeader("Content-Type") || "").split(";")[0].trim();
        const answer = {status: xhr.status, title: xhr.statusText, media, bytes: xhr.response,
                        elapsed: performance.now() - started, header: name => xhr.getResponseHeader(name),
                        headers: xhr.getAllResponseHeaders().trim()};
        if (media !== NPY_MEDIA) {
            answer.text = new TextDecoder().decode(xhr.response);
            const parsed = /json$/.test(media) ? page.json.parse(answer.text) : null;
            answer.json = parsed ? parsed.value : undefined;
        }
        return answer;
    }

    /* By XMLHttpRequest, which tells how far a body has been sent; fetch() doesn't. onProgress("sent" or "received",
     * bytes, of how many, 0 where that isn't known). */
    function send(request, signal, onProgress) {
        return new Promise((resolve, reject) => {
            const xhr = new XMLHttpRequest();
            const started = performance.now();
            xhr.open(request.method, request.target);
            xhr.responseType = "arraybuffer";
            request.headers.filter(([name]) => !isBrowsersOwn(name)).forEach(([name, value]) =>
                xhr.setRequestHeader(name, value));
            xhr.upload.onprogress = event => onProgress("sent", event.loaded, event.total);
            xhr.onprogress = event => onProgress("received", event.loaded, event.lengthComputable ? event.total : 0);
            xhr.onload = () => resolve(read(xhr, started));
            xhr.onerror = () =>
                reject(new Error("No answer came: the service can't be reached, or closed the connection " +
                                                 "before it had the whole body."));
            xhr.onabort = () => reject(new DOMException("Cancelled.", "AbortError"));
            signal.addEventListener("abort", () => xhr.abort());
            const {body} = request;
            xhr.send(body && new Blob(body.files || [body.bytes || body.text]));
        });
    }

    Object.assign(page.try,
        {JSON_MEDIA, TEXT_MEDIA, NPY_MEDIA, latin1, draftOf, bodyValues, queryValues, pathValues, headerValues,
                             headerLines, changeMedia, arraysOf, nameArrays, followExpression, isBrowsersOwn, pathFault,
                             requestOf, send});
}
