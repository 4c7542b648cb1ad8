// A pretended gateway: a built page and made-up answers, for looking at every state of the page
// while working on it. The browser test drives the real one.
//
//     node pretend.mjs DIST PORT [well|troubled|empty|out]

import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join } from "node:path";

const [dist = "dist", port = "0", mood = "troubled"] = process.argv.slice(2);
const KINDS = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml" };
const POLICY = "default-src 'self'; style-src 'self'; object-src 'none'; base-uri 'none'";
const HOUR = 3_600_000;

// 14:32 in Shanghai, so that half of the day is still to come.
const began = Date.now();
const NOW = Date.parse("2026-11-04T06:32:00Z");
const now = () => NOW + Date.now() - began;
const ago = (minutes) => new Date(now() - minutes * 60_000).toISOString();

const SITES = [
  ["main", "主馆"],
  ["donggang", "东岗村图书室"],
  ["hehualong", "荷花垅图书室"],
  ["davinci", "达芬奇分馆"],
  ["qidai", "七袋咖啡分馆"],
  ["bus", "流动车"],
];
const EPOCH = "5e0c1f0a9b8d4c7e8f6a5b4c3d2e1f00";

function device(id, name, kind, site, given = {}) {
  return {
    device: id, name, kind, site, enabled: true, link: "online", since: ago(400), last_contact: ago(0.2),
    ended: null, agent: "lujiang-agent 0.1.0", peer: "127.0.0.1:50412", refused: 0, last_refusal: null,
    clock: { time: ago(30), error_ms: 3, synced: true }, waiting: 0, open: 0, lost: 0, quarantined: 0, id_conflicts: 0,
    last_fact: ago(0.3), alarms: [], ...given,
  };
}

const troubled = mood === "troubled";
const devices = mood === "empty" ? [] : [
  device("main-north", "主馆北门", "gate", "main", troubled ? { open: 19, waiting: 3, lost: 2 } : {}),
  device("main-south", "主馆南门", "gate", "main"),
  device("donggang-gate", "东岗村门", "gate", "donggang", troubled ? { link: "offline", since: ago(47), last_contact: ago(47), ended: "keep alive expired" } : {}),
  device("donggang-kiosk", "东岗村借阅机", "kiosk", "donggang", troubled ? { link: "offline", since: ago(46), last_contact: ago(46) } : {}),
  device("hehualong-gate", "荷花垅门", "gate", "hehualong"),
  device("hehualong-kiosk", "荷花垅借阅机", "kiosk", "hehualong", troubled ? { waiting: 412 } : {}),
  device("davinci-gate", "达芬奇门", "gate", "davinci", troubled ? { id_conflicts: 2, quarantined: 2 } : {}),
  device("qidai-gate", "七袋咖啡门", "gate", "qidai", { agent: null, clock: null }),
  device("bus-1", "流动车", "bus", "bus", { link: "unknown", since: null, last_contact: null, agent: null, clock: null, last_fact: null }),
];
const WEIGHT = { main: 1, donggang: 0.06, hehualong: 0.08, davinci: 0.2, qidai: 0.25, bus: 0 };
const DAY = [0, 0, 0, 0, 0, 0, 0, 0, 70, 190, 232, 211, 116, 146, 74, 171, 160, 148, 121, 88, 40, 0, 0, 0];

function visits(query) {
  const [from, to] = [Date.parse(query.get("from")), Date.parse(query.get("to"))];
  const site = query.get("site");
  const step = { hour: HOUR, day: 24 * HOUR, month: 30 * 24 * HOUR, year: 365 * 24 * HOUR }[query.get("bucket")];
  const weight = mood === "empty" ? 0 : site ? WEIGHT[site] : 1.6;
  const buckets = [];
  for (let start = from; start < to; start += step) {
    const hour = new Date(start + 8 * HOUR).getUTCHours();
    const isHour = step === HOUR;
    const isOpen = !isHour || (hour >= 8 && hour < 21);
    let complete = isOpen && mood !== "empty" ? 1 : null;
    if (troubled && isHour && site !== "hehualong") complete = hour === 13 ? 0.62 : hour === 11 && (site === "main" || site === null) ? 0 : complete;
    if (troubled && site === "donggang" && hour === 14) complete = 0;
    if (start >= now()) complete = null;
    else if (start + HOUR > now() && complete === 1) complete = 0.97;
    const share = isHour ? 1 : step / HOUR / 24;
    const base = isHour ? (start >= now() || complete === 0 ? 0 : DAY[hour]) : start >= now() ? 0 : 1_767 * share;
    const n = Math.round(base * weight * (complete || 1));
    buckets.push({ start: new Date(start).toISOString(), in: n, out: Math.round(n * 0.97), visits: n, complete });
  }
  const sum = (key) => buckets.reduce((all, bucket) => all + bucket[key], 0);
  const gaps = troubled && (!site || site === "main")
    ? [{ device: "main-north", stream: "visit", from: 412, to: 430, state: "open" },
       { device: "main-north", stream: "visit", from: 431, to: 433, state: "waiting" }] : [];
  return {
    buckets,
    total: { in: sum("in"), out: sum("out"), visits: sum("visits"), hours_unknown: troubled ? 12 : 0, undated: 0,
      complete: mood === "empty" || weight === 0 ? null : troubled ? 0.9684 : 1 },
    gaps,
  };
}

