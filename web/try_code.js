/* A request as curl and as Python say it, to be pasted into a POSIX shell and into python3. */
{
    const LONG_ARGUMENT = 100000; /* Linux takes 128 KiB in one; printf is the shell's own and has no such limit */

    function quote(text) {
        return /^[\w./:=@%,+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
    }

    /* For bytes, and for what a terminal or a quoted text wouldn't keep: control characters. */
    function printf(bytes) {
        const parts = Array.from(bytes, (byte, i) => {
            const next = bytes[i + 1];
            return byte === 10 ? "\\n" : byte === 9 ? "\\t" : byte === 37 ? "%%" : byte === 92 ? "\\\\" : byte === 39
                ? "'\\''"
                : byte >= 32 && byte < 127 ? String.fromCharCode(byte)
                : `\\${byte.toString(8).padStart(next >= 48 && next <= 55 ? 3 : 1, "0")}`;
        });
        return `printf '${parts.join("")}'`;
    }

    function fileName(file) {
        return /^-/.test(file.name) ? `./${file.name}` : file.name;
    }

    /* {before: what comes ahead of curl, options} */
    function curlBody(body) {
        if (!body) {
            return {before: "", options: []};
        }
        if (body.files) {
            const names = body.files.map(fileName);
            return names.length === 1 ? {before: "", options: [`-T ${quote(names[0])}`]}
                : {before: `cat ${names.map(quote).join(" ")} | `, options: ["-T -"]};
        }
        if (body.bytes || /[\0-\x09\x0b-\x1f\x7f]/.test(body.text)) {
            return {before: `${printf(body.bytes || new TextEncoder().encode(body.text))} | `,
                options: ["--data-binary @-"]};
        }
        const text = body.text.toWellFormed ? body.text.toWellFormed() : body.text;
        return text.length > LONG_ARGUMENT ? {before: `printf %s ${quote(text)} | `, options: ["--data-binary @-"]}
            : {before: "", options: [`--data-raw ${quote(text)}`]};
    }

    function curl(request, origin) {
        const {before, options} = curlBody(request.body);
        const url = new URL(request.target, origin).href;
        const isPlain = request.method === "GET" || (request.method === "POST" && request.body && !request.body.files);
        const words = [
            request.method === "HEAD" ? "--head" : isPlain ? "" : `-X ${request.method}`,
            /[[\]{}]/.test(url + (request.body && request.body.files ? options : "")) ? "--globoff" : "",
            quote(url),
            ...request.headers.map(([name, value]) => `-H ${quote(value ? `${name}: ${value}` : `${name};`)}`),
            ...options,
            request.accept === page.try.NPY_MEDIA ? "-o answer.npy" : "",
        ].filter(word => word);
        return `${before}curl -sS ${words.join(" \\\n  ")}`;
    }

    /* --- Python --- */

    function pythonText(text) {
        return JSON.stringify(text).replaceAll("\x7f", "\\x7f");
    }

    function pythonBytes(bytes) {
        const parts = Array.from(bytes, byte => byte === 34 || byte === 92 ? `\\${String.fromCharCode(byte)}`
            : byte >= 32 && byte < 127 ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, "0")}`);
        return `b"${parts.join("")}"`;
    }

    /* JSON as Python writes it; null where json.dumps() wouldn't make the same of it: a name that occurs twice, a
     * number beyond a double, half a character. */
    function pythonValue(text) {
        const parsed = page.json.parse(text);
        const isWord = {true: "True", false: "False", null: "None"};
        let isSame = parsed !== null;
        let names = 0;
        const countNames = value => value === null || typeof value !== "object" ? 0
            : Object.values(value).reduce((sum, each) => sum + countNames(each),
                Array.isArray(value) ? 0 : Object.keys(value).length);
        const written = text.replace(page.json.TOKEN, word => {
            names += word === ":" ? 1 : 0;
            if (isSame && word[0] === '"') {
                const said = JSON.parse(word);
                isSame = !said.toWellFormed || said.isWellFormed();
                return pythonText(said);
            }
            isSame = isSame && !(/^-?\d/.test(word) && !Number.isFinite(Number(word)));
            return isWord[word] || word;
        });
        return isSame && names === countNames(parsed.value) ? written : null;
    }

    /* [what is imported, lines ahead, expression] */
    function pythonBody(request) {
        const {body} = request;
        if (body.files) {
            const names = body.files.map(file => pythonText(file.name));
            return names.length === 1
                ? ["os", [`name = ${names[0]}`], 'open(name, "rb")', ['"Content-Length": str(os.path.getsize(name))']]
                : ["pathlib", [`names = [${names.join(", ")}]`],
                    'b"".join(pathlib.Path(name).read_bytes() for name in names)', []];
        }
        if (body.bytes) {
            return ["", [`body = ${pythonBytes(body.bytes)}`], "body", []];
        }
        const isJson = request.headers.some(([name, value]) => /^content-type$/i.test(name) && /json/.test(value));
        const value = isJson ? pythonValue(body.text) : null;
        if (value !== null) {
            return ["json", [`body = ${value}`], "json.dumps(body).encode()", []];
        }
        const bytes = new TextEncoder().encode(body.text);
        const isWhole = !body.text.isWellFormed || body.text.isWellFormed();
        return ["", [`body = ${isWhole ? pythonText(body.text) : pythonBytes(bytes)}`],
            isWhole ? "body.encode()" : "body", []];
    }

    function python(request, origin) {
        const [module, ahead, data, more] = request.body ? pythonBody(request) : ["", [], "", []];
        const isNpy = request.accept === page.try.NPY_MEDIA;
        const headers = [...request.headers.map(([name, value]) => `${pythonText(name)}: ${pythonText(value)}`),
            ...more];
        return [
            ...[...(module ? [module] : []), "urllib.error", "urllib.request"].map(name => `import ${name}`),
            "",
            ...ahead,
            "request = urllib.request.Request(",
            `    ${pythonText(new URL(request.target, origin).href)},`,
            `    method=${pythonText(request.method)},`,
            ...(request.body ? [`    data=${data},`] : []),
            ...(headers.length > 0 ? [`    headers={${headers.join(", ")}},`] : []),
            ")",
            "try:",
            "    answer = urllib.request.urlopen(request)",
            "except urllib.error.HTTPError as problem:",
            "    answer = problem",
            "", /* python3 that is typed to wants one behind a block */
            ...(isNpy ? ['with answer, open("answer.npy", "wb") as file:', "    file.write(answer.read())"]
                : ["with answer:", "    print(answer.read().decode())"]),
            "", "",
        ].join("\n");
    }

    Object.assign(page.try, {curl, python});
}
