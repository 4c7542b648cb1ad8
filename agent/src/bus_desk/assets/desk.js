// The page works without this. It keeps the scan field at hand, sends scans one after the other
// without a new page, reads a scanner's keys where an input method is on, sounds, and follows
// what happens at the desk. What it shows is always what the server has written.
"use strict";
{
  const PARTS = ["strip", "reader", "ask", "said", "items", "keys"];
  // Scanners type faster than this, people do not.
  const BURST_MS = 35;
  const BURST_KEYS_MIN = 4;
  const $ = (id) => document.getElementById(id);
  // What of the other pages follows the desk.
  const LIVE = ["strip", "plans", "account", "came-back"];
  const field = document.querySelector("#scan #code");
  const waiting = [];
  let isSending = false;
  let isStale = false;

  // ---- What the server says.

  async function show(response, isAnswer) {
    const next = new DOMParser().parseFromString(await response.text(), "text/html");
    // Another page, or no desk any more: go there as a plain form would.
    if (!next.getElementById("scan")) return location.assign(response.url);
    const before = $("said").dataset.turn;
    for (const id of PARTS) $(id).replaceWith(document.adoptNode(next.getElementById(id)));
    field.placeholder = next.getElementById("code").placeholder;
    document.title = next.title;
    if ($("said").dataset.turn !== before) sound($("said").dataset.sound);
    $("lost").hidden = true;
    if (isAnswer) $("unsure").hidden = true;
    $("said").hidden = !$("unsure").hidden;
    keepFocus();
  }

  async function refresh() {
    if (isSending) return void (isStale = true);
    isStale = false;
    try {
      const response = await page("/");
      if (!isSending) await show(response);
    } catch {
      $("lost").hidden = false;
    }
  }

  async function page(address, options = { cache: "no-store" }) {
    const response = await fetch(address, options);
    // Too slow, or out of order: what it says is no page of the desk.
    if (response.status >= 500) throw new Error(String(response.status));
    return response;
  }

  /** Beside the desk: what is typed or about to be pressed stays. */
  async function refreshSheet() {
    try {
      const response = await page($("plans") ? "/" : "/sync");
      const next = new DOMParser().parseFromString(await response.text(), "text/html");
      for (const id of LIVE) {
        const [old, fresh] = [$(id), next.getElementById(id)];
        if (old && fresh && !old.contains(document.activeElement)) old.replaceWith(document.adoptNode(fresh));
      }
    } catch {
      // The strip says how it was; the next event asks again.
    }
  }

  // ---- What goes to it, in the order it came.

  function send(action, body) {
    waiting.push({ action, body });
    if (!isSending) void drain();
  }

  async function drain() {
    isSending = true;
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      try {
        await show(await page(next.action, { method: "POST", body: next.body }), true);
      } catch {
        // It may be written or not: said so, and never sent again blindly.
        waiting.length = 0;
        $("unsure").hidden = false;
        $("said").hidden = true;
        sound("bad");
      }
    }
    isSending = false;
    if (isStale) void refresh();
  }

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!field || form.method !== "post" || "whole" in form.dataset) return;
    event.preventDefault();
    if (form.id === "scan" && !field.value.trim()) return;
    send(form.getAttribute("action"), new URLSearchParams(new FormData(form, event.submitter)));
    if (form.id === "scan") field.value = "";
  });

  function scan(code) {
    send("/scan", new URLSearchParams({ code }));
  }

  // ---- Keys.

  const isEditable = (element) => element?.matches?.("input, textarea, select");

  /** The character on a key, whatever an input method makes of it. */
  function onKey({ code, shiftKey }) {
    const letter = /^Key([A-Z])$/.exec(code)?.[1];
    if (letter) return shiftKey ? letter : letter.toLowerCase();
    const digit = /^(?:Digit|Numpad)([0-9])$/.exec(code)?.[1];
    if (digit) return shiftKey && code.startsWith("Digit") ? ")!@#$%^&*("[digit] : digit;
    return { Minus: shiftKey ? "_" : "-", NumpadSubtract: "-", Period: ".", Slash: "/", Space: " " }[code] ?? "";
  }

  let burst = { text: "", at: 0, keys: 0 };

  document.addEventListener("keydown", (event) => {
    const { code, key, target, timeStamp } = event;
    if (/^F[1-9]$/.test(key)) {
      const button = document.querySelector(`[data-key="${key}"]`);
      if (button) (event.preventDefault(), button.click());
      return;
    }
    if (!field || (isEditable(target) && target !== field)) return;
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const isFast = timeStamp - burst.at < BURST_MS;
    const isComposed = event.isComposing || event.keyCode === 229;
    if (isComposed && /Enter$/.test(code)) {
      const { text, keys } = burst;
      burst = { text: "", at: 0, keys: 0 };
      if (!isFast || keys < BURST_KEYS_MIN) return;
      event.preventDefault();
      // Ends the composition; what it made of the keys is thrown away.
      field.blur();
      field.value = "";
      field.focus();
      $("ime").hidden = false;
      return scan(text);
    }
    if (isComposed) {
      const text = onKey(event);
      burst = isFast
        ? { text: burst.text + text, at: timeStamp, keys: burst.keys + 1 }
        : { text, at: timeStamp, keys: 1 };
      return;
    }
    const isPlain = key.length === 1;
    if (isPlain && (key !== " " || isFast)) {
      burst = isFast
        ? { text: burst.text + key, at: timeStamp, keys: burst.keys + 1 }
        : { text: key, at: timeStamp, keys: 1 };
      $("ime").hidden = true;
      // The key goes on into the field, so that the Enter after it presses no button.
      if (target !== field) field.focus();
    }
  }, true);

  // ---- Focus, touch.

  function keepFocus() {
    if (field && !isEditable(document.activeElement)) field.focus({ preventScroll: true });
  }

  if (field) {
    field.addEventListener("blur", () => setTimeout(() => document.activeElement === document.body && keepFocus(), 150));
    const keyboard = $("keyboard");
    keyboard.hidden = false;
    field.inputMode = "none";
    keyboard.addEventListener("click", () => {
      field.inputMode = field.inputMode === "none" ? "text" : "none";
      keyboard.setAttribute("aria-pressed", String(field.inputMode === "text"));
      field.blur();
      field.focus();
    });
    keepFocus();
  }
  const events = new EventSource("/events");
  events.addEventListener("desk", () => void (field ? refresh() : refreshSheet()));
  events.addEventListener("error", () => $("lost") && ($("lost").hidden = false));
  // A scanner's Enter goes to the next field, and does not send half a form.
  for (const input of document.querySelectorAll("[data-next]")) {
    input.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.isComposing) return;
      event.preventDefault();
      $(input.dataset.next)?.focus();
    });
  }
  for (const button of document.querySelectorAll("[data-print]")) {
    button.hidden = false;
    button.addEventListener("click", () => print());
  }

  // ---- Sound: one short high tone is good, two long low ones are not.

  let audio;
  function sound(kind) {
    const tones = { good: [[880, 0, 0.09]], bad: [[196, 0, 0.22], [196, 0.3, 0.3]], doubt: [[440, 0, 0.16]] }[kind];
    if (!tones) return;
    audio ??= new AudioContext();
    for (const [pitch, from, length] of tones) {
      const tone = audio.createOscillator();
      const volume = audio.createGain();
      tone.type = kind === "good" ? "sine" : "square";
      tone.frequency.value = pitch;
      volume.gain.value = 0.2;
      tone.connect(volume).connect(audio.destination);
      tone.start(audio.currentTime + from);
      tone.stop(audio.currentTime + from + length);
    }
  }
}
