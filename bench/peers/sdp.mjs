// Data channels for the servers in this folder: offers come in over HTTP, each answered with a connection that has one unreliable channel.

import { createServer } from "node:http";
import datachannel from "node-datachannel";

// Both ends make the channel with this id, so nothing is negotiated in-band.
const STATE_CHANNEL = 3;

/**
 * Serves offers on a free port of the loopback interface, and prints "ready PORT".
 *
 * @param {(channel: import("node-datachannel").DataChannel) => void} onOpen
 */
export function serveOffers(onOpen) {
    const connections = new Set();
    const server = createServer(async (request, response) => {
        let offer = "";
        for await (const chunk of request) offer += chunk;
        const connection = new datachannel.PeerConnection("server", { iceServers: [], bindAddress: "127.0.0.1" });
        connections.add(connection);
        const gathered = new Promise((resolve) => {
            connection.onGatheringStateChange((state) => state === "complete" && resolve());
        });
        // Told before the offer is: what the channel says first would be missed otherwise.
        const channel = connection.createDataChannel("state", {
            negotiated: true,
            id: STATE_CHANNEL,
            unordered: true,
            maxRetransmits: 0,
        });
        channel.onOpen(() => onOpen(channel));
        connection.setRemoteDescription(offer, "offer");
        await gathered;
        response.end(connection.localDescription().sdp);
    });
    server.listen(0, "127.0.0.1", () => console.log(`ready ${server.address().port}`));
    process.on("SIGTERM", () => {
        for (const connection of connections) connection.close();
        datachannel.cleanup();
        process.exit(0);
    });
}
