// Arrays as the server takes and gives them: .npy files, and nested lists of JSON.

const KINDS = {
  "|u1": Uint8Array, "|b1": Uint8Array, "<f4": Float32Array, "<f8": Float64Array, "<i4": Int32Array, "<i2": Int16Array,
  "<i8": BigInt64Array,
};
const CODES = { uint8: "|u1", float32: "<f4", float64: "<f8", int32: "<i4", int64: "<i8" };

function readNpy(buffer) {
  const view = new DataView(buffer);
  const old = view.getUint8(6) === 1, start = old ? 10 : 12;
  const length = old ? view.getUint16(8, true) : view.getUint32(8, true);
  const header = new TextDecoder("latin1").decode(new Uint8Array(buffer, start, length));
  const Kind = KINDS[/'descr':\s*'([^']+)'/.exec(header)[1]];
  if (Kind === undefined) throw new Error(`An array of a kind that this page cannot read: ${header}`);
  const shape = /'shape':\s*\(([^)]*)\)/.exec(header)[1].split(",").filter((size) => size.trim()).map(Number);
  return { shape, values: Array.from(new Kind(buffer.slice(start + length)), Number) };
}

function writeNpy(values, shape, dtype) {
  const shown = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  let header = `{'descr': '${CODES[dtype]}', 'fortran_order': False, 'shape': (${shown}), }`;
  header += " ".repeat((64 - ((10 + header.length + 1) % 64)) % 64) + "\n";
  const start = new Uint8Array(10);
  start.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0]);
  new DataView(start.buffer).setUint16(8, header.length, true);
  const Kind = KINDS[CODES[dtype]];
  const numbers = Kind === BigInt64Array ? Kind.from(values, (value) => BigInt(Math.round(value))) : Kind.from(values);
  return new Blob([start, header, numbers]);
}

// [1, 2, 3, 4] in the shape [2, 2] is [[1, 2], [3, 4]].
function nested(values, shape) {
  if (shape.length < 2) return values;
  const [count, ...rest] = shape, each = values.length / count;
  return Array.from({ length: count }, (_, row) => nested(values.slice(row * each, (row + 1) * each), rest));
}

const product = (shape) => shape.reduce((total, size) => total * size, 1);
const rounded = (value, digits = 4) => Number(value.toFixed(digits));
const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
const quantile = (values, share) => [...values].sort((a, b) => a - b)[Math.round(share * (values.length - 1))];
const between = (value, low, high) => Math.min(Math.max(value, low), high);

// The number of the fewest digits that is the same in 32 bits: 0.1, not 0.10000000149011612.
function shortest(value) {
  const same = Math.fround(value);
  for (let digits = 1; digits < 9; digits++) {
    const few = Number(same.toPrecision(digits));
    if (Math.fround(few) === same) return few;
  }
  return Number(same.toPrecision(9)); // which is always enough
}

// Numbers as an array of a dtype has them.
function exactOf(dtype) {
  if (dtype === "float64") return (value) => value;
  return dtype.startsWith("float") ? shortest : Math.round;
}
