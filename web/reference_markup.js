/* Texts of the reference as nodes. They are CommonMark, of which what descriptions have is rendered: paragraphs,
 * headings, lists, tables, fenced code; in lines code, bold, links. And JSON and other examples as text. */
{
    const make = page.element;
    const {reference} = page;
    const {problems, address, code, link, plainMethod} = reference;

    /* A name in a text becomes a link to what it names: a path, with or without a method, or a problem. */
    function richCode(text) {
        const [, method, path] = /^(?:([A-Z]+) )?(\/[^ ?]*)$/.exec(text) || [];
        const known = reference.operations.find(each => each.path === path &&
            (!method || plainMethod(each) === method));
        const to = known ? known.id : problems.has(text) ? `problem-${text}` : "";
        return to ? link(address(to), code(text)) : code(text);
    }

    function richLink(text, to) {
        if (to.startsWith("#")) {
            return link(address(`about-${to.slice(1)}`), text);
        }
        return /^https?:/.test(to) ? make("a", {href: to, rel: "noreferrer"}, text) : text;
    }

    function rich(text) {
        const nodes = [];
        let at = 0;
        for (const found of text.matchAll(/`([^`]+)`|\*\*([^*]+)\*\*|\[([^\]]+)\]\(([^)\s]+)\)/g)) {
            const [all, quoted, strong, label, to] = found;
            nodes.push(text.slice(at, found.index),
                       quoted ? richCode(quoted) : strong ? make("strong", {}, strong) : richLink(label, to));
            at = found.index + all.length;
        }
        return [...nodes, text.slice(at)];
    }

    /* Where there is little room its rows stand one below the other, with the heads before the cells: roles say that it
     * is a table still. rows: arrays of cells, each a node or an array of nodes; or {id, cells}. */
    function table(label, heads, rows, style = "") {
        const row = each => make("tr", {role: "row", id: each.id},
            (each.cells || each).map((cell, i) => make("td", {role: "cell", "data-head": heads[i]}, ...[cell].flat())));
        return make("table", {class: `ref-table ${style}`, role: "table", "aria-label": label},
            make("thead", {role: "rowgroup"}, make("tr", {role: "row"},
                heads.map(head => make("th", {scope: "col", role: "columnheader"}, head)))),
            make("tbody", {role: "rowgroup"}, rows.map(row)));
    }

    function list(lines, item) {
        const items = [];
        for (const line of lines) {
            items.push(item.test(line) ? line.replace(item, "") : `${items.pop()} ${line.trim()}`);
        }
        return make(/^\d/.test(lines[0]) ? "ol" : "ul", {}, items.map(each => make("li", {}, ...rich(each))));
    }

    function block(text, level) {
        const lines = text.trim().split("\n");
        const item = /^(?:[-*]|\d+[.)]) +/;
        if (lines[0].startsWith("```")) {
            return pre(lines.slice(1, -1).join("\n"), "Code");
        }
        if (lines[0].startsWith("#")) {
            return make(`h${level}`, {}, ...rich(lines[0].replace(/^#+ /, "")));
        }
        if (lines[0].startsWith("|")) {
            const [heads, , ...rows] = lines.map(line =>
                line.replace(/^\||\|$/g, "").split("|").map(cell => cell.trim()));
            return table(`By ${heads[0]}`, heads, rows.map(cells => cells.map(rich)), "ref-prose");
        }
        return item.test(lines[0]) ? list(lines, item) : make("p", {}, ...rich(lines.join(" ")));
    }

    /* The nodes of a text; headings in it are of that level. */
    function prose(text, level = 2) {
        return ((text || "").match(/^```[^]*?^```|^#.*$|(?:^(?!```|#).+\n?)+/gm) || []).map(each => block(each, level));
    }

    /* Code that scrolls by itself, for keys too. */
    function pre(children, label) {
        return make("pre", {tabindex: "0", role: "group", "aria-label": label}, make("code", {}, ...[children].flat()));
    }

    /* JSON in as few lines as are readable. */
    function print(value, indent = "") {
        if (value === null || typeof value !== "object") {
            return JSON.stringify(value);
        }
        const [open, close] = Array.isArray(value) ? "[]" : "{}";
        const inner = `${indent}  `;
        const members = Object.entries(value).map(([name, member]) =>
            (open === "{" ? `${JSON.stringify(name)}: ` : "") + print(member, inner));
        const line = open + members.join(", ") + close;
        return line.length + indent.length <= 56 && !line.includes("\n")
            ? line : `${open}\n${inner}${members.join(`,\n${inner}`)}\n${indent}${close}`;
    }

    /* JSON with its names and texts in colours. */
    function paint(json) {
        const parts = json.split(/("(?:[^"\\]|\\.)*"(?:: )?)/);
        return parts.map((part, i) => i % 2 ? make("span", {class: part.endsWith(" ") ? "ref-name" : "ref-text"}, part)
            : part);
    }

    const isBinary = media => media === "application/x-npy";

    /* An example's value as text: JSON printed, text as it is, of bytes those that are no ASCII escaped. */
    function exampleText(media, value) {
        if (isBinary(media)) {
            return value.replace(/[^ -~\n]/g, byte => `\\x${byte.charCodeAt(0).toString(16).padStart(2, "0")}`);
        }
        return /json$/.test(media) ? print(value) : value;
    }

    const showExample = (media, value, label) =>
        pre(/json$/.test(media) ? paint(print(value)) : exampleText(media, value), label);

    Object.assign(reference, {rich, table, prose, pre, print, paint, isBinary, exampleText, showExample});
}
