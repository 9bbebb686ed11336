import { ApiError, call } from "../parts/api.js";
import { find } from "../parts/dom.js";
import { hostKeys, passwords, tidyName } from "../parts/keepsakes.js";

/** Makes a room, keeps its host key, and goes in. */
export class CreateForm {
  #form = find("#create-form", HTMLFormElement);
  #title = find("#room-name", HTMLInputElement);
  #capacity = find("#room-capacity", HTMLInputElement);
  #password = find("#room-password", HTMLInputElement);
  #submit = find("button[type=submit]", HTMLButtonElement, this.#form);
  #wrong = find("#create-wrong", HTMLElement);
  #name;

  /** @param {import("./name_form.js").NameForm} name */
  constructor(name) {
    this.#name = name;
    this.#form.addEventListener("input", () => this.#complain("", null));
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#make();
    });
  }

  async #make() {
    const name = tidyName(this.#title.value);
    if (!name) return this.#complain("Give the room a name.", "name");
    if (!this.#name.require()) return;
    const isPublic = new FormData(this.#form).get("door") === "public";
    const password = this.#password.value;
    this.#submit.disabled = true;
    try {
      const made = await call("POST", "/rooms", { body: { name, capacity: this.#capacity.valueAsNumber || undefined, public: isPublic, ...(password ? { password } : {}) } });
      hostKeys.keep(made.room.id, made.host_key);
      if (password) passwords.keep(made.room.code, password);
      location.assign(`/r/${encodeURIComponent(made.room.code)}`);
    } catch (error) {
      if (error instanceof ApiError) this.#complain(error.message, error.field);
      else throw error;
    } finally {
      this.#submit.disabled = false;
    }
  }

  /** @param {string} words @param {string | null} field */
  #complain(words, field) {
    this.#wrong.textContent = words;
    const inputs = { name: this.#title, capacity: this.#capacity, password: this.#password };
    for (const [key, input] of Object.entries(inputs)) {
      input.setAttribute("aria-invalid", String(key === field));
      if (key === field) input.focus();
    }
  }
}
