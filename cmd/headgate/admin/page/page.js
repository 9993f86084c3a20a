// The page works without this: it then comes anew as a whole. With it only what it shows is replaced, so that what is open
// stays open, and a headgate that does not answer leaves its last state to be read.
"use strict";

const every = Number(document.body.dataset.refresh) * 1000;
let last = new Date();

function show(fresh) {
  const open = new Set([...document.querySelectorAll("details[open]")].map((d) => d.id));
  for (const part of ["main", "footer", "#state"]) {
    document.querySelector(part).replaceWith(fresh.querySelector(part));
  }
  for (const id of open) {
    document.getElementById(id)?.setAttribute("open", "");
  }
  document.title = fresh.title;
}

function stale(is) {
  const line = document.getElementById("stale");
  line.hidden = !is;
  line.querySelector("time").textContent = last.toLocaleTimeString();
  document.body.classList.toggle("asleep", is);
}

async function refresh() {
  if (!document.hidden) {
    try {
      const answer = await fetch("./", { cache: "no-store", signal: AbortSignal.timeout(Math.max(every, 5000)) });
      if (!answer.ok) throw new Error(answer.statusText);
      show(new DOMParser().parseFromString(await answer.text(), "text/html"));
      last = new Date();
      stale(false);
    } catch {
      stale(true);
    }
  }
  setTimeout(refresh, every);
}

setTimeout(refresh, every);
