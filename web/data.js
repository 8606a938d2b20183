/* The view Data: what is kept under names, with a form that adds to it (page.uploadForm, upload.js), and at
 * #data/<name> a look at one of them (page.openData, look.js). */
{
    const {element, fill} = page;
    const PAGE = 50;

    /* What a name must be, in words; "" where it is right. The service has the same rule, but an address with ".." in
     * it never gets there as it is written. */
    page.dataNameFault = name => {
        const rule = "A name has 1 to 128 letters, digits, “.”, “_” and “-”, and “/” between its parts";
        const strange = /[^A-Za-z0-9._\/-]/u.exec(name);
        if (name === "") {
            return `${rule}.`;
        }
        if (strange) {
            return `“${strange[0]}” can't be in a name. ${rule}.`;
        }
        if (name.length > 128) {
            return `This has ${name.length} characters. ${rule}.`;
        }
        return name.split("/").some(part => ["", ".", ".."].includes(part))
            ? `${rule}, none of which is empty, “.” or “..”.` : "";
    };

    page.dataPath = name => `/v1/data/${name}`;

    /* "rows, float64, 1,000 × 3" */
    page.dataShape = data => data.kind === "text" ? "text"
        : `${data.kind}, ${data.dtype}, ${data.shape.map(page.count).join(" × ") || "one number"}`;

    /* Forgets the version that was seen; another that has come meanwhile stays, and the service says so. */
    page.deleteDataButton = (data, place, done) => page.confirmButton({
        label: "Delete",
        name: `Delete ${data.name}`,
        question: `Delete ${data.name}?`,
        yes: "Delete",
        no: "Keep",
        act: async () => {
            const answer = await page.ask(place, "DELETE", page.dataPath(data.name),
                {headers: {"If-Match": data.etag}});
            if (answer && !answer.ok && answer.status !== 404) {
                page.showError(place, page.problemText(answer));
            } else if (answer) {
                page.announce(`${data.name} is deleted.`);
                await done();
            }
        },
    });

    let stop = () => {};

    function makeRow(place, reload) {
        return data => {
            const row = element("tr");
            let etag = "";
            function update(next) {
                if (next.etag === etag) {
                    return;
                }
                etag = next.etag;
                fill(row, element("td", {class: "id"}, element("a", {href: `#data/${next.name}`}, next.name),
                    element("span", {class: "note"}, page.dataShape(next))),
                    element("td", {class: "numeric"}, page.bytes(next.bytes)),
                    element("td", {class: "wide"}, page.moment(next.created)),
                    element("td", {class: "wide"}, next.expires ? page.moment(next.expires) : "never"),
                    element("td", {class: "act"}, page.deleteDataButton(next, place, reload)));
            }
            return {row, update};
        };
    }

    /* How much there is of how much there may be. */
    async function showUse(parent, list) {
        const [used, limit] = [list.used_bytes, list.limit_bytes];
        const text = element("p", {class: "note"},
            `${page.count(list.count)} ${list.count === 1 ? "name" : "names"}, ` +
            `${page.bytes(used)} of ${page.bytes(limit)}`);
        fill(parent, text,
            element("progress", {max: limit, value: used, "aria-label": "Memory that named data takes"}));
        try {
            const system = await page.fetchJson("/v1/system");
            text.append(system.data.kept === "durable" ? ", kept on the disk as well"
                : ", in memory: gone when the service ends");
        } catch (error) {
            /* then it isn't said */
        }
    }

    function openList(section) {
        let asked = 0;
        const place = element("div");
        const note = element("p", {class: "note", role: "status"});
        const use = element("div", {class: "use"});
        const fault = element("p", {class: "error", id: "data-prefix-fault", hidden: true});
        const prefix = element("input", {id: "data-prefix", type: "search", maxlength: 128, autocomplete: "off",
            spellcheck: "false", "aria-describedby": "data-prefix-fault", onchange: () => pages.restart(address(""))});
        const address = after => `/v1/data?${new URLSearchParams({prefix: prefix.value, after, limit: PAGE})}`;
        const pages = page.pager(["Earlier names", "Later names"], address(""), load);
        const heads = ["Name", {text: "Size", numeric: true}, "Created", "Expires",
            {text: element("span", {class: "visually-hidden"}, "Action")}];
        const table = page.liveTable("Named data", heads, data => data.name, makeRow(place, load));
        table.node.querySelectorAll("th").forEach((head, i) => head.classList.toggle("wide", i === 2 || i === 3));

        function show(answer) {
            const isPrefixFault = !answer.ok && answer.json && answer.json.pointer === "/prefix";
            fault.hidden = !isPrefixFault;
            fault.textContent = isPrefixFault ? page.problemText(answer) : "";
            prefix.setAttribute("aria-invalid", String(isPrefixFault));
            fill(place);
            if (!answer.ok && !isPrefixFault) {
                page.showError(place, page.problemText(answer));
            }
            const list = answer.ok ? answer.json : {data: [], next: null};
            table.show(list.data);
            note.textContent = list.data.length > 0 || !answer.ok ? ""
                : prefix.value ? `No name begins with “${prefix.value}”.` : "There is no named data yet.";
            pages.found(list.next && address(list.next));
            if (answer.ok) {
                showUse(use, list);
            }
        }

        async function load() {
            const mine = ++asked;
            const answer = await page.ask(place, "GET", pages.at());
            if (answer && mine === asked) {
                show(answer);
            }
        }

        const upload = page.uploadForm(load);
        stop = () => {
            asked++;
            upload.end();
        };
        const head = element("div", {class: "list-head"}, element("h1", {}, "Data"),
            element("div", {}, element("label", {for: "data-prefix"}, "Names that begin with"), prefix),
            element("button", {type: "button", class: "quiet", onclick: load}, "Refresh"));
        page.fillView(section, element("div", {class: "sides"},
            element("div", {}, head, fault, place, note, table.node, pages.node, use), upload.node));
        load();
    }

    page.view({
        id: "data",
        title: "Data",
        open(section, name) {
            stop();
            if (name) {
                stop = page.openData(section, name);
            } else {
                openList(section);
            }
        },
        close: () => stop(),
    });
}
