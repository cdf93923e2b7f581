// What makes pages handier where scripts run. Without it they do all that they do.
"use strict";

// Times are told in the reader's zone and as the reader's country writes them, where it speaks the page's language; what the page said,
// in UTC, is at hand by pointing there. A line ends between the day and the time, if it must.
function localTimes(within) {
  const language = document.documentElement.lang;
  const locale = navigator.languages.find((l) => l.split("-")[0] === language) ?? language;
  const day = new Intl.DateTimeFormat(locale, { dateStyle: "medium" });
  const clock = new Intl.DateTimeFormat(locale, { timeStyle: "short" });
  const exact = new Intl.DateTimeFormat(locale, { timeStyle: "medium" });
  for (const time of within.querySelectorAll("time[datetime]:not([title])")) {
    const at = new Date(time.dateTime);
    const parts = [day.format(at) + ",", ("seconds" in time.dataset ? exact : clock).format(at)];
    time.title = time.textContent;
    time.textContent = parts.map((part) => part.replace(/\s/g, "\u00a0")).join(" ");
  }
}

// A button beside a secret copies it. It says so in words, which a screen reader reads, and goes back to its own after a while.
function copyButtons(within) {
  for (const button of within.querySelectorAll("button[data-copy][hidden]")) {
    const own = button.textContent;
    button.hidden = false;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
      button.textContent = button.dataset.copied;
      setTimeout(() => { button.textContent = own; }, 3000);
    });
  }
}

// What is followed is read anew every few seconds. What is open in it stays open, and the keyboard stays where it was. A page that is
// out of sight rests; one whose session has ended goes to the log-in.
function follow(region) {
  async function readAnew() {
    if (document.hidden) return;
    const answer = await fetch(location.href);
    if (answer.redirected) location.reload();
    if (answer.redirected || !answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById(region.id);
    if (!fresh) return;
    for (const open of region.querySelectorAll("details[open][id]")) {
      fresh.querySelector("#" + open.id)?.setAttribute("open", "");
    }
    const at = region.contains(document.activeElement) && document.activeElement.closest("details[id]");
    region.replaceChildren(...fresh.children);
    localTimes(region);
    if (at) region.querySelector("#" + at.id + " > summary")?.focus();
  }
  setTimeout(async () => {
    try { await readAnew(); } catch { /* out of reach for now */ }
    follow(region);
  }, region.dataset.follow * 1000);
}

localTimes(document);
copyButtons(document);
document.querySelectorAll("[data-follow]").forEach(follow);
