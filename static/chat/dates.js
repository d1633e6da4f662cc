// Dates and times in the format of the chat's language.

const LOCALES = { en: "en-GB" }; // day before month, as in EU acts

/** Formats a date in the chat's language; anything else is returned unchanged. */
export function formatDay(date, t) {
  const time = Date.parse(date);
  return Number.isNaN(time) ? String(date)
    : createFormat(t.language, { dateStyle: "long", timeZone: "UTC" }).format(time);
}

/** Creates a formatter of moments: the time for today, else date and time. */
export function createClock(language) {
  const hour = createFormat(language, { timeStyle: "short" });
  const whole = createFormat(language, { dateStyle: "medium", timeStyle: "short" });
  return (at) => {
    const moment = new Date(at);
    if (Number.isNaN(moment.getTime())) {
      return "";
    }
    return (moment.toDateString() === new Date().toDateString() ? hour : whole).format(moment);
  };
}

function createFormat(language, style) {
  return new Intl.DateTimeFormat(LOCALES[language] ?? language, style);
}