function loans(query) {
  const figures = (n) => ({ checkouts: n, in_blocks: Math.floor(n / 9), borrowers: Math.ceil(n / 2.6), renewals: Math.floor(n / 5), checkins: Math.floor(n * 0.94), cards: 0 });
  const buckets = visits(query).buckets.map(({ start, visits }) => ({ start, ...figures(Math.round(visits * 1.75)) }));
  const all = buckets.reduce((sum, { checkouts }) => sum + checkouts, 0);
  const share = (site, kind, part) => ({ start: buckets[0].start, site, kind, ...figures(Math.round(all * part)) });
  const rows = all === 0 ? [] : [share("main", "self-checkout", 0.71), share("bus", "bus", 0.18), share("davinci", "self-checkout", 0.11)];
  const gaps = troubled ? [{ device: "bus-1", stream: "loan", from: 88, to: 91, state: "waiting" }] : [];
  return { buckets, rows, total: figures(all), undated: figures(troubled ? 3 : 0), gaps };
}

const loan = (number, item, kind, minutes, device) => ({ number, device, item, kind, happened: ago(minutes), due: null, state: "waiting", outcome: null, changed: ago(minutes), exported: null });
const loanDesk = {
  paused: false, link: troubled ? "down" : "up", link_since: ago(12), problem: troubled ? "connection refused" : null, make: "koha",
  abilities: { circulation: "proven", due: "proven", charged_items: troubled ? "lacking" : "proven" },
  totals: [{ state: "waiting", outcome: null, facts: troubled ? 163 : 0 }, { state: "disputed", outcome: "on-loan-to-another", facts: troubled ? 2 : 0 }, { state: "settled", outcome: "told", facts: 5_120 }],
  dry_run: troubled ? [
    { loan: loan(901, "LL0029481", "checkout", 95, "bus-1"), sentence: "The library system is asked for the state of the item, then told, unless it knows." },
    { loan: loan(902, "LL0030077", "checkin", 60 * 26, "bus-1"), sentence: "The item was lent since: the return counts, and the item is not taken back from who has it now." },
  ] : [],
};
const conflicts = [["LL0012345", "The library system has the item on loan to another reader.", "Item checked out to another patron 该书已借出"], ["LL0067890", "The library system has blocked the reader.", null]].map(([item, sentence, words], index) => ({
  loan: { ...loan(880 - index * 7, item, "checkout", 60 * (30 - index * 20), "bus-1"), state: "disputed" }, kind: "on-loan-to-another", sentence, words, since: ago(40 + index), retry_at: null,
  rulings: {
    retry: "The library system is asked again, and the fact goes by the rules.",
    force: "The item is taken back from the reader who has it, then the fact is told to the library system at its own time.",
    dismiss: "The library system is not told. The fact still counts in the figures; the later facts of this item go on.",
  },
  history_cut: false,
  history: [
    { number: 700, device: "main-selfcheck", kind: "checkout", happened: ago(60 * 24 * 9), outcome: "on-line" },
    { number: 880 - index * 7, device: "bus-1", kind: "checkout", happened: ago(60 * (30 - index * 20)), outcome: "disputed" },
    { number: 902, device: "bus-1", kind: "checkin", happened: ago(55), outcome: "waiting" },
  ],
  pending: null,
}));

