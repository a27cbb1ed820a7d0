//! What an agent says in other languages than English: the words that were found, an intention in the same sentence, and
//! nothing that takes it back.
//!
//! German, French, Spanish, Italian, Portuguese, Japanese and Chinese. Less is understood than in English: a plan is not
//! told from the next act.

use std::ops::Range;

use super::Facts;
use super::clause::{has_any, next, sentence};
use super::family::{is_act, names_element};
use crate::api::EventKind;

/// Whether the words at `range` announce a commit; `alone` where they do so by themselves.
pub(super) fn commits(facts: &Facts<'_>, range: &Range<usize>, alone: bool) -> bool {
    let text = facts.folded.as_str();
    let sentence = sentence(facts.folded, range);
    let (lead, tail) = (&text[sentence.start..range.start], &text[range.end..sentence.end]);
    if taken_back(lead, tail) || has_any(&text[sentence.clone()], ELSEWHERE) {
        return false;
    }
    let several = text[range.clone()].contains(' ');
    let unspaced = !text[range.clone()].chars().any(super::super::text::continues_word);
    alone
        || (is_act(facts.kind) && (several || unspaced || names_element(facts, range)))
        || *facts.kind == EventKind::Question
        || (lead.trim().is_empty() && several)
        || unspaced
        || has_any(lead, INTENTS)
        || has_any(tail, INTENTS)
        || has_any(&text[next(facts.folded, sentence.end)], INTENTS)
}

/// Whether a sentence takes back what it says.
pub(super) fn takes_back(sentence: &str) -> bool {
    has_any(sentence, TAKEN_BACK) || UNSPACED.iter().any(|sign| sentence.contains(sign))
}

/// Whether the part of the sentence, up to a comma or "but", takes it back.
fn taken_back(lead: &str, tail: &str) -> bool {
    let part = [",", " aber ", " sondern ", " mais ", " pero ", " sino ", " ma ", " mas ", ":"]
        .iter()
        .filter_map(|joint| lead.rfind(joint).map(|at| at + joint.len()))
        .max()
        .map_or(lead, |at| &lead[at..]);
    let tail: String = tail.chars().take(8).collect();
    has_any(part, TAKEN_BACK) || UNSPACED.iter().any(|sign| part.contains(sign) || tail.contains(sign))
}

/// Words of an intention.
#[rustfmt::skip]
const INTENTS: &[&str] = &[
    "klicke", "klick", "drücke", "werde", "jetzt", "nun",
    "je clique", "cliquer", "clique", "je vais", "appuie", "maintenant", "clic", "pulso", "pulsar", "voy a", "ahora",
    "haré", "presiono", "clicco", "cliccare", "premo", "sto per", "procedo", "adesso", "clicar", "clico", "vou",
    "agora",
    "click", "clicking", "press", "tap", "will", "möchte", "klick", "appuyer", "dois", "hago clic", "debo", "quiero", "devo", "preciso", "quero", "tippe", "presse",
];

/// Words before the find, in its own part of the sentence, that take it back.
#[rustfmt::skip]
const TAKEN_BACK: &[&str] = &[
    "nicht", "kein", "keine", "ohne", "niemals", "statt", "ne", "n'", "sans", "pas", "jamais", "sin", "nunca", "non", "senza", "mai",
    "não", "nao", "sem", "no", "bevor", "später", "ehe", "falls", "wenn", "nachdem", "sobald", "avant", "plus tard", "si", "après", "lorsque",
    "antes", "después", "cuando", "luego", "prima", "dopo", "quando", "se", "depois", "not", "don't", "never", "without", "bereits",
    "schon", "déjà", "wie", "wo", "ob", "warum", "comment", "cómo", "como", "come", "où", "dónde", "dove", "onde", "lese", "leo", "lis", "lire", "leer", "leggo",
    "leio", "ler", "suche", "cherche", "busco", "cerco", "procuro", "vergleiche", "compare", "comparo", "faq", "page", "página", "seite", "um zu", "pour", "para", "ya he", "già", "já", "ziel ist", "l'objectif", "objetivo", "obiettivo",
];

/// Signs of scripts without spaces that take it back, before the find or right after it.
#[rustfmt::skip]
const UNSPACED: &[&str] = &[
    "方法", "流程", "说明", "人数", "金額", "商品", "手順", "ページ", "历史", "履歴", "政策", "比较", "比較", "如何", "调べ", "調べ", "前", "为了",
    "ない", "ません", "ずに", "前に", "まだ", "不要", "不会", "不能", "不应", "别", "没有", "不下单", "之前", "已经",
];

/// Words anywhere in the sentence that make it about a page to come or a button that cannot be used.
#[rustfmt::skip]
const ELSEWHERE: &[&str] = &[
    "wo ich", "où je", "donde puedo", "dove posso", "onde posso", "deaktiviert", "ausgegraut", "désactivé", "desactivado", "disattivato",
    "desativado",
];
