/* The reference's view: contents, search, and the page that the address names. */
{
    const make = page.element;
    const {reference} = page;
    const {problems, slugOf, address, link, plainMethod, resolve, read} = reference;
    const {exampleText, join, fields, parametersOf, examplesFor, operationLink, problemsChapter, placeOf, render} =
        reference;

    /* --- search --- */

    let entries = null; /* [{kind, title, text, to: [[address, words]]}], of equal ones one */

    /* A text of the document as it is read: the cells of its tables, the words of its links. */
    function plain(text) {
        return text.replace(/^[ \t]*\|[-:| ]*$\n?/gm, "").replace(/^[ \t]*\|(.*)\|[ \t]*$/gm, (row, cells) =>
            `${cells.split("|").map(cell => cell.trim()).filter(cell => cell && cell !== "-").join(" · ")};`)
            .replace(/\[([^\]]+)\]\([^)\s]+\)/g, "$1").replaceAll("`", "");
    }

    function collect() {
        const found = new Map();
        const add = (kind, title, original, to, where) => {
            const text = (kind === "Example" ? original : plain(original)).replace(/\s+/g, " ");
            const key = [kind, title, text].join("\n");
            found.set(key, found.get(key) || {kind, title, text, places: []});
            found.get(key).places.push([to, where]);
        };
        for (const operation of reference.operations) {
            const where = `${plainMethod(operation)} ${operation.path}`;
            add("Endpoint", where, `${operation.summary}. ${operation.description || ""}`, address(operation.id), "");
            for (const {content} of [resolve(operation.requestBody)]) {
                for (const field of Object.values(content || {}).flatMap(({schema}) => fields(schema))) {
                    add("Field", field.name, resolve(field.schema).description || "",
                        address(operation.id, `field-${slugOf(field.name)}`), where);
                }
            }
            for (const {name, description, schema, in: place} of parametersOf(operation)) {
                add("Parameter", name, `${resolve(schema).description || ""} ${description || ""}`.trim(),
                    address(operation.id, `${place}-${slugOf(name)}`), where);
            }
            for (const {anchor, title, media, value} of examplesFor(operation)) {
                if (media) {
                    add("Example", title, exampleText(media, value), address(operation.id, anchor), where);
                }
            }
        }
        for (const {slug, title, status, when} of problems.values()) {
            add("Problem", slug, `${status}: ${title}. ${[...when].join(". ")}`, address(`problem-${slug}`), "");
        }
        reference.chapters.forEach(({id, title, text}) => add("Guide", title, text, address(id), ""));
        reference.types.forEach(name =>
            add("Type", name, fields({$ref: `#/components/schemas/${name}`}).map(field => field.name).join(", "),
                                  address(`type-${name}`), ""));
        return [...found.values()];
    }

    /* Those that have all words: the more of them in the title, and the nearer to its beginning, the earlier. */
    function find(words) {
        entries = entries || collect();
        const rank = ({title, text}) => words.reduce((sum, word) => {
            const at = title.toLowerCase().indexOf(word);
            return sum + (title.toLowerCase() === word ? 0 : at === 0 ? 1 : at > 0 ? 2
                : text.toLowerCase().includes(word) ? 8 : Infinity);
        }, 0);
        return entries.map(entry => [rank(entry), entry]).filter(([value]) => value < Infinity)
            .sort(([one], [other]) => one - other).map(([, entry]) => entry);
    }

    function marked(text, words) {
        const escaped = words.map(word => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
        return text.split(new RegExp(`(${escaped.join("|")})`, "i")).map((part, i) => i % 2 ? make("mark", {}, part)
            : part);
    }

    /* The words around the first that was found. */
    function excerpt(text, words) {
        const at = Math.max(0,
            Math.min(...words.map(word => text.toLowerCase().indexOf(word)).filter(index => index >= 0), text.length));
        const begin = at < 90 || at === text.length ? 0 : text.indexOf(" ", at - 60) + 1;
        return marked((begin ? "… " : "") + text.slice(begin, begin + 180) + (begin + 180 < text.length ? " …" : ""),
            words);
    }

    function resultsPage(text) {
        const words = text.toLowerCase().split(/\s+/).filter(Boolean);
        const found = find(words);
        const most = 60;
        page.announce(`${found.length} found`);
        return [
            make("h1", {}, found.length ? `${found.length} found` : `Nothing has “${text}”`),
            make("ul", {class: "ref-results"},
                found.slice(0, most).map(({kind, title, text: all, places}) => make("li", {},
                make("p", {}, make("span", {class: "ref-kind"}, kind), " ",
                    link(places[0][0], ...marked(title, words))),
                make("p", {class: "note"}, ...excerpt(all, words)),
                places[0][1] ? make("p", {class: "note ref-links"}, "in ",
                    ...join(places.map(([to, where]) => [link(to, where)]), " · ")) : null)))];
    }

    /* --- the view --- */

    let parts = null; /* {section, side, search, toggle, nav, main}, once it is there */
    let wanted = "";
    let shown = null; /* id of the page in parts.main; null: what was found */

    function navigation() {
        const item = (id, ...children) => make("li", {}, link(address(id), ...children));
        const guide = [...reference.chapters.map(chapter =>
                           chapter === problemsChapter() ? item("problems", chapter.title)
                               : item(chapter.id, chapter.title)),
                       item("types", "Types")];
        const groups = reference.api.tags.map(({name}) =>
            [name, reference.operations.filter(({tags}) => tags.includes(name))
            .map(operation => make("li", {}, operationLink(operation)))]);
        return [["Guide", guide], ...groups].flatMap(([title, items]) =>
            [make("p", {class: "ref-group", id: `ref-${title}`}, title),
                make("ul", {"aria-labelledby": `ref-${title}`}, items)]);
    }

    function toggle(isOpen) {
        parts.toggle.setAttribute("aria-expanded", String(isOpen));
        parts.nav.classList.toggle("open", isOpen);
    }

    function build(section) {
        const search = make("input",
            {type: "search", id: "ref-search", placeholder: "Search", autocomplete: "off", spellcheck: "false",
                                      "aria-keyshortcuts": "/", oninput: seek, onkeydown: steer});
        const button = make("button",
            {type: "button", class: "quiet ref-toggle", "aria-expanded": "false", "aria-controls": "ref-nav",
                                       onclick: () => toggle(!parts.nav.classList.contains("open"))}, "Contents");
        const nav = make("nav", {id: "ref-nav", "aria-label": "API reference"}, navigation());
        const main = make("div", {class: "ref-main", onclick: followAgain});
        parts = {section, search, toggle: button, nav, main};
        page.fill(section, make("div", {class: "ref"},
            make("div", {class: "ref-side"},
                make("div", {class: "ref-search"},
                    make("label", {for: "ref-search", class: "visually-hidden"}, "Search the reference"),
                    search, make("kbd", {"aria-hidden": "true"}, "/")), button, nav),
            main));
    }

    function seek() {
        const text = parts.search.value.trim();
        if (text) {
            page.fill(parts.main, resultsPage(text));
            shown = null;
        } else {
            show(false);
        }
    }

    /* Keys in the search box. */
    function steer(event) {
        const first = parts.main.querySelector(".ref-results a");
        if (event.key === "Escape") {
            parts.search.value = "";
            seek();
        } else if ((event.key === "ArrowDown" || event.key === "Enter") && shown === null && first) {
            event.preventDefault();
            if (event.key === "Enter") {
                first.click();
            } else {
                first.focus();
            }
        }
    }

    /* A result may lead to where one was before the search: the address doesn't change then. */
    function followAgain(event) {
        const to = event.target.closest("a");
        if (shown === null && to && to.hash === location.hash) {
            show(true);
        }
    }

    function focusSearch(event) {
        if (event.key === "/" && !event.ctrlKey && !event.metaKey && !event.altKey &&
            !event.target.closest("input, textarea, select")) {
            event.preventDefault();
            parts.search.select();
        }
    }

    function markCurrent(id) {
        for (const each of parts.nav.querySelectorAll("a")) {
            if (each.hash === address(id)) {
                each.setAttribute("aria-current", "page");
                each.scrollIntoView({block: "nearest"});
            } else {
                each.removeAttribute("aria-current");
            }
        }
    }

    /* Shows what `wanted` names, and takes the focus there if it `moves`. */
    function show(moves) {
        const [id, anchor] = placeOf(wanted);
        const isNew = shown !== id;
        if (isNew) {
            page.fill(parts.main, render(id));
            parts.search.value = "";
            markCurrent(id);
            toggle(false);
            shown = id;
        }
        for (const old of parts.main.querySelectorAll(".ref-target")) {
            old.classList.remove("ref-target");
        }
        const target = anchor && document.getElementById(anchor);
        if (target) {
            target.classList.add("ref-target");
            target.open = true;
        }
        requestAnimationFrame(() => { /* behind the shell's own scrolling */
            if (target) {
                target.scrollIntoView();
            } else if (isNew) {
                window.scrollTo(0, 0);
            }
            if (isNew && moves) {
                ((target && target.querySelector("a, summary")) ||
                    parts.main.querySelector("h1")).focus({preventScroll: true});
            }
        });
    }

    page.view({
        id: "api",
        title: "API",
        async open(section, rest) {
            wanted = rest;
            document.addEventListener("keydown", focusSearch);
            try {
                const document = await page.fetchJson("/openapi.json");
                const isFirst = !parts;
                if (isFirst) {
                    read(document);
                    build(section);
                }
                show(!isFirst);
            } catch (error) {
                page.showError(section, error.message);
            }
        },
        close() {
            document.removeEventListener("keydown", focusSearch);
        },
    });
}
