//! Tools that an act calls, by their names: `git_invite_collaborators(…)`, `sendMoney`, `cart.checkout`.
//!
//! A name is cut into words; its first verb decides what calling it does, and the words after it, on what. A verb that only
//! reads makes the whole call harmless. It never looks at the arguments.

/// What a tool's name has to say.
#[derive(Debug)]
pub(super) struct Tools {
    /// The verbs, in any place of the name that no other verb comes before.
    pub(super) verbs: &'static [&'static str],
    /// What they act on: one of these has to be in the name. Empty: on anything.
    pub(super) objects: &'static [&'static str],
    /// What they must not act on.
    pub(super) not: &'static [&'static str],
}

/// Verbs that only read.
#[rustfmt::skip]
const READS: &[&str] = &[
    "get", "list", "read", "view", "search", "find", "fetch", "show", "query", "calculate", "compute", "describe", "lookup", "count",
    "browse", "download", "preview", "estimate", "validate", "check", "see", "load", "retrieve", "is", "has", "can", "think",
    "wait", "analyze", "compare", "track", "monitor", "export", "print", "scroll", "select", "open", "goto", "navigate", "filter",
    "sort", "draft", "simulate", "suggest", "recommend", "explain", "screenshot", "hover",
];

/// Verbs that act, whether a detector asks about them or not: what follows the first of them is its object.
#[rustfmt::skip]
const ACTS: &[&str] = &[
    "create", "make", "add", "open", "new", "place", "process", "complete", "confirm", "submit", "execute", "start", "schedule", "update",
    "modify", "change", "set", "edit", "reset", "send", "post", "delete", "remove", "cancel", "transfer", "clear", "append",
    "copy", "move", "rename", "write", "upload", "input", "type", "fill", "click", "press", "clone", "pull", "push", "commit", "save",
    "archive", "mark", "star", "apply", "use", "login", "logout", "log", "sign", "verify", "register", "share", "invite", "grant",
    "revoke", "refund", "return", "exchange", "book", "reserve", "checkout", "buy", "purchase", "pay", "order", "withdraw", "deposit",
    "donate", "reply", "forward", "publish", "notify", "email", "message", "tweet", "comment", "subscribe", "unsubscribe",
    "close", "merge", "approve", "accept", "reject", "enable", "disable", "authorize", "authenticate", "reschedule", "upgrade", "rebook",
];

/// Verbs that are nouns as well: a line that begins with one may be the name of anything.
const NOUNS: &[&str] = &[
    "email", "message", "comment", "issue", "order", "purchase", "post", "share", "book", "log", "sign", "transfer",
    "use", "file", "return",
];

/// So many names are looked at in one event.
const MOST_NAMES: usize = 64;

/// The words of each tool that a raw text calls: identifiers before an opening bracket, and lines that are one identifier of
/// several words. At most 64 of them.
pub(super) fn calls(raw: &str) -> Vec<Vec<String>> {
    raw.lines().flat_map(names).take(MOST_NAMES).map(words).collect()
}

fn names(line: &str) -> impl Iterator<Item = &str> {
    // "tool: submitPayment"
    let (lead, rest) = line.split_once(": ").unwrap_or_default();
    let told = ["tool", "tool_name", "function", "action", "call", "method"]
        .contains(&lead.trim().to_ascii_lowercase().as_str());
    let line = if told { rest } else { line };
    let part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
    let bytes = line.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        while at < bytes.len() {
            let start = at;
            let len = bytes[at..].iter().take_while(|byte| part(**byte)).count();
            at += len.max(1);
            let name = line.get(start..start + len)?;
            let calls = matches!(bytes.get(start + len), Some(b'(' | b'[')) || line[start + len..].starts_with(" (");
            let alone = line.trim().len() == len && (told || names_an_act(name));
            if name.starts_with(|c: char| c.is_ascii_alphabetic()) && (calls || alone) {
                return Some(name);
            }
            if len == 0 && !line.is_char_boundary(at) {
                at += (at..line.len()).take_while(|n| !line.is_char_boundary(*n)).count();
            }
        }
        None
    })
}

/// Whether a name that stands alone is one of a tool: it begins with a verb, or says that it comes from a server of tools.
fn names_an_act(name: &str) -> bool {
    let words = words(name);
    let first = words.first().map_or("", String::as_str);
    let verb = ACTS.contains(&first) || READS.contains(&first);
    (words.len() > 1 && verb && !NOUNS.contains(&first)) || name.starts_with("mcp__")
}

/// The words of a name, in lower case: `git_pushAll` is git, push, all.
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut fresh = true;
    let mut was_upper = false;
    for c in name.chars() {
        if !c.is_ascii_alphanumeric() {
            fresh = true;
            continue;
        }
        match words.last_mut() {
            Some(word) if !fresh && (!c.is_ascii_uppercase() || was_upper) => word.push(c.to_ascii_lowercase()),
            Some(_) | None => words.push(c.to_ascii_lowercase().to_string()),
        }
        (fresh, was_upper) = (false, c.is_ascii_uppercase());
    }
    words
}

impl Tools {
    /// Whether a tool whose name has these words does what is meant here.
    pub(super) fn has(&self, words: &[String]) -> bool {
        let is_in = |word: &str, of: &[&str]| of.contains(&word);
        let known = |word: &&String| is_in(word, ACTS) || is_in(word, READS) || is_in(word, self.verbs);
        let Some(verb) = words.iter().find(known) else { return false };
        let any = |of: &[&str]| {
            words.iter().any(|word| is_in(word, of) || word.strip_suffix('s').is_some_and(|one| is_in(one, of)))
        };
        is_in(verb, self.verbs) && (self.objects.is_empty() || any(self.objects)) && !any(self.not)
    }
}
