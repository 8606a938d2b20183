/* The pages of the reference: what a schema says as types and tables of fields, and of these and texts a page for each
 * endpoint, chapter and so on. */
{
    const make = page.element;
    const {reference} = page;
    const {METHODS, problems, slugOf, address, code, link, plainMethod, resolve, schemaName, problemsOf, examplesOf} =
        reference;
    const {rich, table, prose, pre, print, paint, isBinary, exampleText, showExample} = reference;

    /* --- schemas --- */

    const isType = schema => reference.types.includes(schemaName(schema));
    const join = (lists, between) => lists.flatMap((nodes, i) => i ? [between, ...nodes] : nodes);

    /* Numbers that a double doesn't have are rounded when the document is read: 2^63 - 1 to 2^63. */
    function range(least, most, unit = "") {
        if (least === undefined && most === undefined) {
            return [];
        }
        if (unit && least === 1 && most === undefined) {
            return ["not empty"];
        }
        const word = value => value > Number.MAX_SAFE_INTEGER && Number.isInteger(Math.log2(value))
            ? `2^${Math.log2(value)} - 1` : value;
        return [(most === undefined ? `≥ ${word(least)}` : least === undefined ? `≤ ${word(most)}`
            : least === most ? `${least}` : `${word(least)} … ${word(most)}`) + unit];
    }

    function limits(schema) {
        return [...range(schema.minimum, schema.maximum),
                ...(schema.exclusiveMinimum === undefined ? [] : [`> ${schema.exclusiveMinimum}`]),
                ...(schema.exclusiveMaximum === undefined ? [] : [`< ${schema.exclusiveMaximum}`]),
                ...range(schema.minLength, schema.maxLength, " characters"),
                ...range(schema.minItems, schema.maxItems, " elements"),
                ...range(schema.minProperties, schema.maxProperties, " members"),
                ...(schema.uniqueItems ? ["distinct"] : []),
                ...(schema.format ? [schema.format] : []),
                ...(schema.pattern ? [code(schema.pattern)] : [])];
    }

    /* A type's name, in the plural if there are several, with its limits. */
    function plainType(type, schema, isSeveral) {
        if (schema.contentMediaType) {
            return [code(schema.contentMediaType)];
        }
        const bounds = limits(schema).flatMap((each, i) => [i ? ", " : " (", each]);
        const words = [(type || "anything") + (isSeveral && type ? "s" : ""), ...bounds, bounds.length ? ")" : ""];
        const inner = type === "array" ? schema.items : type === "object" && !schema.properties &&
            schema.additionalProperties;
        return inner ? [...words, " of ", ...typeOf(inner, true)] : words;
    }

    /* Nodes that say what a value may be, or several of them. */
    function typeOf(schema, isSeveral = false) {
        if (isType(schema)) {
            return [link(address(`type-${schemaName(schema)}`), schemaName(schema))];
        }
        const whole = resolve(schema);
        const choices = whole.oneOf || whole.anyOf || whole.allOf;
        if (choices) {
            return join(choices.map(each => typeOf(each, isSeveral)), whole.allOf ? " and " : " or ");
        }
        if (whole.enum || "const" in whole) {
            return join((whole.enum || [whole.const]).map(value => [code(JSON.stringify(value))]), ", ");
        }
        return join([whole.type].flat().map(type => plainType(type, type === "null" ? {} : whole, isSeveral)), " or ");
    }

    /* [{name, schema, isRequired}] of an object, with those of objects in it: "results[].range". */
    function fields(schema, before = "") {
        const whole = resolve(schema);
        const found = (whole.allOf || []).flatMap(part => fields(part, before));
        for (const [name, member] of Object.entries(whole.properties || {})) {
            let [inner, marks] = [member, ""];
            found.push({name: before + name, schema: member, isRequired: (whole.required || []).includes(name)});
            while (!isType(inner) && resolve(inner).type === "array") {
                [inner, marks] = [resolve(inner).items || {}, `${marks}[]`];
            }
            found.push(...isType(inner) ? [] : fields(inner, `${before + name + marks}.`));
        }
        if (typeof whole.additionalProperties === "object" && whole.properties) {
            found.push({name: `${before}…`, schema: {description: "Any other name.", ...whole.additionalProperties}});
        }
        return found;
    }

    const capital = text => /^([a-z]{2}|a )/.test(text) ? text[0].toUpperCase() + text.slice(1) : text;
    const sentence = text => capital(/[.!?:]$/.test(text) ? text : `${text}.`);

    /* Of a type that has an entry of its own the first sentence. */
    function meaning(field) {
        const schema = resolve(field.schema);
        const own = schema.description || "";
        const texts = [isType(field.schema) ? own.replace(/([.;])\s[^]*/, "$1") : own,
            field.description].filter(Boolean);
        const nodes = rich(texts.map(sentence).join(" "));
        return "default" in schema ? [...nodes, " ", make("span", {class: "ref-default"}, "Default: ",
                                                           code(JSON.stringify(schema.default)))] : nodes;
    }

    /* `at`: {page, before, isAnswer}: the page, what anchors begin with, and whether nothing is to be left out. */
    function fieldTable(label, at, each) {
        return table(label, ["Name", "Type", "Meaning"], each.map(field => {
            const anchor = at.before + slugOf(field.name);
            const mark = !at.isAnswer ? field.isRequired && "required" : !field.isRequired && "optional";
            return {id: anchor, cells: [
                [link(address(at.page, anchor), code(field.name)),
                    mark && make("span", {class: `ref-mark ref-${mark}`}, mark)],
                typeOf(field.schema), meaning(field)]};
        }));
    }

    /* What a body or an answer consists of. Of several objects, of which it is one, what they share stands once. */
    function shape(label, at, schema) {
        const whole = resolve(schema);
        const choices = (whole.oneOf || whole.anyOf || []).filter(choice => fields(choice).length);
        if (!choices.length) {
            const all = fields(schema);
            return all.length ? [fieldTable(label, at, all)] : [make("p", {}, ...typeOf(schema))];
        }
        const key = field => JSON.stringify([field.name, field.schema]);
        const sets = choices.map(choice => new Map(fields(choice).map(field => [key(field), field])));
        const shared = choices.length > 1 ? [...sets[0].keys()].filter(each => sets.every(set => set.has(each))) : [];
        const others = (whole.oneOf || whole.anyOf).filter(choice => !choices.includes(choice));
        return [others.length ? make("p", {}, ...join(others.map(choice => typeOf(choice)), " or "), ", or:") : null,
                ...choices.flatMap((choice, i) => [
                    make("h4", {}, schemaName(choice) || `Choice ${i + 1}`),
                    fieldTable(`${label}, ${schemaName(choice) || i + 1}`,
                               {...at, before: `${at.before}${slugOf(schemaName(choice)) || i + 1}-`},
                               [...sets[i]].filter(([each]) => !shared.includes(each)).map(([, field]) => field))]),
                ...(shared.length ? [make("h4", {}, "All of them"),
                                     fieldTable(`${label}, all of them`, at, shared.map(each => sets[0].get(each)))]
                                         : [])];
    }

    /* --- pages --- */

    const badge = method => make("span", {class: `ref-method ref-${method.toLowerCase()}`}, method);
    const heading = (level, page, anchor, ...children) =>
        make(`h${level}`, {id: anchor}, link(address(page, anchor), ...children));

    const parametersOf = operation =>
        [...(operation.item.parameters || []), ...(operation.parameters || [])].map(resolve);

    /* The request that an example stands for: {method, path, query, media, body, accept}; body as text, of bytes a
     * character for each. */
    function requestOf(operation, name, media, value) {
        const query = new URLSearchParams();
        let path = operation.path;
        for (const parameter of parametersOf(operation)) {
            const own = ((parameter.examples || {})[name] || {}).value;
            const said = own !== undefined ? own : parameter.example;
            if (parameter.in === "path") {
                path = said === undefined ? path : path.replace(`{${parameter.name}}`, said);
            } else if (parameter.in === "query" && !/json$/.test(media || "")) {
                const fixed = parameter.required ? resolve(parameter.schema).const : undefined;
                const values = [said !== undefined ? said : fixed].flat().filter(each => each !== undefined &&
                    typeof each !== "object");
                (parameter.explode === false && values.length ? [values.join(",")] : values)
                    .forEach(each => query.append(parameter.name, each));
            }
        }
        const answers = ((operation.responses["200"] || {}).content || {});
        return {method: plainMethod(operation), path, query: query.toString(), media,
                body: media && (/json$/.test(media) ? print(value) : value),
                accept: isBinary(media) && answers[media] ? media : undefined};
    }

    /* [{name, anchor, title, request, media, value, answer: {status, media, value}}] */
    function examplesFor(operation) {
        const shown = Object.entries(operation.responses).filter(([status]) =>
            status < "300").flatMap(([status, response]) =>
            Object.entries(resolve(response).content || {}).flatMap(([media, content]) =>
                examplesOf(content).map(([name, {value}]) => ({status, media, name, value}))));
        const asked = Object.entries((resolve(operation.requestBody).content) || {}).flatMap(([media, content]) =>
            examplesOf(content).map(([name, {summary, value}]) => ({name, title: summary || name, media, value})));
        return (asked.length ? asked : [{name: "request", title: "The request"}]).map((example, i, all) => ({
            ...example,
            anchor: slugOf(`example ${example.name} ` +
                           (all.findIndex(({name}) => name === example.name) < i ? example.media : "")),
            request: requestOf(operation, example.name, example.media, example.value),
            answer: (asked.length ? shown.find(({name, media}) => name === example.name && media === example.media) ||
                                    shown.find(({name}) => name === example.name) : null) || shown[0]}));
    }

    function exampleCard(operation, example, isOpen) {
        const {method, path, query, media, body, accept} = example.request;
        const target = path + (query && `?${query}`);
        const {anchor, answer} = example;
        return make("details", {id: anchor, class: "ref-example", open: isOpen},
            make("summary", {}, capital(example.title),
                media && !/json$/.test(media) ? make("span", {class: "note"}, ` ${media}`) : null),
            make("div", {class: "columns"},
                make("div", {},
                    make("p", {class: "ref-line"}, badge(method), " ", code(target)),
                    media ? showExample(media, example.value, "Request") : null,
                    make("div", {class: "actions"},
                        make("button", {type: "button", class: "ref-try",
                                        onclick: () => page.fillTry(method, path, {media, query, body, accept})},
                                        "Try it"),
                        page.copyButton(media ? "Copy" : "Copy address",
                                        () => media ? exampleText(media, example.value) : location.origin + target),
                        link(address(operation.id, anchor), "Link to this"))),
                answer ? make("div", {},
                    make("p", {class: "ref-line"}, "Answer ", code(answer.status)),
                    showExample(answer.media, answer.value, "Answer")) : null));
    }

    function parameterTables(operation, page) {
        const titles = {path: "In the path", query: "In the query", header: "Header fields"};
        return Object.entries(titles).flatMap(([place, title]) => {
            const those = parametersOf(operation).filter(parameter => parameter.in === place)
                .map(({name, schema, description, required}) => ({name, schema, description, isRequired: required}));
            return those.length
                ? [heading(3, page, `in-${place}`, title), fieldTable(title, {page, before: `${place}-`}, those)] : [];
        });
    }

    function contents(level, at, label, content) {
        return Object.entries(content || {}).flatMap(([media, {schema}], i) => [
            make(`h${level}`, {class: "ref-media"}, media),
            ...(isType(schema) ? [] : prose(resolve(schema).description, level + 1)),
            ...shape(`${label}, ${media}`, i ? {...at, before: `${at.before}${slugOf(media)}-`} : at, schema)]);
    }

    function answerParts(operation, [status, response]) {
        const at = {page: operation.id, before: `answer-${status}-`, isAnswer: true};
        const whole = resolve(response);
        const headers = Object.entries(whole.headers || {}).map(([name, header]) =>
            ({name, schema: resolve(header).schema, description: resolve(header).description,
                isRequired: resolve(header).required}));
        const asked = Object.keys(operation.requestBody || {}).length > 0;
        const shown = asked && status > "200" ? Object.entries(whole.content || {}).flatMap(([media, content]) =>
            examplesOf(content).map(([, {value}]) => showExample(media, value, `Answer ${status}`))) : [];
        return [heading(3, at.page, `answer-${status}`, code(status), " ", whole.description),
                ...contents(4, at, `Answer ${status}`, whole.content),
                shown.length ? make("details", {}, make("summary", {}, "Example"), shown.slice(0, 1)) : null,
                headers.length ? make("details", {}, make("summary", {}, "Header fields"),
                                      fieldTable(`Header fields of ${status}`, {...at, before: `${at.before}header-`},
                                          headers)) : null];
    }

    function errorTable(operation) {
        const item = ({problem}) => make("li", {}, link(address(`problem-${problem.slug}`), code(problem.slug)), " ",
                                         make("span", {class: "note"}, problem.title));
        return table("Errors", ["Status", "When", "Problems"], Object.entries(operation.responses)
            .filter(([status]) => status >= "400").sort(([one], [other]) => one - other)
            .map(([status, response]) => ({id: `error-${status}`, cells: [
                link(address(operation.id, `error-${status}`), code(status)), rich(resolve(response).description),
                make("ul", {class: "ref-problems"}, problemsOf(status, response).map(item))]})), "ref-errors");
    }

    function callbackParts(operation) {
        return Object.values(operation.callbacks || {}).flatMap(Object.values).flatMap(item =>
            METHODS.filter(method => item[method])
            .flatMap(method => {
                const called = {...item[method], item, id: operation.id};
                const of = place => parametersOf(called).filter(parameter => parameter.in === place);
                return [heading(2, operation.id, "callback", `Callback: ${called.summary}`),
                    ...prose(called.description, 3),
                        fieldTable("Header fields of the callback", {page: operation.id, before: "callback-header-"},
                            of("header")
                            .map(({name, schema, description, required}) =>
                                ({name, schema, description, isRequired: required}))),
                        ...contents(3, {page: operation.id, before: "callback-", isAnswer: true}, "Callback",
                            called.requestBody.content)];
            }));
    }

    function operationPage(operation) {
        const {id} = operation;
        const examples = examplesFor(operation);
        const body = resolve(operation.requestBody);
        const parameters = parameterTables(operation, id);
        const answers = Object.entries(operation.responses).filter(([status]) => status < "400");
        const sections = [["examples", "Examples"], body.content && ["body", "Body"],
            parameters.length && ["parameters", "Parameters"],
                          ["answers", "Answers"], ["errors", "Errors"]].filter(Boolean);
        return [
            make("h1", {tabindex: "-1"}, badge(plainMethod(operation)), " ",
                make("span", {class: "ref-path"}, operation.path)),
            make("p", {class: "ref-lead"}, ...rich(sentence(operation.summary))),
            make("p", {class: "note"},
                ...join(sections.map(([anchor, title]) => [link(address(id, anchor), title)]), " · "),
                 operation.item["x-query"] && operation.method === operation.item["x-query"].as
                     ? [" · also as ", link(address("about-query"), "QUERY")] : null),
            heading(2, id, "examples", "Examples"),
            ...examples.map((example, i) => exampleCard(operation, example, i === 0)),
            ...(operation.description
                ? [heading(2, id, "description", "How it works"), ...prose(operation.description, 3)] : []),
            ...(body.content ? [heading(2, id, "body", "Body"), ...prose(body.description, 3),
                                ...contents(3, {page: id, before: "field-"}, "Body", body.content)] : []),
            ...(parameters.length ? [heading(2, id, "parameters", "Parameters"), ...parameters] : []),
            heading(2, id, "answers", "Answers"), ...answers.flatMap(answer => answerParts(operation, answer)),
            heading(2, id, "errors", "Errors"), errorTable(operation),
            ...callbackParts(operation)];
    }

    const operationLink = operation =>
        link(address(operation.id), badge(plainMethod(operation)), " ",
            make("span", {class: "ref-path"}, operation.path));

    function overviewPage({text}) {
        return [
            make("h1", {tabindex: "-1"}, "API reference"),
            make("p", {class: "ref-lead"}, sentence(reference.api.info.summary)),
            ...prose(text),
            make("p", {class: "note"}, "Here it is at ", code(location.origin), ". The same for programs: ",
                 link("/openapi.json", "openapi.json"), " or ", link("/openapi.yaml", "openapi.yaml"),
                 `, OpenAPI ${reference.api.openapi}.`),
            ...reference.api.tags.flatMap(({name, description}) => [
                make("h2", {}, capital(name)), ...prose(description),
                make("ul", {class: "ref-endpoints"},
                    reference.operations.filter(({tags}) => tags.includes(name)).map(operation =>
                    make("li", {}, operationLink(operation), make("span", {}, operation.summary))))])];
    }

    const chapterPage = ({title, text}) => [make("h1", {tabindex: "-1"}, title), ...prose(text)];

    function problemParts({slug, type, status, title, when, examples, operations: those}) {
        const {detail} = examples[0] || {detail: ""};
        return [
            heading(2, `problem-${slug}`, `problem-${slug}`, code(slug), " ",
                make("span", {class: "ref-status"}, String(status))),
            make("p", {}, `${title}. `, make("span", {class: "note"}, [...when].map(sentence).join(" "))),
            detail.includes("\n") ? pre(detail, "Detail") : detail && make("p", {class: "ref-detail"}, detail),
            make("details", {},
                make("summary", {}, "The document", those.size ? `, and ${those.size} endpoints that answer it` : ""),
                 pre(paint(print(examples[0] || {type, title, status})), "The document"),
                 those.size ? make("p", {class: "ref-links"},
                     ...join([...those].map(each => [operationLink(each)]), " ")) : null)];
    }

    function problemsPage(chapter) {
        const [before, after] = chapter.text.split(/^\|[^]*\|$/m);
        return [make("h1", {tabindex: "-1"}, chapter.title), ...prose(before), ...prose(after),
                ...[...problems.values()].sort((one, other) => one.status - other.status).flatMap(problemParts)];
    }

    function typesPage() {
        return [make("h1", {tabindex: "-1"}, "Types"),
            make("p", {}, "What bodies and answers of several endpoints have in common."),
                ...reference.types.flatMap(name => {
                    const schema = reference.api.components.schemas[name];
                    return [heading(2, `type-${name}`, `type-${name}`, name), ...prose(schema.description, 3),
                            ...shape(name, {page: "types", before: `type-${name}-`, isAnswer: true}, schema)];
                })];
    }

    const problemsChapter = () => reference.chapters.find(({text}) => /^\| `[a-z-]+` \| \d{3} \|/m.test(text));

    /* [id of the page, anchor] of what an address names. */
    function placeOf(rest) {
        const [id, anchor] = rest.split("/");
        const together = id.startsWith("problem-") ? "problems" : id.startsWith("type-") ? "types" : "";
        return together ? [together, id] : [problemsChapter().id === id ? "problems" : id, anchor];
    }

    function render(id) {
        const operation = reference.operations.find(each => each.id === id);
        if (operation) {
            return operationPage(operation);
        }
        const chapter = reference.chapters.find(each => each.id === id) || reference.chapters[0];
        return id === "problems" ? problemsPage(problemsChapter()) : id === "types" ? typesPage()
            : chapter.id ? chapterPage(chapter) : overviewPage(chapter);
    }

    Object.assign(reference,
        {join, fields, parametersOf, examplesFor, operationLink, problemsChapter, placeOf, render});
}
