/** Sets the theme before the first paint: a plain script in the head, since a module would come too late. */
{
  const KEY = "soiree.theme";
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  /** @type {string | null} what the visitor chose; null: as the system has it */
  let chosen = null;
  try {
    chosen = localStorage.getItem(KEY);
  } catch {
    chosen = null; // storage is refused
  }
  const label = () => {
    const other = root.dataset.theme === "dark" ? "light" : "dark";
    for (const button of document.querySelectorAll("[data-theme-toggle]")) button.setAttribute("aria-label", `Use the ${other} theme`);
  };
  const apply = () => {
    root.dataset.theme = chosen ?? (system.matches ? "dark" : "light");
    label();
    document.dispatchEvent(new Event("themechange"));
  };
  apply();
  system.addEventListener("change", apply);
  document.addEventListener("DOMContentLoaded", label);
  document.addEventListener("click", (event) => {
    if (!(event.target instanceof Element) || !event.target.closest("[data-theme-toggle]")) return;
    chosen = root.dataset.theme === "dark" ? "light" : "dark";
    try {
      localStorage.setItem(KEY, chosen);
    } catch {
      // Storage is refused: the choice lasts as long as the page.
    }
    apply();
  });
}
