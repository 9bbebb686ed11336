// What a batching server keeps: the newest state of each client that spoke since the last tick.

export class Latest {
    /** @type {Map<unknown, Buffer>} */
    #states = new Map();

    /** Note a client's state; an older one that was not sent yet is replaced. */
    put(client, state) {
        this.#states.set(client, state);
    }

    /** All that is new, as one frame, or null. */
    take() {
        if (this.#states.size === 0) return null;
        const frame = Buffer.concat([...this.#states.values()]);
        this.#states.clear();
        return frame;
    }
}
