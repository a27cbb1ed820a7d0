//! What may never come out, and what must.

use proptest::prelude::*;

use super::*;

fn one(text: &str) -> String {
    escape(text, 10_000).text
}

/// Undoes [`escape`], to show that two texts never look the same.
fn undo(text: &str) -> String {
    let text = text.replace(BREAK, "\n");
    let mut out = String::new();
    let mut rest = text.as_str();
    while let Some(at) = rest.find("<U+") {
        let end = at + rest[at..].find('>').expect("our escapes are closed");
        out.push_str(&rest[..at]);
        out.push(char::from_u32(u32::from_str_radix(&rest[at + 3..end], 16).expect("hex")).expect("scalar"));
        rest = &rest[end + 1..];
    }
    out + rest
}

fn is_safe(c: char) -> bool {
    class::of(c) != Class::Unsafe
}

#[test]
fn ordinary_writing_is_left_alone() {
    for text in [
        "Clicking 'Place your order'",
        "Größe: 1.299,00 €",
        "東京で買う",
        "שלום",
        "e\u{301}té",
        "⚠\u{FE0F} 5 < 7",
        "<b>",
    ] {
        assert_eq!(escape(text, 100), Escaped { text: text.to_owned(), hidden: false, cut: false });
    }
}

#[test]
fn each_kind_of_hidden_character_is_shown() {
    let kinds = [
        ("\u{1b}[2J", "<U+001B>[2J"),
        ("a\nb\r\tc", "a ⏎ b<U+000D><U+0009>c"),
        ("\u{7f}\u{9b}31m", "<U+007F><U+009B>31m"),
        ("\u{202e}txt.exe\u{2066}", "<U+202E>txt.exe<U+2066>"),
        ("pay\u{200b}pal\u{200d}\u{feff}", "pay<U+200B>pal<U+200D><U+FEFF>"),
        ("\u{e0041}\u{e0042}", "<U+E0041><U+E0042>"),
        ("a\u{fe01}\u{e0101}", "a<U+FE01><U+E0101>"),
        ("a\u{fe0f}", "a<U+FE0F>"),
        ("\u{e000}\u{f0000}", "<U+E000><U+F0000>"),
        ("\u{378}\u{fdd0}\u{10ffff}", "<U+0378><U+FDD0><U+10FFFF>"),
        ("a\u{2028}b\u{2029}", "a<U+2028>b<U+2029>"),
        ("co\u{ad}op\u{a0}\u{3000}", "co<U+00AD>op<U+00A0><U+3000>"),
        ("\u{3164}\u{115f}\u{ffa0}\u{2800}", "<U+3164><U+115F><U+FFA0><U+2800>"),
        ("\u{301}x", "<U+0301>x"),
    ];
    for (raw, shown) in kinds {
        assert_eq!(escape(raw, 100), Escaped { text: shown.to_owned(), hidden: true, cut: false }, "{raw:?}");
    }
}

#[test]
fn a_literal_that_looks_like_an_escape_is_told_apart() {
    assert_eq!(one("<U+202E>"), "<U+003C>U+202E>");
    assert_eq!(one("<… cut"), "<U+003C>… cut");
    assert_eq!(one("<+9 marks>"), "<U+003C>+9 marks>");
    assert_eq!(one("a ⏎ b"), "a <U+23CE> b");
}

#[test]
fn marks_are_capped_and_counted() {
    let tower = format!("a{}b", "\u{301}".repeat(12));
    assert_eq!(one(&tower), format!("a{}<+8 marks>b", "\u{301}".repeat(4)));
    assert!(escape(&tower, 100).hidden);
}

#[test]
fn long_text_keeps_head_and_tail_and_says_its_length() {
    let text = format!("{}{}", "h".repeat(600), "t".repeat(400));
    let shown = escape(&text, 30);
    assert_eq!(shown.text, format!("{}<… cut: 1000 characters in all …>{}", "h".repeat(20), "t".repeat(10)));
    assert!(shown.cut && !shown.hidden);
}

#[test]
fn a_block_breaks_lines_and_escapes_the_rest() {
    let shown = block("one\r\ntwo\u{1b}\n\nthree", 100);
    assert_eq!(shown.lines, ["one", "two<U+001B>", "", "three"]);
    assert!(shown.hidden && !shown.cut);
    assert_eq!(block("a\nb", 100), Block { lines: vec!["a".into(), "b".into()], hidden: false, cut: false });
    assert!(block("", 10).lines.is_empty());
    assert_eq!(block("a\n\u{301}b", 100).lines, ["a", "<U+0301>b"]);
}

proptest! {
    #[test]
    fn nothing_unsafe_comes_out(text in any::<String>(), max in 0usize..200) {
        for shown in [escape(&text, max).text, again(&text), block(&text, max).lines.concat()] {
            prop_assert!(shown.chars().all(is_safe), "{shown:?}");
        }
    }

    #[test]
    fn no_unsafe_scalar_comes_out_wherever_it_stands(c in any::<char>(), d in any::<char>()) {
        let shown = one(&format!("x{c}{d}y{c}"));
        prop_assert!(shown.chars().all(is_safe), "{shown:?}");
    }

    #[test]
    fn different_texts_never_look_the_same(text in "[<U+0-9A-F>…marks a⏎\n\u{202e}\u{200b}\u{1b}é]{0,40}") {
        let shown = escape(&text, 10_000);
        prop_assert_eq!(undo(&shown.text), text.clone());
        prop_assert_eq!(shown.hidden, shown.text != text.replace('\n', BREAK));
    }

    #[test]
    fn what_is_shown_can_be_shown_again_unchanged(text in any::<String>(), max in 0usize..200) {
        let shown = escape(&text, max).text;
        prop_assert_eq!(again(&shown), shown);
    }

    #[test]
    fn the_length_is_bounded(text in any::<String>(), max in 0usize..100) {
        prop_assert!(escape(&text, max).text.chars().count() <= max + 60);
    }
}
