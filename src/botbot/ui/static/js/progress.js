// A deployment's page while it moves: what the server streams takes the place of what it showed. As long as the stream
// lives, the asking every second that the page brings along rests; when it breaks, that goes on.
let stream = null;
let isLive = false;

function close() {
  stream?.close();
  stream = null;
  isLive = false;
}

function show(html) {
  const box = document.querySelector("#progress");
  htmx.swap(box, html, { swapStyle: "outerHTML" });
  if (!document.querySelector("#progress[data-live]")) close();
}

function listen() {
  const box = document.querySelector("#progress[data-live]");
  if (!box || stream || !window.EventSource) return;
  stream = new EventSource(box.dataset.live);
  stream.addEventListener("progress", ({ data }) => {
    isLive = true;
    show(data);
  });
  stream.addEventListener("error", () => {
    isLive = false;
    if (stream?.readyState === EventSource.CLOSED) close();
  });
}

document.addEventListener("htmx:beforeRequest", (event) => {
  if (isLive && event.target.id === "progress") event.preventDefault();
});
addEventListener("pagehide", close);
addEventListener("pageshow", listen);
listen();
