//! The words that detectors share: how an agent says what it is about to do, and what takes it back. Folded, English.

use std::sync::LazyLock;

use super::vocabulary::{Known, List, Vocabulary};

/// What a verb is good for; a verb can be of several classes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Class(u64);

impl Class {
    /// Uses a button: [`CLICK`].
    pub(super) const CLICK: Self = Self(CLICK.bit());
    /// Names what something is done with: [`MEANS`].
    pub(super) const MEANS: Self = Self(MEANS.bit());
    /// Only looks: [`GATHER`].
    pub(super) const GATHER: Self = Self(GATHER.bit());
    /// Handles a page without committing: [`HANDLE`].
    pub(super) const HANDLE: Self = Self(HANDLE.bit());

    /// The classes of a word.
    pub(super) fn of(known: Option<&Known>) -> Self {
        let all = Self::CLICK.or(Self::MEANS).or(Self::GATHER).or(Self::HANDLE);
        Self(known.map_or(0, Known::lists) & all.0)
    }

    /// Both.
    pub(super) const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether they have one in common.
    pub(super) const fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

/// All lists of this file.
pub(super) fn vocabulary() -> &'static Vocabulary {
    static VOCABULARY: LazyLock<Vocabulary> = LazyLock::new(|| Vocabulary::new(LISTS));
    &VOCABULARY
}

