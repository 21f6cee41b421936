// `node check.mjs FOLDER [PAGE ...]`: open each page of a built site in a headless Chromium, and report what is wrong.
//
// Each page in light and dark, at the width of a telephone and of a large window: no error in the console, no request
// to elsewhere or that fails, no picture missing, no horizontal scrolling, nothing that axe-core finds. Then a search.
import chromium from "@sparticuz/chromium";
import axe from "axe-core";
import { existsSync, readdirSync, statSync } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { delimiter, extname, join, relative, resolve, sep } from "node:path";
import puppeteer from "puppeteer-core";

// axe-core takes seconds on a large page, so it runs at one width in each theme.
const VIEWS = [
  { width: 400, theme: "light", audited: false },
  { width: 400, theme: "dark", audited: true },
  { width: 1600, theme: "light", audited: true },
  { width: 1600, theme: "dark", audited: false },
];
const BROWSERS = 2;
const TYPES = { ".css": "text/css", ".html": "text/html", ".js": "text/javascript", ".svg": "image/svg+xml" };
// The words, and a page or place that must be among the first ten results.
const SEARCHES = {
  maintenance: "endpoint.html",
  FargateService: "reference/service.html#fargate_constructs.FargateService",
  HttpEndpoint: "reference/endpoint.html#fargate_constructs.HttpEndpoint",
  exec_command: "reference/service.html",
  smallest_for: "reference/service.html", // of `TaskSize.smallest_for`
  memory_limit_mib: "reference/service.html",
  502: "troubleshooting.html",
  "移行": "ja/migrating.html",
  "固定 IP": "ja/index.html",
};
const folder = resolve(process.argv[2] ?? "build/docs");
const faults = [];

function report(page, view, text) {
  faults.push(`${page} (${view}): ${text}`);
  console.error(faults.at(-1));
}

function* pagesIn(path) {
  for (const name of readdirSync(path).sort()) {
    const inner = join(path, name);
    if (statSync(inner).isDirectory()) yield* pagesIn(inner);
    else if (name.endsWith(".html")) yield relative(folder, inner).replaceAll(sep, "/");
  }
}

async function serve(request, response) {
  const path = resolve(folder, `.${decodeURIComponent(new URL(request.url, "http://localhost").pathname)}`);
  try {
    const content = await readFile(path);
    response.writeHead(200, { "Content-Type": TYPES[extname(path)] ?? "application/octet-stream" }).end(content);
  } catch {
    response.writeHead(404).end();
  }
}

// A Chromium that is installed, or that of npm, which runs on Linux only.
async function executable() {
  const names = ["chromium", "chromium-browser", "google-chrome"];
  const installed = process.env.PATH.split(delimiter).flatMap((path) => names.map((name) => join(path, name)));
  return process.env.CHROMIUM ?? installed.find(existsSync) ?? (await chromium.executablePath());
}

async function open(browser, { width, theme }, listen) {
  const tab = await browser.newPage();
  await tab.setViewport({ width, height: 1200 });
  await tab.emulateMediaFeatures([
    { name: "prefers-color-scheme", value: theme },
    { name: "prefers-reduced-motion", value: "reduce" },
  ]);
  tab.on("console", (message) => ["error", "warn"].includes(message.type()) && listen(`console: ${message.text()}`));
  tab.on("pageerror", (error) => listen(`script: ${error}`));
  tab.on("requestfailed", (request) => listen(`failed: ${request.url()}`));
  tab.on("request", (request) => {
    if (!request.url().startsWith(origin) && !request.url().startsWith("data:")) listen(`asks ${request.url()}`);
  });
  tab.on("response", (response) => response.status() >= 400 && listen(`${response.status()}: ${response.url()}`));
  return tab;
}

async function check(tab, say, audited) {
  const missing = await tab.evaluate(async () => {
    const pictures = [...document.images];
    for (const each of pictures) each.loading = "eager";
    await Promise.all(pictures.map((each) => each.decode().catch(() => undefined)));
    return pictures.filter((each) => !each.naturalWidth).map((each) => each.src);
  });
  missing.forEach((each) => say(`picture: ${each}`));
  const [wanted, shown] = await tab.evaluate(() => {
    const { scrollWidth, clientWidth } = document.documentElement;
    return [scrollWidth, clientWidth];
  });
  if (wanted > shown) say(`is ${wanted} px wide, of which ${shown} px are shown`);
  if (!audited) return;
  await tab.evaluate(axe.source);
  const { violations } = await tab.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  for (const { id, help, nodes } of violations) say(`axe: ${id}: ${help}: ${nodes.slice(0, 3).map((each) => each.html).join(" ")}`);
}

async function look(browser, { view, page }) {
  const say = (text) => report(page, `${view.width} px, ${view.theme}`, text);
  const tab = await open(browser, view, say);
  await tab.goto(`${origin}/${page}`, { waitUntil: "load" });
  await check(tab, say, view.audited);
  const name = `${page.replaceAll("/", "-")}-${view.width}-${view.theme}.png`;
  if (pictures) await tab.screenshot({ path: join(pictures, name) });
  await tab.close();
}

async function search(browser, words, wanted) {
  const view = "search";
  const tab = await open(browser, VIEWS[3], (text) => report("search.html", view, text));
  await tab.goto(`${origin}/index.html`);
  await tab.type(".sidebar-search", words);
  await tab.keyboard.press("Enter");
  await tab.waitForSelector("#search-results li a", { timeout: 20_000 });
  await tab.waitForFunction(() => /matching|found/.test(document.querySelector(".search-summary")?.textContent ?? ""));
  const found = await tab.$$eval("#search-results li a", (links) => links.map((each) => each.href));
  const place = found.findIndex((each) => each.startsWith(`${origin}/${wanted}`));
  if (place < 0 || place > 9) report("search.html", view, `"${words}" leads to ${found.slice(0, 10)}, not to ${wanted}`);
  await tab.close();
}

const server = createServer(serve).listen(0, "127.0.0.1");
await new Promise((done) => server.once("listening", done));
const origin = `http://127.0.0.1:${server.address().port}`;
const executablePath = await executable();
const args = ["--no-sandbox", "--disable-gpu", "--font-render-hinting=none"];
const pictures = process.env.SCREENSHOTS;
const pages = process.argv.length > 3 ? process.argv.slice(3) : [...pagesIn(folder)];
const visits = VIEWS.flatMap((view) => pages.map((page) => ({ view, page })));
const searches = Object.entries(SEARCHES);

async function work() {
  const browser = await puppeteer.launch({ executablePath, args, headless: "shell" });
  try {
    for (let visit = visits.pop(); visit; visit = visits.pop()) await look(browser, visit);
    for (let words = searches.pop(); words; words = searches.pop()) await search(browser, ...words);
  } finally {
    await browser.close();
  }
}

if (pictures) await mkdir(pictures, { recursive: true });
try {
  await Promise.all(Array.from({ length: BROWSERS }, work));
} finally {
  server.close();
}
console.log(`${pages.length} pages in ${VIEWS.length} views and ${Object.keys(SEARCHES).length} searches: ${faults.length} faults`);
process.exitCode = faults.length ? 1 : 0;
