/** Where in the page the reader is: the path and the query, kept in the address bar. */
import { placeOf, type Place } from "./place.ts";

class Route {
  path: string = $state(location.pathname);
  query: URLSearchParams = $state.raw(new URLSearchParams(location.search));
  readonly place: Place = $derived(placeOf(this.path));

  constructor() {
    addEventListener("popstate", () => this.read());
    document.addEventListener("click", (event) => this.follow(event));
  }

  go(address: string): void {
    history.pushState(null, "", address);
    this.read();
    scrollTo(0, 0);
    // Whoever reads or types goes on at the new page, not in the field or list left behind.
    document.getElementById("main")?.focus({ preventScroll: true });
  }

  /** Puts values into the query, in place: filters survive a reload but are no steps back. */
  put(values: Record<string, string | undefined>): void {
    const query = new URLSearchParams(this.query);
    for (const [name, value] of Object.entries(values)) {
      if (value === undefined || value === "") query.delete(name);
      else query.set(name, value);
    }
    const text = query.toString();
    history.replaceState(null, "", text === "" ? this.path : `${this.path}?${text}`);
    this.query = query;
  }

  /** Takes the place from the address bar, where something else changed it. */
  read(): void {
    this.path = location.pathname;
    this.query = new URLSearchParams(location.search);
  }

  /** A plain click on a link to one of our places stays within the page. */
  private follow(event: MouseEvent): void {
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    if (link === null || link.target !== "" || link.hasAttribute("download")) return;
    const isOurs = link.origin === location.origin && !link.pathname.startsWith("/api/");
    if (!isOurs || link.hash !== "") return;
    event.preventDefault();
    this.go(link.pathname + link.search);
  }
}

export const route = new Route();
