// Collects states, and sends one frame with all that is new to each client, HZ times a second.
// Usage: datachannel_batch.mjs HZ

import { Latest } from "./latest.mjs";
import { serveOffers } from "./sdp.mjs";

const channels = new Set();
const latest = new Latest();

serveOffers((channel) => {
    channels.add(channel);
    channel.onClosed(() => channels.delete(channel));
    channel.onMessage((state) => latest.put(channel, state));
});

setInterval(() => {
    const frame = latest.take();
    if (frame === null) return;
    for (const channel of channels) {
        if (channel.isOpen()) channel.sendMessageBinary(frame);
    }
}, 1000 / Number(process.argv[2]));
