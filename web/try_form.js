/* The form of a draft: a control for each of its fields, which writes what is typed into the draft at once. */
{
    /* options of every computation */
    const COMMON = ["threads", "schedule", "chunk", "cores", "timeout_ms", "store", "expires_s"];
    let made = 0;

    /* {name, node, input, fail(text), refresh()}: fail() says what is wrong with the field; "" takes that back;
     * refresh() shows what the draft has by now, but where somebody is writing. */
    function control(field, values, onChange) {
        const id = `try-field-${++made}`;
        const isWide = ["json", "long", "lines"].includes(field.kind) && !field.isShort;
        const shared = {id, "aria-describedby": `${id}-hint ${id}-error`, spellcheck: "false", autocomplete: "off"};
        let input;
        if (field.kind === "choice") {
            input = page.element("select", shared,
                page.element("option", {value: ""}, field.standard ? `default: ${field.standard}` : "–"),
                                 field.choices.map(choice => page.element("option", {value: choice}, choice)));
        } else if (isWide) {
            const text = values.get(field);
            const rows = Math.min(12,
                Math.max(field.name === "text" ? 3 : 1, text.split("\n").length, Math.ceil(text.length / 60)));
            input = page.element("textarea", {...shared, class: field.name === "text" ? null : "code", rows});
        } else {
            input = page.element("input",
                {...shared, type: "text", placeholder: field.standard ? `default: ${field.standard}` : null,
                                           class: "code", inputmode: field.kind === "number" &&
                                               field.standard !== "auto" ? "decimal" : null});
        }
        const now = values.get(field);
        if (field.kind === "choice" && now && !field.choices.includes(now)) {
            input.append(page.element("option", {value: now}, now));
        }
        input.value = now;
        const error = page.element("p", {class: "wrong", id: `${id}-error`});
        const fail = text => {
            error.textContent = text;
            error.classList.toggle("mono", text.includes("\n"));
            input.toggleAttribute("aria-invalid", false);
            if (text) {
                input.setAttribute("aria-invalid", "true");
            }
        };
        input.addEventListener("input", () => {
            values.set(field, input.value);
            fail("");
            onChange();
        });
        const hint = [field.hint, field.kind === "lines" ? "One a line." : ""].filter(text => text).join(" ");
        const node = page.element("div", {class: isWide ? "wide" : null},
            page.element("label", {for: id}, field.name,
                field.required ? page.element("span", {class: "hint"}, " (required)") : null),
            input, page.element("p", {class: "note", id: `${id}-hint`}, hint), error);
        const refresh = () => {
            if (input !== document.activeElement) {
                input.value = values.get(field);
            }
        };
        return {name: field.name, node, input, fail, refresh};
    }

    /* A way to give a value to one more name of the client's own. */
    function addName(field, values, onAdded) {
        const id = `try-field-${++made}`;
        const input = page.element("input",
            {id, type: "text", class: "code", spellcheck: "false", autocomplete: "off"});
        const add = () => {
            if (input.value && !values.names().includes(input.value)) {
                const name = input.value;
                values.set({...field, name}, "0");
                onAdded(name);
            }
        };
        input.addEventListener("keydown", event => {
            if (event.key === "Enter" && !event.ctrlKey) {
                event.preventDefault();
                add();
            }
        });
        return page.element("div", {},
            page.element("label", {for: id}, "Another name"),
            page.element("div", {class: "joined"}, input,
                page.element("button", {type: "button", class: "quiet", onclick: add}, "Add")),
            page.element("p", {class: "note"}, field.hint));
    }

    /* Fills `parent` with the form. Returns its controls by place: {path, values, header}; onChange() is called when
     * the draft has another value, remake(name) where the form has to be made anew, the focus on this field. */
    function form(parent, draft, api, onChange, remake) {
        const {operation} = draft;
        const body = api.bodyFields(operation, draft.media);
        const values = body ? page.try.bodyValues(draft) : page.try.queryValues(draft);
        const known = body || api.parameterFields(operation, "query");
        const free = api.freeField(operation, draft.media);
        const others = values.names().filter(name => !known.some(field => field.name === name))
            .map(name => ({...(free || {kind: body ? "json" : "word", hint: ""}), name}));
        const make = field => control(field, values, onChange);
        const isSaid = field => values.get(field) !== "" || field.required;
        const isCommon = field => COMMON.includes(field.name);
        const own = [...known.filter(field => !isCommon(field)), ...others];
        const main = [...own.filter(isSaid), ...own.filter(field => !isSaid(field))].map(make);
        const options = known.filter(isCommon).map(make);
        const path = api.parameterFields(operation, "path").map(field =>
            control(field, page.try.pathValues(draft), onChange));
        const header = api.parameterFields(operation, "header").map(field =>
            control(field, page.try.headerValues(draft), onChange));
        const group = (title, controls, isOpen) => controls.length === 0 ? null
            : page.element("details", {open: isOpen}, page.element("summary", {}, title),
                           page.element("div", {class: "fields"}, controls.map(each => each.node)));
        page.fill(parent,
            page.element("div", {class: "fields"}, path.map(each => each.node), main.map(each => each.node),
                         free ? addName(free, values, remake) : null),
            group("Options of every computation", options, true),
            group("Header fields", header, draft.headers !== ""));
        return [...path, ...main, ...options, ...header];
    }

    page.try.form = form;
}
