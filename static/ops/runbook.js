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
    watch: "unsent falls to 0 and stays there; the memory of Redis; how long requests take.",
    goOn: "when unsent is 0 and requests are as fast as they have to be.",
  },
  shadow: {
    about: "What is read is compared with Redis in the background.",
    watch: "mismatches 0, compared growing.",
    goOn: "after a day of usual traffic without a mismatch.",
  },
  live: {
    about: "Redis decides.",
    watch: "answers of 500 and above, how long requests take, mismatches.",
    goOn: "after a day of usual traffic.",
  },
  rampdown: {
    about: "The dict is written and not read any more.",
    watch: "answers of 404 do not become more.",
    goOn: "after the longest life of a conversation, a day.",
  },
  complete: {
    about: "Redis serves alone, the dicts are emptied.",
    watch: "",
    goOn: "",
  },
};
