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

    /* What a form has: its fields and other nodes, the chosen `file`, and what cancels the upload under way, `running`;
     * null where there is none. */
    function makeForm(done) {
        return {
            done,
            fields: makeFields(),
            chosen: element("p", {class: "note"}),
            replace: element("input", {type: "checkbox", id: "data-replace"}),
            bar: element("progress", {max: 1, value: 0, "aria-label": "Progress of the upload", hidden: true}),
            outcome: element("div", {class: "outcome"}),
            send: element("button", {type: "submit"}, "Upload"),
            halt: element("button", {type: "button", class: "quiet", hidden: true}, "Stop"),
            file: null,
            running: null,
        };
    }

    function take(form, files) {
        const {fields} = form;
        if (form.running) {
            return;
        }
        form.file = files[0] || null;
        fields.file.say("");
        fill(form.outcome);
        if (form.file) {
            fields.name.input.value = propose(form.file.name);
            fields.name.say("");
            fields.media.input.value = mediaOf(form.file.name);
            fill(form.chosen, `${form.file.name}, ${page.bytes(form.file.size)}`);
        }
    }

    function tell({bar, outcome}, what, loaded, total) {
        if (what !== "sent") {
            return;
        }
        bar.value = total > 0 ? loaded / total : 1;
        fill(outcome, element("p", {class: "note"}, loaded < total ? `${page.bytes(loaded)} of ${page.bytes(total)}`
            : "All of it is sent; the service reads it."));
    }

    function showBusy({send, bar, halt}, isBusy) {
        send.disabled = isBusy;
        bar.hidden = halt.hidden = !isBusy;
    }

    function show(form, answer) {
        if (answer.status >= 400) {
            const text = place(form.fields, answer);
            fill(form.outcome, text && element("p", {class: "error", role: "alert"}, text));
            return;
        }
        fill(form.outcome, keptSentence(answer));
        page.announce(`Kept as ${answer.json.name}.`);
        form.file = null;
        form.fields.file.input.value = "";
        fill(form.chosen);
        form.done();
    }

    async function sendFile(form) {
        const {signal} = form.running;
        form.bar.value = 0;
        showBusy(form, true);
        try {
            show(form, await page.try.send(uploadOf(form.fields, form.file, form.replace.checked), signal,
                                           (...how) => tell(form, ...how)));
        } catch (error) {
            page.showError(form.outcome, signal.aborted ? "The upload was stopped." : error.message);
        }
        showBusy(form, false);
    }

    async function submit(form, event) {
        event.preventDefault();
        if (form.running) {
            return;
        }
        fill(form.outcome);
        form.running = new AbortController(); /* before anything is waited for: one may submit it twice */
        if (await check(form.fields, form.file) && !form.running.signal.aborted) {
            await sendFile(form);
        }
        form.running = null;
    }

    /* The form; done() is called after each file that is kept. Returns {node, end()}. */
    page.uploadForm = done => {
        const form = makeForm(done);
        const {fields, replace} = form;
        const end = () => form.running && form.running.abort();
        form.halt.addEventListener("click", end);
        fields.file.input.addEventListener("change", () => take(form, fields.file.input.files));
        fields.name.input.addEventListener("input", () => fields.name.say(page.dataNameFault(fields.name.input.value)));
        return {
            node: dropForm(event => submit(form, event), files => take(form, files),
                fields.file.node, form.chosen, fields.name.node,
                element("div", {class: "fields"}, fields.media.node, fields.expires.node),
                element("div", {class: "tick"}, replace,
                    element("label", {for: "data-replace"}, "Replace what has this name")),
                element("div", {class: "actions"}, form.send, form.halt), form.bar, form.outcome),
            end,
        };
    };
}