function stops(year) {
  const rows = mood === "empty" || year < 2016 ? [] : [
    ["奥特莱斯广场", "送书进广场", "1月2日", "醴陵市奥特莱斯广场", 360, 1080], ["黄沙中学", "送书进学校", "6月08日", "醴陵市黄沙中学", 230, 530],
    ["阳三石街道办事处渌江社区", "送书进社区", "11月4日", "阳三石街道办事处渌江社区", 120, null],
  ].map(([unit, occasion, printed, place, volumes, participants], index) => ({
    number: index + 1, unit, occasion, date: `${year}-01-02`, printed, place, volumes, participants, source: year < 2026 ? "imported" : "ledger",
    device: year < 2026 ? null : "bus-1", stop: null, closed: participants !== null || year < 2026, checkouts: year < 2026 ? null : 163, checkins: year < 2026 ? null : 141,
  }));
  return { year, rows, volumes: { sum: 710, missing: 0 }, participants: { sum: 1610, missing: rows.length ? 1 : 0 } };
}

const BOOKS = ["渌江纪事", "醴陵瓷话", "湘东夜航", "洞庭草木", "南岭旧闻", "罗霄书简", "株洲山歌", "沩山水利新编与图说：一部写给孩子们的江河史", "官庄烟花", "明月农谚", "东岗食单", "李畋医案"];
const ahead = (days) => new Date(Date.parse("2026-11-04T16:00:00Z") + days * 24 * HOUR).toISOString();
const book = (index, changes) => ({
  identifier: `urn:isbn:97870200${String(index).padStart(5, "0")}`, title: BOOKS[index % BOOKS.length], authors: index % 3 ? ["李明远"] : ["王静怡", "欧阳思齐"],
  media_type: index % 5 ? "application/epub+zip" : "application/pdf", bytes: 5_200_000 + index * 37_000,
  since: index % 4 ? "2026-10-31T16:00:00Z" : null, until: index % 6 === 5 ? null : ahead(index % 6 === 1 ? 9 + index : 56 + index), copies: index % 3 ? 3 : null,
  devices: index % 3 === 0 ? {} : index % 3 === 1 ? { "donggang-kiosk": 2, "hehualong-kiosk": 1 } : { "hehualong-kiosk": 3 }, others: index % 3 ? 0 : -1,
  phone: index % 4 === 0, cover: index % 3 ? `${index}` : null, changes,
});
const RELEASES = mood === "empty" ? [] : [
  { name: "2026-11", published: ago(60 * 30), actor: "技术员", titles: 104, bytes: 702_400_000, withdrawn: null },
  { name: "2026-10", published: ago(60 * 24 * 31), actor: "技术员", titles: 98, bytes: 655_100_000, withdrawn: null },
  { name: "2026-09", published: ago(60 * 24 * 62), actor: "command line, uid 0", titles: 97, bytes: 640_000_000, withdrawn: ago(60 * 24 * 31) },
];
function releaseTitles(name) {
  const [first, last] = name === "2026-11" ? [0, 104] : [6, 104];
  const changes = (index) => (name !== "2026-11" ? [] : index < 6 ? ["added"] : index === 9 ? ["window", "copies"] : []);
  const titles = Array.from({ length: last - first }, (_, at) => book(first + at, changes(first + at)));
  const removed = name === "2026-11" ? [{ identifier: "urn:isbn:1", title: "桃源方言", until: ago(60 * 40) }, { identifier: "urn:isbn:2", title: "武陵游记", until: null }] : [];
  return { release: name, before: name === "2026-11" ? "2026-10" : null, titles, removed };
}

const said = {
  limits: { notices: 200, body: 500, image_bytes: 5 << 20, image_pixels: 16_000_000 },
  hidden: mood === "empty" ? [] : [{ title: "urn:isbn:9787020000003", since: ago(60 * 5), reason: "出版社撤回授权" }],
  notices: mood === "empty" ? [] : [
    { id: "2026-11-03-0910", title: "明日闭馆", body: "全馆停电检修，11月6日照常开放。", image: null, from: ago(60 * 26), until: ahead(2), order: 0 },
    { id: "2026-10-28-1502", title: "渌江读书会：《湘东夜航》", body: "本周六下午三点，主馆二楼。\n自带书，免报名。", image: { blob: "00", type: "image/png" }, from: ago(60 * 24 * 7), until: null, order: 1 },
    { id: "2026-11-04-0930", title: "元旦开放时间", body: "", image: null, from: ahead(40), until: ahead(58), order: 2 },
    { id: "2026-10-01-0800", title: "国庆开放时间", body: "10月1日至3日闭馆。", image: null, from: ago(60 * 24 * 35), until: ago(60 * 24 * 31), order: 5 },
  ],
};

