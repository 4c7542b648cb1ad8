// The left screen works without this. It says that its page has painted, asks whether anybody is
// still there, turns pages of the shelf by swiping, and shows what is new. On the right screen it
// lets the notices follow one another. What is shown is always what the server has written.
"use strict";
{
  const BEAT_MS = 10_000;
  const AGAIN_MS = 5_000;
  const FADE_MS = 400;
  const DRIFT_MS = 600_000;
  const SWIPE_PX = 80;
  const $ = (id) => document.getElementById(id);
  const { dataset } = document.body;
  const isRight = dataset.screen === "right";
  let touchedAt = performance.now();

  // ---- Life: a page that hangs or paints nothing is silent.

  function painted() {
    return new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  }

  function isSeen(element) {
    const box = element?.getBoundingClientRect();
    return document.visibilityState === "visible" && box && box.width > 0 && box.height > 0 && element.checkVisibility();
  }

  async function beat() {
    await painted();
    if (!isSeen(isRight ? document.querySelector("#notices .shown") : $("main"))) return;
    const said = isRight ? { screen: "right", shows: dataset.shows } : {
      screen: "left",
      shows: dataset.shows,
      release: dataset.release,
      idle: Math.round(performance.now() - touchedAt),
    };
    try {
      const headers = { "content-type": "application/json" };
      const answer = await fetch("/heartbeat", { method: "POST", headers, body: JSON.stringify(said) });
      const { go } = await answer.json();
      if (go) location.assign(go);
    } catch {
      // The agent is away for a moment: the next beat tells.
    }
  }
  void beat();
  setInterval(beat, BEAT_MS);

  // ---- News: what is shown is fetched anew, and put in place where it is another.

  async function refresh() {
    if (!isRight && dataset.shows !== "shelf") return void beat();
    // Nobody's typing is taken away.
    if (document.activeElement?.matches("input")) return;
    try {
      const response = await fetch(location.href, { cache: "no-store" });
      if (!response.ok) return;
      const next = new DOMParser().parseFromString(await response.text(), "text/html");
      if (isRight) return showNotices(next);
      for (const part of ["header", "main", "footer"]) put(document.querySelector(part), next.querySelector(part));
      dataset.release = next.body.dataset.release ?? "";
      if (!dataset.release) delete dataset.release;
      void beat();
    } catch {
      // What stands there stays.
    }
  }

  function put(old, next) {
    if (old && next && old.innerHTML !== next.innerHTML) old.replaceWith(document.adoptNode(next));
  }

  function follow() {
    const events = new EventSource("/events");
    events.addEventListener("news", () => void refresh());
    events.addEventListener("error", () => {
      if (events.readyState === EventSource.CLOSED) setTimeout(follow, AGAIN_MS);
    });
  }
  follow();

  // ---- The left screen.

  function touched() {
    // The question is answered by its own keys: a finger on its way down must not hit what is below.
    if (!$("idle").open) touchedAt = performance.now();
  }

  function stay() {
    touchedAt = performance.now();
    $("idle").close();
  }

  function watchIdle() {
    const idle = Number(dataset.idle) * 1_000;
    if (!idle) return;
    // A touch within the frame of a book is seen here by this alone.
    if (navigator.userActivation?.isActive && dataset.shows === "reader" && !$("idle").open) touchedAt = performance.now();
    const left = Number(dataset.countdown) - Math.floor((performance.now() - touchedAt - idle) / 1_000);
    if (performance.now() - touchedAt < idle) return;
    $("idle-left").textContent = String(Math.max(0, left));
    if (!$("idle").open) $("idle").showModal();
    if (left <= 0) $("leave").requestSubmit();
  }

  function turnShelf(rel) {
    document.querySelector(`.pager a[rel="${rel}"][href]`)?.click();
  }

  if (!isRight) {
    for (const kind of ["pointerdown", "keydown", "wheel"]) addEventListener(kind, touched, { capture: true, passive: true });
    $("idle").addEventListener("cancel", stay);
    $("stay").addEventListener("click", stay);
    setInterval(watchIdle, 250);
    addEventListener("keydown", ({ key, target }) => {
      if (target.matches("input")) return;
      if (key === "ArrowLeft" || key === "PageUp") turnShelf("prev");
      if (key === "ArrowRight" || key === "PageDown") turnShelf("next");
    });
    let start;
    addEventListener("touchstart", ({ touches }) => (start = touches[0]), { passive: true });
    addEventListener("touchend", ({ changedTouches: [end] }) => {
      const [across, down] = [end.clientX - start?.clientX, end.clientY - start?.clientY];
      if (Math.abs(across) > SWIPE_PX && Math.abs(across) > 2 * Math.abs(down)) turnShelf(across < 0 ? "next" : "prev");
    });
    $("book")?.focus();
  }

  // ---- The right screen.

  let offset = 0;
  let shownAt = 0;
  const now = () => Date.now() + offset;

  function current() {
    const all = [...document.querySelectorAll("#notices section")];
    const isNow = ({ dataset: { from, until } }) => now() >= Number(from) && (!until || now() < Number(until));
    const notices = all.filter((it) => it.dataset.notice && isNow(it));
    return notices.length ? notices : all.filter((it) => !it.dataset.notice);
  }

  function show(section) {
    for (const other of document.querySelectorAll("#notices .shown")) if (other !== section) other.classList.remove("shown");
    section.classList.add("shown");
    dataset.shows = section.dataset.notice ? `notice:${section.dataset.notice}` : "clock";
    shownAt = performance.now();
    setTimeout(beat, FADE_MS);
  }

  function turnNotices() {
    const notices = current();
    const at = notices.findIndex((it) => it.classList.contains("shown"));
    const next = notices[(at + 1) % notices.length];
    if (next && next !== notices[at]) show(next);
  }

  /** What is shown goes on being shown, if it is still among them. */
  function showNotices(next) {
    offset = Number(next.body.dataset.now) - Date.now();
    const shown = document.querySelector("#notices .shown")?.dataset.notice;
    for (const it of next.querySelectorAll(".shown")) it.classList.remove("shown");
    const same = [...next.querySelectorAll("#notices section")].find((it) => it.dataset.notice === shown);
    same?.classList.add("shown");
    put($("notices"), next.getElementById("notices"));
    if (!current().some((it) => it.classList.contains("shown"))) turnNotices();
  }

  function tick() {
    const form = new Intl.DateTimeFormat("zh-CN", { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: dataset.zone });
    const text = form.format(now());
    for (const clock of document.querySelectorAll(".clock")) if (clock.textContent !== text) clock.textContent = text;
    // One that is over goes at once, and not when its turn is.
    const isOver = !current().some((it) => it.classList.contains("shown"));
    if (isOver || performance.now() - shownAt >= Number(dataset.stay)) turnNotices();
  }

  /** Two pixels aside every ten minutes, so that nothing burns in. */
  function drift() {
    const step = Math.floor(performance.now() / DRIFT_MS) % 4;
    document.body.style.transform = `translate(${[0, 2, 2, 0][step]}px, ${[0, 0, 2, 2][step]}px)`;
  }

  if (isRight) {
    offset = Number(dataset.now) - Date.now();
    const first = current()[0];
    if (first) show(first);
    setInterval(tick, 500);
    setInterval(drift, DRIFT_MS);
  }
}
