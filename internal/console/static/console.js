// What makes pages handier where scripts run. Without it they do all that they do.
"use strict";

// Times are told in the reader's zone; what the page said, in UTC, is at hand by pointing there.
function localTimes(within) {
  const format = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "long", timeStyle: "short" });
  for (const time of within.querySelectorAll("time[datetime]:not([title])")) {
    time.title = time.textContent;
    time.textContent = format.format(new Date(time.dateTime));
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

localTimes(document);
copyButtons(document);
