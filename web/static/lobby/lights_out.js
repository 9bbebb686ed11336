import { find } from "../parts/dom.js";
import { garland } from "./garland.js";

// The page of an error: the party is elsewhere, one bulb is still on.
find("#lights", HTMLElement).append(garland({ bulbs: 33, lit: 1, first: 16, width: 1440, sag: 62, spans: 3, size: 11 }));
