/* A file that gets a name on the server. */
{
    const {element, fill} = page;
    const MEDIA = {"text/plain": "Text", "application/x-npy": "Array (.npy)", "application/json": "JSON"};

    function mediaOf(name) {
        return /\.npy$/i.test(name) ? "application/x-npy" : /\.json$/i.test(name) ? "application/json" : "text/plain";
    }

    /* A name for a file: without its ending, letters without accents, one hyphen for what else a name can't have. */
    function propose(file) {
        const plain = file.replace(/\.[A-Za-z0-9]{1,8}$/, "").normalize("NFD").replace(/[\u0300-\u036f]/g, "");
        const name = plain.replace(/[^A-Za-z0-9._-]+/g, "-").replace(/^[-.]+|[-.]+$/g, "").slice(0, 128);
        return name || "data";
    }

    /* A field with its label, a hint, and room for what is wrong with it. */
    function field(id, label, input, hint) {
        const fault = element("span", {class: "fault", id: `${id}-fault`});
        input.id = id;
        input.setAttribute("aria-describedby", `${id}-fault`);
        return {
            input,
            node: element("div", {},
                element("label", {for: id}, label, hint && element("span", {class: "hint"}, ` ${hint}`)), input, fault),
            say(text) {
                fault.textContent = text;
                input.setAttribute("aria-invalid", String(text !== ""));
            },
        };
    }

    function makeFields() {
        return {
            file: field("data-file", "File", element("input", {type: "file"}), "text, .npy or JSON"),
            name: field("data-name", "Name", element("input", {autocomplete: "off", spellcheck: "false"})),
            media: field("data-media", "Sent as", element("select", {}, Object.entries(MEDIA).map(([value, text]) =>
                element("option", {value}, text)))),
            expires: field("data-expires", "Expires in seconds",
                element("input", {inputmode: "numeric", autocomplete: "off", placeholder: "never"})),
        };
    }

    /* Shows what was refused at the field it is about; "" or what belongs to none. */
    function place(fields, answer) {
        const text = page.problemText(answer);
        const problem = answer.json || {};
        if (problem.pointer === "/expires_s") {
            fields.expires.say(text);
        } else if (answer.status === 412) {
            fields.name.say("There is data of this name already: tick “Replace” if that may go.");
        } else if (/invalid-name$/.test(problem.type)) {
            fields.name.say(text);
        } else {
            return text;
        }
        return "";
    }

    /* What can be said before anything is sent; true: nothing. A body that is too long for the service is refused while
     * it comes, which browsers take for a broken connection. */
    async function check(fields, file) {
        fields.name.say(page.dataNameFault(fields.name.input.value));
        fields.file.say(file ? "" : "Choose a file, or drop one here.");
        fields.expires.say("");
        if (!file) {
            fields.file.input.focus();
            return false;
        }
        const system = await page.fetchJson("/v1/system").catch(() => null);
        const limit = system ? system.limits.max_body_bytes : Infinity;
        if (file.size > limit) {
            fields.file.say(`It has ${page.bytes(file.size)}; this service takes ${page.bytes(limit)} at most.`);
        }
        const wrong = [fields.name, fields.file].find(each => each.input.getAttribute("aria-invalid") === "true");
        if (wrong) {
            wrong.input.focus();
        }
        return !wrong;
    }

    /* As page.try.send() takes it. */
    function uploadOf(fields, file, replaces) {
        const expires = fields.expires.input.value.trim();
        const headers = [["Content-Type", fields.media.input.value], ...(replaces ? [] : [["If-None-Match", "*"]])];
        const query = expires ? `?${new URLSearchParams({expires_s: expires})}` : "";
        return {method: "PUT", target: page.dataPath(fields.name.input.value) + query, headers, body: {files: [file]}};
    }

    function keptSentence({status, json: data}) {
        return element("p", {class: "note"}, status === 201 ? "Kept as " : "Replaced ",
            element("a", {href: `#data/${data.name}`}, data.name),
            `: ${page.dataShape(data)}, ${page.bytes(data.bytes)}.`);
    }

    /* A form that takes files by dropping, too. */
    function dropForm(submit, take, ...parts) {
        const node = element("form", {class: "panel upload", novalidate: true, onsubmit: submit,
            ondragover: event => {
                event.preventDefault();
                node.classList.add("over");
            },
            ondragleave: () => node.classList.remove("over"),
            ondrop: event => {
                event.preventDefault();
                node.classList.remove("over");
                take(event.dataTransfer.files);
            }},
            element("h2", {}, "Upload"), element("p", {class: "note"}, "Drop a file here, or choose one."), ...parts);
        return node;
    }

    /* The form; done() is called after each file that is kept. Returns {node, end()}. */
    page.uploadForm = done => {
        const fields = makeFields();
        const replace = element("input", {type: "checkbox", id: "data-replace"});
        const bar = element("progress", {max: 1, value: 0, "aria-label": "Progress of the upload", hidden: true});
        const outcome = element("div", {class: "outcome"});
        const send = element("button", {type: "submit"}, "Upload");
        const halt = element("button", {type: "button", class: "quiet", hidden: true, onclick: () => running.abort()},
            "Stop");
        let file = null;
        let running = null;

        function take(files) {
            if (running) {
                return;
            }
            file = files[0] || null;
            fields.file.say("");
            fill(outcome);
            if (file) {
                fields.name.input.value = propose(file.name);
                fields.name.say("");
                fields.media.input.value = mediaOf(file.name);
                fill(chosen, `${file.name}, ${page.bytes(file.size)}`);
            }
        }

        function tell(what, loaded, total) {
            if (what !== "sent") {
                return;
            }
            bar.value = total > 0 ? loaded / total : 1;
            fill(outcome, element("p", {class: "note"}, loaded < total ? `${page.bytes(loaded)} of ${page.bytes(total)}`
                : "All of it is sent; the service reads it."));
        }

        function showBusy(isBusy) {
            send.disabled = isBusy;
            bar.hidden = halt.hidden = !isBusy;
        }

        function show(answer) {
            if (answer.status >= 400) {
                const text = place(fields, answer);
                fill(outcome, text && element("p", {class: "error", role: "alert"}, text));
                return;
            }
            fill(outcome, keptSentence(answer));
            page.announce(`Kept as ${answer.json.name}.`);
            file = null;
            fields.file.input.value = "";
            fill(chosen);
            done();
        }

        async function sendFile() {
            bar.value = 0;
            showBusy(true);
            try {
                show(await page.try.send(uploadOf(fields, file, replace.checked), running.signal, tell));
            } catch (error) {
                page.showError(outcome, running.signal.aborted ? "The upload was stopped." : error.message);
            }
            showBusy(false);
        }

        async function submit(event) {
            event.preventDefault();
            if (running) {
                return;
            }
            fill(outcome);
            running = new AbortController(); /* before anything is waited for: one may submit it twice */
            if (await check(fields, file) && !running.signal.aborted) {
                await sendFile();
            }
            running = null;
        }

        const chosen = element("p", {class: "note"});
        fields.file.input.addEventListener("change", () => take(fields.file.input.files));
        fields.name.input.addEventListener("input", () => fields.name.say(page.dataNameFault(fields.name.input.value)));
        return {
            node: dropForm(submit, take, fields.file.node, chosen, fields.name.node,
                element("div", {class: "fields"}, fields.media.node, fields.expires.node),
                element("div", {class: "tick"}, replace,
                    element("label", {for: "data-replace"}, "Replace what has this name")),
                element("div", {class: "actions"}, send, halt), bar, outcome),
            end() {
                if (running) {
                    running.abort();
                }
            },
        };
    };
}
