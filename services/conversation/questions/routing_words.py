"""The words that tell a question from a statement."""

FILLERS = frozenset(
    (
        *("and", "but", "so", "ok", "okay", "please", "then", "well", "now", "hi", "hello", "hey"),
        *("oh", "hmm", "yes", "thanks", "great", "or", "und", "aber", "oder", "bitte", "danke"),
    )
)
QUESTION_WORDS = frozenset(
    (
        *("what", "whats", "which", "why", "how", "hows", "who", "whos", "whom", "whose", "where"),
        *("when", "whether", "welche", "welcher", "welches", "welchen", "warum", "wieso", "wie"),
        *("weshalb", "wer", "wo", "wann", "wozu"),
    )
)
AUXILIARIES = frozenset(
    (
        *("is", "isnt", "are", "arent", "do", "does", "doesnt", "dont", "did", "can", "could"),
        *("will", "must", "may", "might", "was", "were", "am"),
        *("ist", "sind", "muss", "müssen", "kann", "können", "gilt", "gelten", "brauche", "darf"),
        *("soll", "brauchen"),
    )
)
HAVING = frozenset(("has", "have", "had", "hat", "habe", "haben"))
"""Verbs that also begin a statement: "has the option to run on batteries"."""
PRONOUNS = frozenset(
    ("it", "i", "we", "you", "they", "this", "that", "these", "those", "there", "es", "ich", "wir",
     "das", "sie", "er", "man")
)  # fmt: skip
SUBJECTS = PRONOUNS | frozenset(
    ("the", "my", "our", "any", "all", "some", "either", "both", "die", "der", "mein", "meine",
     "unser", "unsere", "diese", "dieses", "dieser")
)  # fmt: skip
BEHIND_WAS = frozenset(
    ("ist", "sind", "gilt", "gelten", "muss", "kann", "wenn", "wäre", "bedeutet", "heißt", "kostet",
     "passiert", "soll", "mache", "fehlt")
)  # fmt: skip
IMPERATIVES = frozenset(
    (
        *("tell", "explain", "list", "show", "give", "describe", "compare", "summarise", "rank"),
        *("summarize", "name", "define", "elaborate", "repeat", "help", "count", "sort", "remind"),
        *("recommend", "erkläre", "erklär", "zeige", "zeig", "nenne", "nenn", "liste", "erzähl"),
        *("erzähle", "sag", "hilf", "vergleiche"),
    )
)
SUPPOSING = frozenset(
    ("suppose", "supposing", "assume", "assuming", "imagine", "if", "wenn", "falls", "angenommen",
     "without", "ohne", "instead", "statt")
)  # fmt: skip
OPENING = QUESTION_WORDS | IMPERATIVES | SUPPOSING | {"would", "should", "shall"}
"""Words with which nobody begins to state a fact."""
IS = frozenset(("is", "isnt", "are", "arent", "was", "were", "ist", "sind", "am"))
VARYING = frozenset(("with", "for", "as", "in", "on", "at", "only", "mit", "für", "als", "nur"))
"""Behind "and" they begin a variation of the product: "and with a battery"."""
REQUESTS = (
    "i want to know", "i want to understand", "i want to see", "i want to ask",
    "i would like to know", "id like to know", "i would like to see", "id like to see",
    "i would like to understand", "id like to understand", "i need to know", "i need to understand",
    "i wonder", "i am wondering", "im wondering", "i dont understand", "i do not understand",
    "i dont get", "i am curious", "im curious", "i have a question", "i have another question",
    "i need help", "i need advice", "i need an overview", "i need a list", "i need the list",
    "i need more", "i need details", "i need information", "i was wondering", "let me know",
    "not sure what", "not sure which", "not sure why", "not sure how", "im not sure what",
    "im not sure which", "i am not sure what", "i am not sure which", "i am confused",
    "im confused", "do i", "need i", "ich möchte wissen", "ich wüsste gern", "ich frage mich",
    "ich verstehe nicht",
)  # fmt: skip
CHANGES = frozenset(
    ("add", "remove", "change", "set", "drop", "replace", "switch", "correct", "update", "take",
     "make", "note", "swap")
)  # fmt: skip
VERBS = frozenset(
    (
        *("is", "isnt", "are", "has", "hasnt", "have", "uses", "use", "runs", "run", "contains"),
        *("includes", "comes", "gets", "got", "needs", "works", "was", "will", "can", "hat", "ist"),
        *("its", "weve", "were", "ships", "emits", "measures", "sends", "draws", "lacks", "sold"),
    )
)
MARKERS = frozenset(
    ("no", "not", "with", "without", "also", "only", "now", "plus", "too", "actually", "kein",
     "keine", "mit", "ohne", "auch", "nur", "doch", "instead", "sorry", "correction")
)  # fmt: skip
"""They make a statement of a few words that have no verb: "no battery", "Bluetooth, too"."""
CONSEQUENCES = frozenset(
    ("change", "changes", "matter", "matters", "difference", "affect", "affects", "ändert")
)
ANALYSIS = frozenset(
    ("analysis", "analyse", "analyze", "analysing", "analyzing", "analysieren", "analysiere",
     "recheck", "reanalyse", "reanalyze")
)  # fmt: skip
RUN = frozenset(
    ("run", "rerun", "start", "do", "make", "repeat", "redo", "begin", "again", "refresh", "go",
     "continue", "proceed", "starte", "nochmal", "mach")
)  # fmt: skip
