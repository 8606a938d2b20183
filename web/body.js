/* Bodies of answers, however long: their beginning is fetched and shown, and all of it saved without passing through
 * the script. */
{
    const {element, fill} = page;
    const PEEK_BYTES = 16 << 20; /* what is parsed and plotted; longer ones are shown by their beginning */
    const SHOWN_BYTES = 4000;

    /* The first bytes of what is at `path`: {ok, media, bytes, isWhole}. What comes behind them isn't waited for. */
    page.peek = async path => {
        const response = await fetch(path, {cache: "no-store"});
        const reader = response.body ? response.body.getReader() : null;
        const pieces = [];
        let length = 0;
        let isWhole = !reader;
        while (!isWhole && length <= PEEK_BYTES) {
            const {done, value} = await reader.read();
            isWhole = done;
            if (value) {
                pieces.push(value);
                length += value.length;
            }
        }
        if (!isWhole) {
            reader.cancel().catch(() => {});
        }
        const bytes = new Uint8Array(await new Blob(pieces).arrayBuffer());
        return {ok: response.ok, isWhole, bytes,
            media: (response.headers.get("Content-Type") || "").split(";")[0].trim()};
    };

    page.extension = media => ({"application/json": "json", "application/x-npy": "npy", "text/plain": "txt"})[media] ||
        "bin";

    /* Saves what a GET of this path answers. */
    page.saveFrom = (path, name) => element("a", {href: path, download: name}).click();

    function showBeginning(parent, answer) {
        const isText = /json$|^text\//.test(answer.media);
        fill(parent, isText ? element("pre", {tabindex: "0"},
            element("code", {}, new TextDecoder().decode(answer.bytes.subarray(0, SHOWN_BYTES)))) : null,
            element("p", {class: "note"},
                isText ? "This is its beginning: all of it can be saved." : "It is too long to be shown."));
    }

    /* Shows what page.peek() has fetched; returns what ends that. */
    page.showBody = (parent, answer) => {
        if (!answer.isWhole) {
            showBeginning(parent, answer);
            return () => {};
        }
        const text = new TextDecoder().decode(answer.bytes);
        const parsed = /json$/.test(answer.media) ? page.json.parse(text) : null;
        return page.try.showBody(parent, {media: answer.media, bytes: answer.bytes.buffer, text,
                                          json: parsed ? parsed.value : undefined}).destroy;
    };
}
