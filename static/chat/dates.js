// Days and moments as people write them in the language of the chat.

const LOCALES = { en: "en-GB" }; // the day before the month, as in the acts

/** A date as people write it in the language of the page; what is no date stays as it is. */
export function formatDay(date, t) {
  const time = Date.parse(date);
  return Number.isNaN(time) ? String(date)
    : createFormat(t.language, { dateStyle: "long", timeZone: "UTC" }).format(time);
}

/** Tells a moment: today's by the hour, another day's with the day. */
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
