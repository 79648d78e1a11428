// Replaces the parts of the page that the server sends, and says so when it sends nothing.
"use strict";
(() => {
  const RETRY_MS = 5000;
  const page = document.documentElement;
  const lost = document.getElementById("lost");
  const silenceMs = 25000; // more than two of the server's beats
  let heard = Date.now();
  let failed = false;
  let source = null;

  const show = () => {
    const away = failed || Date.now() - heard > silenceMs;
    page.classList.toggle("lost", away);
    lost.hidden = !away;
  };

  const hear = () => {
    heard = Date.now();
    failed = false;
    show();
  };

  const replace = (parts) => {
    for (const [name, html] of Object.entries(parts)) {
      const place = document.getElementById(name);
      if (!place) {
        location.reload(); // the page has become another one, such as an overview
        return;
      }
      place.innerHTML = html;
    }
  };

  const open = () => {
    source = new EventSource(page.dataset.events);
    source.addEventListener("version", (event) => {
      if (event.data !== page.dataset.version) location.reload();
      hear();
    });
    source.addEventListener("parts", (event) => {
      replace(JSON.parse(event.data));
      hear();
    });
    source.addEventListener("beat", hear);
    source.addEventListener("error", () => {
      failed = true;
      show();
      // A refused request ends it for good; a broken connection is tried again by the browser.
      if (source.readyState === EventSource.CLOSED) setTimeout(open, RETRY_MS);
    });
  };

  open();
  setInterval(show, 1000);
  document.addEventListener("visibilitychange", show); // timers rest while a telephone sleeps
  addEventListener("pagehide", () => source.close());
  addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
})();