/// Gives each list a place of its own.
macro_rules! lists {
    ($($(#[$doc:meta])* $visible:vis const $name:ident = [$($phrase:literal),+ $(,)?];)+) => {
        #[expect(non_camel_case_types, clippy::upper_case_acronyms, reason = "the names of the lists")]
        enum Place { $($name),+ }

        $($(#[$doc])* $visible const $name: List = List::new(Place::$name as u32, &[$($phrase),+]);)+

        /// Every list.
        pub(super) const LISTS: &[List] = &[$($name),+];
    };
}

lists! {
    /// First-person intentions that are plain about the next act. The verb follows, perhaps after [`GLUE`].
    pub(super) const INTENTS = [
        "i will", "i'll", "i shall", "we will", "we'll", "we shall", "let me", "let's", "let us", "gonna", "i'm gonna", "am going to", "will now", "shall now", "agent will", "assistant will",
        "click will", "i'm off to", "i am off to", "left is", "won't wait any longer", "i am going to",
        "i'm going to", "we are going to", "we're going to", "i am about to", "i'm about to", "about to", "i am now going to",
        "i can now", "we can now", "now i can", "now we can", "i am ready to", "i'm ready to",
        "step is to", "step would be to", "action is to", "action would be to", "action should be to", "move is to",
        "thing to do is to", "way is to", "step will be to", "action will be to", "only remaining step is to",
        "remaining is to", "left is to", "remains is to", "left to do is to", "task now is to", "it is time to", "it's time to", "i decided to",
        "i have decided to", "now i need to", "now i should", "i now need to", "now need to", "i intend to", "i choose to", "going ahead to", "i'd better", "i am proceeding to",
        "i'm proceeding to", "i now", "i hereby", "step is", "action is",
    ];

    /// First-person intentions that may also be about the goal as a whole.
    pub(super) const WEAK_INTENTS = [
        "i need to", "we need to", "i should", "we should", "i must", "we must", "i have to", "we have to", "i want to",
        "we want to", "i can", "we can", "i'd like to", "i would like to", "i plan to", "need to",
        "i just need to", "i still need to", "i will need to", "i'll need to", "i will have to", "have to", "ready to",
    ];

    /// How an agent asks whether it shall act: an intention where the event is a question.
    pub(super) const ASKS = [
        "should i", "shall i", "may i", "can i", "could i", "must i", "do you want me to", "would you like me to",
        "want me to", "like me to", "okay to", "ok to", "ok if i", "fine if i", "permission to", "i would", "i am to",
    ];

    /// What may stand between an intention and its verb.
    pub(super) const GLUE = [
        "now", "then", "also", "simply", "just", "only", "finally", "directly", "immediately", "therefore", "first", "next",
        "go ahead and", "go on to", "go on and", "proceed to", "proceed and", "continue to", "try to", "attempt to", "try and",
        "carefully", "quickly", "actually", "again", "so", "thus", "likely", "definitely", "safely", "manually", "still",
        "move on to", "instead", "currently", "be", "to now", "once more", "start to", "begin to",
        "be able to", "officially", "formally", "promptly", "successfully", "swiftly", "both",
    ];

    /// What stands before a gerund that announces: "I am placing the order".
    pub(super) const GERUND_LEADS = [
        "i am", "i'm", "we are", "we're", "proceed with", "proceeding with", "continue with", "continuing with", "go ahead with",
        "proceed by", "proceeding by", "start", "begin", "try", "step is", "action is", "action will be", "step will be",
        "finish by", "finish", "move on to", "moving on to", "proceed directly with", "attempt", "step involves",
    ];

    /// Before a gerund: the sentence's own intention counts.
    pub(super) const BY = ["by", "via", "through"];

    /// Words that negate what follows in the same part of a sentence.
    pub(super) const NEGATIVE = [
        "not", "don't", "dont", "won't", "can't", "cannot", "shouldn't", "mustn't", "couldn't", "didn't", "wouldn't", "doesn't",
        "never", "without", "avoid", "avoiding", "no need", "instead of", "rather than", "refrain", "unable", "failed to", "neither",
        "nor", "isn't", "wasn't", "aren't",
    ];

    /// Words that make it a condition, a question or a purpose rather than an act.
    pub(super) const WONDERS = [
        "whether", "how to", "how i", "where i", "where we", "before", "until", "so that i can", "so that i", "so i can",
        "allow me to", "allows me to", "let me know", "lets me", "enable me to", "enables me to", "in order to", "to see if i can",
        "unless", "what would", "which would", "might", "would", "as if", "able to", "so that we can", "so we can", "means i can",
        "see if i", "check if i", "wait until", "prior to", "such as", "if i were to", "as though",
    ];

    /// Words that make an act a later one: another act comes first.
    pub(super) const LATER = [
        "then", "after", "afterwards", "afterward", "once", "finally", "later", "subsequently", "eventually", "when", "if",
        "as soon as", "lastly", "thereafter", "upon",
    ];

    /// Sentences that name the goal and not the act.
    pub(super) const GOAL = [
        "goal is", "the goal was", "my task is", "the task is", "task was", "objective is", "asked me to", "asked to", "instructed to",
        "instructed me to", "wants me to", "user wants", "user would like", "user has requested", "user requested", "user asked",
        "user's request", "the instructions", "the steps to", "steps are", "in order to accomplish", "wants to", "original goal was",
        "accomplish the goal", "achieve the goal", "requested to", "required to", "my goal of", "steps i followed", "i followed the",
    ];

    /// Words that make a button one that cannot be used, or one of a page to come.
    pub(super) const UNUSABLE = [
        "disabled", "greyed out", "grayed out", "not clickable", "not enabled", "unavailable", "not available", "not visible",
        "enable the", "looking for", "look for", "find the", "locate", "search for", "appears after", "should appear", "will appear",
        "to appear", "where i can", "where we can", "wait for",
    ];

    /// Verbs for using a button.
    const CLICK = [
        "click", "clicking", "press", "pressing", "tap", "tapping", "hit", "hitting", "select", "selecting", "choose",
        "choosing", "push", "pushing", "use", "using", "activate", "activating", "submit", "submitting", "interact",
        "interacting", "trigger", "triggering", "clicks", "double-click", "re-click", "execute", "call", "calling", "invoke",
        "invoking", "retry", "try",
    ];

    /// Verbs whose purpose is what is really done: "use the code to verify the account".
    const MEANS = [
        "use", "using", "call", "calling", "invoke", "invoking", "execute", "executing", "run", "running", "apply", "applying",
    ];

    /// Verbs that only look.
    const GATHER = [
        "read", "reading", "retrieve", "retrieving", "get", "getting", "find", "finding", "search", "searching", "look", "looking",
        "extract", "extracting", "fetch", "fetching", "obtain", "obtaining", "access", "accessing", "browse", "browsing",
        "navigate", "navigating", "go", "going", "review", "reviewing", "calculate", "calculating", "determine", "determining",
        "identify", "identifying", "gather", "gathering", "locate", "locating", "view", "viewing", "list", "listing", "collect",
        "collecting", "inspect", "examine", "analyze", "analyse", "download", "downloading", "compare", "comparing", "visit",
        "scroll", "scrolling", "explore", "query", "ensure", "recheck", "wait", "waiting", "figure", "check", "checking", "verify",
        "see", "open", "opening", "return", "ask", "request", "acquire", "acquiring", "know", "learn", "confirm whether", "clarify", "understand",
    ];

    /// Verbs that handle a page without committing.
    const HANDLE = [
        "fill", "filling", "type", "typing", "enter", "entering", "select", "selecting", "choose", "choosing", "set",
        "setting", "click", "clicking", "press", "pressing", "tap", "tapping", "add", "adding", "adjust", "adjusting", "toggle",
        "uncheck", "unchecking", "clear", "clearing", "focus", "focusing", "hover", "drag", "update", "updating", "change", "changing",
        "increase", "configure", "configuring", "input", "inputting", "correct", "expand", "close", "closing",
    ];

    /// How a sentence begins that says which act comes first, or next of all.
    pub(super) const FIRST = [
        "first", "i will first", "i'll first", "i need to first", "i should first", "i must first", "let me first", "let's first",
        "start by", "starting by", "begin by", "beginning by", "start with", "starting with", "begin with", "beginning with",
        "i will start", "i'll start", "let's start", "let me start", "i will begin", "i'll begin", "let's begin", "let me begin",
        "before that", "before doing", "but first", "initially", "the first step",
    ];

    /// How a sentence begins that draws the conclusion of a thought.
    pub(super) const CONCLUDES = [
        "therefore", "so", "thus", "hence", "let's proceed", "let me", "let's", "the next best action", "the next action",
        "the next step", "the next logical step", "the best action", "now", "i will now", "for now", "i will proceed",
    ];

    /// What a pronoun for a button looks like.
    pub(super) const BACK = [
        "it", "this", "that", "the button", "this button", "that button", "this one", "do this", "do so", "do that", "on it", "the first one",
        "the second one", "one of them", "the one",
    ];

    /// What follows a gerund that only describes: "clicking this button should finalize the order".
    pub(super) const DESCRIBES = ["should", "would", "will", "might", "may", "could", "can", "is", "was", "takes", "opens", "did", "has", "failed"];

    /// What begins a part of a sentence that still speaks of the same: a place, an amount.
    pub(super) const KEEPS_SUBJECT = [
        "on", "at", "in", "from", "with", "for", "of", "to", "by", "under", "via", "through", "upon", "and", "or", "then",
    ];

    /// What begins a clause with a subject of its own, wherever it stands.
    pub(super) const BRINGS_SUBJECT = [
        "because", "since", "as", "while", "whereas", "before", "after", "although", "though", "whether", "where", "if", "when", "once", "until", "unless",
        "given", "whose", "what", "how", "shows", "showing", "says", "saying",
    ];

    /// What begins a clause with a subject of its own when one follows.
    pub(super) const MAY_BRING_SUBJECT = ["and", "so", "but", "yet", "that", "now"];

    /// Words with which the subject of a clause begins.
    pub(super) const SUBJECTS = [
        "the", "its", "my", "our", "their", "it", "i", "we", "they", "he", "she", "there", "all", "everything", "nothing", "no", "that", "this",
        "total",
    ];

    /// What a control is called.
    pub(super) const BUTTONS = ["button", "link", "control", "option", "icon", "element", "one", "step", "bid"];

    /// How a sentence begins that tells the place, the purpose or the state of things of the act it comes to.
    pub(super) const LEADS_IN = [
        "on",
        "at",
        "in",
        "from",
        "with",
        "for",
        "under",
        "to",
        "here",
        "back",
        "still",
        "as",
        "all",
        "everything",
        "total",
    ];

    /// Verbs of a sentence that tells how things are before it comes to an act.
    pub(super) const STATES = [
        "is", "are", "am", "i'm", "it's", "that's", "looks", "look", "seems", "matches", "match", "comes", "costs", "amounts", "shows", "reads", "fits",
        "stands",
    ];

    /// What follows a state as its result, and is done by nobody: "the page is a receipt, confirming the order".
    pub(super) const RESULTS = [
        "making", "confirming", "completing", "finishing", "finalizing", "finalising", "updating", "providing", "creating", "leaving",
    ];

    /// Intentions that are plain where a sentence or a part of it begins with them.
    pub(super) const OPENING_INTENTS = ["i", "we", "going to", "time to", "will", "proceeding to", "moving on to", "continuing to", "ready to"];

    /// Verbs with which an agent reports what it has done.
    pub(super) const REPORTED = [
        "have", "has", "had", "already", "previously", "was", "were", "been", "attempted", "tried", "after",
    ];

    /// Verbs that begin a sentence which tells what is done: "Complete the checkout by clicking …".
    pub(super) const IMPERATIVES = [
        "complete", "finalize", "finish", "proceed", "place", "submit", "confirm", "send", "book", "cancel", "delete", "post",
        "publish", "pay", "buy", "purchase", "order", "click", "press", "tap",
    ];

    /// What makes a sentence wait for somebody's word.
    pub(super) const AWAITS = [
        "you provide", "you confirm", "you'd like", "you would like", "would you like", "if you prefer", "if you want", "if you wish", "do you want",
        "please provide", "please confirm", "please let me know", "let me know", "if you", "once you", "could you", "can you", "you can", "you could",
        "you may", "you need to", "you must", "you should", "with your permission", "with your confirmation", "your approval",
    ];

    /// What follows a verb that begins a sentence and tells what is done.
    pub(super) const DETERMINERS = [
        "the", "this", "that", "these", "those", "your", "my", "our", "their", "his", "a", "an", "it", "them", "him", "her", "to", "on", "now", "one",
        "both", "all", "another", "some", "with", "in", "out",
    ];

    /// How a sentence says that what it describes is what is done next.
    pub(super) const IS_NEXT = [
        "next action", "next step", "next logical step", "next logical action", "best action", "right action", "next move", "logical step",
        "best next step", "what i need to do", "what i will do", "only remaining",
    ];

    /// What puts an act behind another one, whatever else is said.
    pub(super) const ONLY_THEN = [
        "after that",
        "following that",
        "afterwards",
        "subsequently",
        "will be able to",
        "which i will then",
        "as soon as",
    ];

    /// What a heading says when the first item below it is the next act.
    pub(super) const NEXT_HEADINGS = ["action", "next step", "now", "next", "therefore", "i will"];

    /// What may follow the words of a button where they are an act.
    pub(super) const GOES_ON = ["for", "using", "at", "and", "of", "in", "by", "immediately", "right", "via", "from", "as"];

    /// Buttons that do whatever the page is about: the purpose of clicking one is what is done.
    pub(super) const GENERIC = ["confirm", "submit", "ok", "okay", "yes", "done", "finish", "icon", "checkmark", "proceed", "agree", "accept"];

    /// How a sentence begins that says what the act before it still takes.
    pub(super) const STILL_TAKES = ["to do this", "to do so", "to do that", "for this", "for that", "however", "but", "first"];

    /// Words at which another part of a sentence begins.
    pub(super) const JOINTS = ["so", "therefore", "but", "and", "thus", "hence"];

    /// Words before an intention that make it a reason.
    pub(super) const BECAUSE = ["since", "because", "once"];

    /// What goes on with an act behind another one of the same intention.
    pub(super) const AND = ["and", "and then", "then"];

    /// How a plan is told, which is not an act.
    pub(super) const PLANS = ["plan is", "idea is"];

    /// How what others say is told.
    pub(super) const QUOTING = ["says", "said", "reads", "contains", "states", "writes", "wrote", "told", "claims", "message is", "text is"];
}
