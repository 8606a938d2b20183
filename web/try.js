/* Try: a request to any endpoint, made by a form or as it is sent, its answer, and how other programs ask for it. */
page.try = {}; /* what its files share */
{
    const at = {};       /* nodes */
    let api = null;
    let draft = null;
    let isRaw = false;
    let controls = [];
    let running = null;  /* what cancels the request under way */
    let shown = null;    /* the answer's chart */

    const KINDS = {"application/json": "JSON", "text/plain": "text", "application/x-npy": ".npy",
        "": "none: its data is named"};
    const ANSWERS = {"application/json": "JSON", "application/x-npy": ".npy",
        "application/x-ndjson": "lines of JSON, as they are ready"};
    const TAGS = {compute: "Computations", data: "Named data", jobs: "Jobs", operation: "The service"};

    /* --- what is chosen --- */

    function choice(id, label, onChange) {
        at[id] = page.element("select", {id: `try-${id}`, onchange: onChange});
        at[`${id}Box`] = page.element("div", {}, page.element("label", {for: `try-${id}`}, label), at[id]);
        return at[`${id}Box`];
    }

    /* pairs: [[value, text]]; without two there is nothing to choose. */
    function offer(id, pairs, value) {
        page.fill(at[id], pairs.map(([each, text]) => page.element("option", {value: each}, text)));
        at[id].value = value;
        at[`${id}Box`].hidden = isRaw ? id !== "operation" && id !== "example" : pairs.length < 2;
    }

    function setDraft(next) {
        draft = next;
        render();
        failPath("");
        forget();
    }

    function chooseOperation() {
        const operation = api.operations.find(each => each.id === at.operation.value);
        setDraft(page.try.draftOf(operation, operation.examples[0], api.pathExample(operation)));
    }

    function chooseExample() {
        const {operation} = draft;
        setDraft(page.try.draftOf(operation, operation.examples[at.example.selectedIndex], api.pathExample(operation)));
    }

    function chooseMedia() {
        page.try.changeMedia(draft, at.media.value, api);
        render();
    }

    function chooseAccept() {
        const json = page.try.JSON_MEDIA;
        page.try.headerValues(draft).set({name: "Accept"}, at.accept.value === json ? "" : at.accept.value);
        render();
    }

    /* --- the request --- */

    function renderChoices() {
        const {operation} = draft;
        at.operation.value = operation ? operation.id : "";
        const examples = operation ? operation.examples : [];
        const same = examples.findIndex(each => each.media === draft.media && each.text === (draft.bytes
            ? String.fromCharCode(...draft.bytes.subarray(0, 4096)) : draft.text) && each.query === draft.query);
        const chosen = at.example.selectedIndex;
        offer("example", examples.map((each, i) =>
            [String(i), each.summary ? `${each.name}: ${each.summary}` : each.name]),
              String(same >= 0 ? same : Math.max(0, chosen)));
        at.exampleBox.hidden = examples.length === 0;
        offer("method", (operation ? operation.methods : []).map(each => [each, each]), draft.method);
        const kinds = operation
            ? [...operation.media, ...(operation.media.length > 0 && !operation.needsBody ? [""] : [])] : [];
        offer("media", kinds.map(each => [each, KINDS[each] || each]), draft.media);
        const answers = operation ? operation.answers : [];
        offer("accept", answers.map(each => [each, ANSWERS[each] || each]),
              page.try.headerValues(draft).get({name: "Accept"}) || answers[0] || "");
        at.acceptBox.hidden = at.acceptBox.hidden || !operation || operation.tag !== "compute";
        at.summary.textContent = operation ? `${draft.method} ${operation.path}: ${operation.summary}.` : "";
    }

    function describeBytes() {
        try {
            return page.readNpy(draft.bytes.buffer).map(array =>
                `${array.dtype}, shape (${array.shape.join(", ")}${array.shape.length === 1 ? "," : ""}): ` +
                Array.from({length: Math.min(array.count, 8)}, (_, i) => array.at(i)).join(", "))
                .join("; ");
        } catch (error) {
            return page.bytes(draft.bytes.length);
        }
    }

    /* The body, where the form has no fields for it. */
    function renderBody() {
        const isFields = draft.media === page.try.JSON_MEDIA && draft.operation &&
            api.bodyFields(draft.operation, draft.media);
        const isText = draft.files.length === 0 && !draft.bytes;
        at.bodyBox.hidden = !draft.media || (!isRaw && isFields) ||
            (draft.media === page.try.NPY_MEDIA && isText && !isRaw);
        at.body.hidden = !isText;
        at.body.value = isText ? draft.text : "";
        at.bodyLabel.textContent = draft.bytes ? "The body: the example's arrays" : draft.files.length > 0
            ? "The body: files" : "The body";
        page.fill(at.fileList, draft.bytes ? page.element("p", {class: "note"}, describeBytes()) : null,
            draft.files.map(file =>
                page.element("p", {}, page.element("code", {}, file.name), ` ${page.bytes(file.size)} `,
                page.element("button", {type: "button", class: "quiet", "aria-label": `Leave out ${file.name}`,
                    onclick: () => {
                        draft.files = draft.files.filter(each => each !== file);
                        render();
                        at.files.focus();
                    }}, "Leave out"))));
        renderDrop();
    }

    /* A raw request may go to another one than the form's, or to none that is known. */
    function operationNow() {
        return isRaw ? api.find(draft.method, draft.path) : draft.operation;
    }

    /* What files the endpoint takes; a raw request may have any body. */
    function renderDrop() {
        const operation = operationNow();
        const takes = operation ? operation.media : Object.keys(KINDS);
        const isText = takes.includes(page.try.TEXT_MEDIA);
        const isNpy = takes.includes(page.try.NPY_MEDIA);
        const several = ".npy arrays, in the order of their names";
        at.dropBox.hidden = !isRaw && !isText && !isNpy;
        at.files.multiple = isNpy;
        at.dropHint.textContent = isText ? ` or drop it here: a text${isNpy ? `, or ${several}` : ""}.` : isNpy
            ? ` or drop it here: ${several}.`
            : ", though this endpoint takes neither a text nor .npy arrays.";
    }

    function renderRaw() {
        at.raw.hidden = !isRaw;
        at.form.hidden = isRaw;
        page.fill(at.form);
        controls = [];
        for (const name of ["rawMethod", "path", "query", "headers", "rawMedia"]) {
            at[name].value = draft[{rawMethod: "method", rawMedia: "media"}[name] || name];
        }
        if (!isRaw) {
            controls = page.try.form(at.form, draft, api, changed, name => {
                render();
                controls.find(each => each.name === name).input.focus();
            });
        }
        at.toggle.textContent = isRaw ? "Back to the form" : "Raw request";
    }

    function renderCode() {
        const request = page.try.requestOf(draft);
        const fault = page.try.pathFault(draft.path);
        const left = page.try.headerLines(draft).map(([name]) => name).filter(page.try.isBrowsersOwn);
        at.headersSaid.textContent = left.length > 0
            ? `Left out by this page: ${left.join(", ")}. Browsers let no script set that.` : "";
        for (const language of ["curl", "python"]) {
            if (at[language].open) {
                at[`${language}Text`].textContent = fault || page.try[language](request, location.origin);
            }
        }
    }

    function changed() {
        if (page.try.followExpression(draft)) {
            controls.forEach(control => control.refresh());
        }
        renderCode();
    }

    function render() {
        page.try.followExpression(draft);
        renderChoices();
        renderRaw();
        renderBody();
        renderCode();
    }

    /* Between form and raw request. A body that is no JSON object has no form. */
    function toggle() {
        if (isRaw) {
            const operation = api.find(draft.method, draft.path);
            const isForm = operation &&
                (draft.media !== page.try.JSON_MEDIA || !api.bodyFields(operation, draft.media) ||
                                         page.json.membersOf(draft.text));
            if (!isForm) {
                say(operation ? "The body is no JSON object: the form can't show it."
                    : "No form belongs to this method and path.");
                return;
            }
            draft.operation = operation;
        }
        isRaw = !isRaw;
        say("");
        render();
        at.toggle.focus();
    }

    /* --- files --- */

    function take(files) {
        const list = [...files];
        const takes = draft.operation ? draft.operation.media : Object.keys(KINDS);
        const isNpy = list.length > 0 && list.every(file => /\.npy$/i.test(file.name));
        const media = isNpy ? page.try.NPY_MEDIA : page.try.TEXT_MEDIA;
        if (list.length === 0) {
            return;
        }
        if (!isRaw && !takes.includes(media)) {
            say(isNpy ? "This endpoint takes no .npy files." : "This endpoint takes no text files, only .npy.");
            return;
        }
        if (!isNpy && list.length > 1) {
            say("One text at a time.");
            return;
        }
        const before = page.try.arraysOf(draft);
        if (draft.operation && draft.media !== media) {
            page.try.changeMedia(draft, media, api);
        }
        draft.media = media;
        draft.text = "";
        draft.bytes = null;
        draft.files = isNpy ? list.sort((a, b) => a.name < b.name ? -1 : 1) : list;
        const operation = operationNow();
        const options = operation ? api.parameterFields(operation, "query").map(field => field.name) : [];
        if (isNpy && options.includes("names")) {
            page.try.nameArrays(draft, before, options);
        }
        const total = list.reduce((sum, file) => sum + file.size, 0);
        say(`${list.map(file => file.name).join(", ")}: ${page.bytes(total)} to send.`);
        render();
    }

    /* --- sending --- */

    function say(text) {
        at.note.textContent = text;
        page.announce(text);
    }

    function forget() {
        if (shown) {
            shown.destroy();
            shown = null;
        }
        say("");
        page.fill(at.answer, page.element("p", {class: "note"}, "What comes back is shown here."));
    }

    function setBusy(isBusy) {
        at.send.disabled = isBusy;
        at.cancel.hidden = !isBusy;
        at.progress.hidden = true;
        at.answer.setAttribute("aria-busy", String(isBusy));
    }

    function progress(what, bytes, total) {
        at.progress.hidden = !(total > 0);
        at.progress.max = total || 1;
        at.progress.value = bytes;
        at.note.textContent = `${page.bytes(bytes)}${total > 0 ? ` of ${page.bytes(total)}` : ""} ${what}`;
    }

    /* At the field that the problem's pointer names, or at `names`, which is too short where arrays are left over; true
     * where there is one. */
    function point(json) {
        const pointer = json && (json.pointer || (/no more arrays/.test(json.detail) ? "/names" : ""));
        const name = pointer ? pointer.split("/")[1].replaceAll("~1", "/").replaceAll("~0", "~") : "";
        const control = controls.find(each => each.name === name);
        if (control) {
            const group = control.node.closest("details");
            if (group) {
                group.open = true;
            }
            control.fail(json.detail);
            control.input.focus();
        }
        return Boolean(control);
    }

    /* Puts an answer where it is seen, which is above or below what was sent where there is one column. */
    function reveal() {
        const {top} = at.answer.parentNode.getBoundingClientRect();
        if (top < 0 || top > 0.7 * window.innerHeight) {
            window.scrollBy(0, top - 16);
        }
    }

    function failPath(text) {
        at.pathSaid.textContent = text;
        at.path.toggleAttribute("aria-invalid", false);
        if (text) {
            at.path.setAttribute("aria-invalid", "true");
            at.path.focus();
        }
    }

    async function send() {
        if (running || !draft) {
            return;
        }
        forget();
        failPath(page.try.pathFault(draft.path));
        if (at.pathSaid.textContent) {
            say("Not sent: the path is wrong.");
            return;
        }
        controls.forEach(control => control.fail(""));
        running = new AbortController();
        setBusy(true);
        say("Sent; waiting for the answer.");
        try {
            const answer = await page.try.send(page.try.requestOf(draft), running.signal, progress);
            shown = page.try.showAnswer(at.answer, answer);
            const isProblem = answer.media === "application/problem+json";
            at.note.textContent = `Answered: ${answer.status} ${answer.title}, in ${page.duration(answer.elapsed)}.`;
            if (!isProblem) {
                page.announce(at.note.textContent); /* a problem is an alert of its own */
            }
            if (!point(isProblem ? answer.json : null)) {
                reveal();
            }
        } catch (error) {
            const isCut = error.name === "AbortError";
            say(isCut ? "Cancelled." : "");
            page.fill(at.answer,
                isCut ? page.element("p", {class: "note"},
                    "Cancelled: the service ends the work of a client that is gone.")
                : page.element("p", {class: "error", role: "alert"}, error.message));
        }
        running = null;
        setBusy(false);
    }

    /* --- the view --- */

    function codeBox(language, title) {
        at[`${language}Text`] = page.element("code", {});
        at[language] = page.element("details", {ontoggle: renderCode}, page.element("summary", {}, title),
            page.element("pre", {tabindex: "0", role: "region", "aria-label": title}, at[`${language}Text`]),
            page.copyButton("Copy", () => at[`${language}Text`].textContent));
        return at[language];
    }

    /* A control of the raw request: writes what is typed into the draft. */
    function rawField(id, label, tag, attributes, name) {
        at[id] = page.element(tag,
            {id: `try-${id}`, class: "code", spellcheck: "false", autocomplete: "off", ...attributes,
            oninput: () => {
                draft[name] = at[id].value;
                renderCode();
                if (id === "rawMedia") {
                    renderBody();
                }
                if (id === "path" && at.pathSaid.textContent) {
                    failPath(page.try.pathFault(draft.path));
                }
                renderDrop();
            }});
        at[`${id}Said`] = page.element("p", {class: id === "path" ? "wrong" : "note", id: `try-${id}-said`});
        at[id].setAttribute("aria-describedby", `try-${id}-said`);
        return page.element("div", {class: tag === "textarea" || id === "path" || id === "query" ? "wide" : null},
                            page.element("label", {for: `try-${id}`}, label), at[id], at[`${id}Said`]);
    }

    function bodyPart() {
        at.bodyLabel = page.element("label", {for: "try-body"});
        at.body = page.element("textarea",
            {id: "try-body", class: "code", rows: 6, spellcheck: "false", oninput: () => {
            draft.text = at.body.value;
            renderCode();
        }});
        at.fileList = page.element("div", {});
        at.bodyBox = page.element("div", {}, at.bodyLabel, at.body, at.fileList);
        at.files = page.element("input", {id: "try-files", type: "file", class: "visually-hidden", onchange: () => {
            take(at.files.files);
            at.files.value = "";
        }});
        at.dropHint = page.element("span", {class: "hint"});
        at.dropBox = page.element("div", {class: "drop"}, at.files,
            page.element("label", {for: "try-files"}, "Choose a file"), at.dropHint);
        return page.element("div", {class: "body"}, at.bodyBox, at.dropBox);
    }

    function dropTarget(node) {
        const isFiles = event => [...event.dataTransfer.types].includes("Files");
        for (const [name, isOver] of [["dragover", true], ["dragleave", false], ["drop", false]]) {
            node.addEventListener(name, event => {
                if (isFiles(event)) {
                    event.preventDefault();
                    node.classList.toggle("over", isOver);
                }
            });
        }
        node.addEventListener("drop", event => isFiles(event) && take(event.dataTransfer.files));
    }

    function requestPart() {
        at.raw = page.element("div", {class: "fields"},
            rawField("rawMethod", "Method", "select", {}, "method"),
            rawField("rawMedia", "Content-Type", "input", {list: "try-media-list"}, "media"),
            rawField("path", "Path", "input", {}, "path"), rawField("query", "Query", "input", {}, "query"),
            rawField("headers", "Other header fields, one a line", "textarea", {rows: 2}, "headers"),
            page.element("datalist", {id: "try-media-list"},
                Object.keys(KINDS).map(media => page.element("option", {value: media}))));
        page.fill(at.rawMethod,
            ["GET", "HEAD", "POST", "QUERY", "PUT", "DELETE", "OPTIONS"].map(each => page.element("option", {}, each)));
        at.form = page.element("div", {});
        at.summary = page.element("p", {class: "note"});
        at.note = page.element("span", {class: "note"});
        at.progress = page.element("progress", {hidden: true, "aria-label": "how far it is"});
        at.send = page.element("button", {type: "submit"}, "Send");
        at.cancel = page.element("button",
            {type: "button", class: "quiet", hidden: true, onclick: () => running && running.abort()}, "Cancel");
        at.toggle = page.element("button", {type: "button", class: "quiet", onclick: toggle});
        const form = page.element("form",
            {class: "panel", "aria-label": "Request", novalidate: true, onsubmit: event => {
            event.preventDefault();
            send();
        }}, page.element("div", {class: "fields choices"}, choice("operation", "Endpoint", chooseOperation),
        choice("example", "Example", chooseExample)),
            at.summary,
            page.element("div", {class: "fields kinds"},
                choice("method", "Method", () => { draft.method = at.method.value; render(); }),
                choice("media", "Body", chooseMedia), choice("accept", "Answer as", chooseAccept)),
            at.form, at.raw, bodyPart(),
            page.element("div", {class: "actions send"}, at.send, at.cancel, at.toggle, at.note), at.progress,
            codeBox("curl", "As curl"), codeBox("python", "As Python"));
        form.addEventListener("keydown", event => {
            if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
                event.preventDefault();
                send();
            }
        });
        dropTarget(form);
        return form;
    }

    async function build(section) {
        at.answer = page.element("div", {});
        page.fill(section,
            page.element("h1", {}, "Parallel computing over HTTP"),
            page.element("p", {}, "forkjoin computes with many threads for programs that can't: it is sent a text or " +
                "numbers and how many threads it may use, and answers with the result and the time that each phase " +
                "took. Change this request as you like, and send it."));
        const parts = page.element("div", {class: "columns"}, requestPart(),
            page.element("section", {class: "panel", "aria-label": "Answer"}, page.element("h2", {}, "Answer"),
                at.answer));
        try {
            api = page.try.open(await page.fetchJson("/openapi.json"));
        } catch (error) {
            built = null; /* another time it may come */
            page.showError(section, `The description of the interface didn't come: ${error.message}`);
            return;
        }
        section.append(parts);
        page.fill(at.operation, Object.entries(TAGS).map(([tag, label]) => page.element("optgroup", {label},
            api.operations.filter(each => each.tag === tag)
                .map(each => page.element("option", {value: each.id}, tag === "compute" ? each.path : each.id)))));
        at.operation.prepend(page.element("option", {value: "", hidden: true}, "another request"));
        const first = api.operations[0];
        setDraft(page.try.draftOf(first, first.examples[0], first.path));
    }

    /* What page.fillTry() was told: an example, or whatever else is asked for. */
    function fill({method, path, query = "", media = "", body = "", accept = "", headers = {}}) {
        const operation = api.find(method, path);
        const isNpy = media === page.try.NPY_MEDIA;
        const text = typeof body === "string" ? body : page.json.write(body);
        isRaw = !operation ||
            (media === page.try.JSON_MEDIA && api.bodyFields(operation, media) && !page.json.membersOf(text));
        setDraft({operation, method, path, media, files: [], text: isNpy ? "" : text,
            bytes: isNpy ? page.try.latin1(body) : null,
                  query: typeof query === "string" ? query : new URLSearchParams(query).toString(),
                  headers: Object.entries({...headers, ...(accept ? {Accept: accept} : {})}).map(line =>
                      line.join(": ")).join("\n")});
    }

    let built = null;

    page.view({
        id: "try",
        title: "Try",
        async open(section) {
            built = built || build(section);
            await built;
            const example = api && page.takeExample();
            if (example) {
                fill(example);
                say("Filled in; not sent yet.");
                at.send.focus();
            }
        },
    });
}
