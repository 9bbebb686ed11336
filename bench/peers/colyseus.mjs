// A Colyseus room whose state holds one schema object for each client; the framework sends what changed, HZ times a second.
// Usage: colyseus.mjs HZ

import { Room, Server } from "@colyseus/core";
import { schema, t } from "@colyseus/schema";
import { WebSocketTransport } from "@colyseus/ws-transport";

const PATCH_MS = 1000 / Number(process.argv[2]);
// What a client says: its number, which the map's key tells here, then these, all float32.
const FIELDS = ["x", "y", "z", "yaw", "vx", "vz"];
const FIRST_FIELD_AT = 4;

const Avatar = schema(Object.fromEntries(FIELDS.map((field) => [field, t.float32()])), "Avatar");
const World = schema({ avatars: t.map(Avatar) }, "World");

class Job extends Room {
    maxClients = 1000;
    patchRate = PATCH_MS;
    state = new World();

    onCreate() {
        this.onMessageBytes("s", (client, bytes) => {
            const avatar = this.state.avatars.get(client.sessionId);
            const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
            FIELDS.forEach((field, at) => {
                avatar[field] = view.getFloat32(FIRST_FIELD_AT + 4 * at, true);
            });
        });
    }

    onJoin(client) {
        this.state.avatars.set(client.sessionId, new Avatar());
    }

    onLeave(client) {
        this.state.avatars.delete(client.sessionId);
    }
}

const transport = new WebSocketTransport();
const server = new Server({ transport, greet: false });
server.define("job", Job);
await server.listen(0, "127.0.0.1");
console.log(`ready ${transport.server.address().port}`);
