/** What the vectors need of `node:assert/strict`, for a page. */

/** @param {unknown} value @param {string} [words] */
function ok(value, words = `${value} does not hold`) {
  if (!value) throw new Error(words);
}

/** @param {unknown} actual @param {unknown} expected @param {string} [words] */
function equal(actual, expected, words = `${actual} is not ${expected}`) {
  ok(Object.is(actual, expected), words);
}

/** @param {unknown} a @param {unknown} b @returns {boolean} the same down to the prototypes */
function same(a, b) {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return false;
  if (a instanceof Map && b instanceof Map) return same([...a], [...b]);
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && same(Reflect.get(a, key), Reflect.get(b, key)));
}

/** @param {unknown} actual @param {unknown} expected */
function deepEqual(actual, expected) {
  ok(same(actual, expected), `${JSON.stringify(actual)} is not ${JSON.stringify(expected)}`);
}

/** @param {() => unknown} work @param {new (...args: never[]) => Error} kind */
function throws(work, kind) {
  try {
    work();
  } catch (error) {
    ok(error instanceof kind, `${error} is no ${kind.name}`);
    return;
  }
  ok(false, `no ${kind.name} was thrown`);
}

export default { ok, equal, deepEqual, throws };
