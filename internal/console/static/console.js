// What makes pages handier where scripts run.
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
    const whole = parts.map((part) => part.replace(/\s/g, "\u00a0")).join(" ");
    time.title = "day" in time.dataset ? whole : time.textContent;
    time.textContent = "day" in time.dataset ? day.format(at) : whole;
  }
}

// A button beside a secret copies it. It says so in words, which a screen reader reads, and goes back to its own after a while. Where
// the browser lends no clipboard, as over plain http, there is no button.
function copyButtons(within) {
  if (!navigator.clipboard) return;
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

localTimes(document);
copyButtons(document);

// Lists are searched, sorted and turned in their place by htmx, which follows the audit log, too. Here stands what it can't know.

// A page that is out of sight rests.
document.addEventListener("htmx:beforeRequest", (event) => {
  if (document.hidden && "follow" in event.detail.elt.dataset) event.preventDefault();
});

// What is open in a list that is read anew stays open. An answer that is another page, as after the session's end, is gone to.
let open = [];
document.addEventListener("htmx:beforeSwap", (event) => {
  if (new URL(event.detail.xhr.responseURL).pathname !== location.pathname) {
    event.detail.shouldSwap = false;
    location.reload();
  }
  open = [...event.detail.target.querySelectorAll("details[open][id]")].map((details) => details.id);
});
document.addEventListener("htmx:afterSwap", () => {
  for (const id of open) document.getElementById(id)?.setAttribute("open", "");
  const list = document.getElementById("list");
  if (!list) return;
  document.getElementById("found").textContent = list.dataset.found; // which a screen reader reads
});
document.addEventListener("htmx:load", (event) => {
  localTimes(event.detail.elt);
  copyButtons(event.detail.elt);
});

// The keyboard stays where it was, or comes to the list where that is gone: the last page has no next.
document.addEventListener("htmx:afterSettle", () => {
  if (document.activeElement === document.body) document.getElementById("list")?.focus({ preventScroll: true });
});

// What can't be shown in the list's place is shown as a page. A list that is followed waits for the next time.
document.addEventListener("htmx:responseError", (event) => {
  if (!("follow" in event.detail.elt.dataset)) location.reload();
});
