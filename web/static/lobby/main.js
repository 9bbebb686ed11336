import { find } from "../parts/dom.js";
import { Invitation } from "../parts/invitation.js";
import { Toasts } from "../parts/toasts.js";
import { CreateForm } from "./create_form.js";
import { Directory } from "./directory.js";
import { Feed } from "./feed.js";
import { garland } from "./garland.js";
import { JoinForm } from "./join_form.js";
import { NameForm } from "./name_form.js";
import { RoomList } from "./room_list.js";

const directory = new Directory();
const invitation = new Invitation();
const toasts = new Toasts();
const list = new RoomList((room) => invitation.open(room));
const name = new NameForm();
const silence = find("#server-gone", HTMLElement);
let heard = false;

find("#lights", HTMLElement).append(garland({ bulbs: 33, lit: 33, width: 1440, sag: 62, spans: 3, size: 11 }));
new CreateForm(name);
new JoinForm(name);

const redraw = () => {
  find("#waiting", HTMLElement).hidden = true;
  list.draw(directory.sorted());
};

new Feed({
  rooms(rooms) {
    directory.replace(rooms);
    redraw();
  },
  room(room) {
    directory.put(room);
    redraw();
  },
  gone(id) {
    directory.remove(id);
    redraw();
  },
  live(live) {
    if (live && heard && !silence.hidden) toasts.say("The server is back.");
    heard ||= live;
    silence.hidden = live;
    find("#rooms", HTMLElement).classList.toggle("stale", !live);
  },
});
