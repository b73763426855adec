// How long this page took, told once when it is left: three durations and the kind of page, nothing else.

const asked = navigator.doNotTrack === "1" || navigator.globalPrivacyControl === true;
const seconds = (ms) => (ms > 0 && ms < 600000 ? Math.round(ms) / 1000 : undefined);
let paint = 0;
let isTold = false;

function kind(path) {
  if (path === "/") return "home";
  if (/^\/personalities\/[^/]+\/deploy$/.test(path)) return "deploy";
  return /^\/personalities\/[^/]+$/.test(path) ? "personality" : "other";
}

const page = kind(location.pathname);

function tell() {
  const [visit] = performance.getEntriesByType("navigation");
  if (isTold || !visit) return;
  isTold = true;
  const told = { page, answer: seconds(visit.responseStart), paint: seconds(paint), load: seconds(visit.loadEventEnd) };
  navigator.sendBeacon("/api/page-times", new Blob([JSON.stringify(told)], { type: "application/json" }));
}

if (!asked) {
  try {
    new PerformanceObserver((list) => { paint = list.getEntries().at(-1).startTime; }).observe({ type: "largest-contentful-paint", buffered: true });
  } catch {
    // Not every browser measures this.
  }
  document.addEventListener("visibilitychange", () => document.visibilityState === "hidden" && tell());
  addEventListener("pagehide", tell);
}
