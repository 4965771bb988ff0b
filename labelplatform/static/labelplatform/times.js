// Keeps "3 min ago" true while a page stays open. The server wrote the first text, so nothing shifts on load.
const units = [["year", 31536000], ["month", 2592000], ["day", 86400], ["hour", 3600], ["minute", 60]];
const words = new Intl.RelativeTimeFormat(document.documentElement.lang || "en", { numeric: "auto", style: "short" });

function refresh() {
  for (const element of document.querySelectorAll("time[datetime]:not([data-fixed])")) {
    const seconds = (Date.parse(element.dateTime) - Date.now()) / 1000;
    const unit = units.find(([, size]) => Math.abs(seconds) >= size);
    if (!Number.isNaN(seconds) && unit) element.textContent = words.format(Math.trunc(seconds / unit[1]), unit[0]);
  }
}

setInterval(refresh, 30000);
