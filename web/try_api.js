/* What openapi.yaml says, for Try: which operations there are, their fields and examples. `resolve` gives what a
 * {"$ref"} of the document stands for, and anything else as it is. */
{
    const UNSENT = ["Accept-Encoding", "Content-Encoding"]; /* the browser's own, and what it doesn't compress */

    /* --- fields --- */

    /* What a value may be, without oneOf and anyOf. */
    function variants(resolve, schema) {
        const own = resolve(schema);
        const several = own.oneOf || own.anyOf;
        return several ? several.flatMap(each => variants(resolve, each)) : [own];
    }

    function limits(all) {
        const said = all.map(schema => {
            if (schema.const !== undefined) {
                return String(schema.const);
            }
            const {minimum, maximum} = schema;
            const isOpen = maximum === undefined || maximum >= Number.MAX_SAFE_INTEGER;
            return minimum === undefined ? "" : isOpen ? `${minimum} or more`
                : `${page.count(minimum)} … ${page.count(maximum)}`;
        });
        return said.filter(text => text).join(" or ");
    }

    /* {name, kind, hint, choices, standard}; kind:
     *   number  as it is written, or a word        word   a short text          long   a text of any length
     *   choice  one of `choices`                   lines  texts, one a line     json   lists and objects as JSON
     * isShort: a list of a few.
     * takesData: a long text that may be {"data": "name"} too. */
    function fieldOf(resolve, name, schema, description) {
        const own = resolve(schema);
        const all = variants(resolve, schema);
        const has = type => all.some(each => [each.type].flat().includes(type));
        const standard = own.default === undefined ? "" : String(own.default);
        const hint = [schema.description || own.description ||
            (description || "").replace(/^For [^;.]*[;.]\s*/, ""), limits(all)];
        const made = {name, standard, hint: hint.filter(text => text).join(" ").replaceAll("`", ""),
            takesData: has("object")};
        const choices = own.enum || (own.type === "boolean" ? ["false", "true"] : null);
        if (choices) {
            return {...made, kind: "choice", choices};
        }
        if (has("string") && has("object")) {
            return {...made, kind: "long"};
        }
        if (has("array") || has("object")) {
            const items = own.items && resolve(own.items);
            return {...made, kind: items && items.type === "string" ? "lines" : "json",
                isShort: Boolean(items && items.type === "integer")};
        }
        if (has("string") && !has("integer") && !has("number")) {
            return {...made, kind: own.maxLength > 1000 ? "long" : "word"};
        }
        return {...made, kind: "number"};
    }

    /* Of the body, where it is a JSON object; null otherwise. */
    function bodySchema(resolve, operation, media) {
        const schema = operation.schemas[media] && resolve(operation.schemas[media].schema);
        return schema && schema.properties ? schema : null;
    }

    function bodyFields(resolve, operation, media) {
        const schema = bodySchema(resolve, operation, media);
        return schema && Object.entries(schema.properties).map(([name, each]) =>
            ({...fieldOf(resolve, name, each), required: (schema.required || []).includes(name)}));
    }

    function freeField(resolve, operation, media) {
        const schema = bodySchema(resolve, operation, media);
        const free = schema ? schema.additionalProperties
            : operation.parameters.filter(each => each.in === "query" && resolve(each.schema).additionalProperties)
                .map(each => resolve(each.schema).additionalProperties)[0];
        return typeof free === "object" ? {...fieldOf(resolve, "", free), kind: schema ? "json" : "word"} : null;
    }

    function parameterFields(resolve, operation, place) {
        return operation.parameters.filter(each => each.in === place && !UNSENT.includes(each.name) &&
                                           !resolve(each.schema).additionalProperties)
            .map(each => ({...fieldOf(resolve, each.name, each.schema, each.description),
                isOneText: each.explode === false}));
    }

    /* --- examples --- */

    function textOf(value) {
        return value !== null && typeof value === "object" && !Array.isArray(value)
            ? page.json.objectOf(new Map(Object.entries(value).map(([name, member]) =>
                [name, page.json.write(member)])))
            : page.json.write(value);
    }

    /* Each example as a draft of its request. Beside a body that isn't JSON its options are the parameters'
     * examples. */
    function exampleOf(resolve, operation, media, name, example) {
        const query = new URLSearchParams();
        for (const parameter of operation.parameters) {
            const own = parameter.examples ? parameter.examples[name] : parameter;
            const value = own && (parameter.examples ? resolve(own).value : own.example);
            if (parameter.in === "query" && value !== undefined && media !== "application/json") {
                const items = parameter.explode === false ? [[value].flat().join(",")] : [value].flat();
                items.filter(item => typeof item !== "object").forEach(item => query.append(parameter.name, item));
            }
        }
        const {value, summary} = resolve(example);
        const isJson = media === "application/json";
        return {name, media, summary, query: query.toString(), body: isJson ? value : undefined,
                text: isJson ? textOf(value) : value};
    }

    function pathExample(operation) {
        return operation.parameters.filter(parameter => parameter.in === "path" && parameter.example !== undefined)
            .reduce((path, {name, example}) => path.replace(`{${name}}`, example), operation.path);
    }

    /* --- operations --- */

    function patternOf(path) {
        return new RegExp(`^${path.split(/(\{\w+\})/).map(part => part === "{name}" ? "(.+)"
            : part[0] === "{" ? "([^/]+)" : part.replace(/[.*+?^$()|[\]\\]/g, "\\$&")).join("")}$`);
    }

    function operationOf(resolve, path, item, method) {
        const own = item[method];
        const operation = {method: method.toUpperCase(), path, tag: own.tags[0], summary: own.summary,
                           parameters: [...(item.parameters || []), ...(own.parameters || [])].map(resolve)};
        const body = resolve(own.requestBody) || {};
        operation.id = `${operation.method} ${path}`;
        operation.methods = item["x-query"] && method === "post" ? ["POST", "QUERY"] : [operation.method];
        operation.schemas = body.content || {};
        operation.media = Object.keys(operation.schemas);
        operation.needsBody = Boolean(body.content) && body.required === true;
        operation.answers = Object.entries(own.responses).filter(([status]) => status[0] === "2")
            .flatMap(([, response]) => Object.keys(resolve(response).content || {}))
            .filter((media, i, all) => all.indexOf(media) === i);
        operation.examples = operation.media.flatMap(media =>
            Object.entries(operation.schemas[media].examples || {})
                .map(([name, example]) => exampleOf(resolve, operation, media, name, example)));
        operation.pattern = patternOf(path);
        return operation;
    }

    page.try.open = document => {
        function resolve(node) {
            while (node && node.$ref) {
                node = node.$ref.slice(2).split("/").reduce((at, name) => at[name], document);
            }
            return node;
        }

        const operations = Object.entries(document.paths).flatMap(([path, item]) =>
            ["get", "post", "put", "delete"].filter(method => item[method]).map(method =>
                operationOf(resolve, path, item, method)));

        return {
            operations,

            find(method, path) {
                const wanted = method === "QUERY" ? "POST" : method;
                const fitting = operations.filter(each => each.method === wanted && each.pattern.test(path));
                return fitting.find(each => each.path === path) || fitting[0] || null;
            },

            pathExample,

            /* The fields of a JSON body's members, or null where it is no object. */
            bodyFields: (operation, media) => bodyFields(resolve, operation, media),

            /* Whether a JSON body (or a query) may have members of any name, and of what kind they are. */
            freeField: (operation, media) => freeField(resolve, operation, media),

            /* Those of parameters: "path", "query" or "header". */
            parameterFields: (operation, place) => parameterFields(resolve, operation, place),
        };
    };
}
