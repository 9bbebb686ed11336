// Forwards each message to each other client as it comes.

import { serveOffers } from "./sdp.mjs";

const channels = new Set();

serveOffers((channel) => {
    channels.add(channel);
    channel.onClosed(() => channels.delete(channel));
    channel.onMessage((state) => {
        for (const other of channels) {
            if (other !== channel && other.isOpen()) other.sendMessageBinary(state);
        }
    });
});
