//! Which characters can be shown as they are.
//!
//! By general category, with a list of the invisible ones that hide among letters, marks and symbols.

use unicode_properties::{GeneralCategory as Category, UnicodeGeneralCategory as _};

/// What the escaping does with a character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// Shown as it is.
    Plain,
    /// A combining mark: shown on a base, up to a number.
    Mark,
    /// Selects text or emoji style; harmless once after a symbol, a hidden channel elsewhere.
    EmojiStyle,
    /// Always shown as an escape.
    Unsafe,
}

/// Classes one character.
pub(super) fn of(c: char) -> Class {
    if c.is_ascii() {
        return if c.is_ascii_control() { Class::Unsafe } else { Class::Plain };
    }
    if is_invisible(c) {
        return Class::Unsafe;
    }
    match c.general_category() {
        Category::NonspacingMark if matches!(c, '\u{FE0E}' | '\u{FE0F}') => Class::EmojiStyle,
        Category::NonspacingMark | Category::SpacingMark | Category::EnclosingMark => Class::Mark,
        Category::Control
        | Category::Format
        | Category::Surrogate
        | Category::PrivateUse
        | Category::Unassigned
        | Category::SpaceSeparator
        | Category::LineSeparator
        | Category::ParagraphSeparator => Class::Unsafe,
        Category::UppercaseLetter
        | Category::LowercaseLetter
        | Category::TitlecaseLetter
        | Category::ModifierLetter
        | Category::OtherLetter
        | Category::DecimalNumber
        | Category::LetterNumber
        | Category::OtherNumber
        | Category::ConnectorPunctuation
        | Category::DashPunctuation
        | Category::OpenPunctuation
        | Category::ClosePunctuation
        | Category::InitialPunctuation
        | Category::FinalPunctuation
        | Category::OtherPunctuation
        | Category::MathSymbol
        | Category::CurrencySymbol
        | Category::ModifierSymbol
        | Category::OtherSymbol => Class::Plain,
    }
}

/// Whether one style selector after `base` is ordinary writing.
pub(super) fn takes_emoji_style(base: char) -> bool {
    base.general_category() == Category::OtherSymbol
}

/// Characters without a glyph whose category does not say so (Unicode's `Default_Ignorable_Code_Point` and blanks).
fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{034F}'                  // combining grapheme joiner
        | '\u{115F}' | '\u{1160}'   // Hangul fillers
        | '\u{17B4}' | '\u{17B5}'   // Khmer inherent vowels
        | '\u{180B}'..='\u{180F}'   // Mongolian variation selectors
        | '\u{2065}'                // reserved, ignorable
        | '\u{2800}'                // braille blank
        | '\u{3164}' | '\u{FFA0}'   // Hangul fillers
        | '\u{FE00}'..='\u{FE0D}'   // variation selectors 1 to 14
        | '\u{FFF0}'..='\u{FFF8}'   // reserved, ignorable
        | '\u{16FE4}'               // Khitan filler
        | '\u{1D159}'               // musical null notehead
        | '\u{E0000}'..='\u{E0FFF}' // tags, variation selectors 17 to 256
    )
}