const KIOSKS = Array.from({ length: 14 }, (_, index) => `kiosk-${String(index + 1).padStart(2, "0")}`);
function member(device, index) {
  const bare = { device, name: index === 0 ? "主馆借阅机" : index === 3 ? "东岗村图书室借阅机" : device, site: "main", stage: index < 1 ? 0 : index < 5 ? 1 : 2, since: ago(index * 31), bytes: null, of: null, rate: null, arrival: null, reason: null, detail: null, attempt: 0, excused_until: null, is_absent: false, is_proved: false };
  const states = [
    { state: "shown", is_proved: true }, { state: "shown" }, { state: "failed", reason: "no-space", detail: "缺 31 MB" },
    { state: "downloading", bytes: 212_000_000, of: 702_400_000, rate: 84_000, arrival: new Date(now() + 28 * HOUR).toISOString() },
    { state: "offered", is_absent: true, since: ago(60 * 24 * 17) }, { state: "waiting", since: null }, { state: "waiting", since: null, excused_until: new Date(now() + 800 * HOUR).toISOString() },
  ];
  return { ...bare, ...(states[index] ?? { state: "waiting", since: null }) };
}
const members = KIOSKS.map(member);
const rollout = {
  number: 3, release: "2026-11", state: "running", by: null, failures: null, asked_by: "administrator", approved_by: "token wang", created: ago(60 * 20), stage: 1,
  stages: [["canaries", 5, 1, 0, 0], ["a third", 30, 1, 1, 2], ["everybody", null, 0, 0, 8]].map(([name, percent, succeeded, failed, under_way], index) => ({
    name, percent, success: { percent: index ? 90 : 100, sample_min: index ? 5 : 1 }, failure: { percent: index ? 20 : 1, sample_min: index ? 3 : 1 }, under_way, excused: index === 2 ? 1 : 0, succeeded, failed, overlooked: 0,
  })),
  counts: members.filter(({ excused_until }) => excused_until === null).reduce((all, { state }) => ({ ...all, [state]: (all[state] ?? 0) + 1 }), {}),
  excused: 1, absent: ["kiosk-05"], arrival: new Date(now() + 28 * HOUR).toISOString(), is_open: true,
};
const rollouts = () => (mood === "empty" ? [] : [rollout, { ...rollout, number: 2, release: "2026-10", state: "finished", created: ago(60 * 24 * 31), counts: { shown: 13 }, excused: 0, absent: [], arrival: null }]);
function act(what) {
  rollout.state = { pause: "paused", resume: "running", abort: "aborted", start: "running" }[what] ?? rollout.state;
  rollout.by = ["pause", "abort"].includes(what) ? "administrator" : null;
  return { ...rollout, devices: members };
}

function detail(id) {
  const found = devices.find((one) => one.device === id);
  if (!found) return undefined;
  const gaps = found.open
    ? [{ device: id, stream: "visit", from: 412, to: 430, state: "open" },
       { device: id, stream: "visit", from: 88, to: 89, state: "lost" },
       { device: id, stream: "visit", from: 1043, to: 1043, state: "waiting" }] : [];
  return {
    ...found, facts: 1021,
    telemetry: found.agent ? { time: ago(0.5), metrics: { cpu_usage_ratio: 0.0725, memory_available_bytes: 512e6, disk_available_bytes: 18e9, uptime_seconds: 86_500 * 3, outbox_unsettled: 3, cpu_temperature_celsius: 48.25 } } : null,
    flagged_days: found.open ? [{ day: "2026-11-04", flag: "recovered", count: 1 }, { day: "2026-11-02", flag: "rollover", count: 1 }] : [],
    streams: found.agent ? [{ epoch: EPOCH, stream: "visit", current: true, through: found.open ? 411 : 1042, highest: 1042, written: 1042, gaps }] : [],
  };
}

const quarantine = !troubled ? [] : [
  { number: 2211, device: "davinci-gate", received: ago(20), type: "library.visit.counted.v1", reason: "id-conflict", place: "id", expected: "an id not used before with other content", excerpt: '{"id":"5e0c…-visit-0041","data":{"in":12,"out":3}}', bytes: 412 },
  { number: 2104, device: "davinci-gate", received: ago(25), type: "library.visit.counted.v1", reason: "id-conflict", place: "id", expected: "an id not used before with other content", excerpt: '{"id":"5e0c…-visit-0040"}', bytes: 409 },
  { number: 1402, device: "main-south", received: ago(60 * 26), type: null, reason: "not-readable", place: "", expected: "a JSON object or array", excerpt: "in=12;out=▇▇▇", bytes: 13 },
];

