/** Single keys as shortcuts: `/` finds, `g` and a letter goes, `?` lists, Escape closes. */
import { PAGES } from "./pages.ts";
import { route } from "./route.svelte.ts";
import { settings } from "./settings.svelte.ts";

/** After `g` the letter is awaited for this long. */
const LETTER_WITHIN_MS = 1_500;

class Help {
  isOpen: boolean = $state(false);

  open(): void {
    this.isOpen = true;
  }

  close(): void {
    this.isOpen = false;
  }
}

export const help = new Help();

let wentAt = -Infinity;

/** Listens from now on; returns how to end that. */
export function listenForKeys(): () => void {
  document.addEventListener("keydown", onkeydown);
  return () => document.removeEventListener("keydown", onkeydown);
}

function onkeydown(event: KeyboardEvent): void {
  if (!settings.keys || event.ctrlKey || event.metaKey || event.altKey || isWriting(event)) return;
  const page = PAGES.find(({ key }) => key === event.key);
  if (event.timeStamp - wentAt < LETTER_WITHIN_MS && page !== undefined) {
    event.preventDefault();
    wentAt = -Infinity;
    route.go(page.path);
  } else if (event.key === "g") {
    wentAt = event.timeStamp;
  } else if (event.key === "/") {
    event.preventDefault();
    document.querySelector<HTMLElement>("[data-find]")?.focus();
  } else if (event.key === "?") {
    event.preventDefault();
    help.open();
  }
}

/** What is typed into a field, or composed there, is never a shortcut. */
function isWriting(event: KeyboardEvent): boolean {
  if (event.isComposing) return true;
  const target = event.target;
  return target instanceof HTMLElement && target.closest("input, select, textarea, dialog") !== null;
}
