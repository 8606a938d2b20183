/* JSON as it is written. JSON.parse would change it: whole numbers beyond 2^53, 0.000, names that occur twice. */
{
    const TOKEN = /"[^"\\]*(?:\\[^][^"\\]*)*"|[[\]{},:]|[^\s",:[\]{}]+/g;
    const MOST_ELEMENTS = 24;
    const MOST_CHARACTERS = 400;
    const LINE = 90;

    function parse(text) {
        try {
            return {value: JSON.parse(text)};
        } catch (error) {
            return null;
        }
    }

    /* The members of an object, name -> source, in their order; null where the text is no JSON object. */
    function membersOf(text) {
        const parsed = parse(text);
        if (!parsed || parsed.value === null || typeof parsed.value !== "object" || Array.isArray(parsed.value)) {
            return null;
        }
        const members = new Map();
        let depth = 0;
        let name = null;
        let begin = 0;
        for (const token of text.matchAll(TOKEN)) {
            const word = token[0];
            if (depth === 1 && name === null && word[0] === '"') {
                name = JSON.parse(word);
            } else if (depth === 1 && word === ":") {
                begin = token.index + 1;
            } else if (depth === 1 && name !== null && (word === "," || word === "}")) {
                members.set(name, text.slice(begin, token.index).trim());
                name = null;
            }
            depth += word === "{" || word === "[" ? 1 : word === "}" || word === "]" ? -1 : 0;
        }
        return members;
    }

    /* What membersOf() reads: in one line where it is short. */
    function objectOf(members) {
        const parts = [...members].map(([name, source]) => `${JSON.stringify(name)}: ${source}`);
        const line = `{${parts.join(", ")}}`;
        return line.length <= LINE ? line : `{\n  ${parts.join(",\n  ")}\n}`;
    }

    /* A value with a space behind each comma and colon. */
    function write(value) {
        if (Array.isArray(value)) {
            return `[${value.map(write).join(", ")}]`;
        }
        if (value !== null && typeof value === "object") {
            const members = Object.entries(value).map(([name, member]) => `${JSON.stringify(name)}: ${write(member)}`);
            return `{${members.join(", ")}}`;
        }
        return JSON.stringify(value);
    }

    /* On one line where it fits, or is a list of plain values. */
    function join(open, parts, close, indent) {
        const line = open + parts.join(", ") + close;
        if (!line.includes("\n") && (line.length <= LINE || (open === "[" && !/[[{]/.test(line.slice(1))))) {
            return line;
        }
        return `${open}\n${indent}  ${parts.join(`,\n${indent}  `)}\n${indent}${close}`;
    }

    /* Laid out for reading, long lists and texts cut: each cut says how much it left out. The text is valid JSON. */
    function layOut(text) {
        const tokens = new RegExp(TOKEN);
        const next = () => tokens.exec(text)[0];

        function skip(token) {
            for (let depth = 0; ; token = next()) {
                depth += token === "{" || token === "[" ? 1 : token === "}" || token === "]" ? -1 : 0;
                if (depth === 0) {
                    return;
                }
            }
        }

        function list(indent) {
            const parts = [];
            let length = 0;
            for (let token = next(); token !== "]"; token = next()) {
                if (token === ",") {
                    continue;
                }
                length++;
                if (length <= MOST_ELEMENTS) {
                    parts.push(value(token, `${indent}  `));
                } else {
                    skip(token);
                }
            }
            if (length > MOST_ELEMENTS) {
                parts.push(`… ${page.count(length - MOST_ELEMENTS)} more`);
            }
            return join("[", parts, "]", indent);
        }

        function object(indent) {
            const parts = [];
            for (let token = next(); token !== "}"; token = next()) {
                if (token !== ",") {
                    next(); /* the colon */
                    parts.push(`${token}: ${value(next(), `${indent}  `)}`);
                }
            }
            return join("{", parts, "}", indent);
        }

        function value(token, indent) {
            if (token === "[") {
                return list(indent);
            }
            if (token === "{") {
                return object(indent);
            }
            return token.length <= MOST_CHARACTERS ? token
                : `${token.slice(0, MOST_CHARACTERS)}… ${page.count(token.length - MOST_CHARACTERS)} more characters`;
        }
        return value(next(), "");
    }

    page.json = {parse, membersOf, objectOf, write, layOut, TOKEN};
}
