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
    "sendmail", "rmtree", "charge", "close", "merge", "approve", "accept", "reject", "enable", "disable", "authorize", "authenticate", "reschedule", "upgrade", "rebook",
];

/// Verbs that are nouns as well: a line that begins with one may be the name of anything.
const NOUNS: &[&str] = &[
    "email", "message", "comment", "issue", "order", "purchase", "post", "share", "book", "log", "sign", "transfer",
    "use", "file", "return",
];

/// What follows a verb that is a noun there: `order_by`, `post_process`, `book_search`.
const HARMLESS: &[&str] =
    &["by", "process", "search", "branch", "comparison", "history", "list", "text", "cookie", "cookies", "template"];

/// Words that make a whole name harmless.
const NEVER: &[&str] = &["comparison", "branch", "draft", "preview", "mock", "dryrun"];

/// So many names are looked at in one event.
const MOST_NAMES: usize = 64;

/// The words of each tool that a raw text calls: identifiers before an opening bracket, lines that are one identifier of several
/// words, and requests such as `POST /api/orders`. At most 64 of them.
pub(super) fn calls(raw: &str) -> Vec<Vec<String>> {
    raw.lines().filter(|line| may_name(line)).flat_map(names).take(MOST_NAMES).map(|name| words(&name)).collect()
}

/// Whether a line may have a name of a tool: quick, and never wrong when it says no.
fn may_name(line: &str) -> bool {
    let line = line.trim().as_bytes();
    // A bracket or what says that a name follows, a request, or one word.
    memchr::memchr3(b'(', b'[', b':', line).is_some()
        || matches!(line.first(), Some(b'c' | b'P' | b'D'))
        || memchr::memchr(b' ', line).is_none()
}

/// Whether a line calls a tool.
pub(super) fn is_call(line: &str) -> bool {
    names(line).next().is_some()
}

fn names(line: &str) -> impl Iterator<Item = String> {
    let line = line.trim();
    let (told, name) = named(line);
    let alone = is_name(name) && (told || names_an_act(name));
    let alone = alone.then(|| name.to_owned());
    request(line).into_iter().chain(alone).chain(called(line).map(str::to_owned))
}

/// What a line says that the name of a tool is: "tool: submitPayment".
fn named(line: &str) -> (bool, &str) {
    if !line.as_bytes().contains(&b':') {
        return (false, line);
    }
    match line.split_once(": ") {
        Some((lead, rest)) if TOLD.contains(&lead.trim().to_ascii_lowercase().as_str()) => (true, rest.trim()),
        Some(_) | None => (false, line),
    }
}

/// What stands before the name of a tool.
const TOLD: &[&str] = &["tool", "tool_name", "function", "action", "call", "method"];

fn is_part(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-')
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.bytes().all(is_part)
}

/// The identifiers before an opening bracket.
fn called(line: &str) -> impl Iterator<Item = &str> {
    let opens = line.bytes().enumerate().filter(|(_, byte)| matches!(byte, b'(' | b'['));
    opens.filter_map(|(at, _)| {
        let before = &line.as_bytes()[..at];
        let len = before.iter().rev().take(LONGEST).take_while(|byte| is_part(**byte)).count();
        line.get(at - len..at).map(|name| name.trim_start_matches(['.', '-'])).filter(|name| is_name(name))
    })
}

/// The longest name of a tool, in bytes.
const LONGEST: usize = 120;

/// A request over HTTP, on a line without spaces around it, as the name of a tool: its method as a verb, then the words of its path.
fn request(line: &str) -> Option<String> {
    if !["curl", "POST", "PUT", "PATCH", "DELETE"].iter().any(|method| line.starts_with(method)) {
        return None;
    }
    let line = line
        .get(..line.len().min(REQUEST))
        .or_else(|| line.char_indices().nth(REQUEST / 4).map(|(at, _)| &line[..at]))?;
    let mut words = line.split_whitespace();
    let method = match words.next()? {
        "curl" => {
            words.by_ref().find(|word| matches!(*word, "-X" | "--request"))?;
            words.next()?
        }
        method => method,
    };
    let verb = match method {
        "POST" => "create",
        "PUT" | "PATCH" => "update",
        "DELETE" => "delete",
        _ => return None,
    };
    let path = words.find(|word| word.contains('/'))?;
    let path = path.split_once("://").map_or(path, |(_, rest)| rest.split_once('/').map_or("", |(_, path)| path));
    let words: Vec<&str> = path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
    Some(format!("{verb}_{}", words.join("_")))
}

/// So many bytes of a line are looked at for a request.
const REQUEST: usize = 400;

/// Whether a name that stands alone is one of a tool: it begins with a verb, or says that it comes from a server of tools.
fn names_an_act(name: &str) -> bool {
    if !has_words(name) {
        return name.starts_with("mcp");
    }
    let words = words(name);
    let first = words.first().map_or("", String::as_str);
    let verb = ACTS.contains(&first) || READS.contains(&first);
    (verb && !NOUNS.contains(&first)) || name.starts_with("mcp")
}

/// Whether a name has several words.
fn has_words(name: &str) -> bool {
    let (mut count, mut fresh, mut was_upper) = (0, true, false);
    for byte in name.bytes() {
        let part = byte.is_ascii_alphanumeric();
        if part {
            count += usize::from(fresh || (byte.is_ascii_uppercase() && !was_upper));
            was_upper = byte.is_ascii_uppercase();
        }
        fresh = !part;
    }
    count > 1
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
        let known = |word: &String| is_in(word, ACTS) || is_in(word, READS) || is_in(word, self.verbs);
        let Some(at) = words.iter().position(known) else { return false };
        let any = |words: &[String], of: &[&str]| {
            words.iter().any(|word| is_in(word, of) || word.strip_suffix('s').is_some_and(|one| is_in(one, of)))
        };
        // What is only looked at, or made of it, is no act.
        let harmless = words.get(at + 1).is_some_and(|word| HARMLESS.contains(&word.as_str()));
        is_in(&words[at], self.verbs)
            && (self.objects.is_empty() || any(words, self.objects))
            && !any(&words[at + 1..], self.not)
            && !harmless
            && !(words[at] == "checkout" && words[..at].iter().any(|word| word == "git"))
            && !words.iter().any(|word| NEVER.contains(&word.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_name_has_several_words_when_it_is_cut_into_several(name in "[a-zA-Z0-9_.-]{0,10}|[a-z_]{1,3}|mcp[a-zA-Z]{0,3}") {
            prop_assert_eq!(has_words(&name), words(&name).len() > 1);
        }

        #[test]
        fn no_line_that_names_a_tool_is_passed_over(
            line in "([a-zA-Z_.:(\\[ /-]|tool: |submitPayment|POST |/api/orders|curl -X | ){0,12}",
        ) {
            prop_assert!(may_name(&line) || names(&line).next().is_none(), "{:?}", names(&line).next());
        }
    }
}
