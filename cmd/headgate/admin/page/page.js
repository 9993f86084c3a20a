// The page works without this: it then comes anew as a whole. With it only what is different is changed, so that what is
// open, selected or in focus stays so, and a headgate that does not answer leaves its last state to be read.
"use strict";

const every = Number(document.body.dataset.refresh) * 1000;
let last = new Date();

// keyOf tells elements beside each other apart, whatever their order.
function keyOf(node) {
  return node.nodeName + " " + (node.id || node.dataset?.key || node.getAttribute?.("aria-labelledby") || "");
}

// become makes a node what a fresh one is.
function become(node, fresh) {
  if (node.nodeType !== Node.ELEMENT_NODE) {
    if (node.nodeValue !== fresh.nodeValue) node.nodeValue = fresh.nodeValue;
    return;
  }
  for (const { name } of [...node.attributes]) {
    // What is open was opened by the reader.
    if (!fresh.hasAttribute(name) && name !== "open") node.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) {
    if (node.getAttribute(name) !== value) node.setAttribute(name, value);
  }
  let at = node.firstChild;
  for (const child of [...fresh.childNodes]) {
    let same = at;
    while (same && keyOf(same) !== keyOf(child)) same = same.nextSibling;
    if (!same) {
      node.insertBefore(child, at);
      continue;
    }
    if (same === at) at = at.nextSibling;
    else node.insertBefore(same, at);
    become(same, child);
  }
  while (at) {
    const gone = at;
    at = at.nextSibling;
    gone.remove();
  }
}

function show(fresh) {
  for (const part of ["header", "main", "footer"]) {
    become(document.querySelector(part), fresh.querySelector(part));
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

// again refreshes for as long as somebody may be looking, and at once when somebody comes back.
async function again() {
  if (document.hidden) {
    document.addEventListener("visibilitychange", again, { once: true });
    return;
  }
  await refresh();
  setTimeout(again, every);
}

setTimeout(again, every);
