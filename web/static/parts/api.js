/** The REST calls of docs/PROTOCOL.md 1.1 that pages make, and their one shape of errors. */

/**
 * @typedef {object} RoomInfo
 * @property {string} id
 * @property {string} code short, for links
 * @property {string} name
 * @property {number} peers how many are in it
 * @property {number} capacity how many may be
 * @property {boolean} public
 * @property {boolean} locked nobody new may come in
 * @property {boolean} password one is asked for
 * @property {string} invite_url
 * @property {string} created_at UTC, ISO 8601
 */

/** A call that the server refused, or that never reached it (`unreachable`). */
export class ApiError extends Error {
  /**
   * @param {string} code
   * @param {string} message for people
   * @param {string | null} field the input at fault, if one is
   */
  constructor(code, message, field = null) {
    super(message);
    this.name = "ApiError";
    /** @type {string} */
    this.code = code;
    /** @type {string | null} */
    this.field = field;
  }
}

/**
 * @param {string} method
 * @param {string} path below /api/v1
 * @param {{body?: unknown, hostKey?: string}} [options]
 * @returns {Promise<any>} the answer, null when it has no body
 * @throws {ApiError}
 */
export async function call(method, path, { body, hostKey } = {}) {
  /** @type {Record<string, string>} */
  const headers = { accept: "application/json" };
  if (body !== undefined) headers["content-type"] = "application/json";
  if (hostKey) headers.authorization = `Bearer ${hostKey}`;
  let response;
  try {
    response = await fetch(`/api/v1${path}`, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  } catch {
    throw new ApiError("unreachable", "The server cannot be reached.");
  }
  const answer = await response.json().catch(() => null);
  if (response.ok) return answer;
  const error = answer?.error;
  throw new ApiError(error?.code ?? `http-${response.status}`, error?.message ?? `The server answered ${response.status}.`, error?.field ?? null);
}
