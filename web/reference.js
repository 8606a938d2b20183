/* The view "API": the reference, rendered from /openapi.json, one page for each endpoint, chapter and so on, which is
 * made when it is looked at. Whatever it has has an address, #api/<page>/<anchor>:
 *
 *   #api/about-named-data            a chapter of the description
 *   #api/post-v1-map/field-expr      an endpoint and a field of its body; likewise query-, header-, path-, answer-,
 *                                    example- and the sections examples, body, parameters, answers, errors
 *   #api/problem-out-of-range        an error, on the page "problems" that has them all
 *   #api/type-Timing                 a type that others refer to, on the page "types"
 *
 * This file reads the document; reference_markup.js makes nodes of its texts, reference_pages.js its pages, and
 * reference_view.js shows these and searches. */

/* What its files share; once the document is read, that too. */
page.reference = {};
{
    const make = page.element;
    const METHODS = ["get", "post", "put", "delete"];

    let api = null; /* the document */
    let operations = []; /* {id, method, path, item, ...operation} */
    let chapters = []; /* {id, title, text} */
    const problems = new Map(); /* slug: {slug, type, status, title, when, examples, operations} */
    let types = []; /* names of schemas that have an entry on the page "types" */

    const slugOf = text => text.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "");
    const address = (...parts) => `#api/${parts.join("/")}`;
    const code = text => make("code", {}, text);
    const link = (to, ...children) => make("a", {href: to}, ...children);
    const plainMethod = operation => operation.method.toUpperCase();

    /* What a reference stands for, with what stands beside the reference. */
    function resolve(node) {
        while (node && node.$ref) {
            const {$ref, ...beside} = node;
            node = {...$ref.slice(2).split("/").reduce((at, part) => at[part], api), ...beside};
        }
        return node || {};
    }

    const schemaName = schema => (schema.$ref || "").split("/").pop();

    /* All objects of the document from a node on. */
    function* walk(node) {
        if (node && typeof node === "object") {
            yield node;
            for (const member of Object.values(node)) {
                yield* walk(member);
            }
        }
    }

    function findProblems() {
        for (const type of resolve({$ref: "#/components/schemas/Problem"}).properties.type.enum) {
            const slug = type.split(":").pop();
            problems.set(slug, {slug, type, examples: [], when: new Set(), operations: new Set()});
        }
        const listed = /^\| `([a-z0-9-]+)` \| (\d+) \| (.+?) \|/gm;
        for (const [, slug, status, title] of api.info.description.matchAll(listed)) {
            Object.assign(problems.get(slug) || {}, {status: Number(status), title});
        }
        for (const operation of operations) {
            for (const [status, response] of Object.entries(operation.responses)) {
                problemsOf(status, response).forEach(({problem}) => problem.operations.add(operation));
            }
        }
        for (const response of walk([api.components.responses, api.paths])) {
            for (const {problem, example} of response.content ? problemsOf("400", response) : []) {
                problem.when.add(response.description);
                problem.examples.push(example);
            }
        }
    }

    /* [{problem, example}] of a response. */
    function problemsOf(status, response) {
        const content = (resolve(response).content || {})["application/problem+json"];
        return status < "400" || !content ? [] : examplesOf(content)
            .map(([, {value}]) => ({problem: problems.get((value.type || "").split(":").pop()), example: value}))
            .filter(({problem}) => problem);
    }

    const examplesOf = content =>
        "example" in content ? [["example", {value: content.example}]] : Object.entries(content.examples || {});

    /* Types of which tables say the name alone: objects that several others have, and what has itself within. */
    function findTypes() {
        const uses = new Map();
        for (const node of walk(api)) {
            uses.set(schemaName(node), (uses.get(schemaName(node)) || 0) + 1);
        }
        const stands = ([name, schema]) => uses.get(name) > 1 && (schema.properties || schema.contentMediaType ||
            [...walk(schema)].some(node => schemaName(node) === name));
        types = Object.entries(api.components.schemas).filter(stands).map(([name]) => name);
    }

    function read(document) {
        api = document;
        operations = Object.entries(api.paths).flatMap(([path, item]) =>
            METHODS.filter(method => item[method]).map(method =>
            ({...item[method], id: slugOf(`${method} ${path}`), method, path, item})));
        const [intro, ...rest] = api.info.description.split(/^## /m);
        chapters = [{id: "", title: "Overview", text: intro}, ...rest.map(text => {
            const [, title, body] = /^(.*)\n([^]*)$/.exec(text);
            return {id: `about-${slugOf(title)}`, title, text: body};
        })];
        findProblems();
        findTypes();
        Object.assign(page.reference, {api, operations, chapters, types});
    }

    Object.assign(page.reference,
        {METHODS, problems, slugOf, address, code, link, plainMethod, resolve, schemaName, problemsOf,
                                   examplesOf, read});
}
