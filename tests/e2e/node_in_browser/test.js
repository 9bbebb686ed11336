/** `node:test` for a page: collects what is to be tried, and tries it in order. */

/** @type {{name: string, run: () => unknown}[]} */
const tests = [];

/** @param {string} name @param {() => unknown} run */
export function test(name, run) {
  tests.push({ name, run });
}

/** @returns {Promise<{name: string, error: string | null}[]>} how each went */
export async function outcomes() {
  const told = [];
  for (const { name, run } of tests) {
    try {
      await run();
      told.push({ name, error: null });
    } catch (error) {
      told.push({ name, error: String(error) });
    }
  }
  return told;
}