const server = createServer((request, response) => {
  const url = new URL(request.url, "http://x");
  response.setHeader("content-security-policy", POLICY);
  const json = (value, status = 200) => {
    response.writeHead(status, { "content-type": "application/json", "x-request-id": "0f3a9c" });
    response.end(JSON.stringify(value));
  };
  const path = url.pathname.replace(/^\/api\/v1/, "");
  if (path === url.pathname) return file(url.pathname, response);
  if (path === "/sign-in") return json({ library: "醴陵市图书馆", has_password: true });
  if (mood === "out") return json({ detail: "nobody is signed in" }, 401);
  if (mood === "broken" && path !== "/session") return json({ detail: "the database failed" }, 500);
  if (path === "/session") return json({ person: "技术员", right: "administer", library: "醴陵市图书馆", zone: "Asia/Shanghai", now: new Date(now()).toISOString() });
  if (path === "/sites") return json({ sites: mood === "empty" ? [] : SITES.map(([site, name]) => ({ site, name, open: site === "main" ? "Mon-Sun 08:00-21:00" : "Mon-Sun 08:30-20:00" })) });
  if (path === "/devices") return json({ devices });
  if (path.startsWith("/devices/")) {
    const found = detail(decodeURIComponent(path.slice(9)));
    return found ? json(found) : json({ detail: "no such device" }, 404);
  }
  if (path === "/visits") return json(visits(url.searchParams));
  if (path === "/loans/desk") return json(loanDesk);
  if (path === "/conflicts") return json({ conflicts: troubled ? conflicts : [], total: troubled ? conflicts.length : 0, next: null });
  if (path === "/loans/totals") return json(loans(url.searchParams));
  if (path === "/sync") return json({ devices: devices.map(({ device }) => ({ device, at_desk: device === "bus-1" ? 2 : 0, oldest: device === "bus-1" ? ago(60 * 26) : null })) });
  if (path === "/stops") return json(stops(Number(url.searchParams.get("year"))));
  if (path === "/quarantine") return json({ rows: quarantine.filter((row) => (url.searchParams.get("device") ?? row.device) === row.device), next: null });
  if (path === "/gateway") return json({ certificate: { not_before: ago(60 * 24), not_after: ahead(300), standing: "good", origin: "gateway" } });
  if (path === "/content/notices") return json(said);
  if (path.startsWith("/content/pictures/")) return file("/favicon.svg", response);
  if (path === "/content/hidden") return json({ hidden: said.hidden.map((row) => ({ ...row, name: "洞庭草木", confirmed: ["hehualong-kiosk"], waiting: ["donggang-kiosk"] })) });
  if (path === "/content/releases") return json(RELEASES);
  const titles = /^\/content\/releases\/(.+)\/titles$/.exec(path);
  if (titles) return json(releaseTitles(decodeURIComponent(titles[1])));
  if (path === "/gateway") return json({ version: "0.1.0", certificate: { made_by: "authority", not_before: ago(9_000), not_after: ago(-400_000), alarm: null } });
  if (path === "/rollouts") return json(rollouts());
  const acted = /^\/rollouts\/\d+\/(\w+)$/.exec(path);
  if (acted) return json(act(acted[1]));
  if (path.startsWith("/rollouts/")) return json({ ...rollouts().find(({ number }) => path === `/rollouts/${number}`), devices: members });
  if (path === "/live") {
    response.writeHead(200, { "content-type": "text/event-stream" });
    const beat = () => response.write("event: beat\ndata: {}\n\n");
    beat();
    const timer = setInterval(beat, 5_000);
    response.on("close", () => clearInterval(timer));
    return undefined;
  }
  return json({ detail: "there is nothing at this address" }, 404);
});

function file(path, response) {
  const name = extname(path) === "" ? "index.html" : path;
  try {
    const body = readFileSync(join(dist, name));
    response.writeHead(200, { "content-type": KINDS[extname(name)] ?? "application/octet-stream" });
    response.end(body);
  } catch {
    response.writeHead(404).end();
  }
}

server.listen(Number(port), "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}/`));
