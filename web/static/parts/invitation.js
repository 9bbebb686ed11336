import { find, openDialog } from "./dom.js";

/** The dialog with a room's QR code and its link to copy. */
export class Invitation {
  #dialog = find("#invite", HTMLDialogElement);
  #words = find("[data-invite-words]", HTMLElement, this.#dialog);
  #qr = find("[data-invite-qr]", HTMLImageElement, this.#dialog);
  #link = find("[data-invite-link]", HTMLInputElement, this.#dialog);
  #copy = find("[data-copy]", HTMLButtonElement, this.#dialog);
  #status = find("[data-invite-status]", HTMLElement, this.#dialog);

  constructor() {
    this.#link.addEventListener("focus", () => this.#link.select());
    this.#copy.addEventListener("click", () => this.#copyLink());
  }

  /** @param {{code: string, name: string, invite_url: string}} room */
  open(room) {
    this.#words.textContent = `Whoever opens this link comes into “${room.name}”. The code is ${room.code}.`;
    this.#qr.src = `/r/${encodeURIComponent(room.code)}/qr.svg`;
    this.#qr.alt = `QR code of the invite link to ${room.name}`;
    this.#dialog.querySelector("[data-invite-demo]")?.setAttribute("href", `/demo/?room=${encodeURIComponent(room.code)}`);
    this.#link.value = room.invite_url || new URL(`/r/${room.code}`, location.href).href;
    this.#status.textContent = "";
    openDialog(this.#dialog);
  }

  async #copyLink() {
    try {
      // Only there on https and localhost; a party at home is often neither.
      await navigator.clipboard.writeText(this.#link.value);
      this.#status.textContent = "Copied. Paste it to a friend.";
    } catch {
      this.#link.select();
      this.#status.textContent = document.execCommand("copy") ? "Copied. Paste it to a friend." : "Press Ctrl+C to copy the marked link.";
    }
  }
}
