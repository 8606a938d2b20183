/* What the views of things on the server share (Jobs, Data): times, facts, rows that are updated in place, pages of a
 * list, and a button that asks before it acts. */
{
    const {element, fill} = page;

    const clock = new Intl.DateTimeFormat("en-GB", {hour: "2-digit", minute: "2-digit", second: "2-digit"});
    const day = new Intl.DateTimeFormat("en-GB", {day: "numeric", month: "short", hour: "2-digit", minute: "2-digit"});

    /* A time as the service writes it: today's by the clock, others with their day, all of it in the title. */
    page.moment = text => {
        if (!text) {
            return "–";
        }
        const time = new Date(text);
        const isToday = time.toDateString() === new Date().toDateString();
        return element("time", {datetime: text, title: text}, (isToday ? clock : day).format(time));
    };

    /* Pairs of a term and what there is to say of it, "long" behind those that want a line of their own; pairs without
     * anything are left out. */
    page.facts = pairs => element("dl", {class: "facts"}, pairs
        .filter(([, value]) => ![null, undefined, false, ""].includes(value))
        .map(([term, value, kind]) =>
            element("div", {class: kind}, element("dt", {}, term), element("dd", {}, value))));

    /* A number of any size, short. */
    page.figure = value => value === 0 || !Number.isFinite(value) || (Math.abs(value) < 1e7 && Math.abs(value) >= 1e-4)
        ? page.count(value) : Number(value.toPrecision(4)).toExponential().replace("e+", "e");

    /* A table whose rows stay the same nodes while what they show changes, so that the focus, a question that is being
     * asked and the box's scrolled place are kept. make(item) gives {row, update(item)}. */
    page.liveTable = (caption, heads, keyOf, make) => {
        const node = page.table(caption, heads, []);
        const body = node.querySelector("tbody");
        let rows = new Map();
        function show(items) {
            const next = new Map(items.map(item => [keyOf(item), rows.get(keyOf(item)) || make(item)]));
            items.forEach(item => next.get(keyOf(item)).update(item));
            if ([...next.keys()].join("\n") !== [...rows.keys()].join("\n")) {
                const focused = document.activeElement;
                const hadFocus = body.contains(focused);
                fill(body, [...next.values()].map(each => each.row));
                if (hadFocus) {
                    (body.contains(focused) ? focused : node).focus();
                }
            }
            rows = next;
            node.hidden = items.length === 0;
        }
        show([]);
        return {node, show};
    };

    /* Buttons to a list's next page and back. turn(address) is called with that of the page to show; after it has come,
     * found(next) says where the list goes on (null: nowhere). */
    page.pager = (labels, first, turn) => {
        let passed = [];
        let at = first;
        let next = null;
        const button = (label, act) => element("button", {type: "button", class: "quiet", onclick: act}, label);
        const back = button(labels[0], () => move(passed.pop()));
        const on = button(labels[1], () => {
            passed.push(at);
            move(next);
        });
        const node = element("nav", {class: "actions", "aria-label": "Pages of the list"}, back, on);
        function describe() {
            back.disabled = passed.length === 0;
            on.disabled = !next;
            node.hidden = back.disabled && on.disabled;
        }
        function move(address) {
            at = address;
            next = null;
            describe();
            turn(at);
        }
        describe();
        return {
            node,
            at: () => at,
            found(address) {
                next = address;
                describe();
            },
            restart(address) {
                passed = [];
                move(address);
            },
        };
    };

    /* A button that asks in its own place, once, before it acts: {label, name, question, yes, no, act}. `name` is what
     * its label means to those who don't see where it stands. act() may fail: it shows that itself. */
    page.confirmButton = ({label, name, question, yes, no, act}) => {
        let isActing = false;
        const ask = element("button", {type: "button", class: "quiet", "aria-label": name, onclick: () => {
            if (isActing) {
                return;
            }
            const keep = element("button", {type: "button", class: "quiet", onclick: restore}, no || "No");
            fill(place, element("span", {class: "question"}, question),
                element("button", {type: "button", class: "danger",
                onclick: async () => {
                    restore();
                    isActing = true;
                    await act();
                    isActing = false;
                }}, yes), keep);
            place.setAttribute("aria-label", question);
            keep.focus();
        }}, label);
        const place = element("span", {class: "confirm", role: "group", onkeydown: event => {
            if (event.key === "Escape" && !place.contains(ask)) {
                restore();
            }
        }}, ask);
        function restore() {
            place.removeAttribute("aria-label");
            fill(place, ask);
            ask.focus();
        }
        return place;
    };

    /* Fills a view. The focus, if the view has it, goes to the new heading: what had it is gone. */
    page.fillView = (section, ...nodes) => {
        const hadFocus = section.contains(document.activeElement);
        fill(section, ...nodes);
        if (hadFocus) {
            const heading = section.querySelector("h1");
            heading.tabIndex = -1;
            heading.focus();
        }
    };

    /* Calls, and says in words when there is no answer: resolves to null then, with `place` showing it. */
    page.ask = async (place, method, path, options) => {
        try {
            return await page.call(method, path, options);
        } catch (error) {
            page.showError(place, "The service doesn't answer.");
            return null;
        }
    };
}
