/* NumPy's .npy format: page.readNpy(). */
{
    const GETTERS = {f8: "getFloat64", f4: "getFloat32", i8: "getBigInt64", u8: "getBigUint64", i4: "getInt32",
        u4: "getUint32",
                     i2: "getInt16", u2: "getUint16", i1: "getInt8", u1: "getUint8", b1: "getUint8"};

    function readOne(bytes, begin) {
        const head = new Uint8Array(bytes, begin);
        if (String.fromCharCode(...head.subarray(0, 6)) !== "\x93NUMPY") {
            throw new Error("This isn't an array in the .npy format.");
        }
        const view = new DataView(bytes, begin);
        const isShort = head[6] === 1;
        const length = isShort ? view.getUint16(8, true) : view.getUint32(8, true);
        const start = (isShort ? 10 : 12) + length;
        const text = new TextDecoder("latin1").decode(head.subarray(isShort ? 10 : 12, start));
        const dtype = text.match(/'descr': *'([^']*)'/)[1];
        const getter = GETTERS[dtype.slice(1)];
        const shape = text.match(/'shape': *\(([^)]*)\)/)[1].split(",").filter(part => part.trim()).map(Number);
        const count = shape.reduce((product, length) => product * length, 1);
        const size = Number(dtype.slice(2));
        if (!getter) {
            throw new Error(`Arrays of ${dtype} aren't shown here.`);
        }
        const read = i => view[getter](start + i * size, dtype[0] !== ">");
        return {dtype, shape, count, isFortran: /'fortran_order': *True/.test(text),
                end: begin + start + count * size,
                present: Math.max(0, Math.min(count, Math.floor((view.byteLength - start) / size))),
                at: i => Number(read(i)),
                textAt: i => getter !== "getUint8" || dtype.endsWith("u1") ? String(read(i)) : read(i) ? "true"
                    : "false"};
    }

    /* The arrays of an ArrayBuffer, one behind the other: [{dtype, shape, count, present, isFortran, at(i),
     * textAt(i)}], by the order in memory; present: how many values there are before the buffer ends; textAt: a value
     * as it is, where a number would be rounded. Throws where it is none, or of a kind of element that isn't known. */
    page.readNpy = bytes => {
        const arrays = [];
        for (let begin = 0; begin < bytes.byteLength; begin = arrays.at(-1).end) {
            arrays.push(readOne(bytes, begin));
        }
        return arrays;
    };
}
