// What MIGRATION.md says of each stage, in the same words.

export const STAGES = ["off", "dualwrite", "shadow", "live", "rampdown", "complete"];

export const RUNBOOK = {
  off: {
    about: "One process serves from its dict",
    watch: "flask migration status shows one worker in off.",
    goOn: "at once.",
  },
  dualwrite: {
    about: "Every write goes to both.",
    watch: "unsent falls to 0 and stays there; the memory of Redis; response times.",
    goOn: "when unsent is 0 and response times are acceptable.",
  },
  shadow: {
    about: "Every read is compared with Redis in the background.",
    watch: "mismatches stays 0, compared grows.",
    goOn: "after a day of usual traffic without a mismatch.",
  },
  live: {
    about: "Redis decides.",
    watch: "responses of 500 and above, response times, mismatches.",
    goOn: "after a day of usual traffic.",
  },
  rampdown: {
    about: "The dict is still written, but no longer read.",
    watch: "the number of 404 responses does not rise.",
    goOn: "after the longest life of a conversation, a day.",
  },
  complete: {
    about: "Redis serves alone; the dicts are emptied.",
    watch: "",
    goOn: "",
  },
};
